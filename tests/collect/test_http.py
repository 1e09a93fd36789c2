"""One GET: what is retried, how long, and what the errors say."""

import email.utils

import pytest

from tallybook.model.errors import (
    AuthenticationError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RequestRefusedError,
    UnexpectedResponseError,
    UnreachableError,
)
from tests.clock import FakeClock
from tests.collect.server import KEY, Answer, client, refusal

OK = Answer(200, {"fine": True})
BUSY = {"error": {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}


def test_a_get_carries_the_key_in_one_header_and_the_query_percent_encoded(clock: FakeClock) -> None:
    with client([OK], clock) as (http, server):
        reply = http.get("organization/costs", [("group_by[]", "line_item"), ("limit", "180")])
    assert reply.data == {"fine": True}
    assert (reply.attempts, reply.began_at) == (1, clock.now())
    assert [a.line for a in server.asked] == ["GET /v1/organization/costs?group_by%5B%5D=line_item&limit=180 HTTP/1.1"]
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert (http.counters.requests, http.counters.retries, http.counters.bytes) == (1, 0, len(OK.bytes))


@pytest.mark.parametrize(
    "failure",
    [
        Answer(500, {"error": {"message": "oops"}}),
        Answer(503, b"<html>down</html>", {"content-type": "text/html"}),
        Answer(408),
        Answer(200, {"fine": True}, cut=True),
        Answer(reset=True),
        Answer(200, b'{"fine": tr'),
        Answer(200, b"<html>login</html>", {"content-type": "text/html"}),
        Answer(200, b"[1]"),
        Answer(200, b'{"\x80": 1}'),
        Answer(429, BUSY),
    ],
    ids=lambda a: f"{a.status}{'-cut' * a.cut}{'-reset' * a.reset}-{len(a.bytes)}",
)
def test_what_may_pass_is_asked_again(clock: FakeClock, failure: Answer) -> None:
    with client([failure, failure, OK], clock) as (http, server):
        reply = http.get("x")
    assert (reply.data, reply.attempts) == ({"fine": True}, 3)
    assert len(server.asked) == http.counters.requests == 3
    assert http.counters.retries == 2
    assert 0 < sum(clock.slept) == pytest.approx(reply.seconds)


@pytest.mark.parametrize(
    ("failure", "kind", "requests", "words"),
    [
        (Answer(500, {"error": "boom"}), UnreachableError, 6, "HTTP 500 again and again. It says: boom"),
        (Answer(reset=True), UnreachableError, 6, "No usable answer"),
        (Answer(200, b"<p>", {"content-type": "text/html"}), UnexpectedResponseError, 3, "not JSON but text/html"),
    ],
)
def test_what_does_not_pass_is_explained(
    clock: FakeClock, failure: Answer, kind: type[ProviderError], requests: int, words: str
) -> None:
    with client([failure], clock) as (http, server), pytest.raises(kind, match=words):
        http.get("x")
    assert len(server.asked) == requests
    assert http.counters.retries == requests - 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (refusal("Incorrect key", status=401), AuthenticationError, "Incorrect key"),
        (refusal("Missing scopes: api.management.read.", status=401), PermissionDeniedError, "api.management.read"),
        (Answer(403, {"error": "You have insufficient permissions."}), PermissionDeniedError, "insufficient"),
        (Answer(403, b"<html>"), PermissionDeniedError, "HTTP 403"),
        (refusal("bad start", param="start_time"), RequestRefusedError, "bad start"),
        (Answer(404, {"code": 404, "message": "not found"}), RequestRefusedError, "not found"),
        (Answer(422, {"error": None, "message": "no"}), RequestRefusedError, "It says: no"),
        (Answer(429, {"error": {"code": "insufficient_quota", "message": "pay"}}), RateLimitError, "out of quota"),
        (Answer(429, {"error": {"type": "insufficient_quota", "message": "pay"}}), RateLimitError, "out of quota"),
        (Answer(302, b"", {"location": "http://127.0.0.1:1/"}), UnexpectedResponseError, "does not follow"),
        (Answer(204), UnexpectedResponseError, "without data"),
    ],
)
def test_what_no_retry_mends_is_asked_once(
    clock: FakeClock, answer: Answer, kind: type[ProviderError], words: str
) -> None:
    with client([answer, OK], clock) as (http, server), pytest.raises(kind, match=words) as raised:
        http.get("x")
    assert len(server.asked) == 1
    assert raised.value.status == answer.status
    assert clock.slept == []


