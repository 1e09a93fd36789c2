"""Who may come in, and what a request says about that. Pure but for the request."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote_plus, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from tallybook.model.errors import UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
SECRETS = frozenset({"token", "code"})
"""Words of an address that no log shows."""
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host")
"""Headers by which a proxy gives itself away."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
_FIELD = re.compile(r"[A-Za-z0-9-]{1,64}")
_ROOT = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class Access:
    """Who may come in."""

    owner: str | None = None
    """The SHA-256 of the token that shows everything; without one, everybody sees everything."""
    code: str | None = None
    """The SHA-256 of a code that logs its first user in as the owner."""
    hosts: frozenset[str] = frozenset()
    """Names that the page answers to, besides this machine's own and the address that a connection came in by."""
    proxies: tuple[Network, ...] = ()
    """Who is believed about a request that is passed on."""
    header: str | None = None
    """The header in which these proxies say who the user is."""
    root_path: str = ""
    """Where a proxy shows the page, such as `/usage`."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of proxies; raises `UsageError`."""
    try:
        return tuple(ipaddress.ip_network(text) for text in texts)
    except ValueError as exc:
        raise UsageError(f"--trusted-proxy takes an address or a network such as 10.0.0.0/24: {exc}.") from None


def names(texts: Iterable[str]) -> frozenset[str]:
    """Return names of hosts as they are compared; raises `UsageError`."""
    for text in texts:
        if not _NAME.fullmatch(text):
            raise UsageError(f"--allow-host takes the name of a host, without scheme and port; not {text!r}.")
    return frozenset(text.lower() for text in texts)


def field(text: str | None) -> str | None:
    """Return the name of a header; raises `UsageError`."""
    if text is not None and not _FIELD.fullmatch(text):
        raise UsageError(f"--trust-header takes the name of a header, such as X-Forwarded-User; not {text!r}.")
    return text


def root(text: str) -> str:
    """Return where a proxy shows the page, without a slash at the end; raises `UsageError`."""
    trimmed = text.rstrip("/")
    if not _ROOT.fullmatch(trimmed):
        raise UsageError(f"--root-path takes a path such as /usage; not {text!r}.")
    return trimmed


class Caller:
    """What a request says about who sends it."""

    def __init__(self, scope: Scope, access: Access) -> None:
        self.scope, self.access = scope, access
        self.headers = Headers(scope=scope)
        self.method: str = scope["method"]

    @cached_property
    def path(self) -> str:
        """The path below where the page is shown, whether or not a proxy has cut that off."""
        path: str = self.scope["path"]
        prefix = self.access.root_path
        below = path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path
        return below or "/"

    @cached_property
    def peer(self) -> Address | None:
        """Who is at the other end of the connection."""
        return _address((self.scope.get("client") or ("",))[0])

    @property
    def source(self) -> str:
        """Where it comes from, to count wrong tokens by: an address, or the network that one machine has of IPv6."""
        said = self.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() if self.is_passed_on else ""
        found = _address(said) or self.peer
        if isinstance(found, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((found, 64), strict=False))
        return str(found)

    @property
    def is_passed_on(self) -> bool:
        """Whether a proxy that is believed sends it."""
        return self.peer is not None and any(self.peer in network for network in self.access.proxies)

    @property
    def is_exposed(self) -> bool:
        """Whether a proxy passes it on though nobody is asked for a token: then others than this machine send it."""
        return self.access.owner is None and any(name in self.headers for name in FORWARDED)

    @property
    def is_https(self) -> bool:
        """Whether the browser speaks https, as far as is known."""
        said = self.headers.get("x-forwarded-proto", "") if self.is_passed_on else ""
        return self.scope.get("scheme") == "https" or said.lower() == "https"

    @property
    def is_page(self) -> bool:
        """Whether a person waits for a page, not a program for data."""
        wants = "text/html" in self.headers.get("accept", "")
        return self.method == "GET" and wants and not self.path.startswith(("/api/", "/feeds/"))

    @property
    def host(self) -> str | None:
        """The name of the host in lower case; None where it is said twice, or is no name."""
        said = self.headers.getlist("host")
        found = _HOST.fullmatch(said[0]) if len(said) == 1 else None
        return (found[1] or found[2]).lower() if found else None

    @property
    def is_host_known(self) -> bool:
        """Whether the page answers to that name. Another one is how a foreign page gets behind a firewall."""
        if self.host is None:
            return False
        own = _address((self.scope.get("server") or ("",))[0])
        is_own = own is not None and _address(self.host) == own
        return is_own or self.host in LOOPBACK or self.host in self.access.hosts

    @property
    def is_foreign(self) -> bool:
        """Whether the page of another origin sends it, and it would change something."""
        if self.method in SAFE:
            return False
        site = self.headers.get("sec-fetch-site")
        if site is not None:
            return site not in ("same-origin", "none")
        origin = self.headers.get("origin")
        return origin is not None and _netloc(origin) != self.headers.get("host", "").lower()

    @property
    def bearer(self) -> str | None:
        """The token of the Authorization header."""
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        return value.strip() if kind.lower() == "bearer" and value.strip() else None

    @property
    def user(self) -> str | None:
        """Who the user is, as a proxy that is believed says."""
        if self.access.header is None or not self.is_passed_on:
            return None
        said = [value.strip() for value in self.headers.getlist(self.access.header)]
        return said[0] if len(said) == 1 and said[0] else None

    @property
    def query(self) -> str:
        """The query string."""
        text: bytes = self.scope.get("query_string", b"")
        return text.decode("latin-1")

    def word(self, name: str) -> str | None:
        """Return one of the words of the address; None where it is not there once."""
        found = [value for key, value in _words(self.query) if key == name]
        return found[0] if len(found) == 1 else None

    def without_secrets(self) -> str:
        """Return the query string without what no log shows."""
        return "&".join(part for part in self.query.split("&") if unquote_plus(part.partition("=")[0]) not in SECRETS)

    @property
    def line(self) -> str:
        """What a log says of the request."""
        hidden = [f"{key}=[hidden]" for key, _ in _words(self.query) if key in SECRETS]
        query = "&".join(filter(None, [self.without_secrets(), *hidden]))
        path = self.scope["path"].encode("unicode_escape").decode("ascii")
        return f"{self.method} {path}" + (f"?{query.encode('unicode_escape').decode('ascii')}" if query else "")


def _words(query: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in query.split("&"))
    return [(unquote_plus(key), unquote_plus(value)) for key, _, value in pairs]


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
