"""Bad input: one clear paragraph on stderr, the right exit code, the book as it was, the key nowhere."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import KEY, Run, ago, serving


@pytest.fixture
def book(folder: Path, synced: Path) -> Path:
    """A book of the last four days, in the folder where commands are run."""
    path = folder / "tallybook.duckdb"
    path.write_bytes(synced.read_bytes())
    return path


@pytest.fixture(autouse=True)
def everything_logged() -> Iterator[io.StringIO]:
    """Keep all that is logged, as -vv prints it."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


LATER = "2099-01-01"
SETTINGS = {
    "[[org]]\nname = 'a'\n[[org]]\nname = 'b'\n": "'a' and 'b' have the same key (key_env).",
    "[sync]\nhistry_width = '1h'\n": "unknown setting 'histry_width' in [sync]. Did you mean `history_width`?",
    "[sync]\nhistory_width = '2h'\n": "sync.history_width must be 1m, 1h or 1d, in quotes.",
    "[sync]\ndatasets = ['cost']\n": "unknown 'cost'. Did you mean `costs`?",
    "book = \n": "is not valid TOML",
}
WRONG = [
    (["query", "cots"], 2, "Unknown metric 'cots'. Did you mean `cost`?"),
    (["query", "cost", "--by", "modl"], 2, "Unknown dimension 'modl'. Did you mean `model`?"),
    (["query", "cost", "--by", "batch"], 2, "cost has no dimension batch; it has project, user, api_key"),
    (["query", "cost", "--grain", "hour"], 2, "OpenAI bills by UTC day, so costs cannot be told apart within one."),
    (["query", "zzz"], 2, "Known: active_users, cache_hit_rate, cost, input_tokens, output_tokens, requests, tokens."),
    (["query", "cost", "--grain", "fortnight"], 2, "Unknown grain 'fortnight'. Known: day, hour, minute"),
    (["query", "cost", "--where", "project"], 2, "where 'project' is not DIMENSION=VALUE."),
    (["query", "cost", "--where", "project=\udcff"], 2, "where project takes a text"),
    (["query", "requests", "--where", "batch=yes"], 2, "where batch is true or false, not 'yes'."),
    (["query", "cost", "--since", LATER], 2, "The range begins in the future, at 2099-01-01"),
    (["query", "cost", "--since", ago(2), "--until", ago(3)], 2, "is not before until"),
    (["query", "cost", "--since", "yesterday"], 2, "'yesterday' is not a date. Write 2026-10-31"),
    (["query", "cost", "--last", "3"], 2, "last='3' is not a length of time."),
    (["query", "cost", "--last", "2d", "--period", "today"], 2, "Say the time in one way"),
    (["query", "cost", "--since", f"{ago(3)}T05:00Z"], 2, f"costs is held by 1d around {ago(3)}T05:00Z"),
    (["query"], 2, "Missing argument 'METRIC...'. `tallybook query --help` shows what there is."),
    (["query", "cost", "--nope"], 2, "No such option '--nope'"),
    (["query", "cost", "--book", "mysql://x"], 2, "mysql:// is not a kind of book"),
    (["query", "cost", "--config", "nope.toml"], 2, "Cannot read the settings file nope.toml"),
    (["nope"], 2, "No such command 'nope'."),
    (["statis"], 2, "Did you mean `status`"),
    (["sync", "--since", LATER], 2, "since (2099-01-01) is in the future."),
    (["sync", "--since", ago(2), "--until", ago(3)], 2, "is not before until"),
    (["sync", "--dataset", "cost"], 2, "Unknown dataset 'cost'. Did you mean `costs`?"),
    (["sync", "--book", "nowhere/b.duckdb"], 1, "nowhere does not exist"),
    (["fetch", "nope"], 2, "Unknown dataset 'nope'."),
    (["fetch", "costs", "--width", "1h"], 2, "Unknown width of costs '1h'. Known: 1d."),
    (["fetch", "costs", "--where", "model=x"], 2, "Unknown filter of costs 'model'."),
    (["fetch", "completions", "--where", "batch=yes"], 2, "--where batch= takes true or false."),
    (["fetch", "completions", "--since", LATER], 2, "The range begins in the future"),
    (["fetch", "completions", "--last", "23h"], 2, "is not whole buckets of 1d"),
    (["fetch", "costs", "--since", "2020-01-01", "--until", "2020-02-01"], 1, "older than the history"),
    (["demo", "--book", "tallybook.duckdb"], 2, "tallybook.duckdb is there already; the demo makes a new book."),
]


def paragraph(text: str) -> str:
    """Return what was said if it is one paragraph and begins as all errors do."""
    assert text.startswith("Error: ")
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    assert "Traceback" not in text
    assert ".. " not in text
    return text


@pytest.mark.parametrize(("words", "code", "text"), WRONG, ids=[ascii(" ".join(words)) for words, _, _ in WRONG])
def test_wrong_words_are_one_paragraph_and_leave_the_book_as_it_was(
    tally: Run, book: Path, words: list[str], code: int, text: str
) -> None:
    before = book.read_bytes()
    ended = tally(*words)
    assert text in paragraph(ended.err)
    assert (ended.code, ended.out) == (code, "")
    assert book.read_bytes() == before
    assert KEY not in ended.err


