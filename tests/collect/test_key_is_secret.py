"""The admin key reaches the host it is meant for, in one header, and nothing else."""

import copy
import datetime as dt
import logging
import pickle
import traceback
from pathlib import Path

import httpx2
import pytest

from tallybook.collect.answers import check_host
from tallybook.collect.http import Http
from tallybook.model.errors import ProviderError, SettingsError, TallybookError
from tallybook.model.secret import AdminKey
from tallybook.model.settings import load
from tests.clock import FakeClock
from tests.collect.server import KEY, Answer, client


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error with all that it was raised from or during."""
    out: list[BaseException] = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is not None and one not in out:
            out.append(one)
            todo += [one.__cause__, one.__context__]
    return out


def everything_said(error: BaseException) -> str:
    """Return the traceback with all local variables, and the arguments and attributes of the whole chain."""
    trace = traceback.TracebackException.from_exception(error, capture_locals=False)
    return "".join(trace.format()) + "".join(f"{e.args!r} {vars(e)!r} {e!r}" for e in chain(error))


def test_a_key_hides_from_text() -> None:
    key = AdminKey(KEY, "here")
    assert not any(KEY in text for text in (str(key), repr(key), f"{key}", f"{[key]}"))


@pytest.mark.parametrize("carry", [pickle.dumps, copy.copy, copy.deepcopy, lambda k: k.__getstate__()])
def test_a_key_is_neither_pickled_nor_copied(carry: object) -> None:
    with pytest.raises(TypeError, match="admin key"):
        carry(AdminKey(KEY, "here"))  # type: ignore[operator]


@pytest.mark.parametrize("value", ["sk-proj-abcdefgh", "sk-svcacct-abcdefgh", "sk-admin-abc\ndefgh", "sk-admin-ábcd"])
def test_a_wrong_key_is_refused_without_being_quoted(value: str) -> None:
    with pytest.raises(SettingsError, match="The key in the vault") as raised:
        AdminKey(value, "the vault")
    trace = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert value[3:] not in "".join(trace.format()).replace(repr(value), "", 1)


def test_an_empty_key_says_how_to_get_one() -> None:
    with pytest.raises(SettingsError, match=r"OPENAI_ADMIN_KEY is empty or not set\. An organization owner creates"):
        AdminKey(" \n", "OPENAI_ADMIN_KEY")


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}", "code": KEY, "param": KEY}}),
        Answer(403, {"error": f"no {KEY}"}),
        Answer(400, {"error": {"message": KEY * 20}}, {"x-request-id": KEY}),
        Answer(429, {"error": {"message": KEY, "type": "insufficient_quota"}}),
        Answer(500, {"error": KEY}),
        Answer(200, KEY.encode(), {"content-type": KEY}),
        Answer(reset=True),
        Answer(200, {"key": KEY}, cut=True),
        Answer(302, headers={"location": f"https://example.com/{KEY}"}),
    ],
    ids=str,
)
def test_no_error_and_no_log_holds_the_key(clock: FakeClock, caplog: pytest.LogCaptureFixture, answer: Answer) -> None:
    caplog.set_level(logging.DEBUG)
    with client([answer], clock, deadline=5) as (http, _), pytest.raises(ProviderError) as raised:
        http.get("x")
    assert KEY not in everything_said(raised.value)
    assert all(isinstance(e, TallybookError) or type(e).__module__.startswith("tallybook") for e in chain(raised.value))
    headers_received = "receive_response_headers"  # what the server echoes in headers is its own word
    assert not [r for r in caplog.records if KEY in r.getMessage() and headers_received not in r.getMessage()]


def test_a_redirect_is_not_followed(clock: FakeClock) -> None:
    with client([Answer(200, {"stolen": True})], clock) as (_, thief):
        moved = Answer(307, headers={"location": f"{thief.url}/x"})
        with client([moved], clock) as (http, _), pytest.raises(ProviderError, match="does not follow"):
            http.get("x")
        assert thief.asked == []


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://EU.api.openai.com/v1", "https://EU.api.openai.com/v1"),
        ("http://127.0.0.1:8787/v1", "http://127.0.0.1:8787/v1"),
        ("http://localhost/v1", "http://localhost/v1"),
        ("http://[::1]:8787/v1", "http://[::1]:8787/v1"),
        ("https://gateway.example.com", "https://gateway.example.com"),
    ],
)
def test_the_key_goes_to_openai_this_machine_and_listed_hosts(address: str, kept: str) -> None:
    assert check_host(address, ["Gateway.Example.com"]) == kept


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.openai.com/v1",
        "ftp://api.openai.com/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com.example.org/v1",
        "https://notapi.openai.com.evil/v1",
        "https://evilapi.openai.com/v1",
        "https://user:pass@api.openai.com/v1",
        "https://:pass@api.openai.com/v1",
        "https://evil.com\\@api.openai.com/v1",
        "https://evil.com\\.api.openai.com/v1",
        "https://evil.com/.api.openai.com",
        "https://evil.com#.api.openai.com",
        "https://evil.com%2f.api.openai.com/v1",
        "https://evil.com;.api.openai.com/v1",
        "https://api.openai.com/v1?x=1",
        "https://api.openai.com:port/v1",
        "https://api.openai.com:0/v1",
        "https://[::1/v1",
        "https://api.openai.com/v1\n",
        "https://api.openai.com /v1",
        "https://аpi.openai.com/v1",
        "http://127.0.0.1.example.com/v1",
        "https://10.0.0.1/v1",
    ],
)
def test_the_key_goes_nowhere_else(address: str) -> None:
    with pytest.raises(SettingsError):
        check_host(address)


@pytest.mark.parametrize("setting", ["key_env", "key_file", "key_command", "key_keyring", "name", "base_url"])
def test_a_key_written_where_its_source_belongs_is_not_repeated(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "tallybook.toml"
    file.write_text(f'[[org]]\n{setting} = "{KEY}"\n')
    with pytest.raises(SettingsError, match=rf"org\.{setting} ") as caught:
        load(file)
    assert KEY not in everything_said(caught.value)


@pytest.mark.parametrize(
    ("name", "value"), [("ALL_PROXY", "socks5h://127.0.0.1:9"), ("SSL_CERT_FILE", "/nonexistent.pem")]
)
def test_an_environment_that_no_connection_can_be_made_with_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Http("https://api.openai.com/v1", AdminKey(KEY, "here"), FakeClock(dt.datetime(2026, 11, 23, tzinfo=dt.UTC)))


def test_a_proxy_never_sees_the_key_on_its_way_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for base in ("http://[::1]/v1", "http://[::1]:8080/v1", "http://127.0.0.1/v1", "http://localhost:81/v1"):
        with Http(base, AdminKey(KEY, "here"), FakeClock(dt.datetime(2026, 11, 23, tzinfo=dt.UTC))) as http:
            chosen = http._client._transport_for_url(httpx2.URL(f"{base}/organization/costs"))
            assert chosen is http._client._transport
