"""A book beside one that was made again from its proof: where they differ, and how that is mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from tallybook.model import arrow
from tallybook.model.windows import SECONDS, naive, unix
from tallybook.store import rolling
from tallybook.store.base import Mismatch, Provable
from tallybook.store.facts import TABLES, Facts
from tallybook.store.session import Session, same

_UNITS = {"1m": "minute", "1h": "hour", "1d": "day"}
_DAYS = pa.schema([("org", pa.string()), ("dataset", pa.string()), ("start_time", pa.timestamp("us"))])
_DATASETS = pa.schema([("org", pa.string()), ("dataset", pa.string())])
_VERSION = ("recorded_at", "replaced_at", "reason", "absent")
_RUN = ("start_time", "end_time", "width", "dimensions", "read_at", "recorded_at")
_COVERAGE = {"coverage": _RUN, "coverage_history": (*_RUN, "replaced_at")}


@contextmanager
def compared(session: Session, provable: Provable) -> Iterator[None]:
    """Make a table `scope` of the buckets that may be compared; SQL knows the other book as `rebuilt`."""
    days = [{"org": o, "dataset": d, "start_time": naive(at)} for o, d, at in sorted(provable.days)]
    session.register("whole_days", arrow.table(days, _DAYS))
    whole = [{"org": o, "dataset": d} for o, d in sorted(provable.datasets)]
    session.register("whole_datasets", arrow.table(whole, _DATASETS))
    session.execute(_SCOPE)
    yield
    session.execute("DROP TABLE scope")


_BOTH = """SELECT o.org, o.dataset, o.width, o.start_time FROM internal.pages AS o
    JOIN rebuilt.internal.pages AS n ON n.org = o.org AND n.dataset = o.dataset AND n.width = o.width
        AND n.start_time = o.start_time AND n.hash = o.hash
    WHERE o.replaced_at IS NULL AND n.replaced_at IS NULL"""
"""The buckets that both books hold from the same bytes."""

_SCOPE = f"""CREATE TEMP TABLE scope AS
    SELECT org, dataset, '1d' AS width, start_time, true AS whole FROM whole_days
    UNION ALL
    SELECT p.*, false FROM ({_BOTH}) AS p
    WHERE NOT EXISTS (
        SELECT 1 FROM whole_days AS w
        WHERE w.org = p.org AND w.dataset = p.dataset AND w.start_time = date_trunc('day', p.start_time)
    )"""


def held_and_comparable(session: Session) -> tuple[int, int]:
    """Return how many buckets are held, and how many of them may be compared."""
    lengths = " ".join(f"WHEN '{width}' THEN {SECONDS[width]}" for width in _UNITS)
    length = "CAST(epoch_us(end_time) - epoch_us(start_time) AS DOUBLE PRECISION) / 1000000"
    buckets = f"ceil({length} / CASE width {lengths} END)"
    row = session.execute(
        f"SELECT (SELECT coalesce(sum({buckets}), 0) FROM internal.coverage), (SELECT count(*) FROM ({_BOTH}) AS b)"
    ).fetchone()
    held, both = row or (0, 0)
    return int(held), int(both)


def _side(table: Facts, place: str, *, history: bool = False) -> str:
    """Return the query of the rows of a table within the scope, each with its bucket."""
    whole = " AND s.whole" if history else ""
    return " UNION ALL ".join(
        f"SELECT n.*, n.rowid AS row_id, {table.dataset} AS of_dataset, s.start_time AS bucket, s.whole "
        f"FROM {place} AS n JOIN scope AS s ON s.org = n.org AND s.dataset = {table.dataset} AND s.width = '{width}' "
        f"AND s.start_time = date_trunc('{unit}', n.start_time){whole}"
        for width, unit in _UNITS.items()
    )


def _pairs() -> Iterator[tuple[Facts, str, tuple[str, ...], bool]]:
    """Yield each table of facts and each history with what its rows are compared on."""
    for table in TABLES.values():
        yield table, table.place, table.columns, False
        yield table, table.history, (*table.columns, *_VERSION), True


def mismatches(session: Session) -> Iterator[Mismatch]:
    """Yield the rows that are not in both books."""
    for table, place, columns, is_history in _pairs():
        names = f"of_dataset, bucket, {', '.join(columns)}"
        sides = [_side(table, f"{where}{_full(place)}", history=is_history) for where in ("", "rebuilt.")]
        for is_held, (a, b) in ((True, sides), (False, sides[::-1])):
            apart = f"SELECT {names} FROM ({a}) AS a EXCEPT ALL SELECT {names} FROM ({b}) AS b"
            found = session.sql(f"{apart} ORDER BY {_first(len(columns) + 2)}")
            yield from _named(found.to_arrow_table(), place.rpartition(".")[2], is_held=is_held)
    for place, columns in _COVERAGE.items():
        names = f"c.org, c.dataset AS of_dataset, date_trunc('day', c.start_time) AS bucket, {', '.join(columns)}"
        among = "(c.org, c.dataset) IN (SELECT org, dataset FROM whole_datasets)"
        sides = [f"SELECT {names} FROM {where}internal.{place} AS c WHERE {among}" for where in ("", "rebuilt.")]
        for is_held, (a, b) in ((True, sides), (False, sides[::-1])):
            found = session.sql(f"({a}) EXCEPT ALL ({b}) ORDER BY {_first(len(columns) + 3)}")
            yield from _named(found.to_arrow_table(), place, is_held=is_held)


def _first(columns: int) -> str:
    """Return the places of so many columns, to order by each of them."""
    return ", ".join(map(str, range(1, columns + 1)))


def _full(place: str) -> str:
    return place if "." in place else f"main.{place}"


def _named(rows: pa.Table, table: str, *, is_held: bool) -> Iterator[Mismatch]:
    for row in rows.to_pylist():
        dataset, bucket = row.pop("of_dataset"), row.pop("bucket")
        yield Mismatch(row["org"], dataset, unix(bucket), table, is_held, row)


def mend(session: Session, found: Iterable[Mismatch]) -> None:
    """Put the rows of the rebuilt book in the place of those that differ, inside the caller's transaction."""
    wrong: dict[str, set[tuple[str, str, int]]] = {}
    for m in found:
        wrong.setdefault(m.table, set()).add((m.org, m.dataset, m.start))
    for table, place, columns, is_history in _pairs():
        if buckets := wrong.get(place.rpartition(".")[2]):
            _mend_rows(session, table, place, columns, buckets, is_history=is_history)
    datasets = {(org, name) for table in _COVERAGE for org, name, _ in wrong.get(table, ())}
    for place in _COVERAGE if datasets else ():
        rows = [{"org": o, "dataset": d} for o, d in sorted(datasets)]
        session.register("wrong", arrow.table(rows, _DATASETS))
        session.execute(
            f"DELETE FROM internal.{place} AS c USING wrong AS w WHERE c.org = w.org AND c.dataset = w.dataset"
        )
        names = f"org, dataset, {', '.join(_COVERAGE[place])}"
        session.execute(
            f"INSERT INTO internal.{place} ({names}) SELECT {names} FROM rebuilt.internal.{place} "
            "WHERE (org, dataset) IN (SELECT org, dataset FROM wrong)"
        )
    rolling.refill(session)
    session.execute("UPDATE internal.book SET version = version + 1")


