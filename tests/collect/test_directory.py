"""Names for ids, as far as the key may read them."""

import datetime as dt
from typing import Any

import pytest

from tallybook.collect.directory import collect, merge
from tallybook.model.errors import UnexpectedResponseError
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, client, refusal

NOW = dt.datetime(2026, 11, 23, 15)  # noqa: DTZ001
KEY = {
    "object": "organization.project.api_key", "redacted_value": "sk-abc...def", "name": "My API Key", "id": "key_abc",
    "created_at": 1711471533, "last_used_at": 1711471534, "owner_project_access": "active",
    "owner": {"type": "user", "user": {"id": "user_abc", "name": "First Last", "email": "u@example.com"}},
}  # fmt: skip
ROBOT = {"id": "key_bot", "owner": {"type": "service_account", "service_account": {"id": "svc_1", "name": "Bot"}}}
PROJECTS = [
    {"id": "proj_a", "name": "Alpha", "created_at": 1, "status": "active"},
    {"id": "proj/../b", "name": "Beta", "created_at": 1, "status": "archived", "archived_at": 5},
]
USERS = [{"id": "user_abc", "name": None, "added_at": 7, "user": {"name": "First Last", "email": "u@example.com"}}]
LISTS: dict[str, Any] = {
    "/v1/organization/projects": PROJECTS,
    "/v1/organization/users": USERS,
    "/v1/organization/projects/proj_a/api_keys": [KEY, ROBOT],
    "/v1/organization/projects/proj%2F..%2Fb/api_keys": refusal("The project is archived."),
}


def listed(items: list[Any], *, more: bool = False) -> Answer:
    last = items[-1]["id"] if items else None
    return Answer(200, {"object": "list", "data": items, "last_id": last, "has_more": more})


def serve(**instead: Answer) -> Any:
    """Return a server's script; `instead` replaces the list whose path ends so."""

    def script(asked: Asked) -> Answer:
        end = asked.path.rsplit("/", 1)[1]
        what = instead[end] if end in instead else LISTS[asked.path]
        return what if isinstance(what, Answer) else listed(what)

    return script


def test_projects_users_and_keys_are_listed_archived_ones_too(clock: FakeClock) -> None:
    with client(serve(), clock) as (http, server):
        found = collect(http)
    assert found.refused is None
    entries = {(e["kind"], e["id"]): e for e in found.entries}
    assert {k: e["name"] for k, e in entries.items()} == {
        ("project", "proj_a"): "Alpha",
        ("project", "proj/../b"): "Beta",
        ("user", "user_abc"): "First Last",
        ("api_key", "key_abc"): "My API Key",
        ("api_key", "key_bot"): None,
        ("service_account", "svc_1"): "Bot",
    }
    key = entries["api_key", "key_abc"]
    assert (key["project_id"], key["owner_kind"], key["owner_id"]) == ("proj_a", "user", "user_abc")
    assert entries["user", "user_abc"]["email"] == "u@example.com"
    queries = {a.path: dict(a.query) for a in server.asked}
    assert queries["/v1/organization/projects"] == {"include_archived": "true", "limit": "100"}
    assert queries["/v1/organization/projects/proj_a/api_keys"] == {"owner_project_access": "any", "limit": "100"}
    assert len(found.fetches) == 3


NO = Answer(403, {"error": "You have insufficient permissions. Missing scopes: api.management.read."})


def test_without_the_scope_there_are_no_names_but_a_reason(clock: FakeClock) -> None:
    with client([NO], clock) as (http, _):
        found = collect(http)
    assert found.entries == []
    assert "api.management.read" in str(found.refused)


@pytest.mark.parametrize(("end", "lost"), [("users", "user"), ("api_keys", "api_key"), ("projects", "project")])
def test_a_list_that_is_refused_does_not_lose_the_others(clock: FakeClock, end: str, lost: str) -> None:
    with client(serve(**{end: NO}), clock) as (http, _):
        found = collect(http)
    assert "api.management.read" in str(found.refused)
    kinds = {e["kind"] for e in found.entries}
    assert kinds
    assert lost not in kinds


def test_a_list_is_followed_from_its_last_id(clock: FakeClock) -> None:
    answers = [listed([]), listed([{"id": "u1"}], more=True), listed([{"id": "u2"}])]
    with client(answers, clock) as (http, server):
        found = collect(http)
    assert [e["id"] for e in found.entries] == ["u1", "u2"]
    assert [dict(a.query).get("after") for a in server.asked] == [None, None, "u1"]


@pytest.mark.parametrize(
    "users",
    [
        Answer(200, {"data": "users"}),
        Answer(200, {"data": [5]}),
        Answer(200, {"data": [{"id": 5}]}),
        listed([{"id": "u1"}], more=True),
    ],
    ids=["text", "numbers", "number as id", "without end"],
)
def test_a_list_that_cannot_be_trusted_is_an_error(clock: FakeClock, users: Answer) -> None:
    with client(serve(users=users), clock) as (http, _), pytest.raises(UnexpectedResponseError, match="list of users"):
        collect(http)


def test_fields_of_a_wrong_type_become_unknown(clock: FakeClock) -> None:
    odd = [
        {"id": "k1", "name": 5, "owner": "me", "created_at": "soon"},
        {"id": "k2", "owner": {"type": ["x"], "user": 7}, "created_at": True, "owner_project_access": {}},
    ]
    with client(serve(api_keys=listed(odd)), clock) as (http, _):
        found = collect(http)
    keys = [e for e in found.entries if e["kind"] == "api_key"]
    got = [(e["name"], e["owner_kind"], e["owner_id"], e["created_at"]) for e in keys]
    assert got == [(None, "user", None, None)] * 4


def row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "project", "id": "p", "name": name, "email": None, "project_id": None, "owner_kind": None,
        "owner_id": None, "status": None, "created_at": None, "details": None, **more,
    }  # fmt: skip


def test_a_changed_name_is_a_new_version_and_the_old_one_is_kept() -> None:
    seen = {"org": "o", "first_seen": NOW, "last_seen": NOW, "replaced_at": None}
    later = NOW + dt.timedelta(hours=1)
    held = [row("old", **seen)]
    assert merge("o", held, [row("old")], {}, later) == [row("old", **seen | {"last_seen": later})]
    assert merge("o", held, [row("new")], {}, later) == [
        row("old", **seen | {"replaced_at": later}),
        row("new", **seen | {"first_seen": later, "last_seen": later}),
    ]
    assert merge("o", held, [], {}, later) == []


def test_an_id_that_no_list_names_is_remembered_once() -> None:
    (new,) = merge("o", [], [], {"user": {"user_gone"}}, NOW)
    assert (new["kind"], new["id"], new["name"], new["status"]) == ("user", "user_gone", None, "unlisted")
    assert merge("o", [new], [], {"user": {"user_gone"}}, NOW) == []
