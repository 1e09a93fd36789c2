"""Where the admin key comes from: four sources, each real; what they give shows up nowhere."""

import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from tallybook.model import keys
from tallybook.model.errors import MissingExtraError, SettingsError
from tallybook.model.keys import admin_key
from tallybook.model.secret import Variables
from tallybook.model.settings import Org, load
from tests.collect.test_key_is_secret import chain

KEY = "sk-admin-RECOGNISABLE-0123456789"
WRONG = "sk-proj-RECOGNISABLE-0123456789"


def whole(error: BaseException) -> str:
    """Return all that a traceback with local variables shows of an error and of those behind it, but for the tests."""
    frames = []
    for one in chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                frames.append(f"{frame.f_code.co_name} {frame.f_locals!r}")
    return "\n".join(frames + [f"{e} {e!r} {e.args!r} {vars(e)!r}" for e in chain(error)])


def key_file(folder: Path, text: str = f"{KEY}\n", mode: int = 0o600) -> Org:
    path = folder / "the key"
    path.write_text(text)
    path.chmod(mode)
    return Org(key_file=str(path))


def printing(*words: str, code: int = 0, said: str = "") -> Org:
    program = f"import sys; print(*{words!r}, sep='\\n'); print({said!r}, file=sys.stderr); sys.exit({code})"
    return Org(key_command=(sys.executable, "-c", program))


