"""`tallybook report`: a file that is not overwritten by accident, and what is said of it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run, ago


@pytest.fixture
def at(synced: Path) -> tuple[str, ...]:
    return ("--book", str(synced), "--since", ago(2), "--until", ago(1))


def test_a_report_is_written_once(tally: Run, folder: Path, at: tuple[str, ...]) -> None:
    done = tally("report", "-o", "month.html", *at)
    assert (done.code, done.out, done.err) == (0, "month.html\n", "")
    written = (folder / "month.html").read_bytes()
    assert written.startswith(b"<!doctype html>")
    again = tally("report", "-o", "month.html", *at)
    assert again.code == 2
    assert "--force" in again.err
    assert (folder / "month.html").read_bytes() == written
    assert tally("report", "-o", "month.html", "--force", *at).code == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "add -o FILE.html"),
        (("-o", "month.doc"), "the suffix of month.doc is none of them"),
        (("-o", "nowhere/month.html"), "folder"),
        (("-o", "month.html", "--where", "user=user-ada"), "Add --with-people"),
        (("-o", "month.html", "--where", "projct=x"), "projct"),
    ],
)
def test_wrong_words_write_nothing(
    tally: Run, folder: Path, at: tuple[str, ...], arguments: tuple[str, ...], text: str
) -> None:
    done = tally("report", *arguments, *at)
    assert done.code == 2
    assert text in done.err
    assert [*folder.iterdir()] == []


def test_a_book_that_lacks_a_part_says_so(tally: Run, at: tuple[str, ...]) -> None:
    book = at[:2]
    asked = ("report", "-o", "a.html", *book, "--since", ago(9), "--until", ago(1))
    assert tally(*asked, "--strict").code == 1
    done = tally(*asked, "--force")
    assert done.code == 0
    assert "Incomplete: " in done.err


def test_pictures_need_a_browser_and_say_so_first(
    tally: Run, folder: Path, at: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYBOOK_CHROMIUM", "no-such-browser")
    done = tally("report", "-o", "month.pdf", *at)
    assert done.code == 2
    assert "--format html" in done.err
    assert [*folder.iterdir()] == []


def test_without_a_book_a_report_says_how_to_begin(tally: Run, folder: Path) -> None:
    done = tally("report", "-o", "month.html", "--book", str(folder / "none.duckdb"))
    assert done.code == 2
    assert "sync" in done.err
