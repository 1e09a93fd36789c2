"""Control totals prove what is held: corruption is found and healed, what still differs is noted."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tallybook.collect import sync
from tallybook.collect.http import Http
from tallybook.collect.sync import Policy, Summary
from tallybook.emulator import Company, create_app, running
from tallybook.model.datasets import DATASETS, HELD
from tallybook.model.errors import NotABookError
from tallybook.model.secret import AdminKey
from tallybook.model.windows import DAY, naive
from tallybook.query.reports import inventory
from tallybook.show.text import status_text
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, bucket, client, page, refusal
from tests.collect.test_sync import EMPTY_LIST, KEY, NOW, SINCE, TODAY, facts

POLICY = Policy(("costs", "completions", "images"), since=SINCE, history_width="1h", control_totals=True)
OLD = naive(TODAY - 20 * DAY)


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with running(create_app(Company(seed=7, days=40, requests_per_day=40, clock=FakeClock(NOW)))) as url:
        yield url


def act(folder: Path, base: str, work: Any, policy: Policy = POLICY, later: int = 0) -> tuple[DuckDBStore, Summary]:
    clock = FakeClock(NOW + dt.timedelta(seconds=later))
    store = DuckDBStore(folder / "book.duckdb", clock)
    with Http(base, AdminKey(KEY, "the test"), clock) as http:
        return store, work(store, http, "acme", policy, clock)


def ungrouped(store: DuckDBStore) -> list[str]:
    return [
        row["path"]
        for row in store.rows("fetches")
        if "bucket_width" in row["query"] and "group_by" not in row["query"]
    ]


def corrupt(store: DuckDBStore, text: str) -> None:
    """Change the file behind the book's back."""
    with duckdb.connect(str(store.path)) as connection:
        (changed,) = connection.execute(text, [OLD]).fetchone() or (0,)
    assert changed == 1


def everything(store: DuckDBStore) -> list[Any]:
    tables = ("usage", "costs", "internal.coverage", "internal.usage_history", "internal.notes")
    return [store.read(f"SELECT * FROM {table} ORDER BY ALL").to_pylist() for table in tables]


def test_a_sync_compares_once_a_day_with_one_request_for_each_dataset(tmp_path: Path, base: str) -> None:
    store, first = act(tmp_path, base, sync.run)
    assert first.control is not None
    assert sorted(ungrouped(store)) == [
        "organization/costs", "organization/usage/completions", "organization/usage/images",
    ]  # fmt: skip
    # 31 days of usage; of costs all that are stable: 34 days back to 7 days ago.
    assert (first.control.count("equal"), first.control.ok) == (31 + 31 + 27, True)
    assert [row["equal"] for row in sorted(store.rows("controls"), key=lambda r: r["dataset"])] == [31, 27, 31]
    store, second = act(tmp_path, base, sync.run, later=8 * 3_600)
    assert (second.control, len(ungrouped(store))) == (None, 3)
    store, third = act(tmp_path, base, sync.run, later=9 * 3_600)  # after midnight
    assert third.control is not None
    assert len(ungrouped(store)) == 6
    assert third.as_dict()["control"]["equal"] == 31 + 31 + 28


def test_control_totals_change_nothing_by_themselves(tmp_path: Path, base: str) -> None:
    store, _ = act(tmp_path, base, sync.run, replace(POLICY, control_totals=False))
    before = everything(store)
    store, summary = act(tmp_path, base, sync.verify)
    assert everything(store) == before
    assert summary.control is not None
    assert summary.windows == 0
    found = {day.dataset: summary.control.count("equal", day.dataset) for day in summary.control.days}
    # The reach of the book: 34 days, of which three or seven are not stable yet.
    assert found == {"costs": 27, "completions": 31, "images": 31}
    assert summary.control.runs()["images"][-1] == {
        "start": "2026-11-20", "end": "2026-11-23", "state": "not comparable", "reason": "not stable yet",
    }  # fmt: skip


CORRUPTIONS = {
    "a changed count": "UPDATE usage SET output_tokens = output_tokens + 1 WHERE rowid = (SELECT min(rowid) FROM usage "
    "WHERE dataset = 'completions' AND start_time >= ? AND start_time < TIMESTAMP '2026-11-05')",
    "a lost row": "DELETE FROM usage WHERE rowid = (SELECT max(rowid) FROM usage WHERE dataset = 'images' "
    "AND start_time >= ? AND start_time < TIMESTAMP '2026-11-05')",
    "a changed amount": "UPDATE costs SET amount = amount - 0.000000001 WHERE rowid = "
    "(SELECT min(rowid) FROM costs WHERE start_time = ?)",
    "a row too many": "INSERT INTO costs SELECT * REPLACE ('forged' AS line_item) FROM costs WHERE start_time = ? "
    "AND amount > 0 LIMIT 1",
}


