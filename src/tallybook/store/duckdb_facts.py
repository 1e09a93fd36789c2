"""Facts of a DuckDB book: what was read against what is held, row by row; only the difference is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from tallybook.model.datasets import DIMENSIONS, MEASURES
from tallybook.model.records import Note, Read
from tallybook.model.schema import COSTS_TABLE, USAGE_TABLE
from tallybook.model.windows import SECONDS, Span, merge, naive, unix
from tallybook.store.base import Changes, Effect, Piece, table_of

_KEYS = {
    "usage": ("org", "dataset", "start_time", "end_time", "width", *DIMENSIONS),
    "costs": ("org", "start_time", "end_time", "project_id", "line_item", "currency", "quantity_unit"),
}
_COLUMNS = {
    "usage": tuple(c for c in USAGE_TABLE.names if c != "recorded_at"),
    "costs": tuple(c for c in COSTS_TABLE.names if c != "recorded_at"),
}
_FLOWS = tuple(m.name for m in MEASURES.values() if m.kind == "flow")


def replace_facts(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    org: str,
    reads: Sequence[Read],
    what: Effect,
    at: dt.datetime,
    changes: Changes,
) -> None:
    """Write the rows of `reads`, all of `table`, moving what they replace to history; count it in `changes`."""
    pieces = [p for p in what.pieces if table_of(p.dataset) == table]
    if not pieces:  # nothing is held there, so there is nothing to compare with
        for rows in _incoming(table, org, reads):
            cursor.register("incoming_rows", rows)
            cursor.execute(
                f"INSERT INTO {table} BY NAME SELECT *, ?::TIMESTAMP AS recorded_at FROM incoming_rows", [at]
            )
            changes.inserted += rows.num_rows
        return
    cursor.execute(f"CREATE TEMP TABLE incoming AS SELECT {', '.join(_COLUMNS[table])} FROM {table} LIMIT 0")
    for rows in _incoming(table, org, reads):
        cursor.register("incoming_rows", rows)
        cursor.execute("INSERT INTO incoming BY NAME FROM incoming_rows")
    _register(cursor, "pieces", [_piece_row(p) for p in pieces], _PIECES)
    windows = [
        {"dataset": name, "start_time": naive(s.start), "end_time": naive(s.end)}
        for name in {r.dataset for r in reads}
        for s in merge(r.window for r in reads if r.dataset == name)
    ]
    _register(cursor, "touched", windows, _SPANS)
    _difference(cursor, table, org, windows)
    _move(cursor, table, at, changes)
    if table == "usage" and any(p.reason == "rewidened" for p in pieces):
        changes.notes += _rewidened(cursor)
    for name in ("incoming", "held", "gone", "fresh", "pieces", "touched"):
        cursor.execute(f"DROP TABLE {name}")


_SPANS = pa.schema([("dataset", pa.string()), ("start_time", pa.timestamp("us")), ("end_time", pa.timestamp("us"))])
_PIECES = pa.schema([*_SPANS, ("width", pa.string()), ("reason", pa.string()), ("read_at", pa.timestamp("us"))])


def _piece_row(piece: Piece) -> dict[str, Any]:
    return {
        "dataset": piece.dataset,
        "start_time": naive(piece.start),
        "end_time": naive(piece.end),
        "width": piece.width,
        "reason": piece.reason,
        "read_at": naive(piece.read_at),
    }


def _register(cursor: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    cursor.register(f"{name}_rows", pa.Table.from_pylist(rows, schema=schema))
    cursor.execute(f"CREATE TEMP TABLE {name} AS FROM {name}_rows")
    cursor.unregister(f"{name}_rows")


def _incoming(table: str, org: str, reads: Sequence[Read]) -> Iterable[pa.Table]:
    """Yield the rows of the reads, one table per dataset and width, with the columns that say which."""
    groups: dict[tuple[str, str], list[pa.Table]] = {}
    for read in reads:
        groups.setdefault((read.dataset, read.window.width), []).append(read.rows)
    for (name, width), tables in groups.items():
        rows = pa.concat_tables(tables)
        constants = {"org": org} if table == "costs" else {"org": org, "dataset": name, "width": width}
        for column, value in constants.items():
            rows = rows.append_column(column, pa.repeat(pa.scalar(value), rows.num_rows))
        yield rows.select([c for c in _COLUMNS[table] if c in rows.column_names])


def _same(columns: Iterable[str], a: str, b: str) -> str:
    return " AND ".join(f"{a}.{c} IS NOT DISTINCT FROM {b}.{c}" for c in columns)


def _within(table: str, row: str, span: str) -> str:
    """Return the condition that a row of facts lies in a span; `costs` is one dataset."""
    inside = f"{row}.start_time >= {span}.start_time AND {row}.start_time < {span}.end_time"
    return inside if table == "costs" else f"{inside} AND {row}.dataset = {span}.dataset"


def _difference(cursor: duckdb.DuckDBPyConnection, table: str, org: str, windows: list[dict[str, Any]]) -> None:
    """Make temporary tables of the rows held, those of them that are gone, and those that are new."""
    low, high = min(w["start_time"] for w in windows), max(w["end_time"] for w in windows)
    cursor.execute(
        f"CREATE TEMP TABLE held AS SELECT t.*, t.rowid AS row_id FROM {table} AS t "
        f"JOIN touched AS w ON {_within(table, 't', 'w')} "
        f"WHERE t.org = ? AND t.start_time >= TIMESTAMP '{low}' AND t.start_time < TIMESTAMP '{high}'",
        [org],
    )
    same = _same(_COLUMNS[table], "h", "n")
    cursor.execute(f"CREATE TEMP TABLE gone AS SELECT h.* FROM held AS h ANTI JOIN incoming AS n ON {same}")
    cursor.execute(f"CREATE TEMP TABLE fresh AS SELECT n.* FROM incoming AS n ANTI JOIN held AS h ON {same}")


_REASON = "coalesce(p.reason, CASE WHEN p.read_at < {row}.end_time THEN 'open' ELSE 'restated' END)"
"""Why a row was replaced: what the piece says, else whether its bucket had ended when it was last read."""


def _move(cursor: duckdb.DuckDBPyConnection, table: str, at: dt.datetime, changes: Changes) -> None:
    """Move what is gone to history, with a mark for each row that was absent until now; insert what is new."""
    history = f"internal.{table}_history"
    cursor.execute(
        f"""CREATE TEMP TABLE moved AS
        SELECT h.* EXCLUDE (row_id), ?::TIMESTAMP AS replaced_at, {_REASON.format(row="h")} AS reason, false AS absent
        FROM gone AS h LEFT JOIN pieces AS p ON {_within(table, "h", "p")}""",
        [at],
    )
    _absences(cursor, table, history, at)
    cursor.execute(f"INSERT INTO {history} BY NAME FROM moved")
    cursor.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT row_id FROM gone)")
    cursor.execute(f"INSERT INTO {table} BY NAME SELECT *, ?::TIMESTAMP AS recorded_at FROM fresh", [at])
    counts = cursor.execute(
        """SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM gone),
        (SELECT count(*) FROM moved WHERE reason = 'restated')
        + (SELECT count(*) FROM appeared WHERE reason = 'restated'),
        (SELECT count(*) FROM held) - (SELECT count(*) FROM gone)"""
    ).fetchone()
    if counts is not None:
        changes.add(Changes(*counts))
    cursor.execute("DROP TABLE moved")
    cursor.execute("DROP TABLE appeared")


def _absences(cursor: duckdb.DuckDBPyConnection, table: str, history: str, at: dt.datetime) -> None:
    """Record that a row which appears in a bucket already held was absent: from the bucket's first read, or since
    it vanished.
    """
    keys = ", ".join(f"n.{c}" for c in _KEYS[table])
    dataset, width = ("'costs'", "'1d'") if table == "costs" else ("n.dataset", "n.width")
    cursor.execute(
        f"""CREATE TEMP TABLE appeared AS
        SELECT {keys}, {_REASON.format(row="n")} AS reason
        FROM fresh AS n
        JOIN pieces AS p ON {_within(table, "n", "p")} AND p.reason IS DISTINCT FROM 'rewidened'
        ANTI JOIN held AS h ON {_same(_KEYS[table], "h", "n")}"""
    )
    cursor.execute(
        f"""INSERT INTO {history} BY NAME
        WITH buckets AS (
            SELECT DISTINCT n.org, {dataset} AS dataset, {width} AS width, n.start_time FROM appeared AS n
        ), covered AS (
            SELECT org, dataset, width, start_time, end_time, recorded_at FROM internal.coverage
            UNION ALL
            SELECT org, dataset, width, start_time, end_time, recorded_at FROM internal.coverage_history
        ), firsts AS (
            SELECT b.org, b.dataset, b.width, b.start_time, min(c.recorded_at) AS first_read
            FROM buckets AS b
            JOIN covered AS c ON c.org = b.org AND c.dataset = b.dataset AND c.width = b.width
                AND c.start_time <= b.start_time AND c.end_time > b.start_time
            GROUP BY ALL
        )
        SELECT {keys}, greatest(max(f.first_read), coalesce(max(v.replaced_at), max(f.first_read))) AS recorded_at,
            ?::TIMESTAMP AS replaced_at, n.reason, true AS absent
        FROM appeared AS n
        JOIN firsts AS f
            ON f.org = n.org AND f.dataset = {dataset} AND f.width = {width} AND f.start_time = n.start_time
        LEFT JOIN {history} AS v ON {_same(_KEYS[table], "v", "n")}
        GROUP BY {keys}, n.reason""",
        [at],
    )


def _rewidened(cursor: duckdb.DuckDBPyConnection) -> list[Note]:
    """Return a note for each bucket that had ended when it was read, whose total is another at the finer width."""
    unit = "date_trunc(CASE p.width WHEN '1d' THEN 'day' ELSE 'hour' END, t.start_time)"
    sides = " UNION ALL ".join(
        f"SELECT t.dataset, p.width, {unit} AS bucket, p.read_at, "
        + ", ".join(f"{sign} * coalesce(t.{m}, 0)::HUGEINT AS {m}" for m in _FLOWS)
        + f" FROM {source} AS t JOIN pieces AS p ON {_within('usage', 't', 'p')} AND p.reason = 'rewidened'"
        for sign, source in ((-1, "held"), (1, "incoming"))
    )
    rows = cursor.execute(
        "SELECT dataset, width, bucket FROM "
        f"({sides}) GROUP BY ALL HAVING any_value(read_at) >= bucket + "
        "CASE width WHEN '1d' THEN INTERVAL 1 DAY ELSE INTERVAL 1 HOUR END AND ("
        + " OR ".join(f"SUM({m}) <> 0" for m in _FLOWS)
        + ") ORDER BY ALL"
    ).fetchall()
    return [
        Note(name, Span(unix(b), unix(b) + SECONDS[width]), "rewidened", f"its total was another at {width}")
        for name, width, b in rows
    ]
