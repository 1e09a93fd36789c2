"""One GET, answered or explained: retries, waits, time-outs and errors. The only user of the HTTP client."""

from __future__ import annotations

import datetime as dt
import email.utils
import functools
import hashlib
import itertools
import os
import random
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import urlencode
from urllib.request import getproxies

import httpx2
import tenacity

from tallybook.collect.answers import (
    Facts,
    NotJsonError,
    RetryableError,
    Said,
    check_host,
    decode,
    explain,
    is_local,
    rate_limited,
    retry_after,
    said_by,
    without_credentials,
)
from tallybook.model.clock import Clock
from tallybook.model.errors import SettingsError, UnreachableError
from tallybook.model.records import Fetch
from tallybook.model.secret import AdminKey
from tallybook.model.version import __version__

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answered request: HTTP 200 with a JSON object."""

    answer: Fetch
    """What the book keeps of it."""
    seconds: float
    """From the first attempt to the answer, waits included."""
    body: bytes | bytearray
    data: dict[str, Any]
    """The decoded body; numbers with a point or an exponent are `Decimal`."""

    @property
    def began_at(self) -> dt.datetime:
        """When the attempt that was answered began, aware, UTC."""
        return self.answer.began_at

    @property
    def attempts(self) -> int:
        """How many attempts it took."""
        return self.answer.attempts


Decoder = Callable[[bytes | bytearray], dict[str, Any] | None]
"""From a body to what it holds, None where it is no JSON object."""


@dataclass(slots=True)
class Counters:
    """What a client did, for the progress line and the summary."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, *, requests: int = 0, retries: int = 0, size: int = 0) -> None:
        """Count; safe from several threads."""
        with self.lock:
            self.requests += requests
            self.retries += retries
            self.bytes += size


