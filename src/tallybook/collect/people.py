"""What a book may hold of people, applied to all that is about to be written, and to what is held already.

Who was forgotten is known by a salted hash of the id alone, and a pseudonym stands in its place.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlencode

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tallybook.collect.entries import Entry
from tallybook.collect.privacy import has_address, impersonal, masked, scrub
from tallybook.model import arrow
from tallybook.model.errors import StoreError
from tallybook.model.packing import packed, unpacked
from tallybook.model.records import Fetch, Read
from tallybook.model.settings import Directory
from tallybook.store.base import Amendment, Edit, Store

log = logging.getLogger(__name__)

_STRICTER: tuple[Directory, ...] = ("full", "names", "ids", "off")
"""Each holds no more than the one before it."""

_JSON = msgspec.json.Encoder(order="deterministic", decimal_format="number")
_REMEMBERED = 100_000
"""Texts of raw buckets whose hash is known; most repeat from bucket to bucket."""
_SAID = ("status", "owner_kind")
"""Columns of the directory with words of the API's; an e-mail among them is masked."""
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


def hashed(salt: str, identity: str) -> str:
    """Return what is kept of an id that must not be kept."""
    return hashlib.sha256(f"{salt}/{identity}".encode()).hexdigest()


class Forgotten:
    """Those who were forgotten; false where there is nobody."""

    def __init__(self, salt: str = "", pseudonyms: Mapping[str, str] | None = None) -> None:
        """`pseudonyms` are by hash."""
        self._salt, self._pseudonyms = salt, pseudonyms or {}
        self._seen: dict[str, str] = {}
        self._written: dict[bytes, bytes] = {}

    def __bool__(self) -> bool:
        return bool(self._pseudonyms)

    def __contains__(self, identity: str) -> bool:
        return self.instead(identity) != identity

    def instead(self, identity: str) -> str:
        """Return what stands in the place of an id: itself, or a pseudonym."""
        if not self._pseudonyms:
            return identity
        if identity not in self._seen:
            self._seen[identity] = self._pseudonyms.get(hashed(self._salt, identity), identity)
        return self._seen[identity]

    def in_json(self, text: bytes) -> bytes:
        """Return JSON text in which every string that is such an id is replaced."""
        return _STRING.sub(self._string, text) if self._pseudonyms else text

    def _string(self, match: re.Match[bytes]) -> bytes:
        text = match[0]
        if text not in self._written:
            if len(self._written) > _REMEMBERED:
                self._written.clear()
            identity = msgspec.json.decode(text, type=str)
            other = self._pseudonyms.get(hashed(self._salt, identity), identity)
            self._written[text] = text if other == identity else msgspec.json.encode(other)
        return self._written[text]


def _changed(rows: pa.Table, name: str, change: Callable[[str], str]) -> pa.Table:
    """Return rows with the text of one column changed, where they have it."""
    if name not in rows.column_names:
        return rows
    new = {text: change(text) for text in pc.unique(rows[name]).to_pylist() if text is not None}
    if all(text == other for text, other in new.items()):
        return rows
    at = rows.column_names.index(name)
    values = [text and new[text] for text in rows[name].to_pylist()]
    return rows.set_column(at, rows.schema.field(at), arrow.column(values, rows.schema.field(at).type))


