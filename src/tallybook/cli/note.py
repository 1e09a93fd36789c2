"""`tallybook note`: what happened when, in the user's own words."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import common, json_flag


@click.group(
    epilog="""\b
Examples:
  tallybook note add 2026-11-04 "loop in the batch job"
  tallybook note list
""",
    no_args_is_help=False,
)
@click.help_option("-h", "--help")
def note() -> None:
    """Mark a day or moment with a text that charts show."""


@note.command()
@click.argument("date")
@click.argument("text")
@json_flag()
@common
def add(date: str, text: str, as_json: bool, book: str | None, config: str | None) -> None:
    """Write TEXT on DATE: a UTC day such as 2026-11-04, or a moment such as 2026-11-04T06:00Z."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        done = opened.add_note(date, text)
    click.echo(json.dumps(done.as_dict(), indent=2) if as_json else f"Note {done.id} on {done.time}: {done.text}")


@note.command("list")
@json_flag()
@common
def list_notes(as_json: bool, book: str | None, config: str | None) -> None:
    """Show all notes, the earliest first."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = opened.notes()
    if as_json:
        click.echo(json.dumps({"notes": [one.as_dict() for one in found]}, indent=2))
        return
    if not found:
        click.echo('There are no notes. `tallybook note add DATE "what happened"` writes one.')
        return
    from tallybook.show.tables import Column, plain, table_text, terminal_width

    columns = [
        Column("id", [one.id for one in found]),
        Column("time", [one.time for one in found]),
        Column("note", [plain(one.text) for one in found], is_label=True),
    ]
    click.echo(table_text(columns, terminal_width()))


@note.command()
@click.argument("id")
@common
def remove(id: str, book: str | None, config: str | None) -> None:  # noqa: A002 - click names it so in the help
    """Remove the note that `tallybook note list` shows with ID."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        gone = opened.remove_note(id)
    click.echo(f"Removed the note on {gone.time}: {gone.text}")
