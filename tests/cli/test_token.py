"""`tallybook token` and `tallybook dashboard`: what is printed once, what is listed, and what is refused."""

import json
from pathlib import Path

import pytest

from tallybook.book.tokens import digest
from tests.books import book_at
from tests.cli.conftest import Run

SETTINGS = """[feeds.spend]
metric = "cost"
[teams.Search]
projects = ["Search*"]
"""


@pytest.fixture
def path(folder: Path, synced: Path) -> Path:
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    (folder / "tallybook.toml").write_text(SETTINGS)
    return folder / "tallybook.duckdb"


def test_a_token_is_printed_once_alone_and_listed_without_itself(
    tally: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "Unknown token 'board'. There is none." in tally("token", "revoke", "board").err
    assert tally("token", "list").out == "There are no tokens. `tallybook token add NAME` makes one.\n"
    words = ("--where", "team=Search", "--where", "model!=gpt-4*", "--no-people", "--expires", "30d")
    made = tally("token", "add", "board", *words)
    text = made.out.strip()
    assert (made.code, made.out.count("\n")) == (0, 1)
    assert "It is not shown again." in made.err
    assert book_at(path).store.rows("tokens")[0]["hash"] == digest(text)
    feed = json.loads(tally("token", "add", "bi", "--feed", "spend", "--expires", "never", "--json").out)
    assert feed["token"].startswith("tally_")
    shown = tally("token", "list")
    assert (shown.code, shown.err) == (0, "")
    assert "team=Search, model=!gpt-4*, no people" in shown.out
    assert "feed spend" in shown.out
    assert "not yet" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    listed = tally("token", "list", "--json").out
    assert [t["name"] for t in json.loads(listed)["tokens"]] == ["bi", "board"]
    for secret in (text, digest(text), feed["token"]):
        assert secret not in listed + shown.out
    assert tally("token", "revoke", "board").out == "The token board opens nothing any more.\n"
    assert [t["name"] for t in json.loads(tally("token", "list", "--json").out)["tokens"]] == ["bi"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x", "--where", "projct=a"], "Unknown dimension 'projct'. Did you mean `project`"),
        (["x", "--where", "project"], "is not DIMENSION=VALUE"),
        (["x", "--where", "team=Searxh"], "Unknown team 'Searxh'. Did you mean `Search`"),
        (["x", "--where", "project=Searxh"], "Unknown project 'Searxh'"),
        (["x", "--where", "org=default"], "with orgs (--org NAME)"),
        (["x", "--org", "nobody"], "There is no [[org]] called 'nobody'"),
        (["x", "--expires", "soon"], "'soon' is not a duration"),
        (["x", "--expires", "0s"], "A token expires after 1 s to 10 years, or never"),
        (["x", "--expires", "99999w"], "A token expires after"),
        (["x", "--feed", "spent"], "Unknown feed 'spent'. Did you mean `spend`?"),
        (["x y"], "A token cannot be called 'x y'"),
        (["taken"], "There is a token called 'taken' already"),
    ],
)
def test_what_is_wrong_is_2_and_makes_no_token(tally: Run, path: Path, words: list[str], said: str) -> None:
    assert tally("token", "add", "taken").code == 0
    ended = tally("token", "add", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert [token.name for token in book_at(path).tokens()] == ["taken"]
    gone = tally("token", "revoke", "takn")
    assert (gone.code, gone.err) == (2, "Error: Unknown token 'takn'. Did you mean `taken`?\n")


@pytest.mark.parametrize("verb", ["add", "list", "revoke"])
def test_each_has_help_that_fits(tally: Run, verb: str) -> None:
    ended = tally("token", verb, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--trust-header", "X-Forwarded-User"], "--trust-header needs --trusted-proxy"),
        (["--sync", "5s"], "--sync takes a minute or more"),
        (["--sync", "often"], "'often' is not a duration"),
        (["--token-file", "none"], "Cannot read the token file none"),
        (["--root-path", "usage"], "--root-path takes a path"),
    ],
)
def test_a_dashboard_that_cannot_be_as_it_is_asked_for_is_2_and_listens_to_nobody(
    tally: Run, path: Path, words: list[str], said: str
) -> None:
    ended = tally("dashboard", "--port", "0", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_a_dashboard_without_its_libraries_says_what_to_install(
    tally: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ended = tally("dashboard", "--port", "0")
    assert (ended.code, ended.out) == (2, "")
    assert "pip install 'tallybook[dashboard]'" in ended.err


def test_a_browser_is_opened_only_where_somebody_sits_in_front_of_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    from tallybook.cli.dashboard import open_browser

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("sys.platform", "linux")
    for display, is_terminal in ((None, True), (":0", False)):
        monkeypatch.setattr("sys.stdout.isatty", lambda is_terminal=is_terminal: is_terminal, raising=False)
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            monkeypatch.delenv(name, raising=False)
        if display:
            monkeypatch.setenv("DISPLAY", display)
        open_browser("http://127.0.0.1:1/")
    assert opened == []
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    open_browser("http://127.0.0.1:1/")
    assert opened == ["http://127.0.0.1:1/"]