@pytest.mark.parametrize("verb", ["sync", "query", "status", "doctor", "fetch"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_wrong_settings_name_file_key_and_what_is_allowed(
    tally: Run, folder: Path, book: Path, settings: str, verb: str
) -> None:
    (folder / "tallybook.toml").write_text(settings)
    before = book.read_bytes()
    ended = tally(verb, *{"query": ["cost"], "fetch": ["costs"]}.get(verb, []))
    assert str(folder / "tallybook.toml") in paragraph(ended.err)
    assert SETTINGS[settings] in ended.err
    assert (ended.code, ended.out) == (2, "")
    assert book.read_bytes() == before


KEYS = [
    ("", 2, "No admin key: the environment variable OPENAI_ADMIN_KEY is empty or not set."),
    ("sk-proj-RECOGNISABLE-0123456789", 2, "is a project or service-account key"),
    ("RECOGNISABLE-0123456789", 1, "does not accept the key (HTTP 401)"),
    (f"{KEY}-no-usage", 1, "Missing scopes: api.usage.read"),
]


@pytest.mark.parametrize(("key", "code", "text"), KEYS)
@pytest.mark.parametrize("verb", ["sync", "fetch"])
def test_a_wrong_key_is_said_and_is_nowhere(
    tally: Run,
    folder: Path,
    book: Path,
    everything_logged: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    key: str,
    code: int,
    text: str,
) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", key)
    with_facts = tally("query", "cost", "requests", "--by", "project", "--json").out
    before = book.read_bytes()
    ended = tally(verb, *(["costs"] if verb == "fetch" else ["--since", ago(2)]), "-vv")
    assert text in paragraph([line + "\n" for line in ended.err.splitlines() if line.startswith("Error: ")][-1])
    assert (ended.code, ended.out) == (code, "")
    if code == 2:
        assert book.read_bytes() == before
    else:
        assert tally("query", "cost", "requests", "--by", "project", "--json").out == with_facts
    for where in (ended.err, everything_logged.getvalue(), *_files(folder)):
        assert "RECOGNISABLE" not in where


def test_the_key_of_a_sync_that_worked_is_nowhere_either(
    tally: Run, folder: Path, everything_logged: io.StringIO
) -> None:
    ended = tally("sync", "--since", ago(1), "--dataset", "costs", "-vv")
    assert ended.code == 0
    asked = tally("status", "--json").out + tally("query", "cost", "--json").out + tally("doctor").out
    for where in (ended.out, ended.err, asked, everything_logged.getvalue(), *_files(folder)):
        assert "RECOGNISABLE" not in where
    assert "GET" in everything_logged.getvalue() or "committed" in everything_logged.getvalue()


def _files(folder: Path) -> list[str]:
    return [path.read_bytes().decode("latin-1") for path in folder.iterdir()]


@pytest.mark.parametrize(
    ("quirk", "text"), [("html", "not JSON but text/html"), ("insufficient-quota", "out of quota")]
)
def test_a_server_that_gives_nothing_of_use_changes_no_fact(
    tally: Run, folder: Path, book: Path, monkeypatch: pytest.MonkeyPatch, quirk: str, text: str
) -> None:
    (folder / "tallybook.toml").write_text('[sync]\ndeadline = "1s"\n')
    facts = tally("query", "cost", "requests", "--by", "project", "--json").out
    with serving(quirk) as broken:
        monkeypatch.setenv("TALLYBOOK_BASE_URL", broken.url)
        ended = tally("sync", "--since", ago(2), "--dataset", "costs,images")
        fetched = tally("fetch", "costs", "--last", "2d")
    assert ended.code == 1
    assert text in " ".join(ended.out.split())
    assert ended.err == "Some windows failed; run `tallybook sync` again to get them.\n"
    assert (fetched.code, fetched.out) == (1, "")
    assert text in paragraph(fetched.err)
    assert tally("query", "cost", "requests", "--by", "project", "--json").out == facts


def test_dates_before_the_reach_of_the_api_are_listed_and_not_a_failure(tally: Run, folder: Path) -> None:
    ended = tally("sync", "--since", "2020-01-01", "--until", "2020-01-10", "--dataset", "costs")
    assert ended.code == 0
    assert "costs 2020-01-01 to 2020-01-10: older than the history that the API gives" in ended.out


def test_a_server_that_is_not_there_is_said(tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "tallybook.toml").write_text('[sync]\ndeadline = "1s"\n')
    monkeypatch.setenv("TALLYBOOK_BASE_URL", "http://127.0.0.1:9/v1")
    ended = tally("fetch", "costs", "--last", "2d")
    assert (ended.code, ended.out) == (1, "")
    assert "127.0.0.1:9" in paragraph(ended.err)


def test_the_key_goes_to_no_host_that_is_not_allowed(tally: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYBOOK_BASE_URL", "https://gateway.example/v1")
    for words in (["sync"], ["fetch", "costs"]):
        ended = tally(*words)
        assert ended.code == 2
        assert "The key is not sent to 'gateway.example'. If that is right, list it" in paragraph(ended.err)
