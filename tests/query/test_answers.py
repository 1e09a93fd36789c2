"""Every metric by every dimension at every grain equals the ledger, or is refused with what is possible instead."""

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest

from tallybook import QueryError
from tallybook.book import Book
from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import METRICS
from tallybook.show.result import Result
from tests.books import SYNCED_DAYS
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org
from tests.query import oracle

START = MIDNIGHT - (SYNCED_DAYS - 10) * DAY
SINCE = dt.datetime.fromtimestamp(START, dt.UTC).date()
GRAINS = ("day", "week", "month", "quarter", "year", "total")
FLOWS = [m.name for m in METRICS.values() if m.kind == "flow"]


@pytest.fixture(scope="module")
def truth(org: Org) -> oracle.Oracle:
    return oracle.Oracle(org, START, int(NOW.timestamp()) + 1)


def found(result: Result, metric: str, dimension: str | None) -> dict[tuple[Any, ...], Any]:
    """Return (time, group) to the total, without zeros; a group is its id where it has one."""
    out = {}
    for row in result.rows():
        assert row[metric] is not None
        label = row[dimension] if dimension else None
        identity = row.get(DIMENSIONS[dimension].column) if dimension else None
        out[row.get("time"), identity or label] = row[metric]
    return {key: value for key, value in out.items() if value}


def possible(metric: str, dimension: str) -> bool:
    column = DIMENSIONS[dimension].column
    always = {"hour": metric != "cost", "currency": metric == "cost", "org": True, "dataset": True, "weekday": True}
    return always[column] if column in always else any(column in oracle.dimensions(d) for d in oracle.datasets(metric))


CASES = [(m, d) for m, d in itertools.product(FLOWS, (None, *DIMENSIONS)) if d is None or possible(m, d)]
IMPOSSIBLE = [(m, d) for m, d in itertools.product(FLOWS, DIMENSIONS) if not possible(m, d)]


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("dimension", [None, *(d for d in DIMENSIONS if d != "hour")])
def test_every_metric_equals_the_ledger(book: Book, truth: oracle.Oracle, dimension: str | None, grain: str) -> None:
    for metric in (m for m, d in CASES if d == dimension):
        result = book.query(metric, by=dimension or (), grain=grain, since=SINCE)
        column = DIMENSIONS[dimension].column if dimension else None
        expected = truth.answer(metric, column, grain)
        assert found(result, metric, dimension) == expected, metric
        assert expected, metric
        lacks = any(group == oracle.NOT_HELD for _, group in expected)
        assert result.coverage.complete is not lacks, metric


@pytest.mark.parametrize(("metric", "dimension"), IMPOSSIBLE)
def test_an_impossible_combination_names_what_is_possible(book: Book, metric: str, dimension: str) -> None:
    with pytest.raises(QueryError) as caught:
        book.query(metric, by=dimension)
    text = str(caught.value)
    assert text.startswith(f"{metric} has no dimension {dimension}; it has ")
    named = text.partition("it has ")[2].partition(".")[0].split(", ")
    assert set(named) == {d for d in DIMENSIONS if possible(metric, d)}


@pytest.mark.parametrize("metric", FLOWS)
def test_days_months_and_parts_add_up_to_the_total(book: Book, metric: str) -> None:
    total = book.query(metric, since=SINCE).rows()[0][metric]
    for grain, dimension in itertools.product(GRAINS, ("project", "dataset")):
        rows = book.query(metric, by=dimension, grain=grain, since=SINCE).rows()
        assert sum(row[metric] for row in rows) == total


def test_several_metrics_by_several_dimensions_are_the_same_numbers_in_one_answer(
    book: Book, truth: oracle.Oracle
) -> None:
    rows = book.query("cost", "requests", by=["project", "dataset"], since=SINCE).rows()
    for metric in ("cost", "requests"):
        by_project: dict[Any, Any] = {}
        for row in rows:
            key = (None, row["project_id"] or row["project"])
            by_project[key] = by_project.get(key, 0) + (row[metric] or 0)
        assert {k: v for k, v in by_project.items() if v} == truth.answer(metric, "project_id")


def test_short_names_and_openai_names_are_the_same_question(book: Book) -> None:
    for known in METRICS.values():
        for other in known.aliases:
            short, long = book.query(known.name, by="project"), book.query(other, by="project_id")
            assert [*short.table.column_names[:-1], other] == long.table.column_names
            assert [list(row.values()) for row in short.rows()] == [list(row.values()) for row in long.rows()]


def test_a_dataset_that_may_count_the_same_again_is_summed_only_where_it_is_asked_for(book: Book, org: Org) -> None:
    def asked(dataset: str, metric: str) -> int:
        return book.query(metric, since=SINCE, where={"dataset": dataset}).rows()[0][metric]

    truth = org.company.ledger(START, int(NOW.timestamp()) + 1)
    for dataset, metric in (("decisions", "input_tokens"), ("web_search_calls", "num_model_requests")):
        assert asked(dataset, metric) == truth[dataset][0][metric] > 0
        assert dataset not in {row["dataset"] for row in book.query(metric, by="dataset", since=SINCE).rows()}


def test_money_keeps_every_digit(book: Book, truth: oracle.Oracle) -> None:
    (row,) = book.query("cost", since=SINCE).rows()
    assert row["cost"] == truth.answer("cost")[None, None]
    assert row["cost"] != round(row["cost"], 6)
    assert isinstance(row["cost"], Decimal)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("cots",), "Unknown metric 'cots'. Did you mean `cost`?"),
        ((), "Unknown metric ''."),
        (("storage",), "Unknown metric 'storage'."),
    ],
)
def test_an_unknown_metric_suggests(book: Book, words: tuple[str, ...], text: str) -> None:
    with pytest.raises(QueryError, match=text.replace("?", r"\?").replace(".", r"\.")):
        book.query(*words)


def test_an_unknown_dimension_grain_or_dataset_suggests(book: Book) -> None:
    with pytest.raises(QueryError, match="Did you mean `project`"):
        book.query("cost", by="projct")
    with pytest.raises(QueryError, match="Known: day, hour, minute, month, quarter, total, week, year"):
        book.query("cost", grain="fortnight")
    with pytest.raises(QueryError, match="Did you mean `completions`"):
        book.query("requests", where={"dataset": "completion"})
    with pytest.raises(QueryError, match="images is not measured in costs"):
        book.query("images", where={"dataset": "costs"})


@pytest.mark.parametrize(
    ("since", "until"), [("2026-11-10T06:00Z", "2026-11-12"), ("2026-11-03T23:00Z", "2026-11-12T05:00Z")]
)
def test_every_grain_adds_up_also_where_the_range_cuts_a_day(book: Book, since: str, until: str) -> None:
    sums = [
        sum(row["requests"] for row in book.query("requests", grain=grain, since=since, until=until).rows())
        for grain in ("total", "day", "month")
    ]
    assert sums[0] == sums[1] == sums[2] > 0
