"""An organization is who its projects say it is: nothing of a key is written under a wrong name."""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallybook.collect.http import Http
from tallybook.collect.identity import Identity
from tallybook.collect.sync import Policy, Summary, run, verify
from tallybook.model.errors import WrongOrganizationError
from tallybook.model.secret import AdminKey
from tallybook.model.windows import DAY, unix
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, bucket, client, page, refusal
from tests.emulator.wire import MIDNIGHT, NOW, Org, organization

KEY, NAMELESS = "sk-admin-test", "sk-admin-no-management"
COSTS = Policy(("costs",), MIDNIGHT - 4 * DAY, concurrency=1, splits=())
SMALL = Policy(("costs", "images"), MIDNIGHT - 2 * DAY, history_width="1d", concurrency=1, splits=())


@pytest.fixture(scope="module")
def companies() -> Iterator[tuple[Org, Org]]:
    small = {"days": 5, "requests_per_day": 20}
    with organization(**small) as acme, organization(**small, seed=8) as other:
        yield acme, other


@pytest.fixture(scope="module")
def books(companies: tuple[Org, Org], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Books of the first company by the key that read them; never written to."""
    made = {}
    for key in (KEY, NAMELESS):
        made[key] = tmp_path_factory.mktemp("identity") / "b.duckdb"
        assert sync(DuckDBStore(made[key], FakeClock(NOW)), companies[0], key=key).ok
    return made


def copied(book: Path, folder: Path) -> DuckDBStore:
    return DuckDBStore(shutil.copy(book, folder / "b.duckdb"), FakeClock(NOW))


def sync(
    store: DuckDBStore, org: Org, name: str = "acme", key: str = KEY, policy: Policy = SMALL, work: Any = run
) -> Summary:
    clock = FakeClock(NOW)
    with Http(org.base, AdminKey(key, "the test"), clock) as http:
        summary: Summary = work(store, http, name, policy, clock)
        return summary


def everything(store: DuckDBStore) -> dict[str, Any]:
    """Return all rows of all tables but the list of syncs, which names the one that was refused."""
    names = store.read("SELECT schema_name || '.' || table_name AS t FROM duckdb_tables()").to_pylist()
    tables = {row["t"] for row in names} - {"internal.syncs", "internal.book"}
    return {t: store.read(f"SELECT * FROM {t} ORDER BY ALL").to_pylist() for t in sorted(tables)}


@pytest.mark.parametrize("first", [KEY, NAMELESS])
@pytest.mark.parametrize("second", [KEY, NAMELESS])
def test_a_key_of_another_organization_is_refused_and_changes_nothing(
    tmp_path: Path, companies: tuple[Org, Org], books: dict[str, Path], first: str, second: str
) -> None:
    store = copied(books[first], tmp_path)
    before = everything(store)
    assert before["main.costs"]
    with pytest.raises(WrongOrganizationError, match=r"none of its \d+ projects is among the \d+") as raised:
        sync(store, companies[1], key=second)
    assert raised.value.exit_code == 2
    assert everything(store) == before
    assert [row["summary"] for row in store.rows("syncs") if "of another organization" in row["summary"]]


def test_a_key_of_another_organization_verifies_nothing(
    tmp_path: Path, companies: tuple[Org, Org], books: dict[str, Path]
) -> None:
    store = copied(books[KEY], tmp_path)
    before = everything(store)
    with pytest.raises(WrongOrganizationError):
        sync(store, companies[1], work=verify)
    assert everything(store) == before


@pytest.mark.parametrize("key", [KEY, NAMELESS])
def test_a_new_name_for_what_is_held_is_refused_until_it_is_renamed(
    tmp_path: Path, companies: tuple[Org, Org], books: dict[str, Path], key: str
) -> None:
    acme, other = companies
    store = copied(books[key], tmp_path)
    before = everything(store)
    with pytest.raises(WrongOrganizationError, match=r"held as 'acme' already.*type: tallybook org rename acme main"):
        sync(store, acme, "main", key)
    assert everything(store) == before
    store.rename("acme", "main")
    assert sync(store, acme, "main", key).changes.inserted == 0
    assert sync(store, other, "other", key).ok
    assert store.orgs() == {"main", "other"}


def test_keys_that_are_mixed_up_are_named(tmp_path: Path, companies: tuple[Org, Org], books: dict[str, Path]) -> None:
    _, other = companies
    store = copied(books[KEY], tmp_path)
    assert sync(store, other, "other").ok
    before = everything(store)
    with pytest.raises(WrongOrganizationError, match="'acme' is of the organization that this book holds as 'other'"):
        sync(store, other, "acme")
    assert everything(store) == before


def test_a_key_that_is_known_by_what_it_reads_is_asked_nothing_more(
    tmp_path: Path, companies: tuple[Org, Org], books: dict[str, Path]
) -> None:
    acme, _ = companies
    store = copied(books[KEY], tmp_path)
    acme.app.state.log.lines.clear()
    assert sync(store, acme).ok
    assert {line["path"].rpartition("/")[2] for line in acme.app.state.log.lines} == {"costs", "images"}


class Server:
    """An organization whose projects change; the directory may be refused."""

    def __init__(self, folder: Path) -> None:
        self.store = DuckDBStore(folder / "b.duckdb", FakeClock(NOW))
        self.clock = FakeClock(NOW)
        self.billed: dict[int, list[str]] = {}
        self.listed: Answer | list[str] = []
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("/costs"):
            query = dict(asked.query)
            days = range(int(query["start_time"]), int(query["end_time"]), DAY)
            return Answer(200, page([bucket(d, d + DAY, *map(_cost, self.billed.get(d, []))) for d in days]))
        if asked.path.endswith("/projects"):
            self.asked.append(asked)
            if isinstance(self.listed, Answer):
                return self.listed
            return Answer(200, {"data": [{"id": i} for i in self.listed], "has_more": False})
        return Answer(200, {"data": [], "has_more": False})

    def sync(self, policy: Policy = COSTS) -> Summary:
        with client(self, self.clock, deadline=5) as (http, _):
            return run(self.store, http, "acme", policy, self.clock)


def _cost(project: str) -> dict[str, Any]:
    amount = {"value": 1, "currency": "usd"}
    return {"object": "organization.costs.result", "amount": amount, "line_item": "x", "project_id": project}


DENIED = refusal("Missing scopes: api.management.read.", status=403)
LATE = Policy(("costs",), MIDNIGHT - DAY, concurrency=1, splits=(), full=True)


def test_an_organization_whose_newest_project_alone_is_used_is_known_by_its_list(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.listed = ["old", "new"]
    server.billed = {MIDNIGHT - 3 * DAY: ["old"], MIDNIGHT - DAY: ["new"]}
    server.sync(Policy(("costs",), MIDNIGHT - 3 * DAY, MIDNIGHT - DAY, splits=()))
    assert server.sync(LATE).ok
    assert server.store.totals("acme", "costs", 0, 1 << 33) == {"usd": 2}


def test_without_names_it_is_known_by_the_costs_of_the_year(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.listed = DENIED
    server.billed = {MIDNIGHT - 300 * DAY: ["old"], MIDNIGHT - DAY: ["new"]}
    assert server.sync(Policy(("costs",), MIDNIGHT - 301 * DAY, MIDNIGHT - 299 * DAY, splits=())).ok
    assert server.store.projects() == {"acme": {"old"}}
    assert server.sync(LATE).ok
    assert server.store.projects() == {"acme": {"old", "new"}}
    server.billed = {MIDNIGHT - DAY: ["stranger"]}
    with pytest.raises(WrongOrganizationError, match="none of its 1 projects is among the 2"):
        server.sync(LATE)


def test_where_no_directory_is_wanted_no_list_is_asked_for(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.billed = {MIDNIGHT - 3 * DAY: ["old"], MIDNIGHT - DAY: ["new"]}
    early = Policy(("costs",), MIDNIGHT - 3 * DAY, MIDNIGHT - DAY, splits=(), directory="off")
    assert server.sync(early).ok
    assert server.sync(replace(LATE, directory="off")).ok
    assert server.asked == []
    server.sync(LATE)
    assert server.asked


def test_where_there_is_no_project_nothing_is_refused_until_there_is(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.listed, server.billed = ["old"], {MIDNIGHT - DAY: ["old"]}
    assert server.sync().ok
    server.listed, server.billed = DENIED, {}
    server.clock.advance(DAY)
    assert server.sync().ok
    asked: list[str] = []

    def script(what: Asked) -> Answer:
        asked.append(what.path)
        return server(what)

    with client(script, server.clock) as (http, _):
        identity = Identity(http, "acme", lambda: {"acme": {"old"}})
        identity.check(set(), unix(server.clock.now()))
        before = len(asked)
        assert before > 1
        with pytest.raises(WrongOrganizationError):
            identity.check({"stranger"}, unix(server.clock.now()))
        assert len(asked) == before


def test_a_list_that_cannot_be_read_just_now_is_no_proof(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.billed = {MIDNIGHT - 3 * DAY: ["old"], MIDNIGHT - DAY: ["new"]}
    server.listed = ["old"]
    assert server.sync(Policy(("costs",), MIDNIGHT - 3 * DAY, MIDNIGHT - DAY, splits=())).ok
    server.listed = Answer(500)
    assert server.sync(LATE).ok
    assert server.store.totals("acme", "costs", 0, 1 << 33) == {"usd": 2}


def test_a_book_that_holds_nothing_takes_any_key() -> None:
    def unasked(_: Asked) -> Answer:
        raise AssertionError

    with client(unasked, FakeClock(dt.datetime(2026, 11, 23, tzinfo=dt.UTC))) as (http, _):
        Identity(http, "acme", dict).check({"proj_a"}, MIDNIGHT)
        Identity(http, "acme", lambda: {"acme": {"proj_a"}}).check({"proj_a", "proj_b"}, MIDNIGHT)
