"""A real HTTP server on loopback that gives scripted answers and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tallybook.collect.http import Http
from tallybook.model.secret import AdminKey
from tests.clock import FakeClock

KEY = "sk-admin-very-secret-0123456789"


@dataclass
class Answer:
    """One canned answer; a body that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    """Promise more bytes than are sent."""
    reset: bool = False
    """Close without a word."""
    during: Callable[[], None] | None = None
    """Called between the first and the second half of the body."""

    @property
    def bytes(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """One request as it came."""

    line: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return urlsplit(self.line.split()[1]).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.line.split()[1]).query)


class _Handler(socketserver.StreamRequestHandler):
    server: Server
    timeout = 5

    def handle(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while line := self.rfile.readline().decode().strip():
            headers = {}
            while header := self.rfile.readline().decode().strip():
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            if not self._answer(self.server.next(Asked(line, headers))):
                return

    def _answer(self, answer: Answer) -> bool:
        if answer.reset:
            return False
        body = answer.bytes
        length = len(body) + (10 if answer.cut else 0)
        head = {"content-type": "application/json", "content-length": str(length), **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{k}: {v}" for k, v in head.items()), "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body[: len(body) // 2])
        if answer.during:
            answer.during()
        self.wfile.write(body[len(body) // 2 :])
        return not answer.cut


class Server(socketserver.ThreadingTCPServer):
    """Gives `answers` in order, the last one again and again."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, answers: Sequence[Answer] | Callable[[Asked], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[Asked] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def next(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            if callable(self.answers):
                return self.answers(asked)
            return self.answers[min(len(self.asked), len(self.answers)) - 1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error."""


@contextmanager
def serving(answers: Sequence[Answer] | Callable[[Asked], Answer]) -> Iterator[Server]:
    """Run a server in a thread."""
    server = Server(answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def client(
    answers: Sequence[Answer] | Callable[[Asked], Answer], clock: FakeClock, **settings: Any
) -> Iterator[tuple[Http, Server]]:
    """Run a server and a client of it, which closes its connections first."""
    with serving(answers) as server, Http(server.url, AdminKey(KEY, "the test"), clock, **settings) as http:
        yield http, server


def page(buckets: Sequence[Any], cursor: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the envelope of one page."""
    return {"object": "page", "data": list(buckets), "has_more": cursor is not None, "next_page": cursor, **more}


def bucket(start: int, end: int, *rows: Any, **more: Any) -> dict[str, Any]:
    """Return one bucket."""
    return {"object": "bucket", "start_time": start, "end_time": end, "results": list(rows), **more}


def refusal(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> Answer:
    """Return an error in the documented shape."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Answer(status, {"error": error})
