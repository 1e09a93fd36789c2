"""The user's own notes on the axis of time: what happened when."""

from __future__ import annotations

import datetime as dt
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any

from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.records import Swap
from tallybook.model.windows import naive, unix
from tallybook.query.clocks.time import When, moment
from tallybook.store.base import Store

TABLE = "own_notes"
LONGEST = 500
"""The most characters of a note."""


@dataclass(frozen=True, slots=True)
class OwnNote:
    """A text of the user's at a UTC day, or at a moment."""

    id: str
    start: int
    """Unix seconds."""
    end: int
    """The end of the day; the same as `start` for a moment."""
    text: str

    @property
    def time(self) -> str:
        """The day, or the moment, as it is written."""
        at = naive(self.start)
        return f"{at:%Y-%m-%d}" if self.end > self.start else f"{at:%Y-%m-%dT%H:%M:%SZ}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {"id": self.id, "time": self.time, "text": self.text}


def notes(store: Store) -> list[OwnNote]:
    """Return all notes, the earliest first. Never creates a book."""
    found = store.rows(TABLE) if store.exists() else []
    rows = sorted(found, key=lambda r: (r["start_time"], r["recorded_at"], r["id"]))
    return [OwnNote(r["id"], unix(r["start_time"]), unix(r["end_time"]), r["text"]) for r in rows]


def add(store: Store, now: dt.datetime, time: When, text: str) -> OwnNote:
    """Write a note on a day or a moment; `now` is naive UTC."""
    said = _checked(text)
    note = OwnNote(secrets.token_hex(3), moment(time), moment(time, is_end=True), said)
    times = {"start_time": naive(note.start), "end_time": naive(note.end)}
    store.put(TABLE, [times | {"id": note.id, "text": note.text, "recorded_at": now}])
    return note


def remove(store: Store, identity: str) -> OwnNote:
    """Remove the note with this id; raises `UnknownNameError` where there is none."""
    with store.opened():
        known = {note.id: note for note in notes(store)}
        if identity not in known:
            raise UnknownNameError("note", identity, known, "`tallybook note list` shows the notes.")
        store.swap(Swap(TABLE, where={"id": identity}))
    return known[identity]


def _checked(text: str) -> str:
    said = " ".join(text.split())
    if not said:
        raise UsageError("A note needs a text.")
    if len(said) > LONGEST:
        raise UsageError(f"A note has at most {LONGEST} characters; this one has {len(said):,}.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in said):
        raise UsageError("A note is plain text; this one has control characters.")
    return said
