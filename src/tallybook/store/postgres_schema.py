"""The schema of a book on PostgreSQL: the migrations of every store, in its words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tallybook.model.meanings import meaning
from tallybook.model.schema import COSTS_TABLE, USAGE_TABLE
from tallybook.store.migrations import migrations
from tallybook.store.postgres_words import Names

WRITER, READER = "tallybook_writer", "tallybook_reader"
"""Roles without login, which a DBA makes and grants to people and machines."""

_TEXT = re.compile(r"\bTEXT\b")
_DAILY = "date_trunc('day', c.start_time)"
_MONTH = "CAST(date_trunc('month', day) AS TIMESTAMP)"
_MONTHLY = "date_trunc('month', CAST(day AS TIMESTAMP))"
_DATED = (
    ("    d.day,", "    CAST(d.day AS DATE) AS day,\n    d.day AT TIME ZONE 'UTC' AS bucket_start,"),
    ("    t.day,", "    CAST(t.day AS DATE) AS day,\n    t.day AT TIME ZONE 'UTC' AS bucket_start,"),
    (
        "    CAST(date_trunc('day', c.start_time) AS TIMESTAMP) AS day,",
        f"    CAST(c.start_time AS DATE) AS day,\n    {_DAILY} AT TIME ZONE 'UTC' AS bucket_start,",
    ),
    (
        f"    {_MONTH} AS month,",
        f"    CAST({_MONTHLY} AS DATE) AS month,\n    {_MONTHLY} AT TIME ZONE 'UTC' AS bucket_start,",
    ),
    (f"    {_MONTH},", f"    {_MONTHLY},"),
)
"""How views tell time: by a date, as people filter, and by a moment with its zone, which no session reads wrongly."""

_TAUGHT = """CREATE FUNCTION {internal}.epoch_us(moment TIMESTAMP) RETURNS BIGINT
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT CAST(EXTRACT(EPOCH FROM moment) * 1000000 AS BIGINT)';
CREATE FUNCTION {internal}.list_contains(list ANYARRAY, item ANYELEMENT) RETURNS BOOLEAN
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT item = ANY (list)';
CREATE FUNCTION {internal}.regexp_extract(text TEXT, pattern TEXT, part INTEGER) RETURNS TEXT
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT coalesce((regexp_match(text, pattern))[part], '''')';
"""
"""Functions of DuckDB that statements of every store use."""

_INDEXES = """CREATE INDEX ON {public}.usage (org, dataset, start_time);
CREATE INDEX ON {public}.costs (org, start_time);
CREATE INDEX ON {internal}.cost_splits (org, split, start_time);
CREATE INDEX ON {internal}.usage_history (org, dataset, start_time);
CREATE INDEX ON {internal}.usage_history (replaced_at);
CREATE INDEX ON {internal}.costs_history (org, start_time);
CREATE INDEX ON {internal}.costs_history (replaced_at);
CREATE INDEX ON {internal}.cost_splits_history (org, split, start_time);
CREATE INDEX ON {internal}.cost_splits_history (replaced_at);
CREATE INDEX ON {internal}.pages (org, dataset, start_time);
CREATE INDEX ON {internal}.pages (page);
CREATE INDEX ON {internal}.fetches (org, recorded_at);
CREATE INDEX ON {internal}.usage_daily (org, dataset, day);
CREATE INDEX ON {internal}.usage_daily_narrow (org, dataset, day);
"""

_GRANTS = f"""GRANT USAGE ON SCHEMA {{public}} TO {READER}, {WRITER};
GRANT USAGE ON SCHEMA {{internal}} TO {WRITER};
GRANT SELECT ON ALL TABLES IN SCHEMA {{public}} TO {READER};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {{public}}, {{internal}} TO {WRITER};
"""
_PUBLIC = re.compile(
    r"((?:^--.*\n)+)CREATE (TABLE|VIEW) \{public\}\.(\w+)(?: AS\nSELECT\n((?:    .*\n)+)FROM)?", re.MULTILINE
)
_LAST_WORD = re.compile(r"^ {4}(?:.*\W)?(\w+),?$", re.MULTILINE)


def beginning(names: Names) -> str:
    """Return what comes before the first migration."""
    text = (
        "CREATE SCHEMA IF NOT EXISTS {public};\nCREATE SCHEMA IF NOT EXISTS {internal};\n"
        "CREATE TABLE {internal}.migrations (number INTEGER PRIMARY KEY, name TEXT, applied_at TIMESTAMP);\n" + _TAUGHT
    )
    return _filled(text, names)


def steps(names: Names) -> Iterator[tuple[int, str, str]]:
    """Yield (number, name, SQL) of every migration."""
    for number, name, text in migrations():
        # So that order and equality of text are the same on every server, and those of DuckDB.
        yield number, name, _filled(_TEXT.sub('TEXT COLLATE "C"', _dated(text)), names)


def ending(names: Names, *, is_new: bool) -> str:
    """Return what comes after the last migration."""
    return (_filled(_INDEXES, names) if is_new else "") + "".join(_comments(names))


def roles() -> str:
    """Return the statements that make the roles; once for a server."""
    return f"CREATE ROLE {READER} NOLOGIN;\nCREATE ROLE {WRITER} NOLOGIN;\n"


def grants(names: Names) -> str:
    """Return what the roles may do: a reader sees what is public, a writer does all that a sync does."""
    return _filled(_GRANTS, names)


def whole(names: Names) -> str:
    """Return everything that makes a new book, roles and rights included, in one transaction."""
    made = [f"-- {number:04} {name}\n{text.strip()}\n" for number, name, text in steps(names)]
    now, there = (
        "now() AT TIME ZONE 'UTC'",
        ", ".join(f"({n}, '{name}', now() AT TIME ZONE 'UTC')" for n, name, _ in steps(names)),
    )
    rows = (
        f"INSERT INTO {names.internal}.migrations VALUES {there};\n"
        f"INSERT INTO {names.internal}.book (book_id, created_at, last_commit, version) "
        f"VALUES (md5(random()::text), {now}, {now}, 0);\n"
    )
    about = "-- A book of tallybook on PostgreSQL 14 or newer. Leave out the roles where the server has them.\n"
    return "\n".join(
        [
            about + "BEGIN;",
            roles(),
            beginning(names),
            *made,
            rows,
            ending(names, is_new=True),
            grants(names) + "COMMIT;\n",
        ]
    )


def _dated(text: str) -> str:
    if "CREATE VIEW" in text:
        for plain, dated in _DATED:
            text = text.replace(plain, dated)
    return text


def _comments(names: Names) -> Iterator[str]:
    """Yield what says of every public table, view and column what it is."""
    columns = {"usage": USAGE_TABLE.names, "costs": COSTS_TABLE.names}
    for _, _, text in migrations():
        for about, kind, name, selected in _PUBLIC.findall(_dated(text)):
            said = " ".join(line.removeprefix("-- ") for line in about.strip().splitlines())
            yield f"COMMENT ON {kind} {names.public}.{name} IS {_quoted(said)};\n"
            for column in columns.get(name) or _LAST_WORD.findall(selected):
                yield f"COMMENT ON COLUMN {names.public}.{name}.{column} IS {_quoted(meaning(column))};\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _filled(text: str, names: Names) -> str:
    return text.format(public=names.public, internal=names.internal, zstd="")
