"""The official `openai` package accepts every body and its totals equal the ledger."""

from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
from openai import BadRequestError, OpenAI, PermissionDeniedError
from openai.types.admin import organization as sdk
from openai.types.admin.organization import groups, projects

from tallybook.emulator.directory import LIMITED
from tallybook.emulator.products import DEPARTMENTS
from tallybook.emulator.served import DATASETS
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org, organization

SINCE = MIDNIGHT - 9 * DAY


@pytest.fixture
def client(org: Org) -> Iterator[OpenAI]:
    with OpenAI(admin_api_key="sk-admin-test", base_url=org.base, max_retries=0) as made:
        yield made


def unknown_fields(value: Any, where: str = "") -> list[str]:
    """Return the names of all fields, at any depth, that the package does not declare."""
    if isinstance(value, list):
        return [name for item in value for name in unknown_fields(item, where)]
    if not isinstance(value, pydantic.BaseModel):
        return []
    found = [f"{where}.{name}" for name in value.model_extra or {}]
    return found + [
        name for field in type(value).model_fields for name in unknown_fields(getattr(value, field), f"{where}.{field}")
    ]


def response_model(name: str) -> type[pydantic.BaseModel]:
    camel = "".join(part.capitalize() for part in name.split("_"))
    return getattr(sdk, f"Usage{camel}Response")


@pytest.mark.parametrize("grouped", [False, True], ids=["total", "grouped"])
@pytest.mark.parametrize("name", DATASETS)
def test_every_page_validates_strictly_against_the_response_model(org: Org, name: str, grouped: bool) -> None:
    row = DATASETS[name]
    by = [d for d in row.dimensions if name != "costs" or d != "user_id"] if grouped else []
    answer = org.get(row.path, {"start_time": SINCE, "group_by[]": by})
    page = response_model(name).model_validate_json(answer.content, strict=True)
    assert unknown_fields(page) == []
    results = [result for bucket in page.data for result in bucket.results]
    assert results
    assert {row.literal} == {result.object for result in results}
    assert all(field in result.model_fields_set for result in results for field in (*row.measures, *row.dimensions))


def test_the_strict_check_can_fail(org: Org) -> None:
    body = org.get("/usage/completions", {"start_time": SINCE}).json()
    body["data"][0]["results"][0]["object"] = "organization.usage.unheard_of.result"
    with pytest.raises(pydantic.ValidationError):
        response_model("completions").model_validate(body, strict=True)


def pages(method: Any, **query: Any) -> Iterator[Any]:
    """The loop that the package leaves to its users."""
    seen: set[str] = set()
    while True:
        page = method(**query)
        yield from page.data
        if not page.has_more or not page.next_page:
            return
        assert page.next_page not in seen
        seen.add(page.next_page)
        query = {**query, "page": page.next_page}


@pytest.mark.parametrize("name", [name for name, row in DATASETS.items() if not row.level and name != "costs"])
def test_its_usage_totals_equal_the_ledger(org: Org, client: OpenAI, name: str) -> None:
    row = DATASETS[name]
    method = getattr(client.admin.organization.usage, name)
    totals = dict.fromkeys(row.measures, 0)
    for bucket in pages(method, start_time=SINCE, bucket_width="1h", group_by=list(row.dimensions)):
        for result in bucket.results:
            for measure in row.measures:
                totals[measure] += getattr(result, measure)
    truth = org.company.ledger(SINCE, int(NOW.timestamp()) + 1, name)[name]
    assert truth == [{"start_time": SINCE, **totals}]


def test_its_cost_total_equals_the_ledger_as_far_as_floats_go(org: Org, client: OpenAI) -> None:
    by = ["project_id", "line_item"]
    buckets = pages(client.admin.organization.usage.costs, start_time=SINCE, group_by=by, limit=3)
    total = sum(result.amount.value for bucket in buckets for result in bucket.results)
    truth = org.company.ledger(SINCE, int(NOW.timestamp()) + 1, "costs")["costs"]
    assert total == pytest.approx(float(truth[0]["amount"]), rel=1e-12)


def test_it_filters_by_the_names_of_its_own_parameters(org: Org, client: OpenAI) -> None:
    project = org.company.roster.projects[0].id
    buckets = client.admin.organization.usage.completions(
        start_time=SINCE, project_ids=[project], batch=False, group_by=["project_id", "batch"]
    ).data
    assert {(r.project_id, r.batch) for b in buckets for r in b.results} == {(project, False)}


def test_its_errors_carry_code_param_and_the_bare_string(org: Org, client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.admin.organization.usage.costs(start_time=SINCE, limit=366)
    assert (refused.value.code, refused.value.param) == ("invalid_request_error", "limit")
    with (
        OpenAI(admin_api_key="sk-proj-x", base_url=org.base, max_retries=0) as wrong,
        pytest.raises(PermissionDeniedError) as bare,
    ):
        wrong.admin.organization.usage.costs(start_time=SINCE)
    assert isinstance(bare.value.body, str)


def test_directory_lists_page_by_themselves(org: Org, client: OpenAI) -> None:
    roster, admin = org.company.roster, client.admin.organization
    project = roster.projects[0]
    now = org.company.now()
    keys = admin.projects.api_keys.list(project.id, limit=2, owner_project_access="any")
    assert [p.id for p in admin.projects.list(limit=5, include_archived=True)] == [p.id for p in roster.projects]
    assert [p.email for p in admin.users.list(limit=7)] == [p.email for p in roster.present(now)]
    assert [k.id for k in keys] == [k.id for k in roster.keys_of(project, now)]
    assert len(list(admin.projects.service_accounts.list(project.id, limit=1))) == 2
    assert len(list(admin.projects.users.list(project.id, limit=2))) == len(roster.members(project, now)) == 4
    limits = admin.projects.rate_limits.list_rate_limits(project.id, limit=3)
    assert [limit.model for limit in limits] == list(LIMITED)
    assert [k.id for k in admin.admin_api_keys.list(limit=2)] == ["key_admin_0", "key_admin_1", "key_admin_2"]
    found = list(admin.groups.list(limit=2))
    assert [g.name for g in found] == list(DEPARTMENTS)
    members = [user.id for group in found for user in admin.groups.users.list(group.id, limit=3)]
    assert sorted(members) == sorted(person.id for person in roster.present(now))


LISTS: list[tuple[str, type[pydantic.BaseModel]]] = [
    ("/projects?include_archived=true", sdk.Project),
    ("/users", sdk.OrganizationUser),
    ("/admin_api_keys", sdk.AdminAPIKey),
    ("/groups", sdk.Group),
    ("/groups/group_finance/users", groups.OrganizationGroupUser),
    ("/projects/{project}/api_keys", projects.ProjectAPIKey),
    ("/projects/{project}/service_accounts", projects.ProjectServiceAccount),
    ("/projects/{project}/users", projects.ProjectUser),
    ("/projects/{project}/rate_limits", projects.ProjectRateLimit),
]


@pytest.mark.parametrize(("path", "model"), LISTS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_directory_item_validates_strictly(org: Org, path: str, model: type[pydantic.BaseModel]) -> None:
    body = org.get(path.format(project=org.company.roster.projects[0].id)).json()
    items = [model.model_validate(item, strict=True) for item in body["data"]]
    assert items
    assert unknown_fields(items) == []


def test_a_page_with_strings_for_amounts_is_not_what_the_models_declare() -> None:
    with organization("string-amounts", days=9) as odd:
        answer = odd.get("/costs", {"start_time": SINCE})
        with pytest.raises(pydantic.ValidationError):
            response_model("costs").model_validate_json(answer.content, strict=True)
