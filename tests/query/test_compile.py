"""One statement per question: its text is kept under golden/, and no word of the user is ever in it."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import DAY, Span
from tallybook.query import where
from tallybook.query.clocks.axis import GRAINS, clock_pieces, shift_pieces
from tallybook.query.clocks.time import Range
from tallybook.query.dimensions import DIMENSIONS, dimension
from tallybook.query.filters import Filter
from tallybook.query.question import Query, question
from tallybook.query.statement.compile import Basis, Side, compile_query
from tallybook.query.statement.derive import OWNERS, looked_up
from tallybook.query.statement.splits import Split

GOLDEN = Path(__file__).parent / "golden"
REGENERATE = "TALLYBOOK_WRITE_GOLDEN"
"""Set it to write the statements anew; then read the difference."""

THEN = dt.datetime(2026, 10, 20, 23, 59, 59, 999_999)  # noqa: DTZ001
OCTOBER = Range(1_790_812_800, 1_790_812_800 + 31 * DAY)
SHAPES = {
    "cost": (["cost"], [], "total", {}),
    "cost_by_day_and_project": (["cost"], ["project"], "day", {}),
    "requests_by_model": (["requests"], ["model"], "total", {}),
    "tokens_by_month_of_batch": (["input_tokens", "input_uncached_tokens"], ["batch"], "month", {"batch": True}),
    "cost_beside_requests": (["cost", "requests"], ["project", "dataset"], "total", {"project": ["a", "(none)"]}),
    "cost_by_day_and_user": (["cost"], ["user"], "day", {"project": ["a"]}),
    "cost_beside_requests_by_service_account": (["cost", "requests"], ["service_account"], "total", {}),
    "top_models_of_cost_by_week": (["cost"], ["model"], "week", {}),
    "users_and_cache_hits_in_berlin": (
        ["active_users", "cache_hit_rate"],
        ["project", "weekday"],
        "month",
        {"model": ["gpt-*", "!gpt-4*"]},
    ),
    "peak_storage_of_the_top_project": (["storage_bytes_max", "storage_bytes"], ["project"], "day", {}),
    "searches_by_model": (["num_requests"], ["model"], "total", {"dataset": "web_search_calls"}),
}


AS_OF = {f"{name}_as_of": name for name in ("cost_by_day_and_project", "requests_by_model", "cost_beside_requests")}
SEVERAL = {
    "cost_of_two_organizations_by_user": (["cost"], ["user"], "day", {"project": ["acme:a", "acme:b", "(none)"]}),
    "requests_of_two_organizations": (["requests"], ["org", "model"], "total", {"dataset": ["completions", "images"]}),
}


MORE: dict[str, Any] = {
    "top_models_of_cost_by_week": {"top": 3},
    "users_and_cache_hits_in_berlin": {"tz": "Europe/Berlin"},
    "peak_storage_of_the_top_project": {"top": 1},
}


def basis(asked: Query, lacking: Any = None, split: Split | None = None) -> Basis:
    """What a statement rests on, with one line item and one family that are known."""
    span = asked.range
    side = Side(span, shift_pieces(span, asked.grain, asked.tz), clock_pieces(span, asked.tz))
    known = looked_up("model", "line_item", {"gpt-5, input": "gpt-5", "storage": None}, "t.line_item")
    owners = {(table, c): d for table in ("usage", "costs") for c, d in OWNERS.items()}
    return Basis((side,), lacking or {}, split, {**owners, ("costs", "model"): known})


def statement(name: str) -> tuple[str, list[Any]]:
    """Return the statement of a shape, and its values."""
    metrics, by, grain, restricted = (SHAPES | SEVERAL)[AS_OF.get(name, name)]
    then = THEN if name in AS_OF else None
    orgs = ["acme", "beta"] if name in SEVERAL else ["default"]
    groups = [dimension(d) for d in by]
    asked = question(orgs, metrics, groups, grain, OCTOBER, where.checked(restricted), as_of=then, **MORE.get(name, {}))
    lacking = {(org, "completions", "model"): [Span(OCTOBER.start, OCTOBER.start + DAY)] for org in orgs[:1]}
    held = (Span(OCTOBER.start, OCTOBER.start + 9 * DAY),)
    split = Split(asked.split, dict.fromkeys(orgs, held)) if asked.split else None
    return compile_query(asked, basis(asked, lacking, split))


@pytest.mark.parametrize("name", [*SHAPES, *AS_OF, *SEVERAL])
def test_the_statement_is_the_one_agreed_on(name: str) -> None:
    text, params = statement(name)
    written = "\n".join([text.replace(" FROM ", "\nFROM ").replace(" WHERE ", "\nWHERE "), *map(repr, params), ""])
    path = GOLDEN / f"{name}.sql"
    if os.environ.get(REGENERATE):
        path.write_text(written, encoding="utf-8")
    assert written == path.read_text(encoding="utf-8")
    assert text.count("?") == len(params)


def test_no_statement_is_kept_that_no_shape_makes() -> None:
    assert {path.stem for path in GOLDEN.glob("*.sql")} == {*SHAPES, *AS_OF, *SEVERAL}


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from(
        ["'; DROP TABLE usage; --", '" OR 1=1', "?", "$1", "%s", "{}", "\\'", "(none)", "(not held)", "x' OR 'a'='a"]
    ),
)
RESTRICTED = sorted(d for d in DIMENSIONS if d not in ("batch", "dataset", "org", "line_item"))


@given(
    st.dictionaries(st.sampled_from(RESTRICTED), st.lists(HOSTILE, min_size=1, max_size=3), min_size=1, max_size=3),
    st.sampled_from(GRAINS),
    HOSTILE,
)
def test_every_value_is_bound_and_none_is_in_the_text(restricted: dict[str, list[str]], grain: str, org: str) -> None:
    held = [d for d in restricted if DIMENSIONS[d].column in _COMPLETIONS]
    groups = [dimension(d) for d in held]
    values = {DIMENSIONS[d].column: Filter(DIMENSIONS[d], tuple(restricted[d])) for d in held}
    asked = question([org], ["input_tokens"], groups, grain, OCTOBER, values)
    text, params = compile_query(asked, basis(asked))
    assert text.count("?") == len(params)
    assert org in params
    for d in held:
        assert {v for v in restricted[d] if "*" not in v} <= set(params)
    if not any("(none)" in restricted[d] or any("*" in v for v in restricted[d]) for d in held):
        same = {column: Filter(f.dimension, ("x",) * len(f.wanted)) for column, f in values.items()}
        asked = question(["o"], ["input_tokens"], groups, grain, OCTOBER, same)
        assert text == compile_query(asked, basis(asked))[0]


_COMPLETIONS = {"project_id", "user_id", "api_key_id", "model", "service_tier", "api_source"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["project", "model", "line_item", "org", "service_tier"]), HOSTILE)
def test_hostile_values_are_names_of_nothing(book: Book, dimension: str, value: str) -> None:
    metric = "cost" if dimension == "line_item" else "requests"
    if "\0" in value or value == "(none)" or "*" in value or value.startswith("!"):
        return
    try:
        (row,) = book.query(metric, where={dimension: value}).rows()
    except UnknownNameError:
        assert dimension in ("project", "user", "api_key", "org")
        return
    assert not row[metric]
    assert book.query(metric).rows()[0][metric] > 0
