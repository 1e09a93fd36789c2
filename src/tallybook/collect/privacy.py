"""What a book may hold of people, as the setting `directory` says: names and e-mails, names, ids, or ids unasked. Pure.

Names and e-mails are known by the names of their fields; an e-mail also by its look, wherever it stands. Ids, models,
line items and numbers are what a book is for, and are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tallybook.model.datasets import DIMENSIONS, MEASURES
from tallybook.model.settings import Directory

_KEPT = frozenset({*DIMENSIONS, *MEASURES, "line_item", "quantity_unit", "object", "currency", "amount", "quantity"})
_ADDRESS = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_MAY_BE_PERSONAL = re.compile(rb"(?i)name|mail|@|\\")
"""What text without names and e-mails does not have in it; a backslash may hide anything."""

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
    return _scrubbed(bucket, rule) or b"{}"


def _scrubbed(raw: bytes, rule: Rule) -> bytes | None:
    """Return JSON text without what the rule drops; None where it is to be dropped itself."""
    kind = raw.lstrip()[:1]
    if kind == b'"':
        return None if has_address(msgspec.json.decode(raw, type=str)) else raw
    if kind == b"{":
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        kept = {k: v for k, raw_v in fields.items() if (v := _field(k, bytes(raw_v), rule)) is not None}
        if all(kept.get(k) == bytes(v) for k, v in fields.items()):
            return raw
        return b"{" + b",".join(msgspec.json.encode(k) + b":" + v for k, v in kept.items()) + b"}"
    if kind == b"[":
        items = [bytes(item) for item in msgspec.json.decode(raw, type=list[msgspec.Raw])]
        left = [item for item in (_scrubbed(item, rule) for item in items) if item is not None]
        return raw if left == items else b"[" + b",".join(left) + b"]"
    return raw


def _field(name: str, raw: bytes, rule: Rule) -> bytes | None:
    if name in _KEPT and not raw.startswith(b"{"):
        return raw
    return None if rule(name) or has_address(name) else _scrubbed(raw, rule)


def impersonal(value: Any) -> Any:
    """Return a decoded value without names, e-mails and fields that are null; None where nothing is left."""
    if type(value) is dict:
        kept = {k: impersonal(v) for k, v in value.items() if not is_personal(k) and not has_address(k)}
        return {k: v for k, v in kept.items() if v is not None}
    if type(value) is list:
        return [v for v in map(impersonal, value) if v is not None]
    return None if type(value) is str and has_address(value) else value
