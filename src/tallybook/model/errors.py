"""Every error that tallybook raises on purpose.

TallybookError
├── UsageError                 wrong words: a date, a flag, a name            exit 2
│   ├── SettingsError          tallybook.toml or the environment
│   │   ├── NotAnAdminKeyError      no key, or one of another kind
│   │   └── WrongOrganizationError  a key of another organization than its name says
│   └── MissingExtraError      a library of an extra is not installed
├── ProviderError              the API's answer, or the lack of one           exit 1
│   ├── AuthenticationError    the key is not accepted
│   ├── PermissionDeniedError  the key lacks a scope
│   ├── RateLimitError         still refused at the deadline, or out of quota
│   ├── RequestRefusedError    a 400 or 404 that says something about the request
│   ├── UnreachableError       no answer: network, time-out, 5xx to the end
│   └── UnexpectedResponseError  an answer that cannot be trusted
├── IncompleteError            data asked for without a book is not all there  exit 1
├── ExportError            a file that could not be written               exit 1
├── StoreError                 the book on disk                               exit 1
│   ├── StoreLockedError       another process holds it
│   ├── DoesNotFitError        a read that what is held does not allow
│   ├── NotABookError          the file is something else                     exit 2
│   └── MigrationError         a book from a newer tallybook                  exit 2
└── QueryError                 a question that has no answer                  exit 2
    ├── UnknownNameError       metric, dimension, dataset, grain
    └── UnanswerableError      understood, but not from what is held

The text of every error says what happened and what to do; a key is never part of it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class TallybookError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 1


class UsageError(TallybookError):
    """Wrong words from the user, found before any request was sent."""

    exit_code = 2


class SettingsError(UsageError):
    """`tallybook.toml`, an environment variable or a key source is wrong."""


class NotAnAdminKeyError(SettingsError):
    """There is no key where one was looked for, or one that can be no admin key."""


class WrongOrganizationError(SettingsError):
    """The key is of another organization than the one that the book holds under its name."""


class MissingExtraError(UsageError):
    """An optional library is not installed; the message has the line to type."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional library. Install it with: pip install 'tallybook[{extra}]'")


class ProviderError(TallybookError):
    """The provider answered with an error, or did not answer.

    `dataset`, `status` and `request_id` are filled where they are known.
    """

    def __init__(
        self,
        message: str,
        *,
        dataset: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.dataset = dataset
        self.status = status
        self.code = code
        self.request_id = request_id


class AuthenticationError(ProviderError):
    """The key is missing, wrong, expired or of the wrong kind (HTTP 401)."""


class PermissionDeniedError(ProviderError):
    """The key is known but may not read this (HTTP 403, or 401 that names missing scopes)."""

    @property
    def lacks_scope(self) -> bool:
        """Whether the server names a missing scope, so that nothing else of the kind can be read either."""
        return "Missing scopes" in str(self)


class RateLimitError(ProviderError):
    """Refused for rate or quota (HTTP 429) until the deadline."""


class RequestRefusedError(ProviderError):
    """The server understood the request and refuses it (HTTP 400, 404, 422).

    `param` is the parameter that the server names, or empty.
    """

    def __init__(
        self,
        message: str,
        *,
        param: str = "",
        dataset: str | None = None,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, dataset=dataset, status=status, code=code, request_id=request_id)
        self.param = param


class UnreachableError(ProviderError):
    """No usable answer in time: connection, time-out, cut body or HTTP 5xx to the end."""


class UnexpectedResponseError(ProviderError):
    """An answer that breaks the contract of the API and so cannot be trusted."""


class IncompleteError(TallybookError):
    """A direct fetch could not get everything; nothing is returned unless partial data is allowed."""


class ExportError(TallybookError):
    """A file could not be written; nothing is left of it."""


class StoreError(TallybookError):
    """The book could not be read or written."""


class StoreLockedError(StoreError):
    """Another process holds the book."""


class DoesNotFitError(StoreError):
    """A read that would leave a held bucket partly covered, or make the book coarser."""


class NotABookError(StoreError):
    """The path holds something that tallybook did not write, or nothing."""

    exit_code = 2


class MigrationError(StoreError):
    """The book's schema is newer than this tallybook."""

    exit_code = 2


class QueryError(TallybookError):
    """A question that cannot be answered as asked."""

    exit_code = 2


class UnknownNameError(QueryError):
    """A metric, dimension, dataset or grain that does not exist; the message has the nearest names.

    `more` is said where there are none.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], more: str = "") -> None:
        names = list(known)
        rest = f" {more}" if more and not near(name, names) else ""
        super().__init__(f"Unknown {kind} {name!r}. {suggest(name, names)}{rest}")


class UnanswerableError(QueryError):
    """The question is understood, but what is held does not answer it exactly."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean …?" for near misses of `name`, else the list of all that is known."""
    names = sorted(set(known))
    return near(name, names) or (f"Known: {', '.join(names)}." if names else "There is none.")


def near(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean …?" for near misses of `name`, else nothing."""
    found = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return "Did you mean " + " or ".join(f"`{n}`" for n in found) + "?" if found else ""
