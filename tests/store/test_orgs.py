"""Which organizations a book holds, whose projects are whose, and another name for one."""

from pathlib import Path

import duckdb
import pytest

from tallybook.model.errors import StoreLockedError, UsageError
from tallybook.model.records import Note, Refusal
from tallybook.model.windows import Span, naive
from tallybook.store.duckdb import DuckDBStore
from tests.store.book import D0, DAY, StoreUnderTest, cost, fetch, read, usage

SPAN = Span(D0, D0 + DAY)


def named(book: StoreUnderTest) -> dict[str, set[str]]:
    """Return the organizations that each table with such a column knows."""
    tables = {t: book.rows(t) for t in book.store.sizes().rows}
    return {t: {row["org"] for row in rows} for t, rows in tables.items() if rows and "org" in rows[0]}


def fill(book: StoreUnderTest) -> None:
    """Put something into every table that says whose it is."""
    note = Note("costs", SPAN, "quality", "odd")
    for amount in (1, 2):
        book.write(read("completions", D0, D0 + DAY, usage(D0, amount, project_id="proj_u")), notes=(note,))
        book.write(read("costs", D0, D0 + DAY, cost(D0, str(amount), project_id="proj_c")), fetches=(fetch(),))
        book.refuse(Refusal("decisions", SPAN, "unknown"))
        book.clock.advance(8 * DAY)
    seen = {"org": "acme", "first_seen": naive(D0), "last_seen": naive(D0)}
    book.store.put("directory", [{**seen, "kind": k, "id": f"{k[:4]}_d"} for k in ("project", "user")])
    book.store.put("orgs", [{"org": "acme", "first_seen": naive(D0)}])
    book.store.put("syncs", [{"org": org, "sync_id": org, "began_at": naive(D0)} for org in ("acme", "beta")])


def test_the_organizations_and_their_projects_are_known(book: StoreUnderTest) -> None:
    assert (book.store.orgs(), book.store.projects()) == (set(), {})
    fill(book)
    assert book.store.orgs() == {"acme"}
    assert book.store.projects() == {"acme": {"proj_u", "proj_c", "proj_d"}}
    book.store.put("orgs", [{"org": "gamma", "first_seen": naive(D0)}])
    assert book.store.orgs() == {"acme", "gamma"}


def test_an_organization_is_renamed_everywhere_at_once(book: StoreUnderTest) -> None:
    fill(book)
    before, (version,) = named(book), book.rows("book", "version")
    assert set(before) >= {"usage", "costs", "usage_history", "coverage", "coverage_history", "fetches", "refusals"}
    assert set(before) >= {"refusals_history", "directory", "orgs", "syncs", "notes"}
    book.store.rename("acme", "beta")
    assert named(book) == {table: {"beta"} for table in before}
    assert book.rows("book", "version") == [(version[0] + 1,)]
    assert book.store.totals("beta", "costs", D0, D0 + DAY) == {"usd": 2}
    assert book.store.totals("acme", "costs", D0, D0 + DAY) == {}


def test_no_organization_is_renamed_to_one_that_is_there_or_from_one_that_is_not(book: StoreUnderTest) -> None:
    with pytest.raises(UsageError, match=r"no organization 'acme'\. It holds none yet\."):
        book.store.rename("acme", "beta")
    fill(book)
    book.store.put("orgs", [{"org": "gamma", "first_seen": naive(D0)}])
    before = named(book)
    with pytest.raises(UsageError, match="holds an organization 'gamma' already; two are never made one"):
        book.store.rename("acme", "gamma")
    with pytest.raises(UsageError, match="holds an organization 'acme' already"):
        book.store.rename("acme", "acme")
    with pytest.raises(UsageError, match=r"no organization 'acmee'\. Did you mean `acme`"):
        book.store.rename("acmee", "delta")
    assert named(book) == before


def test_an_organization_is_not_renamed_while_it_is_synced(book: StoreUnderTest) -> None:
    fill(book)
    for busy in ("acme", "beta"):
        with book.store.syncing(busy), pytest.raises(StoreLockedError, match=f"Another sync of '{busy}'"):
            book.store.rename("acme", "beta")
    assert book.store.orgs() == {"acme"}


def test_tables_that_somebody_else_put_beside_ours_are_left_alone(tmp_path: Path) -> None:
    store = DuckDBStore(tmp_path / "b.duckdb")
    store.migrate()
    store.put("orgs", [{"org": "acme", "first_seen": naive(D0)}])
    with duckdb.connect(str(store.path)) as theirs:
        theirs.execute("CREATE TABLE mine AS SELECT 'acme' AS org")
        theirs.execute("CREATE VIEW ours AS FROM costs")
    store.rename("acme", "beta")
    assert store.orgs() == {"beta"}
    assert store.read("FROM mine").to_pylist() == [{"org": "acme"}]
