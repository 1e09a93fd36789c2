"""When the directory is read, and what the book then knows of it."""

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tallybook.collect.sync import Policy, Summary, run
from tallybook.emulator.directory import LIMITED
from tallybook.emulator.products import DEPARTMENTS
from tallybook.model.windows import DAY, naive, unix
from tallybook.store.duckdb import DuckDBStore
from tests.books import synced
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, bucket, client, page
from tests.emulator.wire import organization

HERE = "/v1/organization"
TODAY = unix(dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
ONE = Policy(("embeddings",), TODAY - DAY, history_width="1d", concurrency=1)


def test_the_whole_directory_of_an_organization_is_known(tmp_path: Path) -> None:
    with organization(days=5) as org:
        book = synced(org, tmp_path / "book.duckdb", since="2026-11-22", datasets="costs")
        roster, now = org.company.roster, org.company.now()
    rows = {(r["kind"], r["id"]): r for r in book.store.rows("directory")}
    living = [p for p in roster.projects if p.archived_at is None]
    keys = [k for p in living for k in roster.keys_of(p, now)]
    people = roster.present(now)
    projects = {i: r["name"] for (kind, i), r in rows.items() if kind == "project"}
    assert projects == {p.id: p.name for p in roster.projects}
    assert {(i, r["name"], r["email"]) for (kind, i), r in rows.items() if kind == "user"} == {
        (p.id, p.name, p.email) for p in people
    }
    assert {k.id: (k.name, k.project.id) for k in keys}.items() <= {
        i: (r["name"], r["project_id"]) for (kind, i), r in rows.items() if kind == "api_key"
    }.items()
    assert {i for kind, i in rows if kind == "service_account"} == {k.service_account for k in keys if not k.person}
    assert Counter(kind for kind, _ in rows if kind not in ("project", "user", "api_key", "service_account")) == {
        "admin_key": sum(p.role == "owner" for p in people),
        "group": len(DEPARTMENTS),
        "group_members": len(DEPARTMENTS),
        "rate_limit": len(living) * len(LIMITED),
    }
    members = [json.loads(r["details"])["members"] for (kind, _), r in rows.items() if kind == "group_members"]
    assert sorted(i for ids in members for i in ids) == sorted(p.id for p in people)
    owned = {i: (r["owner_kind"], r["owner_id"]) for (kind, i), r in rows.items() if kind == "api_key"}
    for key in keys:
        assert owned[key.id] == (("user", key.person.id) if key.person else ("service_account", key.service_account))


class Server:
    """An organization of one project and one group that can be changed."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.path, self.clock = folder / "book.duckdb", clock
        self.users: list[str] = []
        self.lists: dict[str, Any] = {"projects": [{"id": "proj_a", "name": "Alpha"}], "groups": [{"id": "g"}]}
        self.asked: list[str] = []

    def __call__(self, asked: Asked) -> Answer:
        if "/usage/" in asked.path:
            row = {"object": "organization.usage.embeddings.result", "input_tokens": 1, "num_model_requests": 1}
            row |= {"project_id": "proj_a"}  # so that whose key it is need not be asked for
            since = int(dict(asked.query)["start_time"])
            rows = [row | {"user_id": user} for user in self.users or (None,)]
            return Answer(200, page([bucket(since, since + DAY, *rows)]))
        name = asked.path.removeprefix(f"{HERE}/")
        self.asked.append(name)
        found = self.lists.get(name, [])
        return found if isinstance(found, Answer) else Answer(200, {"data": found, "has_more": False})

    def sync(self) -> Summary:
        self.asked.clear()
        with client(self, self.clock) as (http, _):
            return run(DuckDBStore(self.path, self.clock), http, "acme", ONE, self.clock)

    def held(self, kind: str) -> list[dict[str, Any]]:
        rows = DuckDBStore(self.path, self.clock).rows("directory", {"org": "acme", "kind": kind})
        return sorted(rows, key=lambda row: row["first_seen"])


HOURLY = ["projects", "users", "projects/proj_a/api_keys"]
OF_PROJECT = ("rate_limits", "service_accounts")
DAILY = ["admin_api_keys", "groups", "groups/g/users", *(f"projects/proj_a/{name}" for name in OF_PROJECT)]


def test_what_names_usage_is_read_hourly_and_the_rest_daily(tmp_path: Path, clock: FakeClock) -> None:
    server = Server(tmp_path, clock)
    passes = {}
    for minutes in (0, 59, 1, 30, 1380, 60):
        clock.advance(minutes * 60)
        assert server.sync().ok
        passes[clock.now() - dt.datetime(2026, 11, 23, 15, 30, 20, tzinfo=dt.UTC)] = sorted(server.asked)
    hour = dt.timedelta(hours=1)
    assert passes == {
        0 * hour: sorted(HOURLY + DAILY),
        59 / 60 * hour: [],
        1 * hour: sorted(HOURLY),
        1.5 * hour: [],
        24.5 * hour: sorted(HOURLY + DAILY),
        25.5 * hour: sorted(HOURLY),
    }


def test_an_unknown_id_has_the_directory_read_at_once_and_only_once(tmp_path: Path, clock: FakeClock) -> None:
    server = Server(tmp_path, clock)
    server.sync()
    server.users = ["user_new"]
    clock.advance(60)
    server.sync()
    assert sorted(server.asked) == sorted(HOURLY)
    assert [(r["id"], r["status"]) for r in server.held("user")] == [("user_new", "unlisted")]
    clock.advance(60)
    server.sync()
    assert server.asked == []
    clock.advance(3600)
    server.lists["users"] = [{"id": "user_new", "name": "New"}]
    server.sync()
    now = naive(unix(clock.now()))
    assert [(r["name"], r["replaced_at"]) for r in server.held("user")] == [(None, now), ("New", None)]


def test_who_was_in_a_group_and_when_is_kept(tmp_path: Path, clock: FakeClock) -> None:
    server = Server(tmp_path, clock)
    changes: list[Any] = [[{"id": "b"}, {"id": "a"}], [{"id": "a"}], Answer(404, {"error": "gone"}), [{"id": "a"}]]
    for found in changes:
        server.lists["groups/g/users"] = found
        summary = server.sync()
        assert summary.directory.startswith("in part: group_users: " if isinstance(found, Answer) else "read")
        clock.advance(DAY)
    first, second = server.held("group_members")
    assert (first["details"], second["details"]) == ('{"members":["a","b"]}', '{"members":["a"]}')
    assert first["replaced_at"] == second["first_seen"] == second["last_seen"] - dt.timedelta(days=2)
    assert second["replaced_at"] is None
    assert [(row["name"], row["replaced_at"]) for row in server.held("group")] == [(None, None)]


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), Answer(500)], ids=["html", "500"])
def test_without_a_usable_answer_lists_are_due_again(tmp_path: Path, clock: FakeClock, answer: Answer) -> None:
    server = Server(tmp_path, clock)
    server.lists["projects/proj_a/api_keys"] = answer
    assert server.sync().directory.startswith("not read: ")
    assert server.held("project") == []
    del server.lists["projects/proj_a/api_keys"]
    server.lists["projects/proj_a/rate_limits"] = answer
    assert server.sync().directory.startswith("in part: the rest: ")
    assert "groups/g/users" not in server.asked
    assert len(server.held("project")) == 1
    server.lists["projects/proj_a/rate_limits"] = []
    clock.advance(3600)
    assert server.sync().directory == "read"
    assert set(server.asked) == {*HOURLY, *DAILY}