@pytest.mark.parametrize(
    ("name", "work"), [*((name, sync.verify) for name in CORRUPTIONS), ("a changed amount", sync.run)]
)
def test_a_corrupted_row_is_found_and_healed_by_reading_its_day_again(
    tmp_path: Path, base: str, name: str, work: Any
) -> None:
    store, _ = act(tmp_path, base, sync.run, replace(POLICY, history_width="1d"))
    before = facts_without_time(store)
    corrupt(store, CORRUPTIONS[name])
    assert facts_without_time(store) != before
    store, summary = act(tmp_path, base, work, replace(POLICY, history_width="1d"), later=DAY)
    assert {day: rows for day, rows in facts_without_time(store).items() if day < naive(TODAY - DAY)} == {
        day: rows for day, rows in before.items() if day < naive(TODAY - DAY)
    }
    assert summary.control is not None
    assert (summary.control.count("healed"), summary.control.count("differs"), summary.ok) == (1, 0, True)
    (day,) = [day for day in summary.control.days if day.state == "healed"]
    assert TODAY - 20 * DAY <= day.day < TODAY - 18 * DAY
    (healed,) = summary.as_dict()["control"]["differing"]
    assert healed["differences"][0]["held"] != healed["differences"][0]["control"]
    history = store.read(
        "SELECT reason FROM internal.usage_history UNION ALL SELECT reason FROM internal.costs_history"
    )
    assert "restated" in history["reason"].to_pylist()
    (run,) = [r for r in store.coverage("acme", [day.dataset])[day.dataset] if r.start <= day.day < r.end]
    assert run.read_at >= TODAY + DAY
    assert store.rows("notes") == []


def facts_without_time(store: DuckDBStore) -> dict[Any, Any]:
    out: dict[Any, list[Any]] = {}
    for table in ("usage", "costs"):
        for row in store.read(f"SELECT * EXCLUDE (recorded_at) FROM {table} ORDER BY ALL").to_pylist():
            out.setdefault(row["start_time"], []).append(row)
    return out


def test_what_is_not_stable_is_neither_compared_nor_touched(tmp_path: Path, base: str) -> None:
    store, _ = act(tmp_path, base, sync.run)
    with duckdb.connect(str(store.path)) as connection:
        connection.execute("UPDATE usage SET images = 0 WHERE start_time >= ?", [naive(TODAY - 2 * DAY)])
    before = facts(store)
    store, summary = act(tmp_path, base, sync.verify)
    assert summary.control is not None
    assert summary.control.ok
    assert facts(store) == before


def test_only_the_days_asked_for_are_compared(tmp_path: Path, base: str) -> None:
    act(tmp_path, base, sync.run)
    bounds = replace(POLICY, datasets=("images",), since=TODAY - 12 * DAY, until=TODAY - 10 * DAY)
    _, summary = act(tmp_path, base, sync.verify, bounds)
    assert summary.control is not None
    assert [(d.dataset, d.day) for d in summary.control.days] == [("images", TODAY - n * DAY) for n in (12, 11)]


ONE = Policy(("embeddings",), TODAY - 9 * DAY, TODAY, history_width="1d", concurrency=1, control_totals=True)


def embeddings(grouped: int, control: int | Answer) -> Any:
    """Return a script: what nine days have, read as usual and ungrouped."""

    def script(asked: Asked) -> Answer:
        if "/usage/" not in asked.path:
            return EMPTY_LIST
        by = any(name == "group_by[]" for name, _ in asked.query)
        if not by and isinstance(control, Answer):
            return control
        query = dict(asked.query)
        tokens = grouped if by else control
        row = {"object": DATASETS["embeddings"].result, "input_tokens": tokens, "num_model_requests": 1}
        starts = range(int(query["start_time"]), int(query["end_time"]), DAY)
        return Answer(200, page([bucket(s, s + DAY, row) for s in starts]))

    return script


def scripted(
    folder: Path, script: Any, work: Any, later: int = 0, policy: Policy = ONE
) -> tuple[DuckDBStore, Summary, list[Asked]]:
    clock = FakeClock(NOW + dt.timedelta(seconds=later))
    store = DuckDBStore(folder / "book.duckdb", clock)
    with client(script, clock, deadline=20) as (http, server):
        summary = work(store, http, "acme", policy, clock)
        return store, summary, [a for a in server.asked if "/usage/" in a.path]


