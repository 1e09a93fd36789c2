"""Lists of the directory, followed page by page in the API's three styles of paging."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tallybook.collect.http import Http
from tallybook.model.errors import UnexpectedResponseError

Item = Mapping[str, Any]
Cursor = Callable[[Item, Sequence[Item]], Any]
"""From a page and its items to where the next page begins."""

_MOST_PAGES = 10_000


def by_last_id(page: Item, items: Sequence[Item]) -> Any:
    """Projects, users and what belongs to a project: the page says its last id."""
    return page.get("last_id") or by_item_id(page, items)


def by_item_id(page: Item, items: Sequence[Item]) -> Any:  # noqa: ARG001 - one signature for all three
    """Admin keys: the id of the last item."""
    return items[-1]["id"]


def by_next(page: Item, items: Sequence[Item]) -> Any:  # noqa: ARG001
    """Groups and their users: the page says where the next one begins."""
    return page.get("next")


def follow(http: Http, name: str, path: str, query: Sequence[tuple[str, str]], cursor: Cursor) -> list[Item]:
    """Return all items of the list `name`; raises a `ProviderError` where it cannot be read whole."""
    items: list[Item] = []
    seen: set[str] = set()
    after: str | None = None
    for _ in range(_MOST_PAGES):
        page = http.get(path, [*query, ("after", after)] if after else query).data
        data = page.get("data")
        if not isinstance(data, list) or not all(isinstance(i, dict) and isinstance(i.get("id"), str) for i in data):
            raise UnexpectedResponseError(f"The list of {name} is not a list of objects with ids.", dataset=name)
        items += data
        if not page.get("has_more") or not data:
            return items
        after = cursor(page, data)
        if not isinstance(after, str) or not after:
            raise UnexpectedResponseError(f"The list of {name} says that there is more but not where.", dataset=name)
        if after in seen:
            break
        seen.add(after)
    raise UnexpectedResponseError(f"The list of {name} has pages without end.", dataset=name)
