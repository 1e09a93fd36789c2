"""What a book may hold of people, as the setting `directory` says: names and e-mails, names, ids, or ids unasked. Pure.

Names and e-mails are known by the names of their fields; an e-mail also by its look, wherever it stands. Ids, models,
line items and numbers are what a book is for, and are never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tallybook.model.datasets import DIMENSIONS, MEASURES
from tallybook.model.settings import Directory

_KEPT = frozenset({*DIMENSIONS, *MEASURES, "line_item", "quantity_unit", "currency", "amount", "quantity"})
_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_MAY_BE_PERSONAL = re.compile(rb"(?i)name|mail|@|\\")
"""What text without names and e-mails does not have in it; a backslash may hide anything."""

_DEEPEST = 64
"""How deep objects and lists may lie in each other; nothing that the API has sent comes near, and deeper is dropped."""
_ROW = 2
"""How deep a row lies in its bucket."""

Rule = Callable[[str], bool]
"""From the name of a field to whether it is dropped."""


def is_email(field: str) -> bool:
    """Return whether a field of this name holds an e-mail."""
    return "mail" in field.lower()


def is_personal(field: str) -> bool:
    """Return whether a field of this name holds a name or an e-mail: `user_name`, `displayNames`, …"""
    return field.lower().endswith(("name", "names")) or is_email(field)


def has_address(text: str) -> bool:
    """Return whether there is an e-mail address in a text."""
    return "@" in text and _ADDRESS.search(text) is not None


def masked(text: str) -> str:
    """Return a text in which no e-mail address can be read: what a server says is kept and printed as it is."""
    return _ADDRESS.sub("(e-mail)", text) if "@" in text else text


_RULES: Mapping[Directory, Rule | None] = {"full": None, "names": is_email, "ids": is_personal, "off": is_personal}


def scrub(bucket: bytes, mode: Directory) -> bytes:
    """Return a raw bucket object as it may be stored under `mode`; to be called before it is hashed.

    What stays has its exact bytes, and a bucket without anything to remove comes back as it is.
    """
    rule = _RULES[mode]
    if rule is None or not _MAY_BE_PERSONAL.search(bucket):
        return bucket
    return _Scrubber(rule, written_anew=_repeats_a_field(bucket)).value(bucket) or b"{}"


def _repeats_a_field(raw: bytes) -> bool:
    """Return whether an object has a field twice: the last one is what it says, but its bytes have both."""
    found = False

    def look(fields: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len(dict(fields)) < len(fields)

    try:
        json.loads(raw, object_pairs_hook=look, parse_int=str, parse_float=str)
    except RecursionError:
        return True
    return found


@dataclass(frozen=True, slots=True)
class _Scrubber:
    rule: Rule
    written_anew: bool
    """Whether objects do not keep the bytes between their fields, either."""

    def value(self, raw: bytes, depth: int = 0) -> bytes | None:
        """Return JSON text without what the rule drops; None where it is to be dropped itself."""
        kind = raw.lstrip()[:1]
        if kind == b'"':
            return None if has_address(msgspec.json.decode(raw, type=str)) else raw
        if kind not in b"{[":
            return raw
        if depth > _DEEPEST:
            return None
        return self._object(raw, depth + 1) if kind == b"{" else self._list(raw, depth + 1)

    def _object(self, raw: bytes, depth: int) -> bytes:
        fields = {k: bytes(v) for k, v in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items()}
        kept = {k: left for k, v in fields.items() if (left := self._field(k, v, depth)) is not None}
        if kept == fields and not self.written_anew:
            return raw
        return b"{" + b",".join(msgspec.json.encode(k) + b":" + v for k, v in kept.items()) + b"}"

    def _list(self, raw: bytes, depth: int) -> bytes:
        items = [bytes(item) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
        left = [kept for item in items if (kept := self.value(item, depth)) is not None]
        return raw if left == items else b"[" + b",".join(left) + b"]"

    def _field(self, name: str, raw: bytes, depth: int) -> bytes | None:
        if name in _KEPT and not raw.startswith((b"{", b"[")):
            return raw
        return None if self.rule(name) or has_address(name) else self.value(raw, depth)


def impersonal(value: Any, depth: int = _ROW) -> Any:
    """Return a decoded value without names, e-mails and fields that are null; None where nothing is left.

    Of a row it leaves what it leaves of the same row in what `scrub` leaves of its bucket.
    """
    if type(value) in (dict, list) and depth > _DEEPEST:
        return None
    if type(value) is dict:
        kept = {k: impersonal(v, depth + 1) for k, v in value.items() if not is_personal(k) and not has_address(k)}
        return {k: v for k, v in kept.items() if v is not None}
    if type(value) is list:
        return [v for v in (impersonal(item, depth + 1) for item in value) if v is not None]
    return None if type(value) is str and has_address(value) else value
