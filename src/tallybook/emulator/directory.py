"""The directory: who and what the ids belong to, in the API's three styles of paging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tallybook.emulator.company import Company
from tallybook.emulator.draws import TOKEN_SHAPES
from tallybook.emulator.problems import not_found, refused
from tallybook.emulator.products import DEPARTMENTS
from tallybook.emulator.roster import EPOCH, Key, Person, Project
from tallybook.emulator.timeline import DAY

Item = dict[str, Any]
Params = Mapping[str, str]
Build = Callable[["Company", str, Params, Params], Item]
"""From the organization, a path pattern, and the parameters of path and query to the answer."""


def project_item(project: Project) -> Item:
    """Return a project as the API shows it."""
    return {
        "id": project.id,
        "object": "organization.project",
        "name": project.name,
        "created_at": project.created_at,
        "archived_at": project.archived_at,
        "status": "active" if project.archived_at is None else "archived",
        "external_key_id": None,
    }


def _user_item(company: Company, person: Person) -> Item:
    projects = [p for p in company.roster.projects if person in company.roster.members(p, company.now())]
    return {
        "object": "organization.user",
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "added_at": person.added_at,
        "is_service_account": False,
        "is_scim_managed": False,
        "api_key_last_used_at": company.now() // DAY * DAY if projects else None,
        "projects": {
            "object": "list",
            "data": [{"id": p.id, "name": p.name, "role": "member"} for p in projects],
        },
        "user": {"object": "user", "id": person.id, "name": person.name, "email": person.email},
    }


def _key_item(company: Company, key: Key) -> Item:
    owner: Item = {"type": "service_account", "service_account": _account(key)}
    if key.person is not None:
        person = key.person
        owner = {
            "type": "user",
            "user": {
                "id": person.id,
                "name": person.name,
                "email": person.email,
                "role": person.role,
                "created_at": person.added_at,
            },
        }
    return {
        "object": "organization.project.api_key",
        "id": key.id,
        "name": key.name,
        "redacted_value": f"sk-proj-***{key.id[-4:]}",
        "created_at": key.created_at,
        "last_used_at": company.now() // DAY * DAY,
        "expires_at": None,
        "owner_project_access": key.access,
        "owner": owner,
    }


def _account(key: Key) -> Item:
    return {
        "id": key.service_account,
        "name": key.name,
        "role": "member",
        "created_at": key.created_at,
    }


def _project(company: Company, project_id: str) -> Project:
    for project in company.roster.projects:
        if project.id == project_id:
            return project
    raise not_found(f"No project found with id '{project_id}'.")


def _living(company: Company, path: Params) -> Project:
    project = _project(company, path["project_id"])
    if project.archived_at is not None:
        raise refused(f"Project {project.id} is archived.", "project_id", "project_archived")
    return project


def _projects(company: Company, _path: Params, query: Params) -> list[Item]:
    archived = query.get("include_archived", "false").lower() == "true"
    return [project_item(p) for p in company.roster.projects if archived or p.archived_at is None]


def _users(company: Company, _path: Params, _query: Params) -> list[Item]:
    return [_user_item(company, person) for person in company.roster.present(company.now())]


def _project_keys(company: Company, path: Params, query: Params) -> list[Item]:
    # Without the parameter the real API leaves out some keys that work: here those of people without access.
    access = query.get("owner_project_access", "active")
    if access not in ("active", "inactive", "any"):
        message = f"Invalid value: '{access}'. Supported values are: 'active', 'inactive', 'any'."
        raise refused(message, "owner_project_access", "invalid_value")
    keys = company.roster.keys_of(_living(company, path), company.now())
    return [_key_item(company, key) for key in keys if access in ("any", key.access)]


def _accounts(company: Company, path: Params, _query: Params) -> list[Item]:
    keys = company.roster.keys_of(_living(company, path), company.now())
    return [{"object": "organization.project.service_account", **_account(key)} for key in keys if key.person is None]


def _project_users(company: Company, path: Params, _query: Params) -> list[Item]:
    return [
        {
            "object": "organization.project.user",
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "role": "member",
            "added_at": person.added_at,
        }
        for person in company.roster.members(_living(company, path), company.now())
    ]


_IMAGES = {"max_images_per_1_minute": 50}
_AUDIO = {"max_audio_megabytes_per_1_minute": 120}
_DAILY = {"max_requests_per_1_day": 10_000}
LIMITED: Mapping[str, Mapping[str, int]] = {
    **{model: {"batch_1_day_max_input_tokens": 90_000_000} for model in TOKEN_SHAPES},
    "text-embedding-3-small": {"batch_1_day_max_input_tokens": 20_000_000},
    "text-embedding-3-large": {"batch_1_day_max_input_tokens": 20_000_000},
    "gpt-image-2.5-flare": _IMAGES,
    "gpt-image-2.5-sunburst": _IMAGES,
    "dall-e-3": {**_IMAGES, **_DAILY},
    "tts-1-hd": _DAILY,
    "whisper-1": _AUDIO,
}
"""Models with limits of their own, and the limits that not every model has."""


def _rate_limits(company: Company, path: Params, _query: Params) -> list[Item]:
    project = _living(company, path)
    # The larger the product, the more it may.
    size = 1 + int(project.product.weight) // 5
    return [
        {
            "object": "project.rate_limit",
            "id": f"rl-{project.id[-6:]}-{number}",
            "model": model,
            "max_requests_per_1_minute": 500 * size,
            "max_tokens_per_1_minute": 200_000 * size,
            **more,
        }
        for number, (model, more) in enumerate(LIMITED.items())
    ]


_ADMIN_KEYS = ("Usage export", "Finance dashboard", "Provisioning")


def _admin_keys(company: Company, _path: Params, query: Params) -> list[Item]:
    owners = [person for person in company.roster.people if person.role == "owner"]
    items = [
        {
            "object": "organization.admin_api_key",
            "id": f"key_admin_{number}",
            "name": name,
            "redacted_value": f"sk-admin-***{number:03d}",
            "created_at": person.added_at + 30 * DAY,
            # The one for finance has to be made anew every year.
            "expires_at": company.timeline.ago(-4, 1, 9) if number == 1 else None,
            "last_used_at": company.now() // DAY * DAY,
            "owner": {
                "type": "user",
                "object": "organization.user",
                "id": person.id,
                "name": person.name,
                "created_at": person.added_at,
                "role": "owner",
            },
        }
        for number, (name, person) in enumerate(zip(_ADMIN_KEYS, owners, strict=True))
    ]
    return items[::-1] if query.get("order") == "desc" else items


_GROUPS = {f"group_{name.lower().replace(' ', '_')}": name for name in DEPARTMENTS}


def _groups(_company: Company, _path: Params, query: Params) -> list[Item]:
    items = [
        {
            "id": group,
            "name": name,
            "created_at": EPOCH + number * DAY,
            "is_scim_managed": False,
            "group_type": "group",
        }
        for number, (group, name) in enumerate(_GROUPS.items())
    ]
    return items[::-1] if query.get("order") == "desc" else items


def _group_users(company: Company, path: Params, _query: Params) -> list[Item]:
    department = _GROUPS.get(path["group_id"])
    if department is None:
        raise not_found(f"No group found with id '{path['group_id']}'.")
    people = [person for person in company.roster.present(company.now()) if person.department == department]
    return [{"id": p.id, "name": p.name, "email": p.email} for p in people]


def _limit(query: Params, default: int, most: int) -> int:
    text = query.get("limit", str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise refused(f"Invalid limit provided: {text}. Limit must be between 1 and {most}.", "limit")
    return int(text)


def _after(items: Sequence[Item], query: Params) -> Sequence[Item]:
    if (after := query.get("after")) is None:
        return items
    ids = [item["id"] for item in items]
    if after not in ids:
        raise refused(f"Invalid 'after': '{after}'.", "after")
    return items[ids.index(after) + 1 :]


def _by_id(page: Sequence[Item], more: bool) -> Item:
    ids = {"first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}
    return {"object": "list", "data": page, **ids, "has_more": more}


def _by_next(page: Sequence[Item], more: bool) -> Item:
    return {"object": "list", "data": page, "has_more": more, "next": page[-1]["id"] if more else None}


Listing = Callable[[Company, Params, Params], list[Item]]
LISTS: Mapping[str, tuple[Listing, int, int, Callable[[Sequence[Item], bool], Item]]] = {
    "/projects": (_projects, 20, 100, _by_id),
    "/users": (_users, 20, 100, _by_id),
    "/admin_api_keys": (_admin_keys, 20, 100, _by_id),
    "/groups": (_groups, 100, 1_000, _by_next),
    "/groups/{group_id}/users": (_group_users, 100, 1_000, _by_next),
    "/projects/{project_id}/api_keys": (_project_keys, 20, 100, _by_id),
    "/projects/{project_id}/service_accounts": (_accounts, 20, 100, _by_id),
    "/projects/{project_id}/users": (_project_users, 20, 100, _by_id),
    "/projects/{project_id}/rate_limits": (_rate_limits, 100, 100, _by_id),
}
"""Path below `/organization` -> its items, default and greatest limit, style of paging."""


def listing(company: Company, pattern: str, path: Params, query: Params) -> Item:
    """Return one page of a list."""
    make, default, most, style = LISTS[pattern]
    limit = _limit(query, default, most)
    items = _after(make(company, path, query), query)
    return style(items[:limit], len(items) > limit)


def project(company: Company, _pattern: str, path: Params, _query: Params) -> Item:
    """Return a single project."""
    return project_item(_project(company, path["project_id"]))
