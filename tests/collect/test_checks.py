"""What doctor finds out about the way to the server and about the key."""

import datetime as dt
import email.utils
from pathlib import Path
from typing import Any

import pytest

from tallybook.collect.answers import without_credentials
from tallybook.collect.checks import Check, doctor
from tallybook.collect.http import Http
from tallybook.model.clock import SystemClock
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Org, Settings
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.collect.server import KEY, Answer, Asked, page, serving

NOW = dt.datetime(2026, 11, 23, 15, 30, 20, tzinfo=dt.UTC)


def found(folder: Path, *, keys: Any = (), date: dt.datetime | None = NOW, base: str = "") -> dict[str, Check]:
    """Check against a server whose clock says `date` and whose list of admin keys is `keys`."""

    def script(asked: Asked) -> Answer:
        headers = {"date": email.utils.format_datetime(date, usegmt=True)} if date else {}
        if asked.path.endswith("/admin_api_keys"):
            return keys if isinstance(keys, Answer) else Answer(200, {"data": list(keys), "has_more": False}, headers)
        return Answer(200, page([]) | {"data": []}, headers)

    with serving(script) as server:
        settings = Settings(org=(Org("acme", base_url=base or server.url),))
        store = DuckDBStore(folder / "b.duckdb")
        checks = doctor(settings, store, FakeClock(NOW), {"OPENAI_ADMIN_KEY": KEY})
    return {check.name: check for check in checks}


@pytest.mark.parametrize("seconds", [-119, 0, 119])
def test_clocks_that_agree_are_well(tmp_path: Path, seconds: int) -> None:
    check = found(tmp_path, date=NOW + dt.timedelta(seconds=seconds))["clock"]
    assert (check.ok, check.found) == (True, "agrees with the server's")


@pytest.mark.parametrize(("seconds", "words"), [(-3600, "3,600 s ahead of"), (3601, "3,602 s behind")])
def test_a_clock_that_is_off_is_a_warning(tmp_path: Path, seconds: int, words: str) -> None:
    check = found(tmp_path, date=NOW + dt.timedelta(seconds=seconds))["clock"]
    assert (check.ok, check.required, check.org) == (False, False, "acme")
    assert check.found == f"this machine's clock is {words} the server's"
    assert "NTP" in check.advice


def test_a_server_that_does_not_tell_the_time_is_not_compared(tmp_path: Path) -> None:
    assert "clock" not in found(tmp_path, date=None)


def listed(redacted: str, **more: Any) -> dict[str, Any]:
    return {"id": f"key_{redacted[-3:]}", "name": "reporting", "redacted_value": redacted, **more}


OTHER = listed("sk-admin-***999")
SOON, LATER = (int((NOW + dt.timedelta(days=n, hours=1)).timestamp()) for n in (13, 14))


@pytest.mark.parametrize(
    ("own", "ok", "text"),
    [
        (listed("sk-admin-***789", expires_at=SOON), False, "'reporting' expires on 2026-12-06, in 13 days"),
        (listed("sk-admin...456789", expires_at=LATER), True, "'reporting' expires on 2026-12-07, in 14 days"),
        (listed("***789", expires_at=None), True, "'reporting' does not expire"),
        (listed("sk-admin-***789", name=None), True, "'key_789' does not expire"),
    ],
)
def test_the_expiry_of_the_key_is_told_where_the_list_names_it(
    tmp_path: Path, own: dict[str, Any], ok: bool, text: str
) -> None:
    check = found(tmp_path, keys=[OTHER, own])["expiry"]
    assert (check.ok, check.found, check.required) == (ok, text, False)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [OTHER],
        [listed("sk-admin-***789", expires_at=SOON), listed("sk-admin-very***789", expires_at=LATER)],
        [listed("sk-admin-***89", expires_at=SOON)],
        [listed("sk-admin-*.*.*", expires_at=SOON)],
        [{"id": "key_1"}],
        Answer(403, {"error": "Missing scopes: api.management.read"}),
    ],
    ids=str,
)
def test_nothing_is_invented_about_a_key_that_is_not_named(tmp_path: Path, keys: Any) -> None:
    checks = found(tmp_path, keys=keys)
    assert "expiry" not in checks
    assert checks["directory"].ok


def http(base: str) -> Http:
    return Http(base, AdminKey(KEY, "here"), SystemClock())


def test_the_proxy_in_use_is_told_without_its_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    api = "https://api.openai.com/v1"
    with http(api) as direct:
        assert direct.proxy is None
    monkeypatch.setenv("HTTPS_PROXY", "http://me:RECOGNISABLE@127.0.0.1:9")
    with http(api) as through, http("http://127.0.0.1:1/v1") as local:
        assert (through.proxy, local.proxy) == ("http://127.0.0.1:9", None)
    checks = found(tmp_path, base=api)
    assert checks["proxy"].found == "http://127.0.0.1:9"
    assert checks["hosts"].found == f"the key is sent to {api} only; no other host is contacted"
    assert not checks["server"].ok
    assert "RECOGNISABLE" not in repr(checks)
    monkeypatch.setenv("NO_PROXY", "openai.com")
    with http(api) as spared:
        assert spared.proxy is None
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setenv("ALL_PROXY", "me:RECOGNISABLE@proxy.example:3128")
    with http(api) as through:
        assert through.proxy == "proxy.example:3128"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://gateway.example/v1", "https://gateway.example/v1"),
        ("http://user:p/a@s?s#@proxy:3128", "http://proxy:3128"),
        ("https://host/path?api-key=secret", "https://host/path"),
        ("", ""),
    ],
)
def test_addresses_are_shown_without_credentials(address: str, shown: str) -> None:
    assert without_credentials(address) == shown
