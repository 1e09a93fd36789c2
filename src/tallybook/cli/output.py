"""Where an answer goes: to the terminal as a table, to standard output in another form, or to a file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallybook.cli.run import FILE, Decorator, json_flag
from tallybook.show.export.files import refuse_existing
from tallybook.show.export.forms import FORMS, form_of, printable

if TYPE_CHECKING:
    from tallybook.show.result import Result

TABLE = "table"


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say in which form, and where to: --format, --json, -o, --force."""
    options: list[Decorator] = [
        click.option(
            "--format",
            "form",
            type=click.Choice([TABLE, *FORMS]),
            metavar="FORMAT",
            help=f"{TABLE} (default), {', '.join(FORMS)}. With -o, the suffix of FILE says it.",
        ),
        json_flag("The same as --format json."),
        click.option("-o", "--output", type=FILE, metavar="FILE", help="Write to FILE instead, and print its name."),
        click.option("--force", is_flag=True, help="Overwrite FILE."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Target:
    """Where an answer is to go."""

    form: str
    output: str | None
    force: bool

    def put(self, result: Result, table: Callable[[], str]) -> None:
        """Print an answer, or save it and print the name of the file."""
        if self.output is not None:
            click.echo(str(result.save(self.output, format=self.form, force=self.force)))
        elif self.form == TABLE:
            click.echo(table())
        else:
            sys.stdout.flush()
            result.write(sys.stdout.buffer, format=self.form)


def target(form: str | None, *, as_json: bool, output: str | None, force: bool) -> Target:
    """Return where an answer is to go; raises `UsageError` before anything is asked for where it cannot go there."""
    form = "json" if as_json else form
    if output is None:
        if form is not None and form != TABLE:
            printable(FORMS[form])
        return Target(form or TABLE, None, force)
    if form == TABLE:
        raise click.UsageError(f"A table is for terminals. Choose another --format for -o: {', '.join(FORMS)}.")
    path = Path(output).expanduser()
    refuse_existing(path, force=force)
    return Target(form_of(path, form).name, output, force)
