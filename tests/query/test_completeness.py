"""What is held, dataset by day: against an oracle that looks at every minute, and on real books."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model.coverage import PartialBucketError, Run, check, cover, read_until
from tallybook.model.datasets import HELD
from tallybook.model.errors import StoreError
from tallybook.model.windows import DAY, SECONDS, Span, Window, naive, unix
from tallybook.query.reports.completeness import Held, completeness
from tests.books import book_at, hold, synced
from tests.emulator.wire import MIDNIGHT, NOW, organization

MINUTE, HOUR = 60, 3_600
NOW_SECOND = int(NOW.timestamp())
BEGIN = MIDNIGHT - 4 * DAY
REASON = "the API does not give it"


def refusal(start: int, end: int, width: str | None = None, dimension: str | None = None) -> dict[str, Any]:
    return {
        "dataset": "images", "start_time": naive(start), "end_time": naive(end), "width": width,
        "dimension": dimension, "reason": REASON,
    }  # fmt: skip


def days(runs: Sequence[Run], refusals: Sequence[dict[str, Any]] = (), look_back: int = DAY) -> tuple[Held, ...]:
    span = Span(BEGIN, MIDNIGHT + DAY)
    return completeness("acme", {"images": runs}, refusals, {"images": look_back}, span, NOW_SECOND).datasets["images"]


@st.composite
def reads(draw: st.DrawFn) -> tuple[Window, int]:
    """A window of any width within four days and a half, and when it was read: at once, or some days later."""
    width = draw(st.sampled_from(["1m", "1h", "1d"]))
    step = SECONDS[width]
    first = draw(st.integers(0, 5 * DAY // step - 1))
    length = draw(st.integers(1, max(1, 2 * DAY // step)))
    window = Window(BEGIN + first * step, BEGIN + (first + length) * step, width)
    delay = draw(st.integers(-DAY // MINUTE, 3 * DAY // MINUTE)) * MINUTE
    return window, max(window.start + MINUTE, min(window.end + delay, NOW_SECOND // MINUTE * MINUTE))


SPANS = st.tuples(st.integers(0, 120), st.integers(1, 48)).map(
    lambda t: refusal(BEGIN + t[0] * HOUR, BEGIN + sum(t) * HOUR)
)


class Minutes:
    """What is held, minute by minute: when the bucket ends and when it was read."""

    def __init__(self) -> None:
        self.held: dict[int, tuple[int, str, int]] = {}

    def read(self, window: Window, read_at: int) -> None:
        step = SECONDS[window.width]
        for minute in range(window.start, min(window.end, read_at), MINUTE):
            self.held[minute] = (minute - minute % step + step, window.width, read_at)

    @property
    def known_until(self) -> int:
        if not self.held:
            return NOW_SECOND
        last = max(self.held)
        newest = max(read_at for _, _, read_at in self.held.values())
        return last + MINUTE if newest - last - MINUTE < SECONDS[self.held[last][1]] else newest

    def day(self, start: int, refusals: Sequence[dict[str, Any]], look_back: int) -> tuple[str, set[str]]:
        minutes = range(start, start + DAY, MINUTE)
        known_until = self.known_until
        held = [self.held[m] for m in minutes if m in self.held]
        spans = [(unix(r["start_time"]), unix(r["end_time"])) for r in refusals]
        refused = {m for r in spans for m in minutes if r[0] <= m < r[1]}
        lacking = [m for m in minutes if m < known_until and m not in self.held]
        widths = {width for _, width, _ in held}
        if not held:
            if set(lacking) - refused:
                return "missing", widths
            return ("unobtainable" if refused or lacking else "pending"), widths
        if lacking:
            return "partial", widths
        age = min(read_at - end for end, _, read_at in held)
        if age < 0 or known_until < start + DAY:
            return "open", widths
        return ("stable" if age >= look_back else "provisional"), widths


@settings(max_examples=150, deadline=None)
@given(st.lists(reads(), max_size=6), st.lists(SPANS, max_size=2), st.integers(0, 48))
def test_every_day_is_what_its_minutes_say(windows: Any, refusals: Any, hours: int) -> None:
    runs: Sequence[Run] = ()
    oracle = Minutes()
    for window, read_at in sorted(windows, key=lambda w: w[1]):
        try:
            check(runs, window, read_until(window, read_at))
        except PartialBucketError:
            continue
        runs = cover(runs, window, (), read_at, 0).runs
        oracle.read(window, read_at)
    found = days(runs, refusals, hours * HOUR)
    assert len(found) == 5
    for i, held in enumerate(found):
        state, widths = oracle.day(BEGIN + i * DAY, refusals, hours * HOUR)
        assert (held.state, set(held.widths)) == (state, widths), i
        assert bool(held.reason) is (state in ("missing", "partial", "unobtainable"))


def run(start: int, end: int, read_at: int, width: str = "1d") -> Run:
    return Run(start, end, width, (), read_at)


def test_a_day_has_the_state_of_its_least_stable_bucket_and_all_of_its_widths() -> None:
    noon = BEGIN + DAY // 2
    found = days([run(BEGIN, noon, NOW_SECOND, "1h"), run(noon, BEGIN + DAY, noon + DAY, "1m")])
    assert found[0] == Held("provisional", ("1m", "1h"))
    cut = days([run(BEGIN, noon, noon, "1h"), run(BEGIN + DAY, noon + DAY, noon + DAY, "1m")])
    assert cut[:2] == (Held("partial", ("1h",), "not read"), Held("open", ("1m",)))


def test_a_dataset_that_was_never_read_is_missing_and_what_comes_after_a_read_is_pending() -> None:
    assert set(days([])) == {Held("missing", (), "not read")}
    found = days([run(BEGIN, BEGIN + 2 * DAY, BEGIN + 2 * DAY)])
    assert [held.state for held in found] == ["stable", "provisional"] + ["pending"] * 3
    later = days([run(BEGIN, BEGIN + 2 * DAY, NOW_SECOND)])
    assert [held.state for held in later] == ["stable"] * 2 + ["missing"] * 3


def test_what_the_api_refuses_is_unobtainable_unless_another_width_or_dimension_is_left() -> None:
    held = [run(BEGIN + DAY, MIDNIGHT, NOW_SECOND)]
    for given_up, state in (
        (refusal(BEGIN, BEGIN + DAY), "unobtainable"),
        (refusal(BEGIN, BEGIN + DAY, width="1d"), "unobtainable"),
        (refusal(BEGIN, BEGIN + DAY, width="1h"), "missing"),
        (refusal(BEGIN, BEGIN + DAY, dimension="user_id"), "missing"),
        (refusal(BEGIN, BEGIN + HOUR), "missing"),
    ):
        # The hole lies before what is held, so only the refusal can explain it.
        assert days(held, [given_up])[0].state == state
    today = days(held, [refusal(MIDNIGHT, MIDNIGHT + DAY)])[-1]
    assert today == Held("unobtainable", (), REASON)


def test_equal_days_are_one_in_json() -> None:
    found = completeness(
        "acme", {"images": [run(BEGIN, BEGIN + 3 * DAY, NOW_SECOND)]}, [], {"images": 3 * DAY},
        Span(BEGIN - DAY + 7, NOW_SECOND), NOW_SECOND,
    )  # fmt: skip
    told = found.as_dict()
    (images,) = told.pop("datasets")
    assert told == {"org": "acme", "start": "2026-11-18", "end": "2026-11-24"}
    assert images["days"] == {"missing": 3, "stable": 1, "provisional": 2}
    assert [(r["start"], r["end"], r["state"]) for r in images["runs"]] == [
        ("2026-11-18", "2026-11-19", "missing"),
        ("2026-11-19", "2026-11-20", "stable"),
        ("2026-11-20", "2026-11-22", "provisional"),
        ("2026-11-22", "2026-11-24", "missing"),
    ]
    assert images["runs"][0] == images["runs"][3] | {"start": "2026-11-18", "end": "2026-11-19"}
    assert (images["runs"][0]["widths"], images["runs"][0]["reason"]) == ([], "not read")
    assert (images["runs"][1]["widths"], "reason" in images["runs"][1]) == (["1d"], False)


def test_a_split_counts_only_where_it_was_written_with_the_bill(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    hold(book, "costs", "2026-11-01", "2026-11-05")
    hold(book, "costs_by_user", "2026-11-01", "2026-11-05")
    hold(book, "costs", "2026-11-03", "2026-11-04")
    found = book.coverage(since="2026-11-01", until="2026-11-04").datasets
    assert {held.state for held in found["costs"]} == {"stable"}
    assert [held.state for held in found["costs_by_user"]] == ["stable", "stable", "missing", "stable"]


def test_a_synced_book_is_stable_then_provisional_then_open(tmp_path: Path) -> None:
    with organization("no-decisions", days=20) as org:
        book = synced(org, tmp_path / "b.duckdb", since="2026-11-10", datasets=["costs", "images", "decisions"])
    found = book.coverage(since="2026-11-10")
    assert {name: [held.state for held in days] for name, days in found.datasets.items() if name in KEPT} == {
        "costs": ["stable"] * 6 + ["provisional"] * 7 + ["open"],
        "images": ["stable"] * 10 + ["provisional"] * 3 + ["open"],
        "decisions": ["unobtainable"] * 14,
        "moderations": ["missing"] * 14,
    }
    assert found.datasets["decisions"][0].reason == "the server does not know this dataset (HTTP 404)"
    assert list(found.datasets) == list(HELD)


KEPT = ("costs", "images", "decisions", "moderations")


def test_the_range_is_what_is_held_or_wanted_unless_it_is_said(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    hold(book, "costs", "2024-11-01", "2024-11-19")
    assert book.coverage().as_dict()["start"] == "2024-11-01"
    (tmp_path / "c").mkdir()
    fresh = book_at(tmp_path / "c" / "b.duckdb")
    hold(fresh, "costs", "2026-11-01", "2026-11-19")
    assert fresh.coverage().as_dict()["start"] == "2025-11-23"
    said = fresh.coverage(last="24h").as_dict()
    assert (said["start"], said["end"]) == ("2026-11-22", "2026-11-24")


def test_where_settings_name_datasets_only_they_and_what_is_held_are_shown(tmp_path: Path) -> None:
    book = book_at(tmp_path / "b.duckdb")
    hold(book, "costs", "2026-11-01", "2026-11-19")
    options = msgspec.structs.replace(book.settings.sync, datasets=("images",), since="2026-11-12")
    book.settings = msgspec.structs.replace(book.settings, sync=options)
    found = book.coverage()
    assert list(found.datasets) == ["costs", "images"]
    assert set(found.datasets["costs"]) >= {Held("stable", ("1d",))}
    assert book.coverage(since="2026-11-12").span.start == dt.datetime(2026, 11, 12, tzinfo=dt.UTC).timestamp()


def test_no_book_is_made_by_asking_what_is_held(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no book at"):
        book_at(tmp_path / "b.duckdb").coverage()
    assert list(tmp_path.iterdir()) == []
