"""Names for ids, as far as the key may read them."""

import datetime as dt
import json
from typing import Any

import pytest

from tallybook.collect.directory import Listing, collect
from tallybook.collect.entries import entry, merge, stranger, told
from tallybook.model.errors import ProviderError
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, client, refusal

NOW = dt.datetime(2026, 11, 23, 15)  # noqa: DTZ001
KEY = {
    "object": "organization.project.api_key", "redacted_value": "sk-abc...def", "name": "My API Key", "id": "key_abc",
    "created_at": 1711471533, "last_used_at": 1711471534, "owner_project_access": "active",
    "owner": {"type": "user", "user": {"id": "user_abc", "name": "First Last", "email": "u@example.com"}},
}  # fmt: skip
ROBOT = {"id": "key_bot", "owner": {"type": "service_account", "service_account": {"id": "svc_1", "name": "Bot"}}}
ADMIN = {
    "object": "organization.admin_api_key", "id": "key_root", "name": "Root", "redacted_value": "sk-admin...xyz",
    "created_at": 9, "expires_at": 99, "last_used_at": 5,
    "owner": {"type": "user", "object": "organization.user", "id": "user_boss", "name": "Boss", "role": "owner"},
}  # fmt: skip
PROJECTS = [
    {"id": "proj_a", "name": "Alpha", "created_at": 1, "status": "active"},
    {"id": "proj/../b", "name": "Beta", "created_at": 1, "status": "archived", "archived_at": 5},
]
USERS = [{"id": "user_abc", "name": None, "added_at": 7, "user": {"name": "First Last", "email": "u@example.com"}}]
GROUPS = [{"id": "group/1", "name": "Finance", "created_at": 3, "is_scim_managed": True, "group_type": "group"}]
MEMBERS = [{"id": "user_z", "name": "Zed", "email": "z@example.com"}, {"id": "user_abc", "name": "Nick", "email": None}]
LIMITS = [{"id": "rl-gpt", "model": "gpt-5", "max_requests_per_1_minute": 500, "max_tokens_per_1_minute": 7}]
HERE = "/v1/organization"
LISTS: dict[str, Any] = {
    f"{HERE}/projects": PROJECTS,
    f"{HERE}/users": USERS,
    f"{HERE}/admin_api_keys": [ADMIN],
    f"{HERE}/groups": GROUPS,
    f"{HERE}/groups/group%2F1/users": MEMBERS,
    f"{HERE}/projects/proj_a/api_keys": [KEY, ROBOT],
    f"{HERE}/projects/proj%2F..%2Fb/api_keys": refusal("The project is archived."),
    f"{HERE}/projects/proj_a/service_accounts": [{"id": "svc_1", "name": "Bot"}, {"id": "svc_2", "name": "Idle"}],
    f"{HERE}/projects/proj_a/rate_limits": LIMITS,
}


def listed(items: list[Any], *, more: bool = False, **fields: Any) -> Answer:
    return Answer(200, {"object": "list", "data": items, "has_more": more, **fields})


def serve(**instead: Answer) -> Any:
    """Return a server's script; `instead` replaces the lists whose path ends so."""

    def script(asked: Asked) -> Answer:
        end = asked.path.rsplit("/", 1)[1]
        what = instead[end] if end in instead else LISTS[asked.path]
        return what if isinstance(what, Answer) else listed(what)

    return script


def named(found: Listing) -> dict[tuple[str, str], str | None]:
    """Return the names that a book then has, by kind and id."""
    return {(row["kind"], row["id"]): row["name"] for row in merge("o", [], found.entries, NOW)}


