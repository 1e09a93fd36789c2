"""How complete an answer is: missing, refused, provisional, and as of when."""

import datetime as dt
from pathlib import Path
from typing import Any

from tallybook.book import Book
from tallybook.model.coverage import Run
from tallybook.model.datasets import DATASETS
from tallybook.model.windows import DAY, Span, naive
from tallybook.query.coverage import Coverage, Gap, assess, joined
from tests.books import book_at, day, hold, synced
from tests.emulator.wire import MIDNIGHT, NOW, organization

HOUR = 3_600
NOW_SECOND = int(NOW.timestamp())
LOOK_BACK = dict.fromkeys(DATASETS, 3 * DAY)
MODELS = ("model",)


def run(start: int, end: int, read_at: int, width: str = "1d", by: tuple[str, ...] = MODELS) -> Run:
    return Run(start, end, width, by, read_at)


def judged(start: int, end: int, runs: dict[str, list[Run]], by: tuple[str, ...] = (), refusals: Any = ()) -> Coverage:
    return assess(Span(start, end), dict.fromkeys(runs, by), runs, refusals, LOOK_BACK, NOW_SECOND)


OLD = MIDNIGHT - 20 * DAY


def test_what_was_read_late_enough_is_complete_and_stable() -> None:
    assert judged(OLD, OLD + DAY, {"images": [run(OLD, OLD + 10 * DAY, NOW_SECOND)]}) == Coverage(naive(NOW_SECOND))


def test_a_hole_is_missing_but_not_what_comes_after_the_newest_read() -> None:
    runs = [run(OLD, OLD + DAY, NOW_SECOND), run(OLD + 3 * DAY, NOW_SECOND, NOW_SECOND)]
    found = judged(OLD - DAY, MIDNIGHT + DAY, {"images": runs})
    assert [gap.span for gap in found.missing] == [Span(OLD - DAY, OLD), Span(OLD + DAY, OLD + 3 * DAY)]
    assert {gap.reason for gap in found.missing} == {"not read"}
    assert found.as_of == naive(NOW_SECOND)


def test_a_refused_stretch_says_what_the_api_said() -> None:
    refusal = {
        "dataset": "images", "start_time": naive(OLD - 5 * DAY), "end_time": naive(OLD), "dimension": None,
        "width": None, "reason": "older than the history that the API gives",
    }  # fmt: skip
    found = judged(OLD - 2 * DAY, OLD + DAY, {"images": [run(OLD, OLD + DAY, NOW_SECOND)]}, refusals=[refusal])
    assert [gap.reason for gap in found.missing] == ["older than the history that the API gives"]
    other = judged(OLD - 2 * DAY, OLD, {"moderations": []}, refusals=[refusal])
    assert [gap.reason for gap in other.missing] == ["not read"]


def test_the_refusal_of_a_dimension_explains_that_dimension_and_nothing_else() -> None:
    refusal = {
        "dataset": "images", "start_time": naive(OLD), "end_time": naive(OLD + 9 * DAY), "dimension": "project_id",
        "width": None, "reason": "grouping by project_id is refused",
    }  # fmt: skip
    runs = {"images": [run(OLD + DAY, OLD + 9 * DAY, NOW_SECOND, by=("model",))]}
    found = judged(OLD, OLD + 9 * DAY, runs, by=("project_id", "user_id"), refusals=[refusal])
    assert [gap.reason for gap in found.missing] == [
        "not read",
        "grouping by project_id is refused",
        "not held by user_id",
    ]


def test_a_dimension_not_held_is_missing_only_where_it_is_needed() -> None:
    runs = {"images": [run(OLD, OLD + 2 * DAY, NOW_SECOND, by=("model", "size"))]}
    assert judged(OLD, OLD + 2 * DAY, runs, by=("size",)).complete
    lacking = judged(OLD, OLD + DAY, runs, by=("project_id",))
    assert [str(gap) for gap in lacking.missing] == ["images 2026-11-03: not held by project_id"]


def test_recent_buckets_are_provisional_and_do_not_make_an_answer_incomplete() -> None:
    found = judged(OLD, MIDNIGHT + DAY, {"images": [run(OLD, NOW_SECOND, NOW_SECOND)]})
    assert found.complete
    assert found.provisional_from == naive(MIDNIGHT - 3 * DAY)
    assert not judged(OLD, MIDNIGHT - 3 * DAY, {"images": [run(OLD, NOW_SECOND, NOW_SECOND)]}).provisional_from


def test_stability_is_decided_by_when_a_bucket_was_read_not_by_its_age() -> None:
    found = judged(OLD, OLD + DAY, {"images": [run(OLD, OLD + 2 * DAY, OLD + 2 * DAY)]})
    assert found.provisional_from == naive(OLD)


