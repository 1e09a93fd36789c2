"""Tokens that show others the dashboard, or a part of it. The book keeps a hash, never the token."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.records import Swap
from tallybook.model.settings import Name, Settings, seconds
from tallybook.query.own import belonging
from tallybook.query.own.assignments import all_rules
from tallybook.query.where import Where, checked, ids
from tallybook.store.base import Store

TABLE, USES = "tokens", "token_uses"
PREFIX = "tally_"
NEVER = "never"
_USED_EVERY = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Token:
    """Who may look, and at what. Times are naive UTC."""

    name: str
    hash: str = field(repr=False)
    where: Mapping[str, tuple[str, ...]]
    """Filters that hold for everything that it shows."""
    orgs: tuple[str, ...]
    """The organizations that it shows; empty means all."""
    people: bool
    """Whether users, keys and service accounts may be told apart."""
    feed: str | None
    """The one feed that it reads, and nothing else."""
    created_at: dt.datetime
    expires_at: dt.datetime | None
    used_at: dt.datetime | None
    """When it was last used, to the hour."""

    def holds(self, now: dt.datetime) -> bool:
        """Return whether it has not expired; `now` is naive UTC."""
        return self.expires_at is None or now < self.expires_at

    @property
    def shows(self) -> str:
        """What it opens, in a few words."""
        limits = [f"{name}={','.join(found)}" for name, found in (*self.where.items(), ("org", self.orgs)) if found]
        parts = [f"feed {self.feed}"] if self.feed else []
        return ", ".join([*parts, *limits, *([] if self.people else ["no people"])]) or "everything"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values; no part of the token is among them."""
        times = {c: getattr(self, c) for c in ("created_at", "expires_at", "used_at")}
        return {
            "name": self.name,
            "where": {d: list(v) for d, v in self.where.items()},
            "orgs": list(self.orgs),
            "people": self.people,
            "feed": self.feed,
            **{c: f"{t:%Y-%m-%dT%H:%M:%SZ}" if t else None for c, t in times.items()},
        }


def fresh() -> str:
    """Return a new token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """Return what is kept of a token: its SHA-256, from which nobody gets 256 random bits back."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def tokens(store: Store) -> list[Token]:
    """Return all tokens by name. Never creates a book."""
    if not store.exists():
        return []
    with store.opened():
        uses = {row["hash"]: row["used_at"] for row in store.rows(USES)}
        return [_token(row, uses.get(row["hash"])) for row in sorted(store.rows(TABLE), key=lambda r: r["name"])]


_PLAIN = ("name", "hash", "people", "feed", "created_at", "expires_at")
"""The columns that are kept as a token has them."""


def _token(row: Mapping[str, Any], used_at: dt.datetime | None) -> Token:
    where = {d: tuple(v) for d, v in json.loads(row["filters"]).items()}
    return Token(where=where, orgs=tuple(json.loads(row["orgs"])), used_at=used_at, **{c: row[c] for c in _PLAIN})


def add(
    store: Store,
    settings: Settings,
    now: dt.datetime,
    name: str,
    *,
    where: Where,
    orgs: Sequence[str],
    people: bool,
    expires: str,
    feed: str | None,
) -> tuple[Token, str]:
    """Keep a new token; return it with its text, which nobody can show again."""
    if feed is not None and feed not in settings.feeds:
        raise UnknownNameError("feed", feed, settings.feeds, "Feeds are tables [feeds.NAME] in the settings.")
    _check_name(name)
    settings.chosen(orgs)
    until = None if expires == NEVER else now + dt.timedelta(seconds=_lifetime(expires))
    text = fresh()
    with store.opened():
        if any(known.name == name for known in tokens(store)):
            raise UsageError(f"There is a token called {name!r} already. Choose another name, or revoke it first.")
        kept = _filters(store, settings, where, tuple(orgs) or settings.orgs)
        made = Token(name, digest(text), kept, tuple(orgs), people, feed, now, until, None)
        texts = {"filters": json.dumps(kept), "orgs": json.dumps(orgs)}
        store.put(TABLE, [{c: getattr(made, c) for c in _PLAIN} | texts])
    return made, text


def _check_name(name: str) -> None:
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError:
        allowed = "1 to 63 letters, digits, dots, dashes and underscores, a letter or digit first"
        raise UsageError(f"A token cannot be called {name!r}. Its name is {allowed}.") from None


def _lifetime(text: str) -> int:
    length = seconds(text)
    if not 0 < length <= _LONGEST:
        raise UsageError(f"A token expires after 1 s to 10 years, or {NEVER}; not after {text!r}.")
    return length


_LONGEST = 3653 * 86_400


def _filters(store: Store, settings: Settings, where: Where, orgs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return filters by the names of dimensions; raises as a question with them would."""
    rules = all_rules(store, settings)
    own = belonging.dimensions(rules)
    columns = checked(where, own)
    known = columns.values()
    ids(columns, store.rows("directory"), orgs)
    belonging.check_values((found for found in known if found.dimension in own), rules)
    if any(found.dimension.name == "org" for found in known):
        raise UsageError("Say the organizations that a token shows with orgs (--org NAME), not with where.")
    return {found.dimension.name: tuple(found.as_list()) for found in known}


def revoke(store: Store, name: str) -> Token:
    """Remove a token: what it showed is closed at once. Raises `UnknownNameError`, `NotABookError`."""
    with store.opened():
        known = {token.name: token for token in tokens(store)}
        if name not in known:
            raise UnknownNameError("token", name, known, "`tallybook token list` shows the tokens.")
        store.swap(Swap(TABLE, where={"name": name}), Swap(USES, where={"hash": known[name].hash}))
    return known[name]


def used(store: Store, token: Token, now: dt.datetime) -> None:
    """Remember that a token was used, to the hour, so that looking at a page seldom writes.

    In a table of its own: what is written beside a token that was revoked meanwhile does not bring it back.
    """
    if token.used_at is None or now - token.used_at >= _USED_EVERY:
        store.put(USES, [{"hash": token.hash, "used_at": now}], key=("hash",))
