"""What went wrong, as `application/problem+json`: status, a title, what to do, and the nearest alternatives."""

from __future__ import annotations

import re
from http import HTTPStatus

from tallybook.model.errors import (
    MigrationError,
    MissingExtraError,
    NotABookError,
    QueryError,
    StoreLockedError,
    TallybookError,
    UnanswerableError,
    UnknownNameError,
    UsageError,
)
from tallybook.web.scope import ForbiddenError
from tallybook.web.shapes import Problem

MEDIA_TYPE = "application/problem+json"

_KINDS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (UnknownNameError, 400, "unknown-name", "That name is not known"),
    (UnanswerableError, 422, "unanswerable", "That cannot be answered from what is held"),
    (QueryError, 400, "question", "That question cannot be answered"),
    (ForbiddenError, 403, "forbidden", "This is not shown to you"),
    (MissingExtraError, 501, "missing-extra", "A library is not installed"),
    (UsageError, 400, "usage", "That makes no sense"),
    (NotABookError, 404, "no-book", "There is no book yet"),
    (StoreLockedError, 503, "locked", "The book is in use"),
    (MigrationError, 409, "version", "The book has another version"),
    (TallybookError, 500, "failed", "The book could not be used"),
)
"""Kinds of errors, the more special before the more general: status, type and title."""


def problem(error: Exception) -> Problem:
    """Return what to say of an error; what is no error of ours tells nothing of the inside."""
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            text = str(error)
            return Problem(f"tallybook:{name}", title, status, text, re.findall(r"`([^`]+)`", text) or _known(text))
    return Problem("tallybook:failed", "The server had an error", 500, "The log of the server says more.")


def of_status(status: int, detail: str = "") -> Problem:
    """Return what to say of a request that no route takes."""
    phrase = HTTPStatus(status).phrase
    return Problem("about:blank", phrase, status, detail or f"{phrase}.")


def _known(text: str) -> list[str]:
    """Return the names that a message lists."""
    listed = re.search(r"Known: ([^.]*)\.", text)
    return listed[1].split(", ") if listed else []
