"""Settings: what the file may say, and errors that name file, key and allowed values."""

from pathlib import Path

import msgspec
import pytest

from tallybook.model import settings
from tallybook.model.errors import SettingsError, UsageError
from tallybook.model.saved import Feed, Panel
from tallybook.model.settings import Org, Pages, Settings, Sync, Team, load, seconds


def reading(folder: Path, text: str) -> Settings:
    file = folder / "tallybook.toml"
    file.write_text(text)
    return load(file, {})


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    assert load(None, {}, cwd=tmp_path) == Settings()


def test_the_file_is_found_upward_and_its_book_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").write_text('book = "books/a.duckdb"\n[sync]\nlook_back = "2 d"\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    found = load(None, {}, cwd=below)
    assert found.book == str(tmp_path / "books/a.duckdb")
    assert found.path == str(tmp_path / "tallybook.toml")
    assert seconds(found.sync.look_back) == 172_800


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").write_text('book = "a"\n[[org]]\nname = "x"\nbase_url = "https://a"\n')
    environ = {"TALLYBOOK_BOOK": "/b", "TALLYBOOK_BASE_URL": "http://127.0.0.1/v1", "OPENAI_BASE_URL": "https://c"}
    found = load(None, environ, cwd=tmp_path)
    assert (found.book, found.only()) == ("/b", Org("x", base_url="http://127.0.0.1/v1"))
    assert load(None, {"TALLYBOOK_CONFIG": str(tmp_path / "tallybook.toml")}).only().base_url == "https://a"


DURATION = "a duration in quotes, such as 30s, 15m, 6h, 3d or 2w"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[sync]\nhistory_width = "2h"', "sync.history_width must be 1m, 1h or 1d, in quotes."),
        ("[sync]\nhistory_width = 1", "sync.history_width must be 1m, 1h or 1d"),
        ('[sync]\nlook_back = "soon"', f"sync.look_back must be {DURATION}, or auto."),
        ("[sync]\ntimeout = 30", f"sync.timeout must be {DURATION}"),
        ('[sync]\ndeadline = "0s"', f"sync.deadline must be {DURATION}, longer than nothing."),
        ("[sync]\nconcurrency = 17", "sync.concurrency must be a whole number from 1 to 16."),
        ("[sync]\nsince = 2026-01-01", "sync.since must be a day in quotes, such as 2026-01-31, or empty."),
        ('[sync]\nsince = "2026-02-30"', "sync.since must be a day in quotes, such as 2026-01-31, or empty; there is"),
        ('[sync]\ndatasets = "costs"', "sync.datasets must be a list of costs, completions"),
        ('[sync]\ndatasets = ["cost"]', "sync.datasets: unknown 'cost'. Did you mean `costs`"),
        ("[sync]\ndatasets = [1]", "sync.datasets must be a list of costs"),
        ('[[org]]\nname = "a b"', "org.name must be 1 to 63 letters"),
        ("[[org]]\nbase_url = 5", "org.base_url must be an address in quotes"),
        ('org = "x"', "org must be a table [[org]]"),
        ("sync = 5", "sync must be a table [sync]"),
        ("book = 5", "book must be a path or URL in quotes."),
        ('directory = "none"', "directory must be full, names, ids or off, in quotes."),
        ('allow_hosts = "x"', "allow_hosts must be a list of host names"),
        ('path = "x"', "unknown setting 'path'."),
        ('boook = "x"', "unknown setting 'boook'. Did you mean `book`?"),
        ("[sync]\nlookback = 1", "unknown setting 'lookback' in [sync]. Did you mean `look_back`"),
        ('[[org]]\nkey = "x"', "unknown setting 'key' in [org"),
        ("[[org]]\n[[org]]\n", "two [[org]] are called 'default'. Each needs a name of its own."),
        ('[[org]]\nname = "A"\n[[org]]\nname = "a"\nkey_env = "B"', "two [[org]] are called 'a'."),
        ('[[org]]\nname = "a"\n[[org]]\nname = "b"', "'a' and 'b' have the same key (key_env)."),
        ('[[org]]\nkey_file = "k"\nkey_env = "OPENAI_ADMIN_KEY"', "takes its key from key_file and key_env. Keep one."),
        ('[[org]]\nkey_command = ["op"]\nkey_keyring = "k"', "takes its key from key_command and key_keyring."),
        ("org = []", "org is empty; write at least one [[org]], or none of it."),
        ("[[org]]\nkey_file = 5", "org.key_file must be a path in quotes."),
        ("[[org]]\nkey_command = [5]", "org.key_command must be a command line in quotes, or a list such as"),
        ("[[org]]\nkey_keyring = true", "org.key_keyring must be the name of a keyring's service in quotes."),
        ('[teams.Search]\nprojects = "x"', "teams.projects must be a list of ids, names or patterns in quotes."),
        ('[teams.Search]\nproject = ["x"]', "unknown setting 'project' in [teams]. Did you mean `projects`?"),
        ('[teams]\nSearch = "x"', "teams must be a table for each team, such as [teams.Search]."),
        ("[teams.A]\ntags = { unit = 1 }", "teams.tags must be a table of texts, such as { business_unit"),
        (
            '[teams.A]\nvalid_to = "2026-02-30"',
            "teams.valid_to must be a day in quotes, such as 2026-01-31, or empty; th",
        ),
        ("book =", "is not valid TOML"),
    ],
)
def test_a_wrong_setting_names_file_key_and_what_is_allowed(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        reading(tmp_path, text)
    assert words in str(raised.value)
    assert str(tmp_path / "tallybook.toml") in str(raised.value)


def test_a_file_that_is_not_text_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"bad\.toml is not valid TOML"):
        load(tmp_path / "bad.toml", {})
    with pytest.raises(SettingsError, match=r"Cannot read the settings file .*none\.toml"):
        load(tmp_path / "none.toml", {})
    with pytest.raises(SettingsError, match="Cannot read the settings file"):
        load(tmp_path, {})


