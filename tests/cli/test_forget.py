"""`tallybook forget`: who is asked, what is said, and what is left."""

from pathlib import Path

import click
import pytest

from tallybook.cli import forget
from tests.books import book_at
from tests.cli.conftest import Run, hire


@pytest.fixture
def path(folder: Path, synced: Path) -> Path:
    """A book that knows Ada."""
    (folder / "tallybook.duckdb").write_bytes(synced.read_bytes())
    hire(folder / "tallybook.duckdb")
    return folder / "tallybook.duckdb"


def knows_ada(path: Path) -> bool:
    return bool(book_at(path).store.rows("directory", {"id": "user-ada"}))


@pytest.mark.parametrize("user", ["user-ada", "ADA@example.com", "ada alder"])
def test_a_person_is_said_by_id_email_or_name(tally: Run, path: Path, user: str) -> None:
    ended = tally("forget", user, "--yes")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Forgotten. user-forgotten-")
    assert "Ada" not in ended.out
    assert not knows_ada(path)
    again = tally("forget", user, "--yes")
    assert (again.code, again.out) == (2, "")
    assert again.err.startswith(f"Error: No user has the id, e-mail or name {user!r}.")


def test_where_nobody_can_be_asked_yes_is_said_beforehand(tally: Run, path: Path) -> None:
    ended = tally("forget", "user-ada")
    assert (ended.code, ended.out) == (2, "")
    assert "would erase user-ada (Ada Alder, ada@example.com) for good. Say --yes" in ended.err
    assert knows_ada(path)


@pytest.mark.parametrize("answer", [False, True])
def test_on_a_terminal_one_is_asked(tally: Run, path: Path, monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    asked = []
    monkeypatch.setattr(forget.sys, "stdin", type("Terminal", (), {"isatty": lambda _: True})())
    monkeypatch.setattr(click, "confirm", lambda text: asked.append(text) or answer)
    ended = tally("forget", "user-ada")
    assert ended.code == 0
    assert asked == ["Erase user-ada (Ada Alder, ada@example.com) for good?"]
    assert (ended.out == "Nothing was changed.\n") is (not answer)
    assert knows_ada(path) is (not answer)


def test_a_book_in_use_is_written_anew_later_and_that_is_said(tally: Run, path: Path) -> None:
    path.with_name("tallybook.duckdb.new").mkdir()
    ended = tally("forget", "user-ada", "--yes")
    assert ended.code == 1
    assert "the next sync writes it anew" in ended.err
    assert not knows_ada(path)
    path.with_name("tallybook.duckdb.new").rmdir()
    before = path.stat().st_ino
    assert tally("sync", "--dataset", "images").code == 0
    assert path.stat().st_ino != before
    assert b"Ada Alder" not in path.read_bytes()


def test_without_a_book_nothing_is_made(tally: Run, folder: Path) -> None:
    ended = tally("forget", "user-ada", "--yes")
    assert ended.code == 2
    assert "There is no book" in ended.err
    assert list(folder.iterdir()) == []