def test_everyone_and_everything_is_listed_archived_projects_too(clock: FakeClock) -> None:
    with client(serve(), clock) as (http, server):
        found = collect(http)
    assert str(found) == "read"
    assert named(found) == {
        ("project", "proj_a"): "Alpha",
        ("project", "proj/../b"): "Beta",
        ("user", "user_abc"): "First Last",
        ("api_key", "key_abc"): "My API Key",
        ("api_key", "key_bot"): None,
        ("service_account", "svc_1"): "Bot",
        ("service_account", "svc_2"): "Idle",
        ("admin_key", "key_root"): "Root",
        ("group", "group/1"): "Finance",
        ("group_members", "group/1"): None,
        ("rate_limit", "proj_a/rl-gpt"): None,
        # These two are in no list of users, only told in passing.
        ("user", "user_boss"): "Boss",
        ("user", "user_z"): "Zed",
    }
    entries = {(e["kind"], e["id"]): e for e in found.entries}
    key, root = entries["api_key", "key_abc"], entries["admin_key", "key_root"]
    assert (key["project_id"], key["owner_kind"], key["owner_id"]) == ("proj_a", "user", "user_abc")
    assert (root["project_id"], root["owner_kind"], root["owner_id"]) == (None, "user", "user_boss")
    details = {k: json.loads(e["details"]) for k, e in entries.items() if e["details"]}
    assert details["admin_key", "key_root"] == {"expires_at": 99}
    assert details["group", "group/1"] == {"group_type": "group", "is_scim_managed": True}
    assert details["group_members", "group/1"] == {"members": ["user_abc", "user_z"]}
    assert details["rate_limit", "proj_a/rl-gpt"] == {
        "model": "gpt-5", "max_requests_per_1_minute": 500, "max_tokens_per_1_minute": 7,
    }  # fmt: skip
    assert "sk-" not in repr(found.entries)
    queries = {a.path: dict(a.query) for a in server.asked}
    assert queries[f"{HERE}/projects"] == {"include_archived": "true", "limit": "100"}
    assert queries[f"{HERE}/projects/proj_a/api_keys"] == {"owner_project_access": "any", "limit": "100"}
    assert len(server.asked) == len(LISTS)


def test_an_hourly_pass_asks_only_for_what_names_usage(clock: FakeClock) -> None:
    with client(serve(), clock) as (http, server):
        collect(http, daily=False)
    assert [a.path.removeprefix(f"{HERE}/") for a in server.asked] == ["projects", "users", "projects/proj_a/api_keys"]


def test_a_service_account_is_the_same_from_its_list_and_from_its_key(clock: FakeClock) -> None:
    bot = {"id": "svc_1", "name": "Bot", "role": "member", "created_at": 4}
    of_key = {"id": "key_bot", "owner": {"type": "service_account", "service_account": bot}}
    script = serve(projects=listed(PROJECTS[:1]), api_keys=listed([of_key]), service_accounts=listed([bot]))
    with client(script, clock) as (http, _):
        hourly, daily = collect(http, daily=False), collect(http)
    one, same = ([e for e in found.entries if e["id"] == "svc_1"] for found in (hourly, daily))
    assert one * 2 == same


NO = Answer(403, {"error": "You have insufficient permissions. Missing scopes: api.management.read."})


def test_without_the_scope_there_are_no_names_but_a_reason(clock: FakeClock) -> None:
    with client([NO], clock) as (http, server):
        found = collect(http)
    assert found.entries == []
    assert str(found) == "only ids: the key lacks the scope api.management.read"
    assert len(server.asked) == 4


LOST = {
    "users": "user", "api_keys": "api_key", "projects": "project", "admin_api_keys": "admin_key", "groups": "group",
    "rate_limits": "rate_limit",
}  # fmt: skip


@pytest.mark.parametrize("answer", [NO, refusal("Nothing there.", status=404)], ids=["scope", "404"])
@pytest.mark.parametrize("end", LOST)
def test_a_list_that_is_refused_costs_only_what_it_names_and_is_named(
    clock: FakeClock, end: str, answer: Answer
) -> None:
    with client(serve(**{end: answer}), clock) as (http, _):
        found = collect(http)
    which = "users, group_users" if end == "users" else end
    why = "the key lacks the scope api.management.read" if answer is NO else "The server refuses the request (HTTP 404)"
    assert str(found).startswith(f"in part: {which}: {why}")
    kinds = {e["kind"] for e in found.entries if e["status"] != "unlisted"}
    assert kinds
    assert LOST[end] not in kinds


def test_lists_of_several_projects_are_counted(clock: FakeClock) -> None:
    three = [{"id": f"proj_{i}"} for i in range(3)]
    with client(serve(projects=listed(three), api_keys=NO, service_accounts=NO, rate_limits=NO), clock) as (http, _):
        found = collect(http, daily=False)
    assert str(found) == "in part: api_keys (3 times): the key lacks the scope api.management.read"


@pytest.mark.parametrize(
    ("end", "more", "after"),
    [
        ("users", {"last_id": "u9"}, "u9"),
        ("users", {}, "u1"),
        ("admin_api_keys", {"last_id": "u9"}, "u1"),
        ("groups", {"next": "cursor/2", "last_id": "u9"}, "cursor/2"),
    ],
)
def test_a_list_is_followed_in_its_own_style(clock: FakeClock, end: str, more: Any, after: str) -> None:
    pages = {None: listed([{"id": "u1"}], more=True, **more), after: listed([{"id": "u2"}])}

    def script(asked: Asked) -> Answer:
        return pages[dict(asked.query).get("after")] if asked.path == f"{HERE}/{end}" else listed([])

    with client(script, clock) as (http, server):
        found = collect(http)
    assert str(found) == "read"
    assert [e["id"] for e in found.entries if e["kind"] == LOST[end]] == ["u1", "u2"]
    first, second = (a.query for a in server.asked if a.path == f"{HERE}/{end}")
    assert second == [*first, ("after", after)]


