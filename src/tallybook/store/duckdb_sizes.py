"""How much of a DuckDB file each table takes, and how much nothing. Space is given out in blocks."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from tallybook.store.base import Sizes
from tallybook.store.duckdb_engine import BOOK

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
    block, free, _ = _space(cursor)
    log = path.with_name(path.name + ".wal")
    return Sizes(
        rows=dict(cursor.execute(counts).fetchall()),
        bytes=dict.fromkeys(places, 0) | dict(cursor.execute(_BYTES.format(segments=segments), [block]).fetchall()),
        free=free * block,
        total=sum(p.stat().st_size for p in (path, log) if p.exists()),
    )


def is_roomy(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Return whether a file should be written anew because much of it is free, as after a first sync.

    Not a large one: others would wait for it too long, and what is free is used again. Syncs every 15 minutes keep
    some 6 % free (measured 2026-11).
    """
    block, free, used = _space(cursor)
    return free * block >= _MUCH and free >= _SHARE * (free + used) and used * block <= _LARGE


_MUCH, _SHARE, _LARGE = 4 << 20, 0.2, 128 << 20
"""In bytes, of the file, and in bytes again: some 5 seconds of writing."""


def _space(cursor: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """Return the bytes of a block, and how many blocks are free and used."""
    text = "SELECT block_size, free_blocks, used_blocks FROM pragma_database_size() WHERE database_name = ?"
    found: tuple[int, int, int] | None = cursor.execute(text, [BOOK]).fetchone()
    return found or (0, 0, 0)


_BYTES = """WITH segments AS ({segments}),
blocks AS (
    SELECT name, block_id FROM segments WHERE block_id >= 0
    UNION SELECT name, unnest(additional_block_ids) FROM segments
),
users AS (SELECT block_id, count(*) AS n FROM blocks GROUP BY block_id)
SELECT name, CAST(sum(? / u.n) AS BIGINT) FROM blocks JOIN users AS u USING (block_id) GROUP BY name"""
"""A block in which several tables have something counts for each in part; columns of one value need none."""