def test_an_answer_is_as_of_the_dataset_that_was_read_first() -> None:
    runs = {"images": [run(OLD, NOW_SECOND - 60, NOW_SECOND - 60)], "moderations": [run(OLD, NOW_SECOND, NOW_SECOND)]}
    assert judged(OLD, MIDNIGHT, runs).as_of == naive(NOW_SECOND - 60)


def test_datasets_read_a_few_seconds_apart_make_no_false_gap() -> None:
    # The open hour was read at its own moment; a re-read of older days began some seconds later.
    runs = [run(OLD, MIDNIGHT, NOW_SECOND + 9, "1h"), run(MIDNIGHT, NOW_SECOND, NOW_SECOND, "1h")]
    for end in (NOW_SECOND + 5, NOW_SECOND + HOUR, MIDNIGHT + DAY):
        assert judged(OLD, end, {"images": runs, "moderations": [run(OLD, NOW_SECOND + 7, NOW_SECOND + 7)]}).complete


def test_days_read_today_without_the_newest_leave_a_gap() -> None:
    found = judged(OLD, MIDNIGHT + DAY, {"images": [run(OLD, OLD + 5 * DAY, NOW_SECOND)]})
    assert [gap.span for gap in found.missing] == [Span(OLD + 5 * DAY, NOW_SECOND)]


def test_a_dataset_never_read_is_missing_up_to_now() -> None:
    found = judged(OLD, MIDNIGHT + DAY, {"images": []})
    assert found == Coverage(None, (Gap("images", Span(OLD, NOW_SECOND), "not read"),))
    assert "nothing read yet" in str(found)


def test_neighbouring_gaps_with_one_reason_are_one() -> None:
    one, two = Gap("a", Span(0, 10), "x"), Gap("a", Span(10, 20), "x")
    assert joined([two, one, Gap("a", Span(20, 30), "y")]) == (
        Gap("a", Span(0, 20), "x"),
        Gap("a", Span(20, 30), "y"),
    )


def test_coverage_as_json_is_half_open_and_exact() -> None:
    found = Coverage(naive(NOW_SECOND), (Gap("images", Span(OLD, OLD + DAY), "not read"),), naive(OLD))
    assert found.as_dict() == {
        "complete": False,
        "as_of": "2026-11-23T15:30:20Z",
        "provisional_from": "2026-11-03T00:00:00Z",
        "missing": [
            {
                "dataset": "images",
                "start": "2026-11-03T00:00:00Z",
                "end": "2026-11-04T00:00:00Z",
                "reason": "not read",
            }
        ],
    }
    assert str(found) == (
        "INCOMPLETE: images 2026-11-03: not read; as of 2026-11-23 15:30 UTC; provisional from 2026-11-03"
    )


def test_a_sync_of_old_dates_leaves_the_gap_visible_and_a_later_one_closes_it(tmp_path: Path) -> None:
    with organization(days=20) as org:
        book = synced(org, tmp_path / "b.duckdb", since="2026-11-10", until="2026-11-14", datasets=["costs"])
        found = book.query("cost", since="2026-11-10").coverage
        assert [gap.span for gap in found.missing] == [Span(day("2026-11-15"), NOW_SECOND)]
        assert book.query("cost", since="2026-11-10", until="2026-11-14").coverage.complete
        synced(org, tmp_path / "b.duckdb", since="2026-11-10", datasets=["costs"])
        assert book.query("cost", since="2026-11-10").coverage.complete


def test_what_was_known_some_days_ago_is_as_of_then(tmp_path: Path) -> None:
    book: Book = book_at(tmp_path / "b.duckdb")
    then = NOW - dt.timedelta(days=5)
    hold(book, "costs", "2026-11-01", "2026-11-19", read_at=then)
    found = book.query("cost", since="2026-11-01").coverage
    assert found.complete
    assert found.as_of == then.replace(tzinfo=None)


def test_what_was_not_read_yet_is_not_in_as_of() -> None:
    yesterday = [run(OLD, MIDNIGHT, NOW_SECOND, width="1d")]
    found = judged(MIDNIGHT - DAY, MIDNIGHT + DAY, {"costs": yesterday})
    assert found.complete
    assert found.as_of == naive(MIDNIGHT)


def test_a_current_day_that_is_refused_is_missing() -> None:
    refusal = {
        "dataset": "costs", "start_time": naive(MIDNIGHT), "end_time": naive(MIDNIGHT + DAY), "dimension": None,
        "width": None, "reason": "costs of the current day are not given yet",
    }  # fmt: skip
    found = judged(
        MIDNIGHT - DAY, MIDNIGHT + DAY, {"costs": [run(OLD, MIDNIGHT, NOW_SECOND, width="1d")]}, refusals=[refusal]
    )
    assert [gap.reason for gap in found.missing] == ["costs of the current day are not given yet"]
