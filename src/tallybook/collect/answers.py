"""What an answer of the server means: error bodies, waits, and hosts that may see the key. Pure."""

from __future__ import annotations

import datetime as dt
import email.utils
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypedDict
from urllib.parse import urlsplit

import msgspec

from tallybook.collect.privacy import masked
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
_NO_JSON = (msgspec.DecodeError, ArithmeticError, RecursionError, UnicodeDecodeError)
"""What reading a body raises that is not JSON, or not any that can be held."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LONGEST_QUOTE = 300


class NotJsonError(UnexpectedResponseError):
    """An answer that is no JSON at all: a proxy or a login page stands in between."""


class RetryableError(Exception):
    """An attempt that failed in a way that another attempt may mend; `error` is raised when none did."""

    def __init__(self, error: ProviderError, *, wait: float | None = None, attempts: int | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait
        self.attempts = attempts


def decode(body: bytes | bytearray | msgspec.Raw) -> dict[str, Any] | None:
    """Return the JSON object in `body`, exact numbers as `Decimal`; None where it is no JSON object."""
    try:
        data = _DECODER.decode(body)
    except _NO_JSON:
        return None
    return data if isinstance(data, dict) else None


class _Page(TypedDict, total=False):
    object: Any
    data: list[msgspec.Raw]
    has_more: Any
    next_page: Any


_PAGE_DECODER = msgspec.json.Decoder(_Page, float_hook=Decimal)


def decode_page(body: bytes | bytearray) -> dict[str, Any] | None:
    """Return a page whose `data` lists buckets as `msgspec.Raw`, to be decoded one at a time.

    What is no such page comes as `decode` gives it; None where its bytes are no text, also in fields nobody reads.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        return None
    try:
        return {**_PAGE_DECODER.decode(body)}
    except _NO_JSON:
        return decode(body)


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


def said_by(body: bytes | bytearray, key: AdminKey) -> Said:
    """Read `{"error": {…}}`, `{"error": "text"}`, `{"code": …, "message": …}`; anything else says nothing."""
    data = decode(body) or {}
    error = data.get("error") or data
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        return Said()

    def field(name: str) -> str:
        value = error.get(name)
        return "" if value is None else " ".join(masked(key.redact(str(value))).split())[:_LONGEST_QUOTE]

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
    if 200 <= status < 300:
        return UnexpectedResponseError(f"{base_url} gives an answer without data (HTTP {status}).", **facts.fields)
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
    scheme, host = _scheme_and_host(base_url)
    if not host:
        raise SettingsError(f"base_url {base_url!r} is not an address such as https://api.openai.com/v1.")
    local = is_local(base_url)
    if scheme == "http" and not local:
        raise SettingsError(f"base_url {base_url!r}: the key is sent over https only (http is for this machine).")
    allowed = {name.strip().lower() for name in allow_hosts}
    if local or host == "api.openai.com" or host.endswith(".api.openai.com") or host in allowed:
        return base_url.rstrip("/")
    raise SettingsError(
        f"The key is not sent to {host!r}. If that is right, list it in tallybook.toml: allow_hosts = [{host!r}]"
    )


def without_credentials(address: str) -> str:
    """Return an address as it may be shown: without user, password and query."""
    scheme, separator, rest = address.rpartition("://")
    return scheme + separator + rest.rpartition("@")[2].partition("?")[0]


def is_local(base_url: str) -> bool:
    """Return whether an address is of this machine, so that no proxy may see the key on the way."""
    _, host = _scheme_and_host(base_url)
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _scheme_and_host(base_url: str) -> tuple[str, str]:
    """Return the scheme and the host in lower case; no host where the address is not one to send a key to.

    Anything that two readers of an address may understand differently (a user, a backslash, a space) is refused.
    """
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
        plain = bool(_HOST.fullmatch(host)) or ipaddress.ip_address(host).version == 6
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        return "", ""
    odd = "@" in parts.netloc or parts.query or parts.fragment or not base_url.isascii()
    if odd or not plain or not port_is_number or not base_url.isprintable() or set(base_url) & set(" \\?#"):
        return "", ""
    return (parts.scheme, host) if parts.scheme in {"https", "http"} else ("", "")
