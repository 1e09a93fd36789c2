"""Organizations in a book: which there are, their projects, and another name for one."""

from __future__ import annotations

from tallybook.model.errors import UsageError, suggest
from tallybook.store.catalog import columns
from tallybook.store.session import Session

_LOGS = ("syncs", "fetches")
"""What was tried is no sign that something is held."""

_PUBLIC = ("usage", "costs")
_PROJECTS = """SELECT org, project_id FROM usage UNION SELECT org, project_id FROM costs
UNION SELECT org, id FROM internal.directory WHERE kind = 'project'"""


def names(session: Session) -> set[str]:
    """Return the organizations of which anything is held."""
    each = [
        f"SELECT DISTINCT org FROM {place} WHERE org IS NOT NULL"
        for place in _tables(session)
        if place.rpartition(".")[2] not in _LOGS
    ]
    return {row[0] for row in session.execute(" UNION ".join(each)).fetchall()}


def projects(session: Session) -> dict[str, set[str]]:
    """Return the ids of all projects that are held, by organization."""
    out: dict[str, set[str]] = {}
    for org, identity in session.execute(_PROJECTS).fetchall():
        if identity is not None:
            out.setdefault(org, set()).add(identity)
    return out


def check(session: Session, old: str, new: str) -> None:
    """Raise `UsageError` where there is no `old` to rename, or a `new` already."""
    known = names(session)
    if old not in known:
        there = suggest(old, known) if known else "It holds none yet."
        raise UsageError(f"The book holds no organization {old!r}. {there}")
    if new in known:
        raise UsageError(
            f"The book holds an organization {new!r} already; two are never made one. Choose another name."
        )


def rename(session: Session, old: str, new: str) -> None:
    """Give `old` the name `new` in every table; raises `UsageError` as `check` does."""
    check(session, old, new)
    for table in _tables(session):
        session.execute(f"UPDATE {table} SET org = ? WHERE org = ?", [new, old])
    session.execute("UPDATE internal.book SET version = version + 1")


def _tables(session: Session) -> list[str]:
    """Return every table of ours that says whose a row is; what somebody else has put beside them is left alone."""
    found = [c for c in columns(session) if c.name == "org" and (c.is_internal or c.table in _PUBLIC)]
    return [c.place for c in found]