@dataclass(frozen=True, slots=True)
class Privacy:
    """The setting `directory` and those who were forgotten, at work on what is about to be written."""

    mode: Directory = "full"
    forgotten: Forgotten = field(default_factory=Forgotten)

    def page(self, raw: bytes) -> bytes:
        """Return a raw bucket, or what is around it, as it may be kept.

        Where somebody was forgotten, it has no names and e-mails of anybody: a row need not say whose they are.
        """
        mode = "ids" if self.forgotten and self.mode in ("full", "names") else self.mode
        return self.forgotten.in_json(scrub(raw, mode))

    def read(self, got: Read) -> Read:
        """Return a read as it may be written; its pages have been seen to."""
        if not self.forgotten:
            return got
        rows = _changed(_changed(got.rows, "user_id", self.forgotten.instead), "extra", self._json)
        told = tuple(t for t in got.told if t[0] == "project" or (t[0] == "user" and t[1] not in self.forgotten))
        return replace(got, rows=rows, told=told)

    def _json(self, text: str) -> str:
        return self.forgotten.in_json(text.encode()).decode()

    def fetches(self, made: Iterable[Fetch]) -> tuple[Fetch, ...]:
        """Return requests as they may be listed: a list of users is followed from user to user."""
        if not self.forgotten:
            return tuple(made)
        return tuple(replace(f, query=self._query(f.query)) if "after=" in f.query else f for f in made)

    def _query(self, query: str) -> str:
        return urlencode([(k, self.forgotten.instead(v)) for k, v in parse_qsl(query, keep_blank_values=True)])

    def entries(self, found: Iterable[Entry]) -> list[Entry]:
        """Return entries of the directory as they may be written.

        The names of those who were forgotten are known here for once, so they go from other entries, too.
        """
        every = list(found)
        gone = [e for e in every if e["kind"] == "user" and e["id"] in self.forgotten]
        words = tuple(text for e in gone for text in (e["name"], e["email"]) if text)
        return [self._entry(e, words) for e in every if e not in gone]

    def _entry(self, entry: Entry, gone: Sequence[str]) -> Entry:
        out = entry | {c: _allowed(self.mode, c, entry[c]) for c in ("name", "email")}
        if self.mode != "full":
            out |= {c: entry[c] and masked(entry[c]) for c in _SAID}
            out["details"] = entry["details"] and scrub(entry["details"].encode(), self.mode).decode()
        if self.forgotten:
            owner, details = out["owner_id"], out["details"]
            is_theirs = owner is not None and owner in self.forgotten
            if is_theirs or (entry["kind"] != "user" and any(text in (out["name"] or "") for text in gone)):
                out["name"] = None
            out["owner_id"] = owner and self.forgotten.instead(owner)
            out["details"] = details and self._json(details)
        return out


def _allowed(mode: Directory, column: str, text: str | None) -> str | None:
    """Return a name or an e-mail where `mode` allows it; an e-mail may also stand in a name."""
    if text is None or mode == "full":
        return text
    return text if mode == "names" and column == "name" and not has_address(text) else None


def load(store: Store, mode: Directory) -> Privacy:
    """Return what may be written under `mode` into a book that may remember who was forgotten."""
    (book,) = store.rows("book")
    return Privacy(mode, Forgotten(book["salt"] or "", {r["id_hash"]: r["pseudonym"] for r in store.rows("forgotten")}))


def adopt(store: Store, mode: Directory) -> tuple[Privacy, bool]:
    """Return what may be written under `mode`, and whether that is more than before; first remove what may not stay."""
    (book,) = store.rows("book")
    privacy = load(store, mode)
    before: Directory = book["directory"] or "full"
    due = book["rewrite_due"]
    if mode != before:
        stricter = _STRICTER.index(mode) > _STRICTER.index(before)
        what = Amendment(_removals(mode), page_edit(privacy)) if stricter else Amendment()
        done = store.amend(replace(what, book={"directory": mode}))
        log.info("directory is %r, it was %r: %d names and e-mails removed", mode, before, done)
        due = due or done > 0
    if due:
        tidy(store)
    return privacy, _STRICTER.index(mode) < _STRICTER.index(before)


def tidy(store: Store) -> bool:
    """Leave no trace of what was removed, nor much free space; return whether that was done, else the next sync
    does it.
    """
    try:
        store.maintain()
    except StoreError as exc:
        log.warning("The book was not tidied up, so what was removed may still be in its free blocks: %s", exc)
        return False
    return True


def page_edit(privacy: Privacy) -> Callable[[bytes], tuple[bytes, bytes] | None]:
    """Return how a raw bucket that is kept becomes what may be kept."""

    def edit(body: bytes) -> tuple[bytes, bytes] | None:
        raw = unpacked(body)
        allowed = privacy.page(raw)
        return None if allowed == raw else packed(allowed)

    return edit


def _removals(mode: Directory) -> tuple[Edit, ...]:
    """Return how what is held becomes what `mode` allows."""
    texts = ("notes.text", "syncs.summary", "refusals.reason", "refusals_history.reason")
    return (
        Edit("directory.name", lambda text: _allowed(mode, "name", text)),
        Edit("directory.email", lambda text: _allowed(mode, "email", text)),
        Edit("*.extra", _extra, holding=("name", "mail", "@")),
        *(
            Edit(column, lambda text: scrub(text.encode(), mode).decode(), holding=("name", "mail", "@", "\\"))
            for column in ("fetches.envelope", "directory.details")
        ),
        *(Edit(column, masked, holding=("@",)) for column in (*texts, *(f"directory.{c}" for c in _SAID))),
    )


def _extra(text: str) -> str | None:
    """Return unknown fields without those that were not known to be personal when they were written."""
    kept = impersonal(msgspec.json.decode(text))
    return _JSON.encode(kept).decode() if kept else None
