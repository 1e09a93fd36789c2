"""Files and folders that appear whole or not at all: made beside their place under another name, then moved there."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tallybook.model.errors import ExportError, UsageError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Written:
    """New files, which `put` names one after the other; they take their places together."""

    def __init__(self, *, force: bool) -> None:
        self._force = force
        self._files: list[tuple[Path, Path]] = []

    @contextmanager
    def put(self, path: Path) -> Iterator[BinaryIO]:
        """Yield the new content of a file."""
        with safely(self.place(path)) as out:
            yield out

    def place(self, path: Path) -> Path:
        """Return where a file is to be made that becomes `path`."""
        refuse_existing(path, force=self._force)
        temporary = beside(path)
        self._files.append((temporary, path))
        return temporary

    def finish(self) -> None:
        """Move all to their places, or none."""
        done = []
        try:
            for temporary, path in self._files:
                _move(temporary, path, force=self._force)
                done.append(path)
        except BaseException:
            for path in done:
                path.unlink(missing_ok=True)
            raise

    def discard(self) -> None:
        """Remove what was not finished."""
        for temporary, _ in self._files:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextmanager
def safely(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file whose content is on the disk at the end."""
    with path.open("xb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def new_files(path: Path, *, force: bool) -> Iterator[Written]:
    """Yield what takes new files; they are there at the end, and nothing of them where something fails.

    Raises `UsageError` where one of them is there already and `force` is not given, `ExportError` where they cannot
    be written.
    """
    written = Written(force=force)
    try:
        with explained(path):
            yield written
            written.finish()
    finally:
        written.discard()


@contextmanager
def new_folder(path: Path, *, force: bool, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a folder to be filled, which is there at the end, and not where something fails.

    Raises `UsageError` where there is something already, unless that is an empty folder, or with `force` one that
    `is_ours`; `ExportError` where it cannot be written.
    """
    refuse_folder(path, force=force, is_ours=is_ours)
    new, old = beside(path), beside(path)
    try:
        with explained(path):
            new.mkdir()
            yield new
            if path.exists():
                path.rename(old)
            try:
                new.rename(path)
            except BaseException:
                with suppress(OSError):
                    old.rename(path)
                raise
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says into `ExportError`."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise ExportError(f"No space is left for {path}; nothing was written. Free some and try again.") from exc
        raise ExportError(f"Cannot write {path}: {exc.strerror or exc}.") from exc


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise `UsageError` where a file may not be written."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name a file.")
    _must_have_parent(path)
    if not force and os.path.lexists(path):
        raise UsageError(f"{path} is there already, and was left as it is. Overwrite it with --force (force=True).")


def refuse_folder(path: Path, *, force: bool, is_ours: Callable[[Path], bool]) -> None:
    """Raise `UsageError` where a folder may not be written."""
    _must_have_parent(path)
    if not os.path.lexists(path):
        return
    if not path.is_dir():
        raise UsageError(f"{path} is a file. Name a folder.")
    if not any(path.iterdir()) or (force and is_ours(path)):
        return
    advice = (
        "It is no earlier export, so name another" if force else "Replace an earlier export with --force (force=True)"
    )
    raise UsageError(f"{path} is not empty, and was left as it is. {advice}.")


def beside(path: Path) -> Path:
    """Return a name for what becomes `path`, in the same folder."""
    return path.with_name(f".{path.name[:100]}.{uuid.uuid4().hex[:12]}.part")


def _must_have_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise UsageError(f"The folder {path.parent} does not exist. Make it, or name another.")


def _move(temporary: Path, path: Path, *, force: bool) -> None:
    if force:
        temporary.replace(path)
        return
    try:
        # Unlike a move, a link never overwrites what somebody else has put there meanwhile.
        os.link(temporary, path)
    except FileExistsError:
        refuse_existing(path, force=False)
        raise
    except OSError:  # a file system without links
        refuse_existing(path, force=False)
        temporary.replace(path)