class Vault(keyring.backend.KeyringBackend):
    """A keyring of this process."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked(KEY)
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


@pytest.fixture
def vault() -> Iterator[Vault]:
    before, made = keyring.get_keyring(), Vault()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_the_key_comes_from_the_variable_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    org = Org(key_env="MY_KEY")
    assert admin_key(org, {"MY_KEY": "sk-admin-1"}).header == "Bearer sk-admin-1"
    with pytest.raises(SettingsError, match="the environment variable MY_KEY is empty or not set"):
        admin_key(org, {"OPENAI_ADMIN_KEY": "sk-admin-1"})
    monkeypatch.setenv("MY_KEY", KEY)
    assert admin_key(org).header == f"Bearer {KEY}"


def test_the_key_comes_from_a_file_that_only_its_user_may_read(tmp_path: Path) -> None:
    for mode in (0o600, 0o400):
        assert admin_key(key_file(tmp_path, mode=mode)).header == f"Bearer {KEY}"
        (tmp_path / "the key").unlink()


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666, 0o444])
def test_a_key_file_that_is_open_to_others_is_refused_with_the_line_to_type(tmp_path: Path, mode: int) -> None:
    org = key_file(tmp_path, mode=mode)
    with pytest.raises(SettingsError, match=f"open to other users .mode {mode:03o}.* so it is not used") as raised:
        admin_key(org)
    line = str(raised.value).partition("Type: ")[2]
    assert line == f"chmod 600 '{org.key_file}'"
    subprocess.run(line, shell=True, check=True)
    assert admin_key(org).header == f"Bearer {KEY}"


def test_a_key_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    org = key_file(tmp_path)
    status = list(Path(org.key_file).stat())
    assert keys.unsafe(org.key_file, os.stat_result(status)) == ""
    status[4] += 1
    problem = keys.unsafe(org.key_file, os.stat_result(status))
    assert "belongs to another user" in problem
    assert problem.endswith(f"Type: sudo chown {os.geteuid()} '{org.key_file}'")


def test_a_key_file_that_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SettingsError, match="is not a file"):
            admin_key(Org(key_file=str(path)))
    for name in ("none", "a\0b"):
        with pytest.raises(SettingsError, match=r"Cannot read the key file .*key_file in"):
            admin_key(Org(key_file=str(tmp_path / name)))


def test_a_key_file_that_links_to_a_safe_one_is_read(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(key_file(tmp_path).key_file)
    assert admin_key(Org(key_file=str(tmp_path / "link"))).header == f"Bearer {KEY}"


def test_the_key_comes_from_a_command_without_a_shell(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert admin_key(printing(KEY, said="it expires soon")).header == f"Bearer {KEY}"
    assert "it expires soon" in caplog.text
    line = Org(key_command=f"{sys.executable} -c 'print(\"{KEY}\")'")
    assert admin_key(line).header == f"Bearer {KEY}"
    with pytest.raises(SettingsError, match="has characters that no key has"):
        admin_key(Org(key_command=f"echo $HOME; touch {tmp_path}/touched"))
    assert list(tmp_path.iterdir()) == []
    assert KEY not in caplog.text


def test_a_command_that_fails_says_its_exit_code_and_what_it_says_but_never_the_key() -> None:
    org = printing(KEY, code=3, said=f"the vault is locked; {KEY}")
    with pytest.raises(SettingsError) as raised:
        admin_key(org)
    assert str(raised.value) == (
        f"key_command in [[org]]: `{sys.executable}` ended with exit code 3. It says: the vault is locked; [key]"
    )
    with pytest.raises(SettingsError, match=r"exit code 1\. It says: \[key\]$"):
        admin_key(printing(code=1, said=KEY))
    with pytest.raises(SettingsError, match=r"exit code 3\. It says: it was \[key\]$"):
        admin_key(printing("RECOGNISABLE", code=3, said="it was RECOGNISABLE"))
    with pytest.raises(SettingsError, match=r"exit code 7\.$"):
        admin_key(printing(code=7))


def test_what_a_command_printed_is_in_no_text_of_how_it_ended() -> None:
    ended = keys._ended(printing(KEY).key_command)  # type: ignore[arg-type]
    assert KEY in ended.output
    assert KEY not in repr(ended)


def test_a_command_that_cannot_be_run_or_does_not_end_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"`no-such-program` cannot be run \(No such file or directory\)"):
        admin_key(Org(key_command="no-such-program read"))
    with pytest.raises(SettingsError, match="is not a command line: No closing quotation"):
        admin_key(Org(key_command="echo 'x"))
    monkeypatch.setattr(keys, "COMMAND_SECONDS", 0.5)
    endless = f"import sys, time; print('{KEY}', flush=True); sys.stderr.write('touch it'); time.sleep(60)"
    with pytest.raises(SettingsError, match=r"did not end within 0\.5 s\. It says: touch it$") as raised:
        admin_key(Org(key_command=(sys.executable, "-c", endless)))
    assert "RECOGNISABLE" not in whole(raised.value).replace(endless, "")


def test_a_command_that_would_ask_a_question_gets_no_answer() -> None:
    with pytest.raises(SettingsError, match=r"exit code 1\. It says: .*EOF"):
        admin_key(Org(key_command=(sys.executable, "-c", "input()")))


def test_the_key_comes_from_the_keyring(vault: Vault) -> None:
    org = Org(key_keyring="tallybook")
    with pytest.raises(SettingsError, match=r"the keyring's entry tallybook \(`keyring set tallybook admin-key`"):
        admin_key(org)
    keyring.set_password("tallybook", "admin-key", KEY)
    assert admin_key(org).header == f"Bearer {KEY}"
    vault.locked = True
    with pytest.raises(SettingsError, match=r"The keyring cannot be read \(KeyringLocked\)") as raised:
        admin_key(org)
    assert "RECOGNISABLE" not in whole(raised.value)


def test_without_the_library_for_keyrings_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tallybook\[keyring\]'"):
        admin_key(Org(key_keyring="tallybook"))


@pytest.mark.parametrize("source", ["key_env", "key_file", "key_command", "key_keyring"])
@pytest.mark.parametrize("secret", [WRONG, f"{KEY} and more", f"{KEY}\n{KEY}", f"ñ{KEY}"])
def test_what_a_source_gives_is_in_no_error_and_no_traceback_with_variables(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch, source: str, secret: str
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", secret)
    vault.entries["tallybook", "admin-key"] = secret
    (tmp_path / "program").write_text(f"print({secret!r})")
    org = {
        "key_env": Org(),
        "key_file": key_file(tmp_path, secret),
        "key_command": Org(key_command=(sys.executable, str(tmp_path / "program"))),
        "key_keyring": Org(key_keyring="tallybook"),
    }[source]
    with pytest.raises(SettingsError) as raised:
        admin_key(org)
    assert "RECOGNISABLE" not in whole(raised.value)


def test_a_typing_error_in_the_settings_does_not_show_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    (tmp_path / "tallybook.toml").write_text("bok = 1")
    with pytest.raises(SettingsError) as raised:
        load(tmp_path / "tallybook.toml")
    assert "RECOGNISABLE" not in whole(raised.value)


def test_the_environment_is_read_but_not_shown() -> None:
    variables = Variables({"A": KEY})
    assert (variables["A"], list(variables), len(variables)) == (KEY, ["A"], 1)
    assert KEY not in f"{variables} {variables!r}"
