"""The key by every source, from the command line: it works, and shows up in no output, log or file."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from tests.cli.conftest import KEY, Run, ago
from tests.model.test_keys import Vault

LINES = (
    ("sync", "-vv", "--dataset", "costs", "--since", ago(1)),
    ("sync", "--json", "--dataset", "costs", "--since", ago(1)),
    ("doctor", "-vv"),
    ("doctor", "--json"),
    ("status", "--json"),
    ("org", "list", "--json"),
    ("fetch", "costs", "-vv", "--since", ago(1)),
)


@pytest.fixture
def vault() -> Iterator[Vault]:
    before, made = keyring.get_keyring(), Vault()
    keyring.set_keyring(made)
    made.set_password("tallybook", "admin-key", KEY)
    yield made
    keyring.set_keyring(before)


FAILING = [sys.executable, "-c", "import sys; key = open('secret').read(); print(key); sys.exit(key)"]


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setenv("ACME_KEY", KEY)
    monkeypatch.delenv("OPENAI_ADMIN_KEY")
    (folder / "secret").write_text(KEY)
    (folder / "secret").chmod(0o600)
    (folder / "tallybook.toml").write_text(f'[[org]]\nname = "acme"\n{source}\n')


def holding_the_key(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "source",
    ['key_env = "ACME_KEY"', 'key_file = "secret"', 'key_command = "cat secret"', 'key_keyring = "tallybook"'],
)
def test_a_key_from_any_source_works_and_is_nowhere_to_be_seen(
    tally: Run, folder: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    prepare(folder, monkeypatch, source)
    for line in LINES:
        ended = tally(*line)
        assert ended.code == 0, ended.err
        assert KEY not in ended.out + ended.err, line
    assert (folder / "tallybook.duckdb").exists()
    assert holding_the_key(folder) == ["secret"]


def test_a_command_that_fails_and_tells_the_key_is_not_repeated(
    tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(folder, monkeypatch, f"key_command = {json.dumps(FAILING)}")
    for line in LINES[:3]:
        ended = tally(*line)
        assert ended.code in (1, 2)
        assert "ended with exit code 1. It says: [key]" in " ".join((ended.out + ended.err).split())
        assert KEY not in ended.out + ended.err
    assert holding_the_key(folder) == ["secret"]
