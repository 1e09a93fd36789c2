"""A book handed over as a whole appears whole or not at all, and takes the place of nothing else."""

import errno
import os
import resource
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from tallybook.book import Book
from tallybook.model.errors import ExportError, UsageError
from tallybook.query.reports import products
from tallybook.store.duckdb import DuckDBStore
from tests.books import hold
from tests.query.handed import KINDS, asked


@pytest.fixture
def small(empty: Book) -> Book:
    hold(empty, "costs", "2026-11-01", "2026-11-02", [{"day": "2026-11-01", "line_item": "x", "amount": Decimal(1)}])
    return empty


def test_a_folder_is_replaced_only_with_force_and_only_if_it_is_an_earlier_export(small: Book, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    small.export("bundle", folder)  # an empty one will do
    (folder / "costs" / "2026-11.parquet").write_text("broken")
    with pytest.raises(UsageError, match=r"is not empty, and was left as it is\. Replace an earlier export "):
        small.export("bundle", folder)
    small.export("bundle", folder, force=True)
    assert len(parquet.read_table(folder / "costs")) == 1
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"It is no earlier export, so name another"):
        small.export("bundle", mine, force=True)
    with pytest.raises(UsageError, match=r"is a file\. Name a folder"):
        small.export("bundle", mine / "thesis.txt", force=True)
    with pytest.raises(UsageError, match=r"The folder .* does not exist"):
        small.export("bundle", tmp_path / "nowhere" / "bundle")
    assert (mine / "thesis.txt").read_text() == "years of work"
    assert {p.name for p in tmp_path.iterdir()} == {"tallybook.duckdb", "bundle", "mine"}


def test_a_snapshot_is_replaced_only_with_force(small: Book, tmp_path: Path) -> None:
    target = tmp_path / "snapshot.duckdb"
    target.write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        small.export("duckdb", target)
    assert target.read_text() == "mine"
    small.export("duckdb", target, force=True)
    assert asked("duckdb", target, "SELECT amount FROM costs") == [{"amount": Decimal(1)}]
    assert {p.name for p in tmp_path.iterdir()} == {"tallybook.duckdb", "snapshot.duckdb"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_fails_on_the_way_leaves_what_was_there(
    small: Book, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "whole"
    small.export(kind, target)
    rows = products.Whole.rows

    def broken(whole: products.Whole, table: products.Table, span: Any) -> pa.RecordBatchReader:
        if table.name == "cost_splits":
            raise KeyboardInterrupt
        return rows(whole, table, span)

    monkeypatch.setattr(products.Whole, "rows", broken)
    with pytest.raises(KeyboardInterrupt):
        small.export(kind, target, force=True)
    assert {p.name for p in tmp_path.iterdir()} == {"tallybook.duckdb", "whole"}
    assert asked(kind, target, "SELECT amount FROM costs") == [{"amount": Decimal(1)}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_said_and_leaves_nothing(book: Book, tmp_path: Path, kind: str) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(ExportError, match=r"^No space is left for .*; nothing was written\. Free some"):
            book.export(kind, tmp_path / "whole")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_cannot_be_put_in_its_place_leaves_the_one_that_was_there(
    small: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    small.export("bundle", folder)
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if target == folder and path.is_dir() and not (path / "mark").exists():
            (path / "mark").touch()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return rename(path, target)

    (folder / "mark").touch()
    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(ExportError, match=r"^Cannot write .*: Input/output error"):
        small.export("bundle", folder, force=True)
    assert (folder / "mark").exists()
    assert {p.name for p in tmp_path.iterdir()} == {"tallybook.duckdb", "bundle"}


def test_all_of_it_is_of_one_moment(small: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(small.store, DuckDBStore)
    rows = products.Whole.rows

    def meanwhile(whole: products.Whole, table: products.Table, span: Any) -> pa.RecordBatchReader:
        hold(
            small, "costs", "2026-11-01", "2026-11-03", [{"day": "2026-11-02", "line_item": "y", "amount": Decimal(9)}]
        )
        return rows(whole, table, span)

    monkeypatch.setattr(products.Whole, "rows", meanwhile)
    small.export("bundle", tmp_path / "whole")
    assert asked("bundle", tmp_path / "whole", "SELECT amount FROM costs") == [{"amount": Decimal(1)}]
    assert small.query("cost", since="2026-11-01").rows()[0]["cost"] == 9
