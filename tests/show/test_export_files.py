"""Files appear whole or not at all, and nothing is overwritten unasked."""

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tallybook.model.errors import ExportError, StoreError, UsageError
from tallybook.show.export.content import Content
from tallybook.show.export.files import new_files
from tallybook.show.export.forms import FORMS
from tallybook.show.export.save import save
from tests.show.exports import ABOUT, content, one_column

ROWS = one_column(["a", "b"], pa.string())
FORM_NAMES = [*FORMS]


@pytest.mark.parametrize("name", FORM_NAMES)
def test_nothing_is_overwritten_without_force(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rows"
    path.write_text("mine")
    with pytest.raises(UsageError, match=r"is there already, and was left as it is\. Overwrite it with --force"):
        save(content(ROWS), path, FORMS[name])
    assert path.read_text() == "mine"
    assert [*tmp_path.iterdir()] == [path]
    save(content(ROWS), path, FORMS[name], force=True)
    assert path.read_bytes() != b"mine"


def test_neither_is_the_file_beside_it(tmp_path: Path) -> None:
    beside = tmp_path / "rows.csv.coverage.json"
    beside.write_text("mine")
    with pytest.raises(UsageError, match=r"rows\.csv\.coverage\.json is there already"):
        save(content(ROWS), tmp_path / "rows.csv", FORMS["csv"])
    assert [*tmp_path.iterdir()] == [beside]


def test_a_file_that_somebody_else_makes_meanwhile_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with pytest.raises(UsageError, match="is there already"):
        _overtaken(path, overtaken=path)
    assert path.read_text() == "theirs"
    assert [*tmp_path.iterdir()] == [path]


def test_all_files_of_an_export_are_there_or_none(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    with pytest.raises(UsageError, match="b is there already"):
        _overtaken(first, second, overtaken=second)
    assert [*tmp_path.iterdir()] == [second]


def _overtaken(*paths: Path, overtaken: Path) -> None:
    """Write files, one of which somebody else makes before they are finished."""
    with new_files(paths[0], force=False) as files:
        for path in paths:
            with files.put(path) as out:
                out.write(b"ours")
        overtaken.write_text("theirs")


@pytest.mark.parametrize("name", FORM_NAMES)
@pytest.mark.parametrize("error", [StoreError("the book is gone"), KeyboardInterrupt()], ids=["error", "Ctrl+C"])
def test_what_fails_on_the_way_leaves_nothing(tmp_path: Path, name: str, error: BaseException) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield from ROWS.to_batches()
        raise error

    path = tmp_path / "rows"
    path.write_text("what was there before")
    failing = Content(ROWS.schema, broken(), ABOUT, ())
    with pytest.raises(type(error)):
        save(failing, path, FORMS[name], force=True)
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_text() == "what was there before"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("name", FORM_NAMES)
def test_a_full_disk_is_said_and_leaves_nothing(
    tmp_path: Path, name: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(ExportError, match=r"^No space is left for .*; nothing was written\. Free some "):
        save(content(ROWS), tmp_path / "rows", FORMS[name])
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", FORM_NAMES)
def test_a_file_larger_than_the_system_allows_is_said_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    many = one_column([os.urandom(8).hex() for _ in range(30_000)], pa.string())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ExportError, match=r"^No space is left for "):
            save(content(many, 10_000), tmp_path / "rows", FORMS[name])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere/rows.csv", "The folder .*nowhere does not exist. Make it, or name another."),
        (".", "is a folder. Name a file."),
    ],
)
def test_a_place_that_cannot_be_is_named(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        save(content(ROWS), tmp_path / name, FORMS["csv"], force=True)


def test_a_folder_without_permission_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(ExportError, match=r"^Cannot write .*rows\.csv: Permission denied\.$"):
        save(content(ROWS), tmp_path / "rows.csv", FORMS["csv"])


def test_a_file_system_without_links_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    save(content(ROWS), tmp_path / "rows.csv", FORMS["csv"])
    assert {p.name for p in tmp_path.iterdir()} == {"rows.csv", "rows.csv.coverage.json"}