def _mend_rows(
    session: Session,
    table: Facts,
    place: str,
    columns: tuple[str, ...],
    buckets: set[tuple[str, str, int]],
    *,
    is_history: bool,
) -> None:
    """Replace the rows of some buckets; what stays as it was keeps the time at which it came."""
    rows = [{"org": o, "dataset": d, "start_time": naive(at)} for o, d, at in sorted(buckets)]
    session.register("wrong", arrow.table(rows, _DAYS))
    inside = "WHERE (x.org, x.of_dataset, x.bucket) IN (SELECT org, dataset, start_time FROM wrong)"
    held = f"SELECT x.* FROM ({_side(table, _full(place), history=is_history)}) AS x {inside}"
    session.execute(f"CREATE TEMP TABLE held AS {held}")
    given = f"SELECT x.* FROM ({_side(table, f'rebuilt.{_full(place)}', history=is_history)}) AS x {inside}"
    session.execute(f"DELETE FROM {place} WHERE rowid IN (SELECT row_id FROM held)")
    names = ", ".join(columns)
    selected = ", ".join(f"g.{c}" for c in columns)
    if is_history:
        session.execute(f"INSERT INTO {place} ({names}) SELECT {selected} FROM ({given}) AS g")
    else:
        known = f"(SELECT {names}, min(recorded_at) AS moment FROM held GROUP BY {names})"
        session.execute(
            f"INSERT INTO {place} ({names}, recorded_at) "
            f"SELECT {selected}, CASE WHEN g.whole THEN g.recorded_at ELSE coalesce(h.moment, g.recorded_at) END "
            f"FROM ({given}) AS g LEFT JOIN {known} AS h ON {same(columns, 'h', 'g')}"
        )
    session.execute("DROP TABLE held")
