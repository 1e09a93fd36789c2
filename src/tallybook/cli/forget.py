"""`tallybook forget`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tallybook.cli.run import common, note
from tallybook.model.errors import UsageError

if TYPE_CHECKING:
    from tallybook.query.people import Person


@click.command(
    epilog="""\b
Example:
  tallybook forget ada@example.com --yes
"""
)
@click.argument("user")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def forget(user: str, yes: bool, book: str | None, config: str | None) -> int:
    """Erase USER, said by id, e-mail or name, from the book, and keep every number.

    Names and e-mails go, from all versions of everything; a pseudonym takes the place of the id, so that totals and
    counts stay what they were. Later syncs do not bring the person back. This cannot be undone.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        done = opened.forget(user, confirm=None if yes else _sure)
    if done is None:
        click.echo("Nothing was changed.")
        return 0
    click.echo(f"Forgotten. {done.pseudonym} stands in the place of the id; {done.values:,} values were changed.")
    if not done.traceless:
        note("The file is in use, so what was removed is still in its free blocks; the next sync writes it anew.")
        return 1
    return 0


def _sure(person: Person) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"This would erase {person} for good. Say --yes where nobody can be asked.")
    return click.confirm(f"Erase {person} for good?")
