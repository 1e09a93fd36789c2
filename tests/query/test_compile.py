"""One statement per question: its text is kept under golden/, and no word of the user is ever in it."""

import datetime as dt
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import DAY, Span
from tallybook.query import where
from tallybook.query.compile import compile_query
from tallybook.query.metrics import DIMENSIONS
from tallybook.query.question import question
from tallybook.query.splits import Split
from tallybook.query.time import GRAINS, Range

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
    "searches_by_model": (["num_requests"], ["model"], "total", {"dataset": "web_search_calls"}),
}


AS_OF = {f"{name}_as_of": name for name in ("cost_by_day_and_project", "requests_by_model", "cost_beside_requests")}
SEVERAL = {
    "cost_of_two_organizations_by_user": (["cost"], ["user"], "day", {"project": ["acme:a", "acme:b", "(none)"]}),
    "requests_of_two_organizations": (["requests"], ["org", "model"], "total", {"dataset": ["completions", "images"]}),
}


@pytest.mark.parametrize("name", [*SHAPES, *AS_OF, *SEVERAL])
def test_the_statement_is_the_one_agreed_on(name: str) -> None:
    metrics, by, grain, restricted = (SHAPES | SEVERAL)[AS_OF.get(name, name)]
    then = THEN if name in AS_OF else None
    orgs = ["acme", "beta"] if name in SEVERAL else ["default"]
    asked = question(orgs, metrics, by, grain, OCTOBER, where.checked(restricted), then)
    lacking = {(org, "completions", "model"): [Span(OCTOBER.start, OCTOBER.start + DAY)] for org in orgs[:1]}
    held = (Span(OCTOBER.start, OCTOBER.start + 9 * DAY),)
    split = Split(asked.split, dict.fromkeys(orgs, held)) if asked.split else None
    text, params = compile_query(asked, lacking, split)
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
    values = {DIMENSIONS[d].column: tuple(restricted[d]) for d in held}
    text, params = compile_query(question([org], ["input_tokens"], held, grain, OCTOBER, values), {})
    assert text.count("?") == len(params)
    assert org in params
    for d in held:
        assert set(restricted[d]) - {"(none)"} <= set(params)
    if not any("(none)" in restricted[d] for d in held):
        same = {column: ("x",) * len(wanted) for column, wanted in values.items()}
        assert text == compile_query(question(["o"], ["input_tokens"], held, grain, OCTOBER, same), {})[0]


_COMPLETIONS = {"project_id", "user_id", "api_key_id", "model", "service_tier", "api_source"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["project", "model", "line_item", "org", "service_tier"]), HOSTILE)
def test_hostile_values_are_names_of_nothing(book: Book, dimension: str, value: str) -> None:
    metric = "cost" if dimension == "line_item" else "requests"
    if "\0" in value or value == "(none)":
        return
    try:
        (row,) = book.query(metric, where={dimension: value}).rows()
    except UnknownNameError:
        assert dimension in ("project", "user", "api_key", "org")
        return
    assert not row["cost" if metric == "cost" else "num_model_requests"]
    assert book.query(metric).rows()[0]["cost" if metric == "cost" else "num_model_requests"] > 0
