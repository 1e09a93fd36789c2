"""`tallybook doctor` in every state: it says exactly what to change."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import KEY, Ended, Run, Server, serving


def checks(tally: Run) -> tuple[Ended, dict[str, Any]]:
    ended = tally("doctor", "--json")
    return ended, {check["name"]: check for check in json.loads(ended.out)["checks"]}


def test_all_well(tally: Run, folder: Path, server: Server) -> None:
    ended, found = checks(tally)
    assert ended.code == 0
    assert list(found) == ["settings", "book", "key", "hosts", "proxy", "usage", "costs", "directory", "clock"]
    assert {name: check["org"] for name, check in found.items() if check["org"] is None} == {
        "settings": None,
        "book": None,
    }
    assert found["key"]["found"] == "an admin key from the environment variable OPENAI_ADMIN_KEY"
    assert found["hosts"]["found"] == f"the key is sent to {server.url} only; no other host is contacted"
    assert found["proxy"]["found"] == "none"
    assert all(check["ok"] for check in found.values())
    assert "not there yet" in found["book"]["found"]
    text = tally("doctor").out
    assert text.endswith("All well: run `tallybook sync`.\n")
    assert KEY not in text + ended.out
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (None, "No admin key: the environment variable OPENAI_ADMIN_KEY is empty or not set."),
        ("sk-proj-RECOGNISABLE", "is a project or service-account key"),
        ("sk-svcacct-RECOGNISABLE", "is a project or service-account key"),
        ("two words RECOGNISABLE", "has characters that no key has"),
    ],
)
def test_without_a_usable_key_it_prints_what_to_send_to_an_owner(
    tally: Run, monkeypatch: pytest.MonkeyPatch, key: str | None, text: str
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", key or "")
    ended, found = checks(tally)
    assert ended.code == 1
    assert list(found) == ["settings", "book", "key"]
    assert text in found["key"]["found"]
    shown = tally("doctor").out
    assert "Text to send to an owner of the OpenAI organization:" in shown
    assert "api.usage.read" in shown
    assert shown.endswith("Not yet: see above for what to change.\n")
    assert "RECOGNISABLE" not in shown + ended.out + ended.err


def test_a_key_that_the_server_does_not_know(tally: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "RECOGNISABLE-key")
    ended, found = checks(tally)
    assert ended.code == 1
    assert [name for name, check in found.items() if not check["ok"]] == ["server"]
    assert "a key of unknown kind" in found["key"]["found"]
    assert "does not accept the key (HTTP 401)" in found["server"]["found"]
    assert "RECOGNISABLE" not in ended.out + tally("doctor").out


def test_a_key_that_may_not_read_usage(tally: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", f"{KEY}-no-usage")
    ended, found = checks(tally)
    assert ended.code == 1
    assert [name for name, check in found.items() if not check["ok"]] == ["usage", "costs"]
    assert "api.usage.read" in found["costs"]["advice"]


def test_a_key_that_may_not_read_names_is_enough_for_a_sync(tally: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", f"{KEY}-no-management")
    ended, found = checks(tally)
    assert ended.code == 0
    assert [name for name, check in found.items() if not check["ok"]] == ["directory"]
    assert "ids instead of names" in found["directory"]["advice"]


def test_names_that_are_not_wanted_are_not_asked_for(tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", f"{KEY}-no-management")
    (folder / "tallybook.toml").write_text('directory = "off"\n')
    ended, found = checks(tally)
    assert ended.code == 0
    assert found["directory"] == found["directory"] | {"ok": True, "advice": ""}
    assert found["directory"]["found"].startswith("not asked for")


def test_a_gateway_for_model_calls_is_mentioned_and_ignored(tally: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:RECOGNISABLE@gateway.example/v1?key=RECOGNISABLE")
    ended, found = checks(tally)
    assert ended.code == 0
    assert "OPENAI_BASE_URL=https://gateway.example/v1 is ignored" in found["gateway"]["found"]
    assert "RECOGNISABLE" not in ended.out


def test_a_book_that_cannot_be_read(tally: Run, folder: Path) -> None:
    (folder / "tallybook.duckdb").write_text("dear diary")
    ended, found = checks(tally)
    assert ended.code == 1
    assert found["book"]["ok"] is False
    assert found["usage"]["ok"] is True
    assert (folder / "tallybook.duckdb").read_text() == "dear diary"


def test_settings_that_are_used_are_named(tally: Run, folder: Path) -> None:
    (folder / "tallybook.toml").write_text("")
    _, found = checks(tally)
    assert found["settings"]["found"] == str(folder / "tallybook.toml")


@pytest.mark.parametrize("quirk", ["html", "insufficient-quota"])
def test_a_server_that_is_no_api(tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, quirk: str) -> None:
    (folder / "tallybook.toml").write_text('[sync]\ndeadline = "1s"\n')
    with serving(quirk) as broken:
        monkeypatch.setenv("TALLYBOOK_BASE_URL", broken.url)
        ended, found = checks(tally)
    assert ended.code == 1
    assert [name for name, check in found.items() if not check["ok"]] == ["usage", "costs", "directory"]


def test_a_key_file_is_told_with_its_mode_or_how_to_close_it(tally: Run, folder: Path) -> None:
    (folder / "tallybook.toml").write_text('[[org]]\nkey_file = "key"\n')
    (folder / "key").write_text(KEY)
    (folder / "key").chmod(0o644)
    ended, found = checks(tally)
    assert ended.code == 1
    assert f"Type: chmod 600 {folder / 'key'}" in found["key"]["found"]
    assert "Text to send to an owner" not in tally("doctor").out
    (folder / "key").chmod(0o400)
    ended, found = checks(tally)
    assert ended.code == 0
    assert found["key"]["found"] == f"an admin key from the file {folder / 'key'} (mode 400, yours)"


def test_every_organization_is_checked(tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    (folder / "tallybook.toml").write_text('[[org]]\nname = "acme"\n[[org]]\nname = "beta"\nkey_env = "NOT_SET"\n')
    ended = tally("doctor", "--json")
    assert ended.code == 1
    found = json.loads(ended.out)["checks"]
    by_org = {org: [check["name"] for check in found if check["org"] == org] for org in (None, "acme", "beta")}
    assert by_org[None] == ["settings", "book"]
    assert by_org["acme"][0] == "key"
    assert "clock" in by_org["acme"]
    assert by_org["beta"] == ["key"]
    text = tally("doctor").out
    assert "\n\nOrganization 'acme'\nok  key " in text
    assert text.index("Organization 'acme'") < text.index("Organization 'beta'") < text.index("NOT_SET is empty")