TABLES = {"org": Org, "sync": Sync, "pages": Pages, "teams": Team, "panel": Panel, "feeds": Feed}


def test_every_setting_says_what_is_allowed() -> None:
    top = {f.name for f in msgspec.structs.fields(Settings)} - {"path"}
    inner = {
        f"{t}.{f.name}"
        for t, kind in (
            ("org", Org),
            ("sync", Sync),
            ("pages", Pages),
            ("teams", Team),
            ("panel", Panel),
            ("feeds", Feed),
        )
        for f in msgspec.structs.fields(kind)
    }
    assert top | inner == set(settings._ALLOWED)


THREE = """
[[org]]
name = "acme"
[[org]]
name = "beta"
key_file = "keys/beta"
[[org]]
name = "gamma"
key_command = ["op", "read", "x"]
"""


def test_there_may_be_several_organizations(tmp_path: Path) -> None:
    found = reading(tmp_path, THREE)
    assert found.orgs == ("acme", "beta", "gamma")
    assert [org.key_source for org in found.org] == ["key_env", "key_file", "key_command"]
    assert [org.name for org in found.chosen()] == ["acme", "beta", "gamma"]
    assert [org.name for org in found.chosen(["gamma", "acme"])] == ["acme", "gamma"]
    assert found.only("beta").name == "beta"
    with pytest.raises(UsageError, match=r"no \[\[org\]\] called 'betta' in the settings. Did you mean `beta`"):
        found.chosen(["betta"])
    with pytest.raises(UsageError, match=r"Say which organization .* Known: acme, beta, gamma"):
        found.only()


def test_another_address_is_for_all_organizations(tmp_path: Path) -> None:
    (tmp_path / "tallybook.toml").write_text(THREE)
    found = load(None, {"TALLYBOOK_BASE_URL": "https://gateway/v1"}, cwd=tmp_path)
    assert {org.base_url for org in found.org} == {"https://gateway/v1"}


def test_one_key_variable_may_serve_organizations_at_different_addresses(tmp_path: Path) -> None:
    text = '[[org]]\nname = "a"\n[[org]]\nname = "b"\nbase_url = "http://127.0.0.1:9/v1"'
    assert reading(tmp_path, text).orgs == ("a", "b")


def test_a_key_file_lies_beside_the_settings_or_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    (beta,) = reading(tmp_path, THREE).chosen(["beta"])
    assert beta.key_file == str(tmp_path / "keys/beta")
    home, absolute = (reading(tmp_path, f'[[org]]\nkey_file = "{name}"').only().key_file for name in ("~/k", "/k"))
    assert (home, absolute) == ("/home/somebody/k", "/k")
    assert reading(tmp_path, "[[org]]").only().key_file == ""


@pytest.mark.parametrize("text", ["", "3", "3 years", "-1d", "1.5h", "d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is not a duration"):
        seconds(text)
