"""Serving the dashboard: a port, who may come in by it, and a tidy end."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from tallybook.book.tokens import digest, fresh
from tallybook.model.errors import SettingsError, UsageError
from tallybook.web.access import Access

PORT, HOST = 8788, "127.0.0.1"
SHORTEST = 32
"""The fewest characters of a token in a file."""
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may come in, and what its keeper is told once."""

    access: Access
    token: str | None = field(default=None, repr=False)
    """The token that was made up, where none was given."""
    code: str | None = field(default=None, repr=False)
    """Logs in its first user."""


def entrance(listener: socket.socket, access: Access, token_file: str | None = None) -> Entrance:
    """Return who may come in by a port: without a token, only what this machine itself sends.

    Raises `SettingsError` for a file of no use.
    """
    if token_file is not None:
        return Entrance(replace(access, owner=digest(_read(token_file))))
    is_local = ipaddress.ip_address(listener.getsockname()[0]).is_loopback
    if is_local and not access.hosts and not access.proxies:
        return Entrance(access)
    token, code = fresh(), fresh()
    return Entrance(replace(access, owner=digest(token), code=digest(code)), token, code)


def _read(name: str) -> str:
    """Return the token in a file that only its owner can read."""
    make = f"(umask 077; openssl rand -base64 32 > {name})"
    try:
        with Path(name).expanduser().open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_LONGEST).decode("utf-8", "replace").strip()
    except OSError as exc:
        raise SettingsError(f"Cannot read the token file {name}: {exc.strerror}. Make one: {make}") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise SettingsError(f"The token file {name} is open to other users. Type: chmod 600 {name}")
    if len(text) < SHORTEST or len(text.split()) != 1:
        raise SettingsError(f"The token file {name} must hold one token of {SHORTEST} characters or more: {make}")
    return text


def listening(host: str, port: int) -> socket.socket:
    """Return a port that accepts connections; raises `UsageError` where it cannot be had."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio turns Nagle's algorithm off only where the protocol is named; else each answer waits 40 ms.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
    except OSError as problem:
        raise _cannot(host, port, problem, "Choose another with --host.") from problem
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except (OSError, OverflowError) as problem:
        listener.close()
        raise _cannot(host, port, problem) from problem
    return listener


_PORTS = "Choose another with --port, or 0 for any free one."


def _cannot(host: str, port: int, problem: OSError | OverflowError, advice: str = _PORTS) -> UsageError:
    reason = getattr(problem, "strerror", None) or str(problem)
    return UsageError(f"Cannot listen on {host}:{port}: {reason}. {advice}")


def address(listener: socket.socket, root_path: str = "") -> str:
    """Return where somebody on this machine can open the page."""
    bound, port = listener.getsockname()[:2]
    host = {"0.0.0.0": HOST, "::": "::1"}.get(bound, bound)  # noqa: S104 - what is bound, said as what to open
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{root_path}/"


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; streams that never end by themselves are cut, and nobody is told of that."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def _server(app: ASGIApp) -> uvicorn.Server:
    # The guard reads what proxies say, and logs requests without what is secret in them.
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,
    )
    return _Server(config)


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until interrupted, and close the port."""
    with listener, suppress(KeyboardInterrupt):
        _server(app).run([listener])


@contextmanager
def running(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve from a thread."""
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([listener],), name="tallybook-dashboard")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
