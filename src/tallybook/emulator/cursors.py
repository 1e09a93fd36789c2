"""Page tokens: opaque, bound to their query, short-lived."""

from __future__ import annotations

import base64
import binascii
import struct

from tallybook.emulator.problems import invalid_token
from tallybook.emulator.queries import Question

LIFETIME = 600
"""Seconds; the real lifetime is unknown but short."""
_LAYOUT = struct.Struct(">QIQ")
_PREFIX = "page_"


def mint(question: Question, next_start: int, now: int) -> str:
    """Return the token that continues `question` at the bucket that starts at `next_start`."""
    return _PREFIX + base64.b64encode(_LAYOUT.pack(now, question.mark, next_start)).decode()


def resume(question: Question, now: int) -> int:
    """Return where the page of `question` begins, or raise the refusal of its token."""
    if question.page is None:
        return question.start
    try:
        raw = base64.b64decode(question.page.removeprefix(_PREFIX), validate=True)
        minted, mark, start = _LAYOUT.unpack(raw)
    except (binascii.Error, struct.error, ValueError):
        raise invalid_token() from None
    if mark != question.mark or now - minted > LIFETIME or not question.page.startswith(_PREFIX):
        raise invalid_token()
    return int(start)
