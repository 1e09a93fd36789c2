"""Forgetting a person: names and e-mails go, a pseudonym takes the place of the id, and every number stays.

The id is replaced, not removed: rows without it would be rows that OpenAI attributes to nobody, two of them could not
be told apart, and users could no longer be counted. The pseudonym is random, so nothing can be learned from it; what
is remembered of the id is a salted hash, without which the next sync would bring the person back.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote_plus

from tallybook.collect.people import Forgotten, Privacy, hashed, page_edit, tidy
from tallybook.store.base import Amendment, Edit, Store

GONE = "(forgotten)"
"""What stands in remarks and texts in the place of a name."""

_TEXTS = (
    "notes.*",
    "own_notes.text",
    "syncs.*",
    "refusals.*",
    "refusals_history.*",
    "*.extra",
    "business*.*",
    "teams.*",
)
"""Where somebody may have written a name into a text."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What was done."""

    pseudonym: str
    """What stands in the place of the id."""
    values: int
    """How many values and rows were changed or removed."""
    traceless: bool
    """Whether the file was written anew; else the next sync does it."""


def forget(store: Store, identity: str, names: Iterable[str], emails: Iterable[str], now: dt.datetime) -> Forgetting:
    """Erase a person from the book, in one transaction; `now` is naive UTC.

    The caller holds the locks of all syncs.
    """
    (book,) = store.rows("book")
    salt = book["salt"] or secrets.token_hex(16)
    pseudonym = f"user-forgotten-{secrets.token_hex(6)}"
    row = {"id_hash": hashed(salt, identity), "pseudonym": pseudonym, "forgotten_at": now}
    known = {r["id_hash"]: r["pseudonym"] for r in [*store.rows("forgotten"), row]}
    # A name of one word may be any word; it goes from what belongs to the person, where names go as a whole.
    called = (*emails, *(name for name in names if " " in name.strip()))
    values = store.amend(
        Amendment(
            _edits(identity, pseudonym, called),
            page_edit(Privacy(book["directory"] or "full", Forgotten(salt, known))),
            removed={"directory": {"kind": "user", "id": identity}},
            cleared={"directory": ({"owner_id": identity}, ("name", "email"))},
            added={"forgotten": [row]},
            book={"salt": salt},
        )
    )
    return Forgetting(pseudonym, values, tidy(store))


def _edits(identity: str, pseudonym: str, called: tuple[str, ...]) -> tuple[Edit, ...]:
    """Return what becomes of the texts of a book: ids everywhere, names where people write."""
    identities = _forms([identity])
    edits = [Edit("*", partial(_words(identities).sub, pseudonym), identities)]
    if called:
        # A rule about the person alone goes on to hold for the pseudonym.
        same = frozenset(called)
        edits.append(Edit("teams.pattern", lambda text: pseudonym if text in same else text, called))
        names = _forms(called)
        words = _words(names, re.IGNORECASE)
        edits += [Edit(columns, partial(words.sub, GONE), names) for columns in _TEXTS]
        # The very same name may be a namesake's.
        edits.append(Edit("directory.name", lambda t: None if words.search(t) and not words.fullmatch(t) else t, names))
    return tuple(edits)


def _forms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts as they are written plainly, in JSON and in a query string."""
    forms = {form for text in texts for form in (text, json.dumps(text)[1:-1], quote_plus(text))}
    return tuple(sorted(forms, key=len, reverse=True))


def _words(forms: Sequence[str], flags: int = 0) -> re.Pattern[str]:
    """Return what matches one of `forms` where it is not a part of a longer word."""
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, forms))})(?![\w-])", flags)
