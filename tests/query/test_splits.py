"""Money by API key, user, service account and owner: it always adds up to the bill, whatever the split holds."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.model.arrow import table
from tallybook.model.datasets import HELD
from tallybook.model.errors import UnanswerableError
from tallybook.model.records import Read
from tallybook.model.schema import parsed
from tallybook.model.windows import DAY, Window, naive, unix
from tallybook.show.text import result_text
from tallybook.store.base import Batch
from tests.books import book_at, day
from tests.emulator.wire import NOW

D = Decimal
FIRST = day("2026-11-01")


def money(at: int, amount: str | Decimal, **more: Any) -> dict[str, Any]:
    row = {"start_time": naive(FIRST + at * DAY), "end_time": naive(FIRST + at * DAY + DAY), "currency": "usd"}
    return row | {"amount": D(amount), "project_id": "proj_a", "line_item": "gpt, input"} | more


def read(
    name: str,
    first: int,
    last: int,
    rows: list[dict[str, Any]],
    *,
    without: tuple[str, ...] = (),
    at: dt.datetime = NOW,
) -> Read:
    """Return a read of days `[first, last)`, counted from 1 November."""
    known = HELD[name]
    dimensions = tuple(d for d in known.asked if d not in without)
    kept = [r for r in rows if naive(FIRST + first * DAY) <= r["start_time"] < naive(FIRST + last * DAY)]
    bare = [{k: v for k, v in r.items() if k not in without} for r in kept]
    window = Window(FIRST + first * DAY, FIRST + last * DAY, "1d")
    return Read(name, window, dimensions, unix(NOW), table(bare, parsed(known)))


def write(book: Book, *reads: Read) -> None:
    book.store.migrate()
    book.store.replace(Batch("default", "by hand", reads))


def by(book: Book, dimension: str | list[str], **words: Any) -> dict[Any, Decimal]:
    names = [dimension] if isinstance(dimension, str) else dimension
    result = book.query("cost", by=names, since="2026-11-01", until="2026-11-04", **words)
    keys = (tuple(r[n] for n in names) for r in result.rows())
    return {k[0] if isinstance(dimension, str) else k: r["cost"] for k, r in zip(keys, result.rows(), strict=True)}


BILL = [money(0, "10"), money(1, "5", project_id="proj_b"), money(2, "7"), money(3, "1")]
BY_USER = [
    money(0, "6", user_id="user-1"),
    money(0, "3", user_id=None),
    money(1, "5", user_id="user-2", project_id="proj_b"),
    money(2, "8", user_id="user-1"),
]


def test_what_a_split_leaves_of_the_bill_is_a_row_of_its_own_and_may_be_negative(empty: Book) -> None:
    write(empty, read("costs", 0, 4, BILL), read("costs_by_user", 0, 4, BY_USER))
    assert by(empty, "user") == {"user-1": D(14), "user-2": D(5), "(none)": D(3), "(unattributed)": D(1)}
    found = empty.query("cost", by="user", grain="day", since="2026-11-01", until="2026-11-04").rows()
    rest = [r["cost"] for r in found if r["user"] == "(unattributed)"]
    assert rest == [D(1), D(0), D(-1), D(1)]
    assert by(empty, "user", where={"project": "proj_a"}) == {"user-1": D(14), "(none)": D(3), "(unattributed)": D(1)}
    assert by(empty, "user", where={"user": ["user-2", "(none)"]}) == {"user-2": D(5), "(none)": D(3)}
    assert by(empty, "project", where={"user": "(unattributed)"}) == {"proj_a": D(1), "proj_b": D(0)}


def test_where_the_split_is_not_held_the_whole_bill_is_and_the_answer_says_so(empty: Book) -> None:
    write(empty, read("costs", 0, 4, BILL), read("costs_by_user", 1, 2, BY_USER))
    result = empty.query("cost", by="user", since="2026-11-01", until="2026-11-04")
    assert {r["user"]: r["cost"] for r in result.rows()} == {"user-2": D(5), "(not held)": D(18)}
    assert not result.coverage.complete
    assert {gap.dataset for gap in result.coverage.missing} == {"costs_by_user"}
    assert empty.query("cost", since="2026-11-01", until="2026-11-04").coverage.complete


def test_a_split_older_than_the_bill_is_not_held(empty: Book) -> None:
    write(empty, read("costs", 0, 4, BILL), read("costs_by_user", 0, 4, BY_USER))
    later = [money(0, "100"), *BILL[1:]]
    write(empty, read("costs", 0, 1, later))
    assert by(empty, "user") == {"user-1": D(8), "user-2": D(5), "(not held)": D(100)}


def test_users_held_without_the_project_are_not_told_apart_by_it(empty: Book) -> None:
    without = ("project_id",)
    write(empty, read("costs", 0, 4, BILL), read("costs_by_user", 0, 4, BY_USER, without=without))
    assert by(empty, "user")["user-2"] == D(5)
    assert by(empty, ["user", "line_item"])["user-1", "gpt, input"] == D(14)
    assert by(empty, ["user", "project"]) == {("(not held)", "proj_a"): D(18), ("(not held)", "proj_b"): D(5)}
    result = empty.query("cost", by=["user", "project"], since="2026-11-01", until="2026-11-04")
    assert "project_id" in result.coverage.first_gap()
    assert by(empty, "project") == {"proj_a": D(18), "proj_b": D(5)}


def test_money_is_not_told_apart_by_key_and_by_user_at_once(empty: Book) -> None:
    write(empty, read("costs", 0, 4, BILL))
    for other in ("api_key", "key_owner", "service_account"):
        with pytest.raises(UnanswerableError, match="by API key or by user, not by both"):
            empty.query("cost", by=["user", other])
    with pytest.raises(UnanswerableError, match="by API key or by user"):
        empty.query("cost", by="user", where={"api_key": "key_1"})
    assert len(empty.query("requests", by=["user", "api_key"], since="2026-11-01", until="2026-11-04")) == 0


def test_currencies_of_a_split_are_never_added(empty: Book) -> None:
    bill = [money(0, "10"), money(0, "4", currency="eur")]
    split = [money(0, "10", api_key_id="key_1"), money(0, "3", currency="eur", api_key_id="key_1")]
    write(empty, read("costs", 0, 4, bill), read("costs_by_api_key", 0, 4, split))
    rows = empty.query("cost", by="api_key", since="2026-11-01", until="2026-11-04").rows()
    assert {(r["api_key"], r["currency"]): r["cost"] for r in rows} == {
        ("key_1", "usd"): D(10),
        ("key_1", "eur"): D(3),
        ("(unattributed)", "eur"): D(1),
    }


def test_what_only_rounding_leaves_is_in_the_rows_and_not_in_the_table(empty: Book) -> None:
    third = [money(0, f"{D(1) / 3:.18f}", api_key_id=f"key_{n}") for n in range(3)]
    write(empty, read("costs", 0, 4, [money(0, "1")]), read("costs_by_api_key", 0, 4, third))
    result = empty.query("cost", by="api_key", since="2026-11-01", until="2026-11-04")
    assert {r["api_key"]: r["cost"] for r in result.rows()}["(unattributed)"] == D("1e-18")
    assert "(unattributed)" not in result_text(result)
    assert "$1.00" in result_text(result)
    off = [money(0, D("0.9999"), api_key_id="key_1")]
    write(empty, read("costs", 0, 4, [money(0, "1")]), read("costs_by_api_key", 0, 4, off))
    assert "(unattributed)" in result_text(empty.query("cost", by="api_key", since="2026-11-01", until="2026-11-04"))


def test_the_newest_owner_of_a_key_counts_and_a_key_without_one_is_nobodys(empty: Book) -> None:
    split = [money(0, "6", api_key_id="key_1"), money(0, "3", api_key_id="key_2"), money(0, "1", api_key_id="key_3")]
    write(empty, read("costs", 0, 4, [money(0, "10")]), read("costs_by_api_key", 0, 4, split))
    early, late = dt.datetime(2026, 11, 1), dt.datetime(2026, 11, 9)  # noqa: DTZ001
    base = {"org": "default", "kind": "api_key", "name": None, "email": None, "details": None, "status": None}
    entries = [
        base | {"id": "key_1", "owner_kind": "user", "owner_id": "user-1", "replaced_at": late, "last_seen": early},
        base | {"id": "key_1", "owner_kind": "service_account", "owner_id": "svc_1", "last_seen": late},
        base | {"id": "key_2", "owner_kind": "user", "owner_id": "user-1", "last_seen": late},
    ]
    empty.store.put("directory", [e | {"first_seen": early} for e in entries])
    assert by(empty, "key_owner") == {"svc_1": D(6), "user-1": D(3), "(none)": D(1)}
    assert by(empty, "service_account") == {"svc_1": D(6), "(none)": D(4)}
    assert by(empty, "api_key", where={"key_owner": "user-1"}) == {"key_2": D(3)}


amounts = st.integers(-(10**6), 10**6).map(lambda n: D(n) / 7).map(lambda d: d.quantize(D("1e-18")))
rows = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.integers(0, 3),
            "amount": amounts,
            "project_id": st.sampled_from(["proj_a", "proj_b", None]),
            "line_item": st.sampled_from(["gpt, input", "storage", None]),
            "currency": st.sampled_from(["usd", "usd", "eur"]),
            "who": st.sampled_from(["user-1", "user-2", None]),
        }
    ),
    max_size=10,
    unique_by=lambda r: tuple(v for k, v in r.items() if k != "amount"),
)


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    rows,
    rows,
    st.tuples(st.integers(0, 2), st.integers(1, 2)),
    st.sets(st.sampled_from(["project_id", "line_item"])),
    st.sampled_from([[], ["project"], ["line_item"], ["project", "line_item"]]),
    st.sampled_from(["day", "total"]),
)
def test_any_split_of_any_bill_adds_up_to_it(
    bill: list[dict[str, Any]],
    split: list[dict[str, Any]],
    span: tuple[int, int],
    without: set[str],
    groups: list[str],
    grain: str,
) -> None:
    """The oracle is a dict: per day and group the split where it is held, then what is left of the bill."""

    def written(row: dict[str, Any], **more: Any) -> dict[str, Any]:
        kept = {k: v for k, v in row.items() if k not in ("at", "amount", "who")}
        return money(row["at"], row["amount"], **kept, **more)

    def summed(found: list[dict[str, Any]], keys: tuple[str, ...]) -> list[dict[str, Any]]:
        out: dict[Any, dict[str, Any]] = {}
        for row in found:
            key = tuple(row.get(k) for k in keys)
            out[key] = row | {"amount": out[key]["amount"] + row["amount"]} if key in out else row
        return list(out.values())

    shared = tuple(c for c in ("project_id", "line_item") if c not in without)
    first, last = span[0], span[0] + span[1]
    bill_rows = summed([written(r) for r in bill], ("start_time", "project_id", "line_item", "currency"))
    told = [{k: v for k, v in written(r, user_id=r["who"]).items() if k not in without} for r in split]
    split_rows = summed(told, ("start_time", *shared, "user_id", "currency"))
    columns = [f"{g}_id" if g == "project" else g for g in groups]
    usable = set(columns) <= set(shared)
    expected: dict[Any, Decimal] = defaultdict(Decimal)

    def add(row: dict[str, Any], who: str, amount: Decimal) -> None:
        time = row["start_time"] if grain == "day" else None
        expected[time, who, *(row.get(c) or "(none)" for c in columns), row["currency"]] += amount

    for row in bill_rows:
        at = (unix(row["start_time"]) - FIRST) // DAY
        add(row, "(unattributed)" if usable and first <= at < last else "(not held)", row["amount"])
    for row in split_rows:
        if usable and first <= (unix(row["start_time"]) - FIRST) // DAY < last:
            add(row, row["user_id"] or "(none)", row["amount"])
            add(row, "(unattributed)", -row["amount"])
    with tempfile.TemporaryDirectory() as folder:
        book = book_at(Path(folder) / "b.duckdb")
        write(
            book,
            read("costs", 0, 4, bill_rows),
            read("costs_by_user", first, last, split_rows, without=tuple(without)),
        )
        words = {"since": "2026-11-01", "until": "2026-11-04"}
        result = book.query("cost", by=["user", *groups], grain=grain, **words)
    found = {
        (r.get("time"), r["user"], *(r[g] for g in groups), r["currency"]): r["cost"]
        for r in result.rows()
        if r["cost"]
    }
    assert found == {k: v for k, v in expected.items() if v}
    assert sum(found.values()) == sum((r["amount"] for r in bill_rows), D(0))
