"""What an answer of the server means: error bodies, waits, and hosts that may see the key. Pure."""

from __future__ import annotations

import datetime as dt
import email.utils
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict
from urllib.parse import urlsplit

import msgspec

from tallybook.model.errors import (
    AuthenticationError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RequestRefusedError,
    SettingsError,
    UnexpectedResponseError,
)
from tallybook.model.secret import HOW_TO_GET, AdminKey

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_LONGEST_QUOTE = 300


class RetryableError(Exception):
    """An attempt that failed in a way that another attempt may mend; `error` is raised when none did."""

    def __init__(self, error: ProviderError, *, wait: float | None = None, attempts: int | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait
        self.attempts = attempts


def decode(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object in `body`, exact numbers as `Decimal`; None where it is no JSON object."""
    try:
        data = _DECODER.decode(body)
    except (msgspec.DecodeError, ArithmeticError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


@dataclass(frozen=True, slots=True)
class Said:
    """What an error body says; every shape that has been seen is understood."""

    message: str = ""
    code: str = ""
    type: str = ""
    param: str = ""

    @property
    def text(self) -> str:
        """The message, quoted, or nothing."""
        return f"It says: {self.message}" if self.message else ""

    @property
    def is_quota(self) -> bool:
        """Whether waiting does not help because money has run out."""
        return "insufficient_quota" in (self.code, self.type)


def said_by(body: bytes, key: AdminKey) -> Said:
    """Read `{"error": {…}}`, `{"error": "text"}`, `{"code": …, "message": …}`; anything else says nothing."""
    data = decode(body) or {}
    error = data.get("error", data)
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        return Said()

    def field(name: str) -> str:
        value = error.get(name)
        return "" if value is None else " ".join(key.redact(str(value)).split())[:_LONGEST_QUOTE]

    return Said(field("message"), field("code"), field("type"), field("param"))


class _Fields(TypedDict):
    status: int
    code: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """An answer that is not HTTP 200."""

    status: int
    said: Said
    request_id: str | None

    @property
    def fields(self) -> _Fields:
        """The keyword arguments of a `ProviderError`."""
        return {"status": self.status, "code": self.said.code or None, "request_id": self.request_id}


def explain(facts: Facts, base_url: str) -> ProviderError:
    """Return the error for an answer that no retry mends."""
    status, said = facts.status, facts.said
    if status in {401, 403} and ("Missing scopes" in said.message or status == 403):
        return PermissionDeniedError(
            f"The key is not allowed to read this (HTTP {status}). {said.text} "
            "Use an admin key whose scopes are api.usage.read (usage and costs) and api.management.read (names); "
            "scopes added later may need a new key. `tallybook doctor` checks each.",
            **facts.fields,
        )
    if status == 401:
        return AuthenticationError(
            f"The server does not accept the key (HTTP 401). {said.text} It must be an admin key that is not "
            f"deleted or expired. {HOW_TO_GET}",
            **facts.fields,
        )
    if status == 429:
        return RateLimitError(
            f"The organization is out of quota (HTTP 429, insufficient_quota), so waiting does not help. {said.text}",
            **facts.fields,
        )
    if 300 <= status < 400:
        return UnexpectedResponseError(
            f"{base_url} redirects elsewhere (HTTP {status}). tallybook does not follow, so that the key goes to no "
            "other host. Check base_url.",
            **facts.fields,
        )
    return RequestRefusedError(
        f"The server refuses the request (HTTP {status}). {said.text}".rstrip(), param=said.param, **facts.fields
    )


def rate_limited(facts: Facts, wait: float | None, deadline: float) -> RateLimitError:
    """Return the error for a 429 that lasted."""
    asks = f" and asks to wait {wait:.0f} s" if wait is not None else ""
    return RateLimitError(
        f"The server still limits the rate of requests (HTTP 429){asks}; the deadline is {deadline:.0f} s "
        f"(sync.deadline). Nothing is lost: run it again later. {facts.said.text}".rstrip(),
        **facts.fields,
    )


def retry_after(headers: Mapping[str, str], now: dt.datetime) -> float | None:
    """Return the wait that the server asks for, in seconds: milliseconds, seconds or an HTTP date; else None."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            value = float(headers[name]) * scale
        except (KeyError, ValueError):
            continue
        if 0 <= value < 1e9:
            return value
    try:
        until = email.utils.parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError, TypeError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - now).total_seconds())


def check_host(base_url: str, allow_hosts: Iterable[str] = ()) -> str:
    """Return `base_url` without a trailing slash; raises `SettingsError` where the key must not be sent."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    local = host == "localhost" or _is_loopback(host)
    if parts.scheme not in {"https", "http"} or not host or parts.username or parts.query or parts.fragment:
        raise SettingsError(f"base_url {base_url!r} is not an address such as https://api.openai.com/v1.")
    if parts.scheme == "http" and not local:
        raise SettingsError(f"base_url {base_url!r}: the key is sent over https only (http is for this machine).")
    if local or host == "api.openai.com" or host.endswith(".api.openai.com") or host in set(allow_hosts):
        return base_url.rstrip("/")
    raise SettingsError(
        f"The key is not sent to {host!r}. If that is right, list it in tallybook.toml: allow_hosts = [{host!r}]"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
