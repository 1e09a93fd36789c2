"""Running the emulator: in a thread for tests, in the foreground for the command line."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from tallybook.emulator.app import create_app
from tallybook.emulator.company import Company
from tallybook.emulator.faults import TRANSPORT
from tallybook.model.errors import UsageError

HOST = "127.0.0.1"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio turns Nagle's algorithm off only where the protocol is named; else each answer waits 40 ms.
        listener = socket.socket(family, kind, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        advice = "Choose another port with --port, or 0 for any free one."
        raise UsageError(f"Cannot listen on {host}:{port}: {reason}. {advice}") from problem
    return listener


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Tells the application its connection, so that a fault can reset it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, TRANSPORT: transport}


def _server(app: ASGIApp) -> uvicorn.Server:
    # A cut body is one of the quirks: uvicorn would report each as an error.
    config = uvicorn.Config(
        app,
        http=_Protocol,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    return uvicorn.Server(config)


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


@contextmanager
def running(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve `app` from a thread and yield its base URL, `http://127.0.0.1:PORT/v1`."""
    listener = _listen(HOST, port)
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([listener],), name="tallybook-emulator")
    thread.start()
    try:
        yield _url(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def serve(
    company: Company,
    port: int = 8787,
    host: str = HOST,
    quirks: Sequence[str] = (),
    ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until interrupted; `ready` is called with the base URL once the port is open."""
    app = create_app(company, quirks)
    listener = _listen(host, port)
    try:
        ready(_url(listener))
        with suppress(KeyboardInterrupt):
            _server(app).run([listener])
    finally:
        listener.close()
