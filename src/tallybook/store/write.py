"""One transaction of a book: compare what was read with what is held, and write only the difference."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import Any

from tallybook.model import arrow
from tallybook.model.coverage import PartialBucketError, Run, squeeze
from tallybook.model.datasets import HELD
from tallybook.model.errors import DoesNotFitError, StoreError
from tallybook.model.records import Note, Read
from tallybook.model.windows import SECONDS, Span, Window, naive, unix
from tallybook.store import pages, rolling
from tallybook.store.base import Batch, Changes, table_of
from tallybook.store.effects import Effect, effect, inside, known
from tallybook.store.facts import TABLES, replace_facts, which
from tallybook.store.rows import insert
from tallybook.store.session import Session, same, schema_of
from tallybook.store.verdicts import Verdict, settle
from tallybook.store.versions import VERSIONED, source

_SECOND = 1_000_000


def write(session: Session, batch: Batch, now: dt.datetime) -> Changes:
    """Write `batch` inside the caller's transaction; `now` is naive UTC."""
    at = _commit_time(session, now)
    changes = Changes()
    held = _held(session, batch)
    reads = list(_without_loss(session, batch, held, changes))
    try:
        what = effect(reads, held, _microseconds(at))
    except PartialBucketError as exc:
        raise DoesNotFitError(f"The read does not fit what the book holds: {exc}. Run `tallybook sync` again.") from exc
    for name, table in TABLES.items():
        of_table = [r for r in reads if table_of(r.dataset) == name and r.rows is not None]
        if of_table:
            replace_facts(session, table, batch.org, of_table, what, at, changes)
    if changes.inserted or changes.removed:
        rolling.refresh(session, batch.org, at)
    _coverage(session, batch.org, what, at)
    pages.file(session, batch, reads, at)
    _refusals(session, batch, at)
    _notes(session, batch.org, [n for r in batch.reads for n in r.notes] + changes.notes + list(batch.notes), at)
    return changes


def _commit_time(session: Session, now: dt.datetime) -> dt.datetime:
    """Return the time of this commit: now, but always after the one before, should the clock have stepped back."""
    row = session.execute(
        "UPDATE internal.book SET version = version + 1, "
        "last_commit = greatest(?::TIMESTAMP, last_commit + INTERVAL '0.000001' SECOND) RETURNING last_commit",
        [now],
    ).fetchone()
    if row is None:
        raise StoreError("The book is damaged: it has no row about itself.")
    commit: dt.datetime = row[0]
    return commit


def _microseconds(moment: dt.datetime) -> int:
    return unix(moment) * 1_000_000 + moment.microsecond


def _held(session: Session, batch: Batch) -> dict[str, list[Run]]:
    """Return the coverage that the batch can touch: all runs within a bucket's reach of its windows."""
    out: dict[str, list[Run]] = {r.dataset: [] for r in batch.reads}
    if out:
        low = min(r.window.start for r in batch.reads) - SECONDS["1d"]
        high = max(r.window.end for r in batch.reads) + SECONDS["1d"]
        for name, run in held_runs(session, batch.org, list(out), Span(low, high)):
            out[name].append(run)
    return out


