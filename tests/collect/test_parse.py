"""Pages to rows: exact sums, unknown fields kept, contradictions refused."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.collect.answers import decode, decode_page
from tallybook.collect.parse import parse
from tallybook.model.datasets import DATASETS, dataset
from tallybook.model.errors import TallybookError, UnexpectedResponseError
from tallybook.model.schema import parsed
from tallybook.model.windows import DAY, Span, Window, naive
from tests.collect.server import bucket, page

START = 1_790_000_000 // DAY * DAY
WINDOW = Window(START, START + 2 * DAY, "1d")
LATER = START + 30 * DAY
CHATS, COSTS, EMBEDDINGS = dataset("completions"), dataset("costs"), dataset("embeddings")


def chat(**fields: Any) -> dict[str, Any]:
    return {"object": CHATS.result, "input_tokens": 10, "output_tokens": 5, "num_model_requests": 1, **fields}


def cost(value: Any = "0.06", **fields: Any) -> dict[str, Any]:
    return {"object": COSTS.result, "amount": {"value": value, "currency": "usd"}, **fields}


def rows(known: Any, *results: Any, read_at: int = LATER) -> list[dict[str, Any]]:
    """Return what is known, not null, of each row of one day."""
    table, _ = parse(known, WINDOW, [page([bucket(START, START + DAY, *results)])], read_at)
    assert table.schema == parsed(known)
    return [{k: v for k, v in row.items() if v is not None and "_time" not in k} for row in table.to_pylist()]


def test_the_documented_body_gives_its_numbers() -> None:
    body = b"""{"object":"page","data":[{"object":"bucket","start_time":1730419200,"end_time":1730505600,"results":[
     {"object":"organization.usage.completions.result","input_tokens":1000,"input_cached_tokens":400,
      "input_cache_write_tokens":100,"input_uncached_tokens":500,"output_tokens":500,"input_text_tokens":400,
      "output_text_tokens":400,"input_cached_text_tokens":300,"input_audio_tokens":50,"input_cached_audio_tokens":50,
      "output_audio_tokens":50,"input_image_tokens":50,"input_cached_image_tokens":50,"output_image_tokens":50,
      "num_model_requests":5,"project_id":null,"user_id":null,"api_key_id":null,"model":null,"batch":null,
      "service_tier":null}]}],"has_more":true,"next_page":"page_AAAAAGdGxdEiJdKOAAAAAGcqsYA="}"""
    window = Window(1730419200, 1730505600, "1d")
    for decoded in (decode(body), decode_page(body)):
        table, notes = parse(CHATS, window, [decoded], LATER)  # type: ignore[list-item]
        (row,) = table.to_pylist()
        assert (row["input_tokens"], row["output_image_tokens"], row["num_model_requests"]) == (1000, 50, 5)
        assert (row["start_time"], row["end_time"]) == (naive(1730419200), naive(1730505600))
        assert (row["model"], row["input_cache_write_30m_tokens"], row["extra"]) == (None, None, None)
        assert notes == ()


def test_amounts_are_exact_from_text_and_from_number() -> None:
    body = json.dumps(page([bucket(START, START + DAY, cost("0E-6176", line_item="a"), cost("VALUE"))]))
    decoded = decode_page(body.replace('"VALUE"', "0.1234567890123456785").encode())
    table, notes = parse(COSTS, WINDOW, [decoded], LATER)  # type: ignore[list-item]
    assert table["amount"].to_pylist() == [Decimal(0), Decimal("0.123456789012345678")]
    assert [(n.kind, n.text[:9]) for n in notes] == [("precision", "1 amounts")]


def test_duplicates_are_summed_and_null_plus_x_is_x() -> None:
    got = rows(
        CHATS,
        chat(model="a", input_cached_tokens=None, input_text_tokens=1),
        chat(model="b"),
        chat(model="a", input_cached_tokens=3, input_text_tokens=2),
    )
    numbers = {"input_tokens": 20, "output_tokens": 10, "num_model_requests": 2}
    assert got[0] == {"model": "a", **numbers, "input_cached_tokens": 3, "input_text_tokens": 3}
    assert got[1] == {"model": "b", "input_tokens": 10, "output_tokens": 5, "num_model_requests": 1}


def test_costs_differ_by_currency_and_unit() -> None:
    euro = {"object": COSTS.result, "amount": {"value": 1, "currency": "EUR"}}
    got = rows(COSTS, cost(1), euro, cost(2, quantity_unit="tokens", quantity=Decimal("0.5")), cost("0.10"))
    assert got == [
        {"amount": Decimal("1.1"), "currency": "usd"},
        {"amount": Decimal(1), "currency": "eur"},
        {"amount": Decimal(2), "currency": "usd", "quantity": Decimal("0.5"), "quantity_unit": "tokens"},
    ]


def test_unknown_fields_are_kept_and_people_are_dropped() -> None:
    strange = {"zeta": 1, "alpha": {"user_email": "a@b.c", "x": Decimal("1.50")}, "nothing": None}
    people = {"project_name": "P", "user_email": "a@b.c", "organization_name": "O", "owner": "a@b.c"}
    assert rows(CHATS, chat(**strange, **people))[0]["extra"] == '{"alpha":{"x":1.50},"zeta":1}'
    assert "extra" not in rows(CHATS, chat(**people))[0]
    told = {"amount": {"value": 1, "currency": "usd", "payer_email": "a@b.example"}}
    assert "extra" not in rows(COSTS, cost() | told)[0]
    assert "extra" not in rows(CHATS, chat(amount="a@b.example"))[0]
    taxed = cost() | {"amount": {"value": "1", "currency": "usd", "tax": "0.2"}}
    assert rows(COSTS, taxed)[0]["extra"] == '{"amount":{"tax":"0.2"}}'
    taxed = cost() | {"amount": {"value": "1", "tax": "0.2"}}
    assert rows(COSTS, taxed)[0]["extra"] == '{"amount":{"tax":"0.2"}}'


def test_unknown_fields_of_duplicates_are_all_kept() -> None:
    assert rows(CHATS, chat(x=1), chat(x=2), chat(x=1))[0]["extra"] == '[{"x":1},{"x":2}]'
    assert rows(CHATS, chat(x=1), chat(x=1))[0]["extra"] == '{"x":1}'


@pytest.mark.parametrize(
    "fields",
    [
        {"object": "organization.usage.embeddings.result"},
        {"object": None},
        {"input_tokens": "10"},
        {"input_tokens": True},
        {"input_tokens": Decimal("1.5")},
        {"input_tokens": 2**63},
        {"input_tokens": -(2**63) - 1},
        {"input_tokens": Decimal("1E+400")},
        {"model": 4},
        {"model": ["gpt"]},
        {"model": {"id": "gpt"}},
        {"batch": "true"},
        {"batch": 1},
        {"user_id": "\ud800"},
        {"unknown": 10**5_000},
    ],
    ids=lambda f: repr(f)[:40] if not f.get("unknown") else "huge",
)
def test_a_value_that_is_not_what_its_field_holds_fails_the_window(fields: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponseError, match=r"completions.*Nothing of it was used") as raised:
        rows(CHATS, chat(**fields))
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    "row",
    [cost("NaN"), cost(True), cost([]), cost() | {"amount": 5}, cost(quantity="x"), cost(quantity_unit=7),
     cost() | {"amount": {"value": 1, "currency": 3}}, cost(10**20)],
    ids=repr,
)  # fmt: skip
def test_an_amount_that_is_none_fails_the_window(row: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedResponseError, match="wrong type or size"):
        rows(COSTS, row)


def test_a_sum_that_overflows_fails_the_window() -> None:
    with pytest.raises(UnexpectedResponseError):
        rows(CHATS, chat(input_tokens=2**62), chat(input_tokens=2**62))
    with pytest.raises(UnexpectedResponseError):
        rows(COSTS, cost("6e19"), cost("6e19"))


def test_a_whole_number_written_with_an_exponent_is_whole() -> None:
    assert rows(CHATS, chat(input_tokens=Decimal("1E+3")))[0]["input_tokens"] == 1000


DAY0, DAY1 = (START, START + DAY), (START + DAY, START + 2 * DAY)


@pytest.mark.parametrize(
    ("buckets", "words"),
    [
        ([bucket(*DAY0), bucket(*DAY0)], "comes twice"),
        ([bucket(*DAY1), bucket(*DAY0)], "out of order"),
        ([bucket(START + 60, START + DAY)], "is not a whole 1d bucket"),
        ([bucket(START - DAY, START)], "outside of the window"),
        ([bucket(START + 2 * DAY, START + 3 * DAY)], "outside of the window"),
        ([bucket(10**30, 10**30 + DAY)], "outside of the window"),
        ([bucket(START, START + DAY - 1)], "ends at"),
        ([bucket(START, START + 2 * DAY)], "ends at"),
        ([bucket(START, 10**30)], "ends at"),
        ([bucket(*DAY0, object="trap")], "where 'bucket' belongs"),
        ([{"object": "bucket", "results": []}], "without start_time and end_time"),
        ([bucket(str(START), START + DAY)], "without start_time and end_time"),  # type: ignore[arg-type]
        ([None], "without start_time and end_time"),
        ([{**bucket(*DAY0), "results": {}}], "not a list of objects"),
        ([{**bucket(*DAY0), "results": 0}], "not a list of objects"),
        ([bucket(*DAY0, "row")], "not a list of objects"),
    ],
)
def test_buckets_that_cannot_be_trusted_fail_the_window(buckets: list[Any], words: str) -> None:
    with pytest.raises(UnexpectedResponseError, match=words):
        parse(CHATS, WINDOW, [page(buckets)], LATER)


def test_an_open_bucket_may_be_cut_at_now_and_gets_the_end_that_it_will_have() -> None:
    half = page([bucket(START, START + 3600, chat())])
    table, _ = parse(CHATS, WINDOW, [half], START + 3600)
    assert table["end_time"].to_pylist() == [naive(START + DAY)]
    with pytest.raises(UnexpectedResponseError, match="ends at"):
        parse(CHATS, WINDOW, [half], START + DAY)


def test_rows_named_result_are_not_lost_beside_a_null() -> None:
    odd = {**bucket(*DAY0), "results": None, "result": [chat()]}
    assert parse(CHATS, WINDOW, [page([odd])], LATER)[0].num_rows == 1


def test_a_violated_identity_is_a_note_and_a_missing_part_is_not() -> None:
    parts = {"output_text_tokens": 4, "output_audio_tokens": 0}
    for wrong in ({**parts, "output_image_tokens": 0}, parts):
        _, notes = parse(CHATS, WINDOW, [page([bucket(*DAY0, chat(**wrong), chat(model="x"))])], LATER)
        assert [n.kind for n in notes] == ["identity"] * (len(wrong) == 3)
    assert notes == ()


def test_many_rows_come_whole_whatever_the_chunk() -> None:
    results = [[chat(model=f"m{i}", input_tokens=i) for i in range(n)] for n in (1_999, 2_001)]
    table, _ = parse(CHATS, WINDOW, [page([bucket(*DAY0, *results[0])]), page([bucket(*DAY1, *results[1])])], LATER)
    assert table.num_rows == 4_000
    assert sum(table["input_tokens"].to_pylist()) == sum(range(1_999)) + sum(range(2_001))


leaf = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(2**63), st.just(10**400), st.text(max_size=5),
    st.decimals(allow_nan=True), st.just(START), st.just(START + DAY), st.just("bucket"), st.just("1E+999999999"),
    *[st.just(d.result) for d in DATASETS.values()],
)  # fmt: skip
names = st.sampled_from(
    ["object", "start_time", "end_time", "results", "result", "amount", "value", "currency", "quantity", "model",
     "batch", "input_tokens", "line_item", "quantity_unit", "user_email", "new"]
)  # fmt: skip
anything = st.recursive(
    leaf, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=5)), max_leaves=10
)
nearly = st.builds(
    lambda known, fields: (known, page([bucket(START, START + DAY, {"object": DATASETS[known].result, **fields})])),
    st.sampled_from(["completions", "costs", "images"]),
    st.dictionaries(names.filter(lambda n: n != "object"), anything, max_size=6),
)
odd = st.tuples(st.sampled_from(["completions", "costs"]), st.one_of(anything, st.builds(page, st.lists(anything))))


@settings(max_examples=400, deadline=None)
@given(st.one_of(nearly, odd))
def test_any_page_gives_a_table_or_a_clear_error(case: tuple[str, Any]) -> None:
    known, body = DATASETS[case[0]], case[1]
    try:
        table, _ = parse(known, WINDOW, [body], LATER)
    except TallybookError:
        return
    table.validate(full=True)
    assert table.schema == parsed(known)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40) | anything.map(lambda v: msgspec.json.encode(v, enc_hook=str) if _encodes(v) else b"{"))
def test_any_body_is_an_object_or_nothing(body: bytes) -> None:
    for got in (decode(body), decode_page(body)):
        assert got is None or isinstance(got, dict)


def _encodes(value: Any) -> bool:
    try:
        msgspec.json.encode(value)
    except (ValueError, OverflowError):
        return False
    return True


def test_a_note_belongs_to_a_day_so_that_a_window_that_moves_says_nothing_new() -> None:
    odd = {"input_cached_tokens": 1, "input_cache_write_tokens": 1, "input_uncached_tokens": 1}
    second = bucket(START + DAY, START + 2 * DAY, chat(**odd), chat(model="b", **odd))
    _, both = parse(CHATS, WINDOW, [page([bucket(START, START + DAY, chat(**odd)), second])], LATER)
    _, later = parse(CHATS, Window(START + DAY, START + 2 * DAY, "1d"), [page([second])], LATER)
    assert [note.span for note in both] == [Span(START, START + DAY), Span(START + DAY, START + 2 * DAY)]
    assert later == both[1:]
    _, lost = parse(
        COSTS, WINDOW, [page([bucket(START, START + DAY, cost("1e-19"), cost("2e-19", line_item="a"))])], LATER
    )
    assert [(note.kind, note.span) for note in lost] == [("precision", Span(START, START + DAY))]
    assert lost[0].text.startswith("2 amounts")