@pytest.mark.parametrize(
    ("end", "answer", "why"),
    [
        ("users", Answer(200, {"data": "users"}), "is not a list of objects with ids"),
        ("users", Answer(200, {"data": [5]}), "is not a list of objects with ids"),
        ("users", Answer(200, {"data": [{"id": 5}]}), "is not a list of objects with ids"),
        ("users", listed([{"id": "u1"}], more=True), "has pages without end"),
        ("groups", listed([{"id": "u1"}], more=True), "says that there is more but not where"),
        ("groups", listed([{"id": "u1"}], more=True, next=7), "says that there is more but not where"),
        ("groups", listed([{"id": "u1"}], more=True, next="same"), "has pages without end"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_not_used(clock: FakeClock, end: str, answer: Answer, why: str) -> None:
    with client(serve(**{end: answer}), clock) as (http, _):
        found = collect(http)
    assert f"The list of {end} {why}" in str(found)
    assert LOST[end] not in {e["kind"] for e in found.entries if e["status"] != "unlisted"}


@pytest.mark.parametrize("answer", [Answer(200, b"<html>"), Answer(500)], ids=["html", "500"])
def test_where_the_server_gives_no_usable_answer_no_further_list_is_tried(clock: FakeClock, answer: Answer) -> None:
    with client(serve(users=answer), clock) as (http, server), pytest.raises(ProviderError):
        collect(http)
    assert "api_keys" not in {a.path.rsplit("/", 1)[1] for a in server.asked}


def test_fields_of_a_wrong_type_become_unknown(clock: FakeClock) -> None:
    odd = [
        {"id": "k1", "name": 5, "owner": "me", "created_at": "soon"},
        {"id": "k2", "owner": {"type": ["x"], "user": 7}, "created_at": True, "owner_project_access": {}},
    ]
    with client(serve(api_keys=listed(odd), admin_api_keys=listed(odd)), clock) as (http, _):
        found = collect(http)
    keys = [e for e in found.entries if e["kind"] in ("api_key", "admin_key")]
    got = [(e["name"], e["owner_kind"], e["owner_id"], e["created_at"]) for e in keys]
    assert len(got) > 3
    assert set(got) == {(None, "user", None, None)}


def row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "project", "id": "p", "name": name, "email": None, "project_id": None, "owner_kind": None,
        "owner_id": None, "status": None, "created_at": None, "details": None, **more,
    }  # fmt: skip


def test_a_changed_name_is_a_new_version_and_the_old_one_is_kept() -> None:
    seen = {"org": "o", "first_seen": NOW, "last_seen": NOW, "replaced_at": None}
    later = NOW + dt.timedelta(hours=1)
    held = [row("old", **seen)]
    assert merge("o", held, [row("old")], later) == [row("old", **seen | {"last_seen": later})]
    assert merge("o", held, [row("new")], later) == [
        row("old", **seen | {"replaced_at": later}),
        row("new", **seen | {"first_seen": later, "last_seen": later}),
    ]
    assert merge("o", held, [], later) == []


def test_an_id_that_no_list_names_is_remembered_once() -> None:
    (new,) = merge("o", [], [stranger("user", "user_gone")], NOW)
    assert (new["kind"], new["id"], new["name"], new["status"]) == ("user", "user_gone", None, "unlisted")
    assert merge("o", [new], [stranger("user", "user_gone")], NOW) == []


def test_what_is_told_in_passing_counts_only_where_no_list_says_more() -> None:
    (ada,) = told("user", {"id": "u", "name": "Ada", "email": None, "role": "x"})
    (mail,) = told("user", {"id": "u", "email": "ada@example.com"})
    assert list(told("user", {"id": "u", "name": None})) == []
    assert list(told("user", {"name": "Nobody"})) == []
    (both,) = merge("o", [], [ada, stranger("user", "u"), mail], NOW)
    assert (both["name"], both["email"], both["status"]) == ("Ada", "ada@example.com", "unlisted")
    assert merge("o", [both], [mail, ada], NOW) == []
    whole = entry("user", {"id": "u", "name": "Ada Alder"})
    (first,) = merge("o", [], [ada, whole], NOW)
    assert (first["name"], first["status"]) == ("Ada Alder", None)
    assert merge("o", [first], [ada], NOW) == []
    old, new = merge("o", [both], [whole], NOW)
    assert (old["replaced_at"], new["name"], new["email"]) == (NOW, "Ada Alder", None)
