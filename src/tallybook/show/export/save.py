"""Rows to a file, or to standard output, in one of the forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

from tallybook.show.export.content import Content
from tallybook.show.export.files import new_files
from tallybook.show.export.forms import Form, printable


def save(content: Content, path: Path, form: Form, *, force: bool = False) -> None:
    """Write rows to a file that appears whole or not at all, with what they rest on beside it where it needs that.

    Raises `UsageError` where the file is there already and `force` is not given, `ExportError` where it cannot be
    written, `MissingExtraError` where the form needs a library that is not installed.
    """
    with new_files(path, force=force) as files:
        if form.has_sidecar:
            with files.put(sidecar(path)) as out:
                about = {"file": path.name, **content.about}
                out.write(json.dumps(about, ensure_ascii=False, indent=2).encode() + b"\n")
        with files.put(path) as out:
            form.write(out, content)


def send(content: Content, out: BinaryIO, form: Form) -> None:
    """Write rows to a stream; raises `UsageError` where the form is no text."""
    printable(form)
    form.write(out, content)


def sidecar(path: Path) -> Path:
    """Return the file beside another that says what its rows rest on."""
    return path.with_name(f"{path.name}.coverage.json")
