"""Notes on the axis of time: written, listed, removed, and never more than text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.book import Book
from tallybook.book.notes import LONGEST
from tallybook.model.errors import NotABookError, UnknownNameError, UsageError
from tests.books import book_at, day, kept_open
from tests.cli.conftest import Run, hire


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = book_at(tmp_path / "tallybook.duckdb")
    made.store.migrate()
    return made


def test_a_date_is_a_utc_day_and_a_timestamp_a_moment(book: Book) -> None:
    later = book.add_note("2026-11-05T08:00+02:00", " by  hand\n")
    whole = book.add_note("2026-11-04", "loop")
    assert (whole.start, whole.end, whole.time) == (day("2026-11-04"), day("2026-11-05"), "2026-11-04")
    assert (later.start, later.end) == (day("2026-11-05") + 6 * 3600,) * 2
    assert later.as_dict() == {"id": later.id, "time": "2026-11-05T06:00:00Z", "text": "by hand"}
    assert book.notes() == [whole, later]
    assert book.remove_note(whole.id) == whole
    assert book.notes() == [later]


def test_what_is_no_date_no_text_or_no_note_is_an_error_and_changes_nothing(book: Book) -> None:
    kept = book.add_note("2026-11-04", "loop")
    for time, text, said in (
        ("2026-11-31", "x", "is not a date"),
        ("2026-11-04", " \n", "needs a text"),
        ("2026-11-04", "x" * (LONGEST + 1), "at most 500 characters"),
        ("2026-11-04", "a\0b", "control characters"),
        ("2026-11-04", "a\x1b[31mb", "control characters"),
        ("2026-11-04", "\ud800", "control characters"),
    ):
        with pytest.raises(UsageError, match=said):
            book.add_note(time, text)
    with pytest.raises(UnknownNameError, match=f"Unknown note 'nope'. Known: {kept.id}"):
        book.remove_note("nope")
    assert book.notes() == [kept]


def test_without_a_book_there_are_no_notes_and_none_is_created(tmp_path: Path) -> None:
    nothing = book_at(tmp_path / "none.duckdb")
    assert nothing.notes() == []
    with pytest.raises(NotABookError, match="`tallybook sync` creates it"):
        nothing.add_note("2026-11-04", "loop")
    assert list(tmp_path.iterdir()) == []


def test_any_plain_text_comes_back_as_it_was_written(book: Book) -> None:
    plain = st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=200)

    @given(plain)
    def check(text: str) -> None:
        note = book.add_note("2026-11-04", text)
        assert [n.text for n in book.notes() if n.id == note.id][-1] == text

    with kept_open(book):
        check()


def test_who_is_forgotten_goes_from_notes_too(book: Book) -> None:
    hire(Path(book.store.url))
    book.add_note("2026-11-04", "Ada Alder (user-ada, ada@example.com) left")
    done = book.forget("user-ada")
    assert done is not None
    assert [note.text for note in book.notes()] == [f"(forgotten) ({done.pseudonym}, (forgotten)) left"]


def test_the_command_writes_lists_and_removes(
    tally: Run, folder: Path, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert tally("note", "list").out == 'There are no notes. `tallybook note add DATE "what happened"` writes one.\n'
    added = json.loads(tally("note", "add", "2026-11-04", "a long story " * 12, "--json").out)
    shown = tally("note", "list")
    assert (shown.code, shown.err) == (0, "")
    assert f"{added['id']}  2026-11-04  a long story" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    assert json.loads(tally("note", "list", "--json").out) == {"notes": [added]}
    wrong = tally("note", "add", "yesterday-ish", "x")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("Error: 'yesterday-ish' is not a date.")
    assert tally("note", "remove", added["id"]).out.startswith("Removed the note on 2026-11-04: a long story")
    gone = tally("note", "remove", added["id"])
    assert (gone.code, gone.out) == (2, "")
    assert "`tallybook note list`" in gone.err


@pytest.mark.parametrize("verb", ["add", "list", "remove"])
def test_each_has_help_that_fits(tally: Run, verb: str) -> None:
    ended = tally("note", verb, "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
