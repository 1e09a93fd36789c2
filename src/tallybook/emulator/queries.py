"""From a query string to a validated `Question`, or a refusal."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tallybook.emulator.problems import refused, too_old, unsupported
from tallybook.emulator.served import Served, Width

DAY = 86_400
KEY_SPLIT_SINCE = 1_764_979_200
"""Costs by API key exist from 2025-12-06 00:00 UTC on."""

_PLAIN = ("start_time", "end_time", "bucket_width", "limit", "page")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be asked, where servers differ."""

    reach_days: int = 365
    """How far back data is given."""
    key_days: int | None = None
    """How many days back costs are given by API key; None: since a fixed day."""
    user_by_project: bool = False
    """Whether costs are given by user together with projects."""
    clamps_limit: bool = False
    """Whether a limit that is too large is lowered without a word."""

    def earliest(self, now: int) -> int:
        """Return the first second that can be asked for."""
        return (now - self.reach_days * DAY) // DAY * DAY

    def keys_since(self, now: int) -> int:
        """Return the first second for which costs are given by API key."""
        return KEY_SPLIT_SINCE if self.key_days is None else now // DAY * DAY - self.key_days * DAY


DOCUMENTED = Rules()
"""As the documents have it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one request asks, after validation."""

    served: Served
    start: int
    end: int
    """Exclusive; snapped to midnight for costs."""
    ends_open: bool
    """True when the request named no end."""
    width: Width
    limit: int
    group_by: frozenset[str]
    filters: tuple[tuple[str, frozenset[str | bool]], ...]
    """Dimension and the values it may have; all of them must hold."""
    page: str | None

    @property
    def mark(self) -> int:
        """A hash of all that must not change between pages; without the end if it means now."""
        end = None if self.ends_open else self.end
        filters = sorted((name, sorted(map(str, values))) for name, values in self.filters)
        parts = (
            self.served.name,
            self.start,
            end,
            self.width.seconds,
            self.limit,
            sorted(self.group_by),
            filters,
        )
        return zlib.crc32(repr(parts).encode())


def _collect(items: Iterable[tuple[str, str]], served: Served) -> dict[str, list[str]]:
    known = {*_PLAIN, "group_by", *served.filters, *served.flags}
    asked: dict[str, list[str]] = {}
    for name, text in items:
        plain = name.removesuffix("[]")
        if plain not in known:
            raise refused(f"Unknown parameter: '{name}'.", plain, "unknown_parameter")
        # Line items contain commas, nothing else does.
        values = [text] if plain == "line_items" or plain in _PLAIN else text.split(",")
        asked.setdefault(plain, []).extend(value.strip() for value in values)
    return asked


def _moment(asked: Mapping[str, list[str]], name: str) -> int | None:
    if name not in asked:
        return None
    text = asked[name][-1]
    if not text.isascii() or not text.isdigit() or len(text) > 11:
        raise refused(f"Invalid type for '{name}': expected an integer, got {text!r}.", name, "invalid_type")
    return int(text)


def _width(asked: Mapping[str, list[str]], served: Served) -> Width:
    name = asked.get("bucket_width", ["1d"])[-1]
    if name not in served.widths:
        raise unsupported("bucket_width", name, sorted(served.widths))
    return served.widths[name]


def _limit(asked: Mapping[str, list[str]], width: Width, rules: Rules) -> int:
    if "limit" not in asked:
        return width.default
    text = asked["limit"][-1]
    if not text.isascii() or not text.isdigit():
        raise refused(f"Invalid type for 'limit': expected an integer, got {text!r}.", "limit", "invalid_type")
    limit = int(text)
    if limit > width.most and rules.clamps_limit:
        return width.most
    if limit > width.most:
        message = f"Invalid limit provided: {limit}. Limit must be less than or equal to {width.most}."
        raise refused(message, "limit")
    if limit < 1:
        raise refused(f"Invalid limit provided: {limit}. Limit must be greater than or equal to 1.", "limit")
    return limit


def _group_by(asked: Mapping[str, list[str]], served: Served) -> frozenset[str]:
    names = asked.get("group_by", [])
    for name in names:
        if name not in served.dimensions:
            raise unsupported("group_by", name, served.dimensions)
    return frozenset(names)


def _filters(asked: Mapping[str, list[str]], served: Served) -> tuple[tuple[str, frozenset[str | bool]], ...]:
    filters: list[tuple[str, frozenset[str | bool]]] = []
    for name, dimension in served.filters.items():
        if name not in asked:
            continue
        allowed = served.allowed.get(name)
        for value in asked[name]:
            if allowed is not None and value not in allowed:
                raise unsupported(name, value, sorted(allowed))
        filters.append((dimension, frozenset(asked[name])))
    for name in served.flags & asked.keys():
        text = asked[name][-1].lower()
        if text not in _BOOLEANS:
            message = f"Invalid type for '{name}': expected a boolean, got {text!r}."
            raise refused(message, name, "invalid_type")
        filters.append((name, frozenset({_BOOLEANS[text]})))
    return tuple(filters)


def _day(second: int) -> str:
    return dt.datetime.fromtimestamp(second, dt.UTC).date().isoformat()


def _check_costs(start: int, end: int, group_by: frozenset[str], filters: Mapping[str, object], rules: Rules) -> None:
    if start // DAY == end // DAY:
        raise refused("start_time and end_time must not be on the same date (UTC).", "end_time")
    if "user_id" in group_by and ("project_id" in group_by or "project_id" in filters) and not rules.user_by_project:
        message = "Grouping costs by user_id together with project_id is not supported for this organization."
        raise refused(message, "group_by")


def _check_keys(start: int, group_by: frozenset[str], since: int) -> None:
    if "api_key_id" in group_by and start < since:
        message = f"group_by api_key_id is only supported for start_time on or after {since}."
        raise refused(message, "start_time")


def parse(items: Iterable[tuple[str, str]], served: Served, now: int, rules: Rules = DOCUMENTED) -> Question:
    """Return the question, or raise the API's refusal."""
    asked = _collect(items, served)
    start, end = _moment(asked, "start_time"), _moment(asked, "end_time")
    if start is None:
        raise refused("Missing required parameter: 'start_time'.")
    width, group_by, filters = _width(asked, served), _group_by(asked, served), _filters(asked, served)
    limit = _limit(asked, width, rules)
    ends_open = end is None
    stop = now + 1 if end is None else end
    if start < rules.earliest(now):
        raise too_old(_day(rules.earliest(now)))
    if stop <= start:
        raise refused("start_time must be before end_time.", "start_time")
    if served.name == "costs":
        _check_costs(start, stop, group_by, dict(filters), rules)
        _check_keys(start, group_by, rules.keys_since(now))
        start, stop = start // DAY * DAY, -(-stop // DAY) * DAY
    page = asked.get("page", [None])[-1]
    return Question(served, start, stop, ends_open, width, limit, group_by, filters, page)