def held_runs(
    session: Session,
    org: str,
    datasets: list[str],
    span: Span | None = None,
    as_of: dt.datetime | None = None,
) -> Iterable[tuple[str, Run]]:
    """Yield the coverage of `datasets`, in order of time; with `span` only the runs that touch it.

    As of an earlier moment, a run may come in the pieces in which it was replaced.
    """
    seconds = (f"epoch_us({column})" for column in ("start_time", "end_time", "read_at"))
    held, params = source("coverage", VERSIONED["coverage"], as_of)
    text = (
        f"SELECT dataset, width, dimensions, {', '.join(seconds)}, epoch_us(recorded_at) "
        f"FROM {held} AS c WHERE org = ? AND dataset IN (SELECT unnest(?::VARCHAR[]))"
    )
    params += [org, datasets]
    if span is not None:
        text, params = text + " AND end_time >= ? AND start_time <= ?", [*params, naive(span.start), naive(span.end)]
    for name, width, dimensions, start, end, read_at, recorded_at in session.execute(
        text + " ORDER BY dataset, start_time", params
    ).fetchall():
        asked = tuple(dimensions.split(",")) if dimensions else ()
        yield name, Run(start // _SECOND, end // _SECOND, width, asked, read_at // _SECOND, recorded_at)


def _without_loss(session: Session, batch: Batch, held: dict[str, list[Run]], changes: Changes) -> Iterable[Read]:
    """Yield the reads; where one was asked with fewer dimensions than are held, buckets of equal total keep theirs.

    Such a bucket comes back without rows and with the dimensions held: only its read time is new.
    """
    for read in filter(None, map(known, batch.reads)):
        richer = [
            run
            for run in held[read.dataset]
            if run.width == read.window.width
            and run.extent.overlaps(read.window)
            and not set(run.dimensions) <= set(read.dimensions)
        ]
        if not richer:
            yield read
            continue
        said = read.rows is not None
        totals = {r.dimensions: _bucket_totals(session, batch.org, read, r.dimensions) for r in richer if said}
        step = SECONDS[read.window.width]
        verdicts: list[tuple[int, tuple[str, ...] | None]] = []
        for start in range(read.window.start, read.window.end, step):
            run = next((r for r in richer if r.start <= start < r.end), None)
            before, after = totals[run.dimensions] if run is not None and said else ({}, {})
            same = run is not None and before.get(start) == after.get(start)
            verdicts.append((start, run.dimensions if run is not None and same else None))
            if run is not None and not same:
                lost = ", ".join(sorted(set(run.dimensions) - set(read.dimensions)))
                text = f"its total changed and it is no longer held by {lost}"
                changes.notes.append(Note(read.dataset, Span(start, start + step), "regrouped", text))
        yield from _parts(read, verdicts, step)


def _parts(read: Read, verdicts: list[tuple[int, tuple[str, ...] | None]], step: int) -> Iterable[Read]:
    for kept, group in groupby(verdicts, key=lambda v: v[1]):
        starts = [start for start, _ in group]
        window = Window(starts[0], starts[-1] + step, read.window.width)
        if kept is not None:
            yield replace(read, window=window, dimensions=kept, rows=None, fetches=(), notes=())
            continue
        yield inside(read, window)


def _bucket_totals(
    session: Session, org: str, read: Read, held_by: tuple[str, ...]
) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return the totals of each bucket, held and read, in a form that compares equal when they are.

    The API tells quantities only per line item, so without it amounts alone are compared.
    """
    dataset = HELD[read.dataset]
    table = TABLES[table_of(read.dataset)]
    span = [org, naive(read.window.start), naive(read.window.end)]
    if dataset.is_costs:
        by_item = "line_item" in read.dimensions and "line_item" in held_by
        apart = "currency, quantity_unit" if by_item else "currency"
        sums = f"{apart}, coalesce(SUM(amount), 0)" + (", coalesce(SUM(quantity), 0)" if by_item else "")
        grouping = f"start_time, {apart}"
    else:
        sums = ", ".join(f"coalesce(SUM({m}), 0)" for m in dataset.measures)
        grouping = "start_time"
    where = "org = ? AND start_time >= ? AND start_time < ?"
    where += f" AND {table.which} = '{which(read.dataset)}'" if table.which else ""
    held = session.execute(
        f"SELECT start_time, {sums} FROM {table.place} WHERE {where} GROUP BY {grouping} ORDER BY {grouping}", span
    ).fetchall()
    session.register("read_rows", read.rows)
    new = session.execute(
        f"SELECT start_time, {sums} FROM read_rows GROUP BY {grouping} ORDER BY {grouping}"
    ).fetchall()
    session.unregister("read_rows")
    return _by_start(held), _by_start(new)


def _by_start(rows: Iterable[tuple[Any, ...]]) -> dict[int, Any]:
    out: dict[int, list[tuple[Any, ...]]] = {}
    for start, *rest in rows:
        if any(isinstance(v, int | Decimal) and v for v in rest):
            out.setdefault(unix(start), []).append(tuple(rest))
    return out


def _coverage(session: Session, org: str, what: Effect, at: dt.datetime) -> None:
    for name, after in what.after.items():
        before = set(what.before.get(name, ()))
        dropped, added = before - set(after), [r for r in after if r not in before]
        if dropped:
            session.execute(
                "DELETE FROM internal.coverage WHERE org = ? AND dataset = ? "
                "AND list_contains(?::TIMESTAMP[], start_time)",
                [org, name, [naive(r.start) for r in dropped]],
            )
        insert(session, "coverage", [_run_row(org, name, r) for r in added])
    committed = _microseconds(at)
    # However a span was cut into reads, what it replaced is one run.
    replaced = {n: squeeze(r for name, r in what.replaced if name == n) for n in {name for name, _ in what.replaced}}
    fallen = [(name, run) for name, runs in replaced.items() for run in runs if run.recorded_at != committed]
    insert(
        session,
        "coverage_history",
        [_run_row(org, name, run) | {"replaced_at": at} for name, run in fallen],
    )


def _run_row(org: str, dataset: str, run: Run) -> dict[str, Any]:
    return {
        "org": org,
        "dataset": dataset,
        "start_time": naive(run.start),
        "end_time": naive(run.end),
        "width": run.width,
        "dimensions": ",".join(run.dimensions),
        "read_at": naive(run.read_at),
        "recorded_at": naive(0) + dt.timedelta(microseconds=run.recorded_at),
    }


def _refusals(session: Session, batch: Batch, at: dt.datetime) -> None:
    held = [Verdict(*row) for row in session.execute(_VERDICTS, [batch.org]).fetchall()]
    if not held and not batch.refusals:
        return
    settled = settle(held, batch.reads, batch.refusals, at)
    fallen, new = (
        [{"org": batch.org, **dataclasses.asdict(v)} for v in some if v not in others]
        for some, others in ((held, settled), (settled, held))
    )
    if fallen:
        _retire_verdicts(session, fallen, at)
    insert(session, "refusals", [{**row, "recorded_at": at} for row in new])


_FIELDS = tuple(f.name for f in dataclasses.fields(Verdict))
_VERDICTS = f"SELECT {', '.join(_FIELDS)} FROM internal.refusals WHERE org = ?"


def _retire_verdicts(session: Session, fallen: Sequence[Mapping[str, Any]], at: dt.datetime) -> None:
    """Move verdicts that no longer stand to their history."""
    fields = schema_of(session, "internal.refusals")
    session.register("fallen", arrow.table(fallen, fields))
    equal = same(("org", *_FIELDS), "r", "f")
    session.execute(
        f"INSERT INTO internal.refusals_history ({', '.join(fields.names)}, replaced_at) "
        f"SELECT {', '.join(f'r.{c}' for c in fields.names)}, ?::TIMESTAMP FROM internal.refusals AS r "
        f"WHERE EXISTS (SELECT 1 FROM fallen AS f WHERE {equal})",
        [at],
    )
    session.execute(f"DELETE FROM internal.refusals AS r USING fallen AS f WHERE {equal}")
    session.unregister("fallen")


def _notes(session: Session, org: str, notes: Iterable[Note], at: dt.datetime) -> None:
    """Add notes that are not there yet."""
    new = {(n.dataset, naive(n.span.start), naive(n.span.end), n.kind, n.text): None for n in notes}
    if not new:
        return
    columns = ("dataset", "start_time", "end_time", "kind", "text")
    held = session.execute(
        f"SELECT {', '.join(columns)} FROM internal.notes WHERE org = ? AND start_time >= ? AND end_time <= ?",
        [org, min(key[1] for key in new), max(key[2] for key in new)],
    ).fetchall()
    rows = [dict(zip(columns, key, strict=True)) for key in new.keys() - set(held)]
    insert(session, "notes", [{"org": org, "recorded_at": at, **row} for row in sorted(rows, key=str)])