def test_what_still_differs_is_a_note_with_both_numbers_until_it_is_equal(tmp_path: Path) -> None:
    store, summary, asked = scripted(tmp_path, embeddings(5, 6), sync.run)
    assert summary.control is not None
    assert (summary.ok, summary.control.ok, summary.control.count("differs")) == (True, False, 6)
    # Once as usual, once ungrouped, and both again for the six stable days.
    assert len(asked) == 4
    notes = store.rows("notes")
    assert {(n["dataset"], n["kind"], n["text"]) for n in notes} == {
        ("embeddings", "control", "differs from its control total: input_tokens held 5, control total 6")
    }
    assert [n["start_time"] for n in sorted(notes, key=lambda n: n["start_time"])] == [
        naive(TODAY - d * DAY) for d in range(9, 3, -1)
    ]
    store, _, _ = scripted(tmp_path, embeddings(5, 6), sync.verify)
    assert len(store.rows("notes")) == 6
    store, summary, _ = scripted(tmp_path, embeddings(5, 5), sync.verify, later=600)
    assert summary.control is not None
    assert summary.control.ok
    assert {n["text"] for n in store.rows("notes")} == {
        "differed from its control total; equal when compared on 2026-11-23"
    }


def test_a_restatement_after_the_look_back_is_found_and_taken(tmp_path: Path) -> None:
    scripted(tmp_path, embeddings(5, 5), sync.run)
    store, summary, _ = scripted(tmp_path, embeddings(8, 8), sync.run, later=DAY)
    assert summary.control is not None
    assert (summary.control.count("healed"), summary.control.ok) == (6, True)
    assert store.totals("acme", "embeddings", 0, 1 << 33)["input_tokens"] == 9 * 8


@pytest.mark.parametrize(
    ("answer", "reason", "failed"),
    [
        (refusal("no", status=500), "answered HTTP 500 again and again", 1),
        (Answer(200, b"<html>", {"content-type": "text/html"}), "is not JSON but text/html", 1),
        (Answer(403, {"error": "no"}), "The key is not allowed to read this", 1),
        (refusal("?", status=404), "the server does not know this dataset", 0),
        (refusal("Choose group_by.", param="group_by"), "The server refuses the request (HTTP 400)", 1),
    ],
    ids=["500", "HTML", "403", "404", "400"],
)
def test_a_control_total_that_cannot_be_had_is_listed_and_stops_nothing(
    tmp_path: Path, answer: Answer, reason: str, failed: int
) -> None:
    store, summary, _ = scripted(tmp_path, embeddings(5, answer), sync.run)
    assert summary.ok
    assert store.totals("acme", "embeddings", 0, 1 << 33)["input_tokens"] == 9 * 5
    assert summary.control is not None
    assert len(summary.control.failures) == failed
    assert {day.state for day in summary.control.days} == {"not comparable"}
    assert all("no control total: " in day.reason and reason in day.reason for day in summary.control.days)
    assert store.rows("notes") == []
    assert store.rows("refusals") == []
    # It is not asked for again on the same day.
    before = len(ungrouped(store))
    store, again, _ = scripted(tmp_path, embeddings(5, answer), sync.run, later=60)
    assert (again.control, len(ungrouped(store))) == (None, before)


def test_verify_makes_no_book_and_is_not_the_last_sync(tmp_path: Path, base: str) -> None:
    with pytest.raises(NotABookError):
        act(tmp_path, base, sync.verify)
    assert list(tmp_path.iterdir()) == []
    act(tmp_path, base, sync.run)
    store, _ = act(tmp_path, base, sync.verify, later=60)
    kinds = [json.loads(row["summary"])["kind"] for row in sorted(store.rows("syncs"), key=lambda r: r["began_at"])]
    assert kinds == ["sync", "verify"]


def test_status_tells_when_it_was_last_compared_and_a_verification_is_not_the_last_sync(
    tmp_path: Path, base: str
) -> None:
    store, _ = act(tmp_path, base, sync.run)
    act(tmp_path, base, sync.verify, later=60)
    status = inventory.status(store, "acme", dict.fromkeys(HELD, 3 * DAY), TODAY, SINCE)
    assert {row["dataset"]: row["equal"] for row in status.controls} == {"costs": 27, "completions": 31, "images": 31}
    assert status.last_sync is not None
    assert status.last_sync["control"]["equal"] == 89
    assert "Control totals: 89 days of 3 datasets equal, compared 2026-11-23 15:10." in status_text(status)
    assert status.as_dict()["controls"][0]["checked_at"] == "2026-11-23T15:10:20Z"