def test_an_error_has_code_param_and_request_id(clock: FakeClock) -> None:
    answer = refusal("no", param="group_by", code="invalid_value")
    answer.headers["x-request-id"] = "req_1"
    with client([answer], clock) as (http, _), pytest.raises(RequestRefusedError) as raised:
        http.get("x")
    error = raised.value
    assert (error.status, error.code, error.param, error.request_id) == (400, "invalid_value", "group_by", "req_1")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_obeyed(clock: FakeClock, status: int) -> None:
    with client([Answer(status, BUSY, {"retry-after": "70"}), OK], clock) as (http, _):
        http.get("x")
    assert 70 <= sum(clock.slept) <= 71


def test_retry_after_as_a_date_is_obeyed(clock: FakeClock) -> None:
    date = email.utils.format_datetime(clock.now().replace(minute=32), usegmt=True)
    with client([Answer(429, BUSY, {"retry-after": date}), OK], clock) as (http, _):
        http.get("x")
    assert 120 <= sum(clock.slept) <= 121


def test_retry_after_zero_still_backs_off(clock: FakeClock) -> None:
    with client([Answer(429, BUSY, {"retry-after": "0"})], clock) as (http, server), pytest.raises(RateLimitError):
        http.get("x")
    assert len(server.asked) < 40


def test_a_wait_beyond_the_deadline_is_an_error_at_once(clock: FakeClock) -> None:
    with client([Answer(429, BUSY, {"retry-after": "61"})], clock, deadline=60) as (http, server):
        with pytest.raises(RateLimitError, match="asks to wait 61 s; the deadline is 60 s"):
            http.get("x")
        with pytest.raises(RateLimitError, match="the deadline is 60 s"):
            http.get("y")
    assert len(server.asked) == 1
    assert clock.slept == []


def test_a_wait_asked_of_one_request_holds_back_all(clock: FakeClock) -> None:
    with client([Answer(429, BUSY, {"retry-after": "50"}), OK], clock, deadline=40) as (http, server):
        with pytest.raises(RateLimitError):
            http.get("x")
        clock.advance(20)
        assert http.get("y").data == {"fine": True}
    assert sum(clock.slept) == pytest.approx(30)
    assert [a.path for a in server.asked] == ["/v1/x", "/v1/y"]


def test_429_without_retry_after_is_retried_until_the_deadline(clock: FakeClock) -> None:
    with client([Answer(429, BUSY)], clock, deadline=100) as (http, server), pytest.raises(RateLimitError):
        http.get("x")
    assert 60 < sum(clock.slept) <= 100
    assert 6 < len(server.asked) < 15


def test_a_clock_that_is_set_back_while_an_answer_comes_makes_no_time_less_than_nothing(clock: FakeClock) -> None:
    began_at = clock.now()
    with client([Answer(200, {"fine": True}, during=lambda: clock.jump(-3_600))], clock) as (http, _):
        (answer,) = [http.get("x").answer]
    assert (answer.began_at, answer.seconds) == (began_at, 0)


def test_a_body_that_trickles_in_does_not_outlast_the_time_out(clock: FakeClock) -> None:
    slow = Answer(200, {"fine": True}, during=lambda: clock.advance(31))
    with client([slow, OK], clock, timeout=30) as (http, server):
        assert http.get("x").attempts == 2
    assert len(server.asked) == 2


def test_a_stopped_client_does_not_retry(clock: FakeClock) -> None:
    with client([Answer(500), OK], clock) as (http, server):
        http.stop()
        with pytest.raises(UnreachableError):
            http.get("x")
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_unreachable(clock: FakeClock) -> None:
    with client([OK], clock) as (http, server):
        server.shutdown()
        server.server_close()
        with pytest.raises(UnreachableError, match="ConnectError"):
            http.get("x")


def test_a_proxy_does_not_see_the_key_on_its_way_to_this_machine(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with client([OK], clock) as (http, _):
        assert http.get("x").data == {"fine": True}
