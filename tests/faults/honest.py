"""Whether a book tells the truth: it equals the ledger wherever it claims to hold something, and names the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from tallybook.book import Book
from tallybook.collect.summary import Summary
from tallybook.emulator import Company
from tallybook.emulator.served import DATASETS as SERVED
from tallybook.model.coverage import Run
from tallybook.model.datasets import HELD
from tallybook.model.windows import SECONDS, Span, floor, naive, subtract, unix
from tallybook.query.dimensions import DIMENSIONS
from tallybook.store.duckdb import DuckDBStore
from tests.emulator.wire import Org
from tests.query.oracle import Oracle
from tests.query.test_answers import found
from tests.store.oracle import dataset_of

GRAINS = {"1h": "hour", "1d": "day"}
Rows = dict[tuple[Any, ...], tuple[Any, ...]]
TABLES = ("usage", "costs", "internal.cost_splits")


class Truth:
    """What a company really did since a midnight, told apart as a book may hold it."""

    def __init__(self, company: Company, since: int) -> None:
        self.company, self.since = company, since
        self._known: dict[Any, Rows] = {}

    def rows(self, dataset: str, run: Run, until: int) -> Rows:
        """Return what a run must hold in the buckets that end by `until`: (start, dimensions) to numbers."""
        step = SECONDS[run.width]
        found = self._ledger(dataset, run.dimensions, run.width)
        return {k: v for k, v in found.items() if run.start <= k[0] < run.end and k[0] + step <= until}

    def _ledger(self, dataset: str, dimensions: tuple[str, ...], width: str) -> Rows:
        now = self.company.now()
        key = (dataset, dimensions, width, now // SECONDS["1h"])
        if key not in self._known:
            name = "costs" if HELD[dataset].is_costs else dataset
            rows = self.company.ledger(self.since, now + 1, name, dimensions, GRAINS[width])[name]
            self._known[key] = dict(_keyed(name, dimensions, row) for row in rows)
        return self._known[key]


def _keyed(dataset: str, dimensions: Iterable[str], row: Mapping[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    costs = HELD[dataset].is_costs
    apart = (row["currency"], row["quantity_unit"]) if costs else ()
    numbers = ("amount", "quantity") if costs else SERVED[dataset].measures
    start = row["start_time"]
    at = start if isinstance(start, int) else unix(start)
    return (at, *(row[d] for d in dimensions), *apart), tuple(row[n] for n in numbers)


class Held:
    """Everything that a book has, read once."""

    def __init__(self, book: Book) -> None:
        assert isinstance(book.store, DuckDBStore)
        with book.store.opened():
            self.runs = book.store.coverage(book.org, HELD)
            self.refusals = book.store.rows("refusals")
            self.missing = {h.dataset: [gap.span for gap in h.coverage.missing] for h in book.status().datasets}
            found = [row for table in TABLES for row in book.store.read(f"SELECT * FROM {table}").to_pylist()]
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in HELD}
        for row in found:
            self._rows[dataset_of(row)].append(row)

    def rows(self, dataset: str, run: Run, until: int) -> Rows:
        """Return the rows of a run in the buckets that end by `until`."""
        low, high = naive(run.start), naive(run.end)
        rows = [
            row for row in self._rows[dataset] if low <= row["start_time"] < high and unix(row["end_time"]) <= until
        ]
        assert all(row.get("width", "1d") == run.width for row in rows)
        out = dict(_keyed(dataset, run.dimensions, row) for row in rows)
        assert len(out) == len(rows), f"{dataset}: a row twice"
        return out

    def outside(self, dataset: str) -> list[Any]:
        """Return the rows of a dataset that no coverage claims."""
        spans = [run.extent for run in self.runs[dataset]]
        starts = [unix(row["start_time"]) for row in self._rows[dataset]]
        return [at for at in starts if not any(span.start <= at < span.end for span in spans)]

    def refused(self, dataset: str) -> list[Span]:
        """Return what the API has refused of a dataset, at any width; a split goes with the bill."""
        those = {dataset, "costs"} if HELD[dataset].split else {dataset}
        mine = [r for r in self.refusals if r["dataset"] in those and r["dimension"] is None]
        return [Span(unix(r["start_time"]), unix(r["end_time"])) for r in mine]


def assert_honest(book: Book, truth: Truth, summary: Summary | None) -> None:
    """Every ended bucket that is held equals the ledger; whatever is not held is named by `status`.

    A sync that says that all is well has read everything up to the bucket in which it began, or names a refusal.
    """
    now = truth.company.now()
    held = Held(book)
    for name, runs in held.runs.items():
        assert held.outside(name) == [], f"{name}: rows without coverage"
        for run in runs:
            until = min(run.end, run.read_at)
            assert held.rows(name, run, until) == truth.rows(name, run, until), f"{name} {run}: a silent difference"
        spans = [run.span for run in runs]
        newest = max((run.end for run in runs), default=now)
        gaps = subtract([Span(truth.since, newest)], [*spans, *held.missing[name]])
        assert gaps == [], f"{name}: status does not name all that is missing"
        if summary is not None and summary.ok:
            began = floor(unix(summary.began_at), "1d" if HELD[name].is_costs else "1h")
            gaps = subtract([Span(truth.since, began)], [*spans, *held.refused(name)])
            assert gaps == [], f"{name}: a sync that says that all is well has not read this"


def assert_whole(book: Book, truth: Truth) -> None:
    """The book equals the ledger up to now, in every dimension; to be called while the clock stands still."""
    held, now = Held(book), truth.company.now()
    truth = Truth(truth.company, truth.since)  # up to this very second
    for name, runs in held.runs.items():
        assert subtract([Span(truth.since, now)], [run.span for run in runs]) == [], name
        for run in runs:
            assert run.dimensions == HELD[name].asked, f"{name} {run}"
            assert held.rows(name, run, 1 << 33) == truth.rows(name, run, 1 << 33), name


ASKED = (
    *(("cost", d) for d in (None, "project", "line_item")),
    *((m, d) for m in ("input_tokens", "num_model_requests") for d in (None, "project", "user", "api_key", "model")),
    *((m, "project") for m in ("images", "characters", "seconds", "num_sessions", "num_requests")),
)


def assert_answers(book: Book, org: Org, since: int, until: int) -> int:
    """An answer about whole days that calls itself complete is the ledger's; return how many do."""
    truth = Oracle(org, since, until)
    days = [dt.datetime.fromtimestamp(at, dt.UTC) for at in (since, until)]
    complete = 0
    for metric, dimension in ASKED:
        result = book.query(metric, by=dimension or (), grain="day", since=days[0], until=days[1])
        if result.coverage.complete:
            column = DIMENSIONS[dimension].column if dimension else None
            assert found(result, metric, dimension) == truth.answer(metric, column, "day"), (metric, dimension)
            complete += 1
    return complete