@functools.cache
def _trust(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Return which certificates are trusted, read once for each setting: it takes 20 ms (measured 2026-11)."""
    return httpx2.create_ssl_context()


def _client(base_url: str, timeout: float, connections: int, transport: httpx2.BaseTransport | None) -> httpx2.Client:
    # HTTP_PROXY must not see the key on its way to this machine.
    host = httpx2.URL(base_url).host
    direct = {f"all://[{host}]" if ":" in host else f"all://{host}": None}
    try:
        return httpx2.Client(
            timeout=timeout,
            verify=_trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
            mounts=direct if is_local(base_url) else None,
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"Accept": "application/json", "User-Agent": f"tallybook/{__version__}"},
            follow_redirects=False,
            transport=transport,
        )
    except (ImportError, OSError, ValueError) as exc:
        raise SettingsError(
            f"The connection cannot be set up ({type(exc).__name__}: {exc}). Check HTTPS_PROXY, ALL_PROXY and "
            "SSL_CERT_FILE in the environment; proxies are http:// or https://, a certificate file must exist."
        ) from exc


class Http:
    """GETs below one base URL with one key. Safe to share between threads; a context manager."""

    def __init__(
        self,
        base_url: str,
        key: AdminKey,
        clock: Clock,
        *,
        timeout: float = 30.0,
        deadline: float = 600.0,
        connections: int = 4,
        allow_hosts: Iterable[str] = (),
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`timeout` bounds one attempt, `deadline` one request with all its retries, both in seconds."""
        self.base_url = check_host(base_url, allow_hosts)
        self.counters = Counters()
        self._key = key
        self._clock = clock
        self._deadline = deadline
        self._not_before = clock.monotonic()
        self._stopped = False
        self._timeout = timeout
        self._answers: list[Fetch] = []
        self.clock_ahead: float | None = None
        """By how many seconds this machine's clock is ahead of the server's, as far as its last answer says."""
        self._client = _client(self.base_url, timeout, connections, transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def stop(self) -> None:
        """Let requests under way end with their next answer, without further retries."""
        self._stopped = True

    def answers(self) -> tuple[Fetch, ...]:
        """Return every answer since the last call, refusals and those that were retried, too."""
        found = tuple(self._answers)
        del self._answers[: len(found)]
        return found

    @property
    def proxy(self) -> str | None:
        """The proxy that requests go through, without credentials; None where they go straight."""
        url = httpx2.URL(self.base_url)
        # The client alone knows what NO_PROXY means to it.
        if self._client._transport_for_url(url) is self._client._transport:  # noqa: SLF001
            return None
        found = getproxies()
        return without_credentials(found.get(url.scheme) or found.get("all", ""))

    def _sleep(self, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        while not self._stopped and (left := until - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, 1.0))

    def get(self, path: str, query: Query = (), decoder: Decoder = decode, *, dataset: str = "") -> Reply:
        """Return the answer to a GET, retrying what may pass until the deadline.

        `dataset` is what answers are listed under; the last word of the path where it is not given.
        Raises a `ProviderError`: `AuthenticationError`, `PermissionDeniedError` and `RequestRefusedError` at once,
        `RateLimitError`, `UnreachableError` and `UnexpectedResponseError` when retrying did not help.
        """
        began = self._clock.monotonic()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(RetryableError),
            wait=self._wait,
            stop=lambda state: self._give_up(state, began),
            sleep=self._sleep,
            before_sleep=lambda _: self.counters.add(retries=1),
            reraise=True,
        )
        attempts = itertools.count(1)
        try:
            reply: Reply = retrying(
                self._attempt, dataset, path, urlencode(query), decoder, began + self._deadline, attempts
            )
        except RetryableError as exc:
            error = exc.error
        else:
            return replace(reply, seconds=self._clock.monotonic() - began)
        raise error

    def _attempt(
        self, dataset: str, path: str, query: str, decoder: Decoder, until: float, attempts: Iterator[int]
    ) -> Reply:
        number = next(attempts)
        self._pause(until)
        began_at, started = self._clock.now(), self._clock.monotonic()
        url = f"{self.base_url}/{path}" + (f"?{query}" if query else "")
        self.counters.add(requests=1)
        failure = ""
        try:
            status, headers, body = self._answer(url)
        except (httpx2.TransportError, httpx2.DecodingError) as exc:
            failure = f"{type(exc).__name__}: {self._key.redact(str(exc))}".rstrip(": ")
        # Outside the except block, so that the foreign exception, which holds the request and its headers,
        # is not carried along as context.
        if failure:
            raise RetryableError(UnreachableError(f"No usable answer from {self.base_url}: {failure}."), attempts=6)
        self.counters.add(size=len(body))
        self._compare_clocks(headers, began_at)
        request_id = headers.get("x-request-id")
        request_id = self._key.redact(request_id) if request_id else None
        digest = hashlib.sha256(body).hexdigest()
        seconds = self._clock.monotonic() - started
        answer = Fetch(
            dataset or path.rpartition("/")[2],
            path,
            query,
            began_at,
            seconds,
            number,
            status,
            len(body),
            digest,
            request_id,
        )
        self._answers.append(answer)
        if status != 200:
            self._refuse(Facts(status, said_by(body, self._key), request_id), headers)
        data = decoder(body)
        if data is None:
            raise RetryableError(NotJsonError(self._not_json(headers), request_id=request_id), attempts=3)
        return Reply(answer, answer.seconds, body, data)

    def _answer(self, url: str) -> tuple[int, httpx2.Headers, bytearray]:
        """Return status, headers and body; a body that trickles in does not outlast the time-out either."""
        until = self._clock.monotonic() + self._timeout
        with self._client.stream("GET", url, headers={"Authorization": self._key.header}) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if self._clock.monotonic() > until:
                    raise httpx2.ReadTimeout(f"the answer took longer than {self._timeout:.0f} s")
            return response.status_code, response.headers, body

    def _compare_clocks(self, headers: httpx2.Headers, began_at: dt.datetime) -> None:
        try:
            there = email.utils.parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError, TypeError):
            return
        there = there.replace(tzinfo=there.tzinfo or dt.UTC)
        # Their answer was made between the request and now, and its date has whole seconds.
        here = began_at + (self._clock.now() - began_at) / 2
        self.clock_ahead = (here - there).total_seconds() - 0.5

    def _pause(self, until: float) -> None:
        """Wait as long as the server has asked all to wait; not at all where that is beyond the deadline."""
        left = self._not_before - self._clock.monotonic()
        if left <= 0:
            return
        if self._clock.monotonic() + left > until:
            raise rate_limited(Facts(429, Said(), None), left, self._deadline)
        self._sleep(left)

    def _refuse(self, facts: Facts, headers: httpx2.Headers) -> NoReturn:
        status, said = facts.status, facts.said
        wait = retry_after(headers, self._clock.now())
        if status == 429 and not said.is_quota:
            self._not_before = max(self._not_before, self._clock.monotonic() + (wait or 0.5))
            raise RetryableError(rate_limited(facts, wait, self._deadline), wait=wait)
        if status in {408, 409} or status >= 500:
            text = f"{self.base_url} answered HTTP {status} again and again. {said.text}"
            raise RetryableError(UnreachableError(text.strip(), **facts.fields), wait=wait, attempts=6)
        raise explain(facts, self.base_url)

    def _not_json(self, headers: httpx2.Headers) -> str:
        kind = self._key.redact(headers.get("content-type", "no content type").split(";")[0])[:60]
        return (
            f"The answer from {self.base_url} is not JSON but {kind}. "
            "A proxy or a login page may stand in between: check base_url and HTTPS_PROXY."
        )

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, RetryableError) else None
        jitter = random.uniform(0.75, 1.0)  # noqa: S311
        if asked:
            return asked + 1 - jitter
        return float(min(30.0, 0.5 * 2 ** min(state.attempt_number - 1, 6)) * jitter)

    def _give_up(self, state: tenacity.RetryCallState, began: float) -> bool:
        if self._stopped:
            return True
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RetryableError) and error.attempts and state.attempt_number >= error.attempts:
            return True
        return self._clock.monotonic() - began + state.upcoming_sleep > self._deadline
