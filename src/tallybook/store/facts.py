"""Facts of a book: what was read against what is held, row by row; only the difference is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tallybook.model import arrow
from tallybook.model.datasets import DATASETS, DIMENSIONS, HELD, MEASURES
from tallybook.model.errors import StoreError
from tallybook.model.records import Note, Read
from tallybook.model.schema import COSTS_TABLE, SPLITS_TABLE, USAGE_TABLE
from tallybook.model.windows import SECONDS, Span, merge, naive, unix
from tallybook.store.base import Changes, table_of
from tallybook.store.effects import Effect, Piece
from tallybook.store.session import Session, number, same

_BUCKET = ("start_time", "end_time")


def _columns(table: pa.Schema) -> tuple[str, ...]:
    return tuple(c for c in table.names if c != "recorded_at")


@dataclass(frozen=True, slots=True)
class Facts:
    """A table of facts, and how its rows are told apart."""

    name: str
    place: str
    """As SQL names it."""
    columns: tuple[str, ...]
    """What rows are compared on."""
    keys: tuple[str, ...]
    which: str = ""
    """The column that tells the datasets of one table apart."""
    dataset: str = "'costs'"
    """The name under which coverage knows the dataset of a row `n`."""
    width: str = "'1d'"

    @property
    def history(self) -> str:
        """The table of earlier versions."""
        return f"internal.{self.name}_history"


_BILLED = ("currency", "quantity_unit")
TABLES = {
    t.name: t
    for t in (
        Facts("costs", "costs", _columns(COSTS_TABLE), ("org", *_BUCKET, "project_id", "line_item", *_BILLED)),
        Facts(
            "cost_splits",
            "internal.cost_splits",
            _columns(SPLITS_TABLE),
            ("org", "split", *_BUCKET, "project_id", "line_item", "api_key_id", "user_id", *_BILLED),
            which="split",
            dataset="'costs_by_' || n.split",
        ),
        Facts(
            "usage",
            "usage",
            _columns(USAGE_TABLE),
            ("org", "dataset", *_BUCKET, "width", *DIMENSIONS),
            which="dataset",
            dataset="n.dataset",
            width="n.width",
        ),
    )
}
"""Every table of facts by name, in the order in which a transaction writes them."""

_FLOWS = tuple(m.name for m in MEASURES.values() if m.kind == "flow")


def replace_facts(
    session: Session,
    table: Facts,
    org: str,
    reads: Sequence[Read],
    what: Effect,
    at: dt.datetime,
    changes: Changes,
) -> None:
    """Write the rows of `reads`, all of `table`, moving what they replace to history; count it in `changes`."""
    pieces = [p for p in what.pieces if table_of(p.dataset) == table.name]
    source = _incoming(session, table, reads)
    if not pieces:  # nothing is held there, so there is nothing to compare with
        changes.inserted += number(session, f"{_inserting(table)} FROM ({source}) AS n", [at, org])
        return
    session.execute(f"CREATE TEMP TABLE incoming AS {source}", [org])
    session.register("pieces", arrow.table([_piece_row(p) for p in pieces], _PIECES))
    _difference(session, table, org, [(r.dataset, r.window) for r in reads])
    changes.add(_move(session, table, at))
    if table.name == "usage" and any(p.reason == "rewidened" for p in pieces):
        changes.notes += _rewidened(session)
    for name in ("incoming", "held", "gone", "fresh"):
        session.execute(f"DROP TABLE {name}")


def _inserting(table: Facts) -> str:
    """Return how a statement begins that adds rows `n`; it binds when they are recorded."""
    names = ", ".join(table.columns)
    return f"INSERT INTO {table.place} ({names}, recorded_at) SELECT {names}, ?::TIMESTAMP"


_SPANS = pa.schema([("dataset", pa.string()), ("start_time", pa.timestamp("us")), ("end_time", pa.timestamp("us"))])
_PIECES = pa.schema([*_SPANS, ("width", pa.string()), ("reason", pa.string()), ("read_at", pa.timestamp("us"))])


def _piece_row(piece: Piece) -> dict[str, Any]:
    return {
        "dataset": which(piece.dataset),
        "start_time": naive(piece.start),
        "end_time": naive(piece.end),
        "width": piece.width,
        "reason": piece.reason,
        "read_at": naive(piece.read_at),
    }


def which(dataset: str) -> str:
    """Return how a table tells the rows of a dataset from others."""
    return HELD[dataset].split or dataset


def _incoming(session: Session, table: Facts, reads: Sequence[Read]) -> str:
    """Return the query, with org as its parameter, that yields the rows of the reads in the columns of `table`.

    DuckDB 2.0.0 loses rows that are inserted into a table which the same transaction created from a query without
    rows, so nothing here does that (measured 2026-11: above 120,000 rows, on two threads).
    """
    groups: dict[tuple[str, str], list[pa.Table]] = {}
    for read in reads:
        groups.setdefault((read.dataset, read.window.width), []).append(read.rows)
    names = table.columns
    others = [c for c in names if c != "org"]
    parts = [f"SELECT {', '.join(others)} FROM {table.place} WHERE false"]
    for i, ((name, width), tables) in enumerate(groups.items()):
        rows = pa.concat_tables(tables)
        given = [c for c in rows.column_names if c in names]
        session.register(f"incoming_{i}", rows.select(given))
        # Constants in SQL: as Arrow columns they cost 40 MB (measured 2026-11, pyarrow 26).
        of = (
            {c: c for c in given} | {"width": f"'{width}'"} | ({table.which: f"'{which(name)}'"} if table.which else {})
        )
        parts.append(f"SELECT {', '.join(of.get(c, 'NULL') for c in others)} FROM incoming_{i}")
    source = f"SELECT ?::TEXT AS org, i.* FROM ({' UNION ALL '.join(parts)}) AS i"
    return _added_up(table, source) if "amount" in names and _has_more_dimensions(table, reads) else source


def _has_more_dimensions(table: Facts, reads: Sequence[Read]) -> bool:
    """Return whether rows of the bill name a dimension that it was not asked by, and so may differ in nothing else."""
    unasked = set(DATASETS["costs"].dimensions) - set(table.keys)
    return any(read.rows[name].null_count < read.rows.num_rows for read in reads for name in unasked)


def _added_up(table: Facts, source: str) -> str:
    """Return a query that adds up rows of the bill which differ only in what it is not asked by."""
    texts = "string_agg(DISTINCT extra, ',' ORDER BY extra)"
    numbers = {
        "amount": "SUM(amount)",
        "quantity": "SUM(quantity)",
        "extra": f"CASE WHEN count(DISTINCT extra) > 1 THEN '[' || {texts} || ']' ELSE min(extra) END",
    }
    columns = ", ".join(f"{numbers[c]} AS {c}" if c in numbers else c for c in table.columns)
    return f"SELECT {columns} FROM ({source}) AS i GROUP BY {', '.join(table.keys)}"


def _within(table: Facts, row: str, span: str) -> str:
    """Return the condition that a row of facts lies in a span; `costs` is one dataset."""
    inside = f"{row}.start_time >= {span}.start_time AND {row}.start_time < {span}.end_time"
    return f"{inside} AND {row}.{table.which} = {span}.dataset" if table.which else inside


def _difference(session: Session, table: Facts, org: str, windows: Sequence[tuple[str, Span]]) -> None:
    """Make temporary tables of the rows held, those of them that are gone, and those that are new."""
    spans = {name: merge(w for n, w in windows if n == name) for name in {name for name, _ in windows}}
    touched = [
        {"dataset": which(name), "start_time": naive(span.start), "end_time": naive(span.end)}
        for name, merged in spans.items()
        for span in merged
    ]
    session.register("touched", arrow.table(touched, _SPANS))
    # Literal bounds let the engine skip what lies outside without reading it.
    low, high = naive(min(w.start for _, w in windows)), naive(max(w.end for _, w in windows))
    session.execute(
        f"CREATE TEMP TABLE held AS SELECT t.*, t.rowid AS row_id FROM {table.place} AS t "
        f"JOIN touched AS w ON {_within(table, 't', 'w')} "
        f"WHERE t.org = ? AND t.start_time >= TIMESTAMP '{low}' AND t.start_time < TIMESTAMP '{high}'",
        [org],
    )
    equal = same(table.columns, "h", "n")
    for name, rows, others in (("gone", "held AS h", "incoming AS n"), ("fresh", "incoming AS n", "held AS h")):
        absent = f"NOT EXISTS (SELECT 1 FROM {others} WHERE {equal})"
        session.execute(f"CREATE TEMP TABLE {name} AS SELECT {rows[-1]}.* FROM {rows} WHERE {absent}")


_REASON = "coalesce(p.reason, CASE WHEN p.read_at < {row}.end_time THEN 'open' ELSE 'restated' END)"
"""Why a row was replaced: what the piece says, else whether its bucket had ended when it was last read."""


def _move(session: Session, table: Facts, at: dt.datetime) -> Changes:
    """Move what is gone to history, with a mark for each row that was absent until now; insert what is new."""
    row = session.execute(
        "SELECT (SELECT count(org) FROM incoming), (SELECT count(org) FROM held), (SELECT count(org) FROM gone), "
        "(SELECT count(org) FROM fresh)"
    ).fetchone()
    incoming, held, gone, fresh = row or (0, 0, 0, 0)
    changes = Changes(inserted=fresh, removed=gone, unchanged=held - gone)
    if fresh:
        changes.restated += _absences(session, table, at)
    if gone:
        changes.restated += _retire(session, table, at)
    if fresh:
        fresh = number(session, f"{_inserting(table)} FROM fresh AS n", [at])
    if (fresh, incoming - fresh) != (changes.inserted, changes.unchanged):
        raise StoreError(
            f"The database engine lost count while comparing {incoming} rows with {held}; nothing was written. "
            "Please report this with the version of the engine."
        )
    return changes


def _retire(session: Session, table: Facts, at: dt.datetime) -> int:
    """Move the rows that are gone to history; return how many of them were restated."""
    reason = _REASON.format(row="h")
    # In this order times are runs of equal values, and days that give way to hours take a third less space.
    order = f"h.{table.which}, h.start_time" if table.which else "h.start_time"
    names = (*table.columns, "recorded_at")
    session.execute(
        f"INSERT INTO {table.history} ({', '.join(names)}, replaced_at, reason, absent) "
        f"SELECT {', '.join(f'h.{c}' for c in names)}, ?::TIMESTAMP, {reason}, false "
        f"FROM gone AS h LEFT JOIN pieces AS p ON {_within(table, 'h', 'p')} ORDER BY {order}",
        [at],
    )
    session.execute(f"DELETE FROM {table.place} WHERE rowid IN (SELECT row_id FROM gone)")
    return number(
        session,
        f"SELECT count(*) FROM gone AS h JOIN pieces AS p ON {_within(table, 'h', 'p')} WHERE {reason} = 'restated'",
    )


def _absences(session: Session, table: Facts, at: dt.datetime) -> int:
    """Record that a row which appears in a bucket that had ended was absent: from the bucket's first read, or since
    it vanished. Return how many there are.

    Rows that appear for another reason need no mark: their own version says since when they are there, and nobody
    reports them. Most rows of a book that is synced every 15 minutes appear in an open bucket.
    """
    keys = ", ".join(f"n.{c}" for c in table.keys)
    dataset, width = table.dataset, table.width
    session.execute(
        f"""CREATE TEMP TABLE appeared AS
        SELECT {keys}
        FROM fresh AS n
        JOIN pieces AS p ON {_within(table, "n", "p")} AND {_REASON.format(row="n")} = 'restated'
        WHERE NOT EXISTS (SELECT 1 FROM held AS h WHERE {same(table.keys, "h", "n")})"""
    )
    session.execute(
        f"""INSERT INTO {table.history} ({", ".join(table.keys)}, recorded_at, replaced_at, reason, absent)
        WITH firsts AS ({_FIRST_READS.format(dataset=dataset, width=width)})
        SELECT {keys}, greatest(max(f.first_read), coalesce(max(v.replaced_at), max(f.first_read))) AS recorded_at,
            ?::TIMESTAMP AS replaced_at, 'restated' AS reason, true AS absent
        FROM appeared AS n
        JOIN firsts AS f
            ON f.org = n.org AND f.dataset = {dataset} AND f.width = {width} AND f.start_time = n.start_time
        LEFT JOIN {table.history} AS v ON {same(table.keys, "v", "n")}
        GROUP BY {keys}""",
        [at],
    )
    restated = number(session, "SELECT count(*) FROM appeared")
    session.execute("DROP TABLE appeared")
    return restated


_FIRST_READS = """
    SELECT b.org, b.dataset, b.width, b.start_time, min(c.recorded_at) AS first_read
    FROM (SELECT DISTINCT n.org, {dataset} AS dataset, {width} AS width, n.start_time FROM appeared AS n) AS b
    JOIN (
        SELECT org, dataset, width, start_time, end_time, recorded_at FROM internal.coverage
        UNION ALL
        SELECT org, dataset, width, start_time, end_time, recorded_at FROM internal.coverage_history
    ) AS c ON c.org = b.org AND c.dataset = b.dataset AND c.width = b.width
        AND c.start_time <= b.start_time AND c.end_time > b.start_time
    GROUP BY b.org, b.dataset, b.width, b.start_time"""
"""When each bucket in which something appeared was read first."""


def _rewidened(session: Session) -> list[Note]:
    """Return a note for each bucket that had ended when it was read, whose total is another at the finer width."""
    unit = "date_trunc(CASE p.width WHEN '1d' THEN 'day' ELSE 'hour' END, t.start_time)"
    sides = " UNION ALL ".join(
        f"SELECT t.dataset, p.width, {unit} AS bucket, p.read_at, "
        + ", ".join(f"{sign}CAST(coalesce(t.{m}, 0) AS DECIMAL(38, 0)) AS {m}" for m in _FLOWS)
        + f" FROM {source} AS t JOIN pieces AS p ON {_within(TABLES['usage'], 't', 'p')} AND p.reason = 'rewidened'"
        for sign, source in (("-", "held"), ("", "incoming"))
    )
    rows = session.execute(
        "SELECT dataset, width, bucket FROM "
        f"({sides}) AS b GROUP BY dataset, width, bucket HAVING min(read_at) >= bucket + "
        "CASE width WHEN '1d' THEN INTERVAL '1' DAY ELSE INTERVAL '1' HOUR END AND ("
        + " OR ".join(f"SUM({m}) <> 0" for m in _FLOWS)
        + ") ORDER BY dataset, width, bucket"
    ).fetchall()
    return [
        Note(name, Span(unix(b), unix(b) + SECONDS[width]), "rewidened", f"its total was another at {width}")
        for name, width, b in rows
    ]
