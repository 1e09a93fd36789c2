"""The directory: who hides, who is refused, and that usage can be joined to it."""

import pytest

from tests.emulator.wire import DAY, MIDNIGHT, Org


def test_archived_projects_hide_unless_asked_for(org: Org) -> None:
    plain, every = org.get("/projects").json(), org.get("/projects", {"include_archived": "true"}).json()
    assert (len(plain["data"]), len(every["data"])) == (10, 12)
    assert {p["status"] for p in plain["data"]} == {"active"}
    assert [p["archived_at"] for p in every["data"] if p["status"] == "archived"] != [None, None]


@pytest.mark.parametrize("what", ["api_keys", "service_accounts", "users"])
def test_reading_below_an_archived_project_is_refused(org: Org, what: str) -> None:
    archived = next(p for p in org.company.roster.projects if p.archived_at)
    assert org.get(f"/projects/{archived.id}").json()["status"] == "archived"
    assert org.get(f"/projects/{archived.id}/{what}").status_code == 400


def test_some_keys_are_left_out_without_any(org: Org) -> None:
    path = f"/projects/{org.company.roster.projects[0].id}/api_keys"
    counts = {
        access: len(org.get(path, {"owner_project_access": access} if access else {}).json()["data"])
        for access in ("", "active", "inactive", "any")
    }
    assert counts == {"": 4, "active": 4, "inactive": 1, "any": 5}


def test_every_key_in_usage_is_listed_but_one_deleted_and_those_of_archived_projects(org: Org) -> None:
    roster = org.company.roster
    listed = {
        item["id"]
        for project in roster.projects
        if project.archived_at is None
        for item in org.get(f"/projects/{project.id}/api_keys", {"owner_project_access": "any"}).json()["data"]
    }
    rows = org.company.ledger(MIDNIGHT - 300 * DAY, MIDNIGHT, "completions", ["api_key_id"])["completions"]
    used = {row["api_key_id"] for row in rows}
    archived = {key.id for key in roster.keys if key.project.archived_at}
    deleted = {key.id for key in roster.keys if key.deleted}
    assert len(deleted) == 1
    assert used - listed == archived | deleted | {None}


def test_an_archived_project_has_usage_up_to_its_end_only(org: Org) -> None:
    project = next(p for p in org.company.roster.projects if p.archived_at)
    rows = org.company.ledger(MIDNIGHT - 365 * DAY, MIDNIGHT, "completions", ["project_id"], "day")["completions"]
    days = [row["start_time"] for row in rows if row["project_id"] == project.id]
    assert project.archived_at
    assert project.archived_at - 9 * DAY < max(days) < project.archived_at


def test_some_usage_and_some_costs_are_not_attributed(org: Org) -> None:
    rows = org.company.ledger(MIDNIGHT - 30 * DAY, MIDNIGHT, "completions", ["user_id", "api_key_id"])["completions"]
    assert None in {row["user_id"] for row in rows}
    assert None in {row["api_key_id"] for row in rows}
    costs = org.company.ledger(MIDNIGHT - 30 * DAY, MIDNIGHT, "costs", ["project_id", "line_item"])["costs"]
    assert [row["line_item"][:7] for row in costs if row["project_id"] is None] != []


@pytest.mark.parametrize(("path", "status"), [("/projects/proj_x", 404), ("/groups/x/users", 404)])
def test_what_does_not_exist_is_a_404(org: Org, path: str, status: int) -> None:
    assert org.get(path).status_code == status


@pytest.mark.parametrize("params", [{"limit": 101}, {"limit": 0}, {"after": "proj_nobody"}])
def test_a_wrong_page_of_a_list_is_refused(org: Org, params: dict[str, str]) -> None:
    assert org.get("/projects", params).status_code == 400
