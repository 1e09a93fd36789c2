"""The book is never held while a request is under way, and opened a few times only."""

from pathlib import Path
from typing import Any

import pytest

from tallybook.collect.sync import Policy, run
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.duckdb_engine import Engine, engine_of
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, client
from tests.collect.test_sync import EMPTY_LIST, TODAY, days
from tests.emulator.wire import DAY

POLICY = Policy(("embeddings",), TODAY - 2 * DAY, TODAY, history_width="1d", concurrency=1)


def test_the_file_is_let_go_during_every_request(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "book.duckdb"
    engine = engine_of(path)
    users: dict[str, set[int]] = {}

    def script(asked: Asked) -> Answer:
        kind = asked.path.removeprefix("/v1/organization/").partition("/")[0]
        users.setdefault(kind, set()).add(engine.users)
        return days({2: 5, 1: 6}) if kind == "usage" else EMPTY_LIST

    for _ in range(2):
        with client(script, clock) as (http, _):
            assert run(DuckDBStore(path, clock), http, "acme", POLICY, clock).ok
        clock.advance(2 * 3600)
    assert {"usage", "users", "projects"} <= users.keys()
    assert set.union(*users.values()) == {0}
    assert engine.users == 0


def test_a_sync_without_news_opens_the_book_for_its_schema_its_plan_its_writes_and_to_tidy_up(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DuckDBStore(tmp_path / "book.duckdb", clock)
    attach, opened = Engine.attach, []

    def counted(self: Engine, **how: Any) -> None:
        opened.append(how)
        attach(self, **how)

    with client(lambda asked: days({2: 5, 1: 6}) if "usage" in asked.path else EMPTY_LIST, clock) as (http, _):
        for _ in range(2):
            monkeypatch.setattr(Engine, "attach", counted)
            opened.clear()
            assert run(store, http, "acme", POLICY, clock).ok
    why = "three more for what is kept of people; two where nobody tells whose key it is; one to tidy up"
    assert len(opened) == 3 + 3 + 2 + 1, why
