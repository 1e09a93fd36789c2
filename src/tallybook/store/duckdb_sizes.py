"""How much of a DuckDB file each table takes. Space is given out in blocks, as a rule of 256 kB."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from tallybook.store.base import Sizes

_OURS = re.compile(r"[a-z_]+")
"""What somebody else has put beside our tables is not counted."""


def sizes(cursor: duckdb.DuckDBPyConnection, path: Path) -> Sizes:
    """Return the rows and bytes of every table, and what else the file at `path` and its log hold."""
    tables = cursor.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND schema_name IN ('main', 'internal')"
    ).fetchall()
    places = {name: f"{schema}.{name}" for schema, name in tables if _OURS.fullmatch(name)}
    counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {place}" for name, place in places.items())
    segments = " UNION ALL ".join(
        f"SELECT '{name}' AS name, block_id, additional_block_ids FROM pragma_storage_info('{place}') WHERE persistent"
        for name, place in places.items()
    )
    space = "SELECT block_size, free_blocks FROM pragma_database_size() WHERE database_name = current_database()"
    block, free = cursor.execute(space).fetchone() or (0, 0)
    log = path.with_name(path.name + ".wal")
    return Sizes(
        rows=dict(cursor.execute(counts).fetchall()),
        bytes=dict.fromkeys(places, 0) | dict(cursor.execute(_BYTES.format(segments=segments), [block]).fetchall()),
        free=free * block,
        total=sum(p.stat().st_size for p in (path, log) if p.exists()),
    )


_BYTES = """WITH segments AS ({segments}),
blocks AS (
    SELECT name, block_id FROM segments WHERE block_id >= 0
    UNION SELECT name, unnest(additional_block_ids) FROM segments
),
users AS (SELECT block_id, count(*) AS n FROM blocks GROUP BY block_id)
SELECT name, CAST(sum(? / u.n) AS BIGINT) FROM blocks JOIN users AS u USING (block_id) GROUP BY name"""
"""A block in which several tables have something counts for each in part; columns of one value need none."""
