"""Everything that must be true of a book after each step of its life."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tallybook.model.coverage import squeeze
from tallybook.model.windows import SECONDS, naive, unix
from tallybook.query.reports.restatements import restatements
from tallybook.store.sql_store import SqlStore
from tests.store.oracle import Oracle, dataset_of, table_rows
from tests.store.rollups import rollups_are_right
from tests.store.world import BEGIN, DAY, DIMENSIONS, NUMBERS, is_money

FACTS = {
    "usage": "internal.usage_history",
    "costs": "internal.costs_history",
    "internal.cost_splits": "internal.cost_splits_history",
}
"""Every table of facts with that of its earlier versions."""
TABLES = (*FACTS, *FACTS.values(), "internal.coverage", "internal.coverage_history")
FOREVER = naive(1 << 37)
HISTORY = {"open", "restated", "rewidened", "regrouped"}


class Checks:
    """Compares what a book holds of `org` with the oracle; remembers what was held, to ask for it again as of then."""

    def __init__(self, org: str) -> None:
        self.org = org
        self.earlier: list[tuple[dt.datetime, Counter[Any], Any]] = []
        self.last_commit = naive(0)

    def check(self, store: SqlStore, oracle: Oracle) -> None:
        """Compare the book with the oracle in every way."""
        self.store, self.oracle = store, oracle
        self.tables = {t: self.store.read(f"SELECT * FROM {t} WHERE org = ?", [self.org]).to_pylist() for t in TABLES}
        facts = self._facts()
        same(facts, oracle.facts(), "facts")
        self._check_sums()
        rollups_are_right(self.store)
        self._check_coverage(facts)
        self._check_history()
        self._check_restatements()
        self._check_time(facts)
        self._check_notes()

    def _facts(self) -> Counter[Any]:
        rows = [row for table in FACTS for row in self.tables[table]]
        return Counter(
            (name, unix(r["start_time"]), unix(r["end_time"]), r.get("width", "1d"), key, numbers)
            for r, (name, key, numbers) in zip(rows, table_rows(rows), strict=True)
        )

    def _check_sums(self) -> None:
        """At every grain that buckets allow, a blind sum is what happened, per currency and unit."""
        widest = max((SECONDS[b.width] for d in DIMENSIONS for b in self.oracle.buckets(d)), default=60)
        for grain in (s for s in (60, 3600, DAY, 400 * DAY) if s >= widest):
            seconds = "CAST(EXTRACT(EPOCH FROM start_time) AS BIGINT)"
            bucket = f"{seconds} - {seconds} % {grain} AS bucket"
            for name, table in (("costs", "costs"), ("costs_by_user", "internal.cost_splits")):
                found = self.store.read(
                    f"SELECT {bucket}, currency, quantity_unit, SUM(amount) AS a, SUM(quantity) AS q FROM {table} "
                    "WHERE org = ? GROUP BY 1, 2, 3",
                    [self.org],
                )
                expected = self.oracle.sums(name, grain)
                rows = [tuple(r.values()) for r in found.to_pylist()]
                units = {(at, currency, unit): quantity or 0 for at, currency, unit, _, quantity in rows}
                same(
                    {k: v for k, v in units.items() if v}, {k: v[1] for k, v in expected.items() if v[1]}, "quantities"
                )
                billed = _folded((k[:2], v[0]) for k, v in expected.items())
                same(_folded((r[:2], r[3]) for r in rows), billed, "amounts")
            found = self.store.read(
                f"SELECT {bucket}, SUM(input_tokens)::BIGINT AS i, SUM(output_tokens)::BIGINT AS o FROM usage "
                "WHERE org = ? AND dataset = 'completions' GROUP BY 1",
                [self.org],
            )
            sums = {r[0]: r[1:] for r in (tuple(r.values()) for r in found.to_pylist())}
            same(sums, {k[0]: v[:2] for k, v in self.oracle.sums("completions", grain).items()}, "tokens")

    def _check_coverage(self, facts: Counter[Any]) -> None:
        held = self.store.coverage(self.org, DIMENSIONS)
        for name, runs in held.items():
            assert all(a.end <= b.start and a.extent.end <= b.start for a, b in pairwise(runs))
            assert runs == squeeze(runs)
            buckets = {
                at: (min(at + SECONDS[run.width], run.end), run.width, run.dimensions, run.read_at)
                for run in runs
                for at in range(run.start, run.end, SECONDS[run.width])
            }
            same(buckets, self.oracle.coverage(name), f"coverage of {name}")
            spans = [(run.extent, run.width) for run in runs]
            for row in (row for table in FACTS for row in self.tables[table]):
                if dataset_of(row) == name:
                    start, width = unix(row["start_time"]), row.get("width", "1d")
                    assert any(s.start <= start < s.end and w == width for s, w in spans), "a fact without coverage"
            for a, b in ((0, 10 * DAY), (DAY, 2 * DAY)):
                self._check_totals(name, BEGIN + a, BEGIN + b, facts)

    def _check_totals(self, name: str, start: int, end: int, held: Counter[Any]) -> None:
        """Ask the store for the sum of everything in whole days."""
        found = self.store.totals(self.org, name, start, end)
        facts = [f for f in held.elements() if f[0] == name and start <= f[1] < end]
        assert self.store.holds_rows(self.org, name, start, end) == bool(facts)
        if is_money(name):
            assert found == {k[0]: v for k, v in _folded(((f[4][-2],), f[5][0]) for f in facts).items()}
        if name == "completions":
            assert found["input_tokens"] == sum(f[5][0] for f in facts)
        self._check_daily(name, self.store.daily_totals(self.org, name, start, end), facts)

    @staticmethod
    def _check_daily(name: str, found: dict[int, Any], facts: list[Any]) -> None:
        """The sums by day are those of the rows whose buckets begin in it, with how many rows they were."""
        expected: dict[Any, tuple[Any, int]] = {}
        for f in facts:
            key = (f[1] - f[1] % DAY, f[4][-2] if is_money(name) else NUMBERS[name][0])
            value, rows = expected.get(key, (0, 0))
            expected[key] = (value + (f[5][0] or 0), rows + 1)
        same({key: tuple(found[key[0]][key[1]]) for key in expected}, expected, f"sums of {name} by day")
        assert {day for day, _ in expected} == set(found)

    def _check_history(self) -> None:
        found: Counter[Any] = Counter()
        versions: dict[Any, list[tuple[Any, Any]]] = {}
        for table, history in FACTS.items():
            for rows in (self.tables[history], self.tables[table]):
                for row, (name, key, numbers) in zip(rows, table_rows(rows), strict=True):
                    full = (name, unix(row["start_time"]), row.get("width", "1d"), key)
                    until = row.get("replaced_at") or FOREVER
                    assert row["recorded_at"] < until
                    versions.setdefault(full, []).append((row["recorded_at"], until))
                    if "reason" in row:
                        assert row["reason"] in HISTORY
                        assert not row["absent"] or not any(n is not None for n in numbers)
                        found[*full, None if row["absent"] else numbers, row["reason"]] += 1
        same(found, self.oracle.history, "history")
        for full, spans in versions.items():
            spans.sort()
            for (_, end), (start, _) in pairwise(spans):
                assert end <= start, f"two versions of {full} at one time"

    def _check_restatements(self) -> None:
        """What was restated is told by commit, dataset and day, row by row and to the last digit."""
        reports = restatements(self.store, self.org)
        seen = sorted({report.seen_at for report in reports})
        told = sorted({commit for commit, *_ in self.oracle.restated})
        found: dict[Any, Any] = {}
        for report in reports:
            where = (seen.index(report.seen_at), report.dataset, unix(report.day))
            for what in ("changed", "vanished", "appeared"):
                found[*where, what] = getattr(report, what)
            for change in report.changes:
                if change.measure == NUMBERS[report.dataset][0]:
                    found[*where, ("before", change.currency)] = change.before
                    found[*where, ("after", change.currency)] = change.after
                    assert change.change == change.after - change.before
        expected = {(told.index(c), *rest): n for (c, *rest), n in self.oracle.restated.items()}
        same({k: n for k, n in found.items() if n}, {k: n for k, n in expected.items() if n}, "restatements")

    def _check_time(self, facts: Counter[Any]) -> None:
        """What was held after each earlier step can still be told; the time of commits only grows."""
        commit = self.store.read("SELECT last_commit FROM internal.book").to_pylist()[0]["last_commit"]
        assert commit >= self.last_commit
        self.last_commit = commit
        latest = self.store.read(
            "SELECT max(recorded_at) AS at FROM "
            "(SELECT recorded_at FROM usage UNION ALL SELECT recorded_at FROM costs) AS every"
        ).to_pylist()[0]["at"]
        assert latest is None or latest <= commit
        coverage = {d: self.oracle.coverage(d) for d in DIMENSIONS}
        if not self.earlier or self.earlier[-1][0] != commit:
            self.earlier.append((commit, facts, coverage))
        for when, then, covered in self.earlier[-3:]:
            same(self._facts_as_of(when), then, f"facts as of {when}")
            for name in DIMENSIONS:
                same(self._coverage_as_of(name, when), covered[name], f"coverage of {name} as of {when}")

    def _facts_as_of(self, when: dt.datetime) -> Counter[Any]:
        out: Counter[Any] = Counter()
        for table, history in FACTS.items():
            for rows in (self.tables[history], self.tables[table]):
                for row, (name, key, numbers) in zip(rows, table_rows(rows), strict=True):
                    if row["recorded_at"] <= when < row.get("replaced_at", FOREVER) and not row.get("absent"):
                        start, end = unix(row["start_time"]), unix(row["end_time"])
                        out[name, start, end, row.get("width", "1d"), key, numbers] += 1
        return out

    def _coverage_as_of(self, name: str, when: dt.datetime) -> dict[int, Any]:
        out: dict[int, Any] = {}
        for row in self.tables["internal.coverage"] + self.tables["internal.coverage_history"]:
            if row["dataset"] != name or not row["recorded_at"] <= when < row.get("replaced_at", FOREVER):
                continue
            step, until = SECONDS[row["width"]], unix(row["end_time"])
            asked = tuple(row["dimensions"].split(","))
            for at in range(unix(row["start_time"]), until, step):
                # A run that was cut inside a coarse bucket is that bucket in two pieces.
                first = at - at % step
                end = max(min(at + step, until), out[first][0] if first in out else 0)
                assert first == at or first in out
                out[first] = (min(end, first + step), row["width"], asked, unix(row["read_at"]))
        return out

    def _check_notes(self) -> None:
        rows = [r for r in self.store.rows("notes", {"org": self.org}) if r["kind"] in ("regrouped", "rewidened")]
        found = Counter((r["dataset"], unix(r["start_time"]), unix(r["end_time"]), r["kind"]) for r in rows)
        same(found, Counter(self.oracle.notes), "notes")
        texts = [tuple(r[c] for c in ("org", "dataset", "start_time", "end_time", "kind", "text")) for r in rows]
        assert len(texts) == len(set(texts))


def same(found: Mapping[Any, Any], expected: Mapping[Any, Any], what: str) -> None:
    """Say only where two mappings differ: whole ones are too long to read."""
    wrong = {k: (found.get(k), expected.get(k)) for k in {**found, **expected} if found.get(k) != expected.get(k)}
    assert not wrong, f"{what}: (found, expected) differ in {wrong}"


def _folded(pairs: Any) -> dict[Any, Decimal]:
    out: dict[Any, Decimal] = {}
    for key, amount in pairs:
        out[key] = out.get(key, Decimal(0)) + (amount or Decimal(0))
    return out
