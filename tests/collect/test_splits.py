"""Splits of the bill: read with it, written with it, and refused as the API refuses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallybook.book import Book
from tallybook.collect.http import Http
from tallybook.collect.summary import Policy, Summary
from tallybook.collect.sync import run
from tallybook.model.coverage import Run, together
from tallybook.model.datasets import SPLITS
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Org, Settings
from tallybook.model.windows import DAY, naive
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, page, refusal, serving
from tests.emulator.wire import MIDNIGHT, NOW, organization

COSTS = ("costs",)
TOO_OLD = "older than the history that the API gives"


def sync(path: Path, base: str, clock: FakeClock | None = None, **policy: Any) -> tuple[DuckDBStore, Summary]:
    clock = clock or FakeClock(NOW)
    store = DuckDBStore(path / "book.duckdb", clock)
    policy = {"since": MIDNIGHT - 40 * DAY, "datasets": COSTS} | policy
    with Http(base, AdminKey("sk-admin-test", "the test"), clock) as http:
        return store, run(store, http, "acme", Policy(**policy), clock)


def groups(asked: Asked) -> set[str]:
    return {value for name, value in asked.query if name == "group_by[]"}


def start(asked: Asked) -> int:
    return int(dict(asked.query).get("start_time", 1 << 33))


def coverage(store: DuckDBStore, split: str) -> list[Run]:
    return store.coverage("acme", [split])[split]


def test_both_splits_distribute_exactly_the_dollars_of_the_bill(tmp_path: Path) -> None:
    with organization("user-by-project", days=45, requests_per_day=40) as org:
        store, summary = sync(tmp_path, org.base)
    assert summary.ok
    for split in SPLITS:
        assert store.totals("acme", split, 0, 1 << 33) == store.totals("acme", "costs", 0, 1 << 33)
        assert coverage(store, split)[0].dimensions == SPLITS[split].asked
    rows = store.read("SELECT split, api_key_id, user_id FROM internal.cost_splits").to_pylist()
    assert {r["api_key_id"] for r in rows if r["split"] == "user"} == {None}
    assert {r["user_id"] for r in rows if r["split"] == "api_key"} == {None}
    assert len({r["api_key_id"] for r in rows}) > 20
    assert len({r["user_id"] for r in rows}) > 10


def test_where_user_and_project_are_refused_together_users_are_held_without_the_project(tmp_path: Path) -> None:
    with organization(days=45, requests_per_day=40) as org:
        store, summary = sync(tmp_path, org.base)
        asked = len(store.rows("fetches"))
        assert {run.dimensions for run in coverage(store, "costs_by_user")} == {("line_item", "user_id")}
        assert {(r.dataset, r.dimension) for r in summary.refusals} == {("costs_by_user", "project_id")}
        assert store.totals("acme", "costs_by_user", 0, 1 << 33) == store.totals("acme", "costs", 0, 1 << 33)
        sync(tmp_path, org.base)
    again = [r for r in store.rows("fetches")[asked:] if r["path"].endswith("costs")]
    assert [r["status"] for r in again] == [200] * 3, "a verdict that stands is not tried again"


def test_days_before_costs_by_key_begin_are_refused_for_good_and_hold_the_bill_alone(tmp_path: Path) -> None:
    floor = MIDNIGHT - 20 * DAY

    def script(asked: Asked) -> Answer:
        if "api_key_id" in groups(asked) and start(asked) < floor:
            message = f"group_by api_key_id is only supported for start_time on or after {floor}."
            return refusal(message, param="start_time", code="invalid_request_error")
        return Answer(200, page([]))

    with serving(script) as server:
        store, summary = sync(tmp_path, server.url)
        assert summary.ok
        assert coverage(store, "costs_by_api_key")[0].start == floor
        assert coverage(store, "costs")[0].start == MIDNIGHT - 40 * DAY
        (verdict,) = store.rows("refusals", {"org": "acme"})
        assert (verdict["dataset"], verdict["expires_at"]) == ("costs_by_api_key", None)
        assert verdict["end_time"] == naive(floor)
        before = len(server.asked)
        sync(tmp_path, server.url)
        assert all(start(a) >= floor for a in server.asked[before:] if "api_key_id" in groups(a))


def test_a_server_that_knows_no_costs_by_user_is_believed_and_costs_nothing_else(tmp_path: Path) -> None:
    def script(asked: Asked) -> Answer:
        if "user_id" in groups(asked):
            return refusal("Invalid value: 'user_id'.", param="group_by")
        return Answer(200, page([]))

    with serving(script) as server:
        store, summary = sync(tmp_path, server.url)
    assert summary.ok
    assert coverage(store, "costs_by_user") == []
    assert coverage(store, "costs")
    assert coverage(store, "costs_by_api_key")
    assert {(r.dataset, r.dimension, r.reason) for r in summary.refusals} == {
        ("costs_by_user", None, "grouping costs by user_id is refused")
    }


def test_a_split_that_is_not_found_is_named_for_what_was_asked_and_the_bill_goes_on(tmp_path: Path) -> None:
    lost = {"user_id"}

    def script(asked: Asked) -> Answer:
        return refusal("?", status=404) if lost & groups(asked) else Answer(200, page([]))

    with serving(script) as server:
        store, summary = sync(tmp_path, server.url, since=MIDNIGHT - 200 * DAY)
        assert summary.ok
        assert coverage(store, "costs")[0].start == MIDNIGHT - 200 * DAY
        assert sum((r["end_time"] - r["start_time"]).days for r in store.rows("refusals", {"org": "acme"})) == 201
        assert {(r["dataset"], r["reason"]) for r in store.rows("refusals", {"org": "acme"})} == {
            ("costs_by_user", "the server does not know costs by user_id (HTTP 404)")
        }
        lost.clear()
        sync(tmp_path, server.url, since=MIDNIGHT - 200 * DAY, full=True)
    assert coverage(store, "costs_by_user")[0].start == MIDNIGHT - 200 * DAY


def test_where_the_bill_is_refused_its_splits_are_unobtainable_for_the_same_reason(tmp_path: Path) -> None:
    earliest = MIDNIGHT - 20 * DAY

    def script(asked: Asked) -> Answer:
        if "costs" in asked.path and start(asked) < earliest:
            return refusal(f"Earliest supported start date: {naive(earliest):%Y-%m-%d}")
        return Answer(200, page([]))

    with serving(script) as server:
        store, summary = sync(tmp_path, server.url)
        assert summary.ok
    book = Book(store, Settings(book=store.url, org=(Org(name="acme"),)), FakeClock(NOW))
    found = book.coverage(since="2026-10-14")
    for name in ("costs", *SPLITS):
        assert [held.state for held in found.datasets[name][:20]] == ["unobtainable"] * 20
        assert {held.reason for held in found.datasets[name][:20]} == {TOO_OLD}
    gaps = {held.dataset: held.coverage.missing[0] for held in book.status().datasets if held.dataset in found.datasets}
    assert {gaps[name].reason for name in ("costs", *SPLITS)} == {TOO_OLD}


def test_a_split_that_fails_leaves_the_bill_written_is_named_and_is_taken_by_the_next_run(tmp_path: Path) -> None:
    broken = {"user_id"}

    def script(asked: Asked) -> Answer:
        if broken & groups(asked):
            return Answer(403, {"error": "not today"})
        return Answer(200, page([]))

    with serving(script) as server:
        store, summary = sync(tmp_path, server.url)
        assert not summary.ok
        assert {f.dataset for f in summary.failures} == {"costs_by_user"}
        assert coverage(store, "costs")
        assert coverage(store, "costs_by_user") == []
        broken.clear()
        _, summary = sync(tmp_path, server.url)
        assert summary.ok
        (bill, split) = (coverage(store, name) for name in ("costs", "costs_by_user"))
        assert [(r.start, r.end, r.recorded_at) for r in bill] == [(r.start, r.end, r.recorded_at) for r in split]


def test_whatever_is_written_of_a_day_is_written_at_once(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    with organization("user-by-project", days=45, requests_per_day=40) as org:
        for _ in range(3):
            store, _ = sync(tmp_path, org.base, clock)
            clock.advance(40_000)
            org.clock.advance(40_000)
    bill = {(r.start, r.end): r.recorded_at for r in coverage(store, "costs")}
    for split in SPLITS:
        assert {(r.start, r.end): r.recorded_at for r in coverage(store, split)} == bill


def test_splits_can_be_left_out(tmp_path: Path) -> None:
    with organization(days=45, requests_per_day=40) as org:
        store, summary = sync(tmp_path, org.base, splits=())
    assert summary.windows == 1
    assert store.read("SELECT count(*) AS n FROM internal.cost_splits").to_pylist() == [{"n": 0}]


@pytest.mark.parametrize(
    ("split", "bill", "held"),
    [
        ((10, 20, 5), (10, 20, 5), [(10, 20)]),
        ((10, 20, 5), (12, 20, 6), []),
        ((10, 20, 6), (12, 25, 6), [(12, 20)]),
    ],
)
def test_a_split_counts_only_where_it_was_written_with_the_bill(
    split: tuple[int, int, int], bill: tuple[int, int, int], held: list[tuple[int, int]]
) -> None:
    def runs(start: int, end: int, at: int) -> list[Run]:
        return [Run(start * DAY, end * DAY, "1d", (), 30 * DAY, at)]

    assert [(r.start // DAY, r.end // DAY) for r in together(runs(*split), runs(*bill))] == held
