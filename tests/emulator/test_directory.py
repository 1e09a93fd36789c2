"""The directory: who hides, who is refused, and that usage can be joined to it."""

import pytest

from tallybook.emulator.products import DEPARTMENTS
from tests.emulator.wire import DAY, MIDNIGHT, Org, organization


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
    assert counts == {"": 5, "active": 5, "inactive": 1, "any": 6}


def test_every_key_in_usage_is_listed_but_deleted_ones_and_those_of_archived_projects(org: Org) -> None:
    roster = org.company.roster
    listed = {
        item["id"]
        for project in roster.projects
        if project.archived_at is None
        for item in org.get(f"/projects/{project.id}/api_keys", {"owner_project_access": "any"}).json()["data"]
    }
    rows = org.company.ledger(MIDNIGHT - 370 * DAY, MIDNIGHT, "completions", ["api_key_id"])["completions"]
    used = {row["api_key_id"] for row in rows}
    archived = {key.id for key in roster.keys if key.project.archived_at}
    deleted = {key.id for key in roster.keys if key.deleted_at <= org.company.now()}
    assert len(deleted) > 5
    assert used - listed == archived | deleted | {None}


def test_people_who_left_are_in_no_list_and_their_usage_stays(org: Org) -> None:
    roster, now = org.company.roster, org.company.now()
    gone = {person.id for person in roster.people if person.left_at <= now}
    assert len(gone) == 3
    rows = org.company.ledger(MIDNIGHT - 300 * DAY, MIDNIGHT, "completions", ["user_id"], "day")["completions"]
    assert gone <= {row["user_id"] for row in rows}
    for person in roster.people:
        days = [row["start_time"] for row in rows if row["user_id"] == person.id]
        assert all(person.added_at < day < person.left_at for day in days)
    groups = [g["id"] for g in org.get("/groups").json()["data"]]
    projects = [p["id"] for p in org.get("/projects", {"limit": 100}).json()["data"]]
    for path in ("/users", *(f"/groups/{g}/users" for g in groups), *(f"/projects/{p}/users" for p in projects)):
        listed = {user["id"] for user in org.get(path, {"limit": 100}).json()["data"]}
        assert listed
        assert not listed & gone


def test_groups_are_departments_and_everyone_is_in_one(org: Org) -> None:
    members = {
        group["name"]: [user["id"] for user in org.get(f"/groups/{group['id']}/users").json()["data"]]
        for group in org.get("/groups").json()["data"]
    }
    present = org.company.roster.present(org.company.now())
    assert members == {
        name: [person.id for person in present if person.department == name] for name in dict.fromkeys(DEPARTMENTS)
    }


def test_the_directory_goes_on_changing() -> None:
    with organization(days=5) as org:
        seen = []
        for days in (0, 25):
            org.clock.advance(days * DAY)
            seen.append({user["name"] for user in org.get("/users", {"limit": 100}).json()["data"]})
        assert (len(seen[0] - seen[1]), len(seen[1] - seen[0])) == (1, 1)


def test_a_rotated_key_has_the_name_of_its_successor(org: Org) -> None:
    roster, now = org.company.roster, org.company.now()
    gone = [key for key in roster.keys if key.deleted_at <= now and key.service_account]
    names = [key.name for key in roster.keys if key.exists(now)]
    assert {key.name for key in gone} == {"search-assistant-prod", "code-review-nightly"}
    assert all(names.count(key.name) == 1 for key in gone)


def test_rate_limits_are_of_the_kind_that_a_model_has(org: Org) -> None:
    body = org.get(f"/projects/{org.company.roster.projects[0].id}/rate_limits").json()
    fields = {item["model"]: {name for name in item if name.startswith(("max", "batch"))} for item in body["data"]}
    common = {"max_requests_per_1_minute", "max_tokens_per_1_minute"}
    assert fields["whisper-1"] == common | {"max_audio_megabytes_per_1_minute"}
    assert fields["dall-e-3"] == common | {"max_images_per_1_minute", "max_requests_per_1_day"}
    assert fields["gpt-5.6-sol"] == common | {"batch_1_day_max_input_tokens"}


def test_one_admin_key_expires_in_some_months(org: Org) -> None:
    expiries = [key["expires_at"] for key in org.get("/admin_api_keys").json()["data"]]
    assert [expiry is not None for expiry in expiries] == [False, True, False]
    assert org.company.now() < expiries[1] < org.company.now() + 150 * DAY


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
