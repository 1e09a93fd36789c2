"""The forms that rows can be exported in. This module loads none of their libraries."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tallybook.model.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from tallybook.show.export.content import Content


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file; the module of that name in this package has `write(out, content)`."""

    name: str
    module: str
    suffixes: tuple[str, ...]
    is_text: bool = True
    """Whether it may be printed."""
    has_sidecar: bool = False
    """Whether a file `FILE.coverage.json` beside it says what the rows rest on, because rows are all that it holds."""

    def write(self, out: BinaryIO, content: Content) -> None:
        """Write rows, batch by batch; `out` is a file where this is no text."""
        importlib.import_module(f"tallybook.show.export.{self.module}").write(out, content)


FORMS: dict[str, Form] = {
    form.name: form
    for form in (
        Form("csv", "csv_form", (".csv",), has_sidecar=True),
        Form("json", "json_form", (".json",)),
        Form("jsonl", "jsonl_form", (".jsonl", ".ndjson"), has_sidecar=True),
        Form("parquet", "parquet_form", (".parquet",), is_text=False, has_sidecar=True),
        Form("xlsx", "xlsx_form", (".xlsx",), is_text=False),
        Form("markdown", "markdown_form", (".md", ".markdown")),
    )
}
"""Every form by name."""


def form_of(path: Path, name: str | None = None) -> Form:
    """Return the form called `name`, or else that of the path's suffix; raises `UnknownNameError`, `UsageError`."""
    if name is not None:
        if name not in FORMS:
            raise UnknownNameError("format", name, FORMS)
        return FORMS[name]
    for form in FORMS.values():
        if path.suffix.lower() in form.suffixes:
            return form
    known = ", ".join(suffix for form in FORMS.values() for suffix in form.suffixes)
    raise UsageError(f"The name {str(path)!r} does not say which format is meant. Use one of {known}, or name it.")


def printable(form: Form) -> None:
    """Raise `UsageError` where a form is no text."""
    if not form.is_text:
        texts = ", ".join(f.name for f in FORMS.values() if f.is_text)
        raise UsageError(f"{form.name} cannot be printed. Name a file with -o, or choose {texts}.")
