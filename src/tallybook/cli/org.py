"""`tallybook org`: which organizations a book holds, and another name for one."""

from __future__ import annotations

import datetime as dt
import json

import click

from tallybook.cli.run import common, json_flag, note


@click.group(
    epilog="""\b
Examples:
  tallybook org list
  tallybook org rename default acme
""",
    no_args_is_help=False,
)
@click.help_option("-h", "--help")
def org() -> None:
    """List the organizations of a book, or rename one."""


@org.command("list")
@json_flag()
@common
def list_orgs(as_json: bool, book: str | None, config: str | None) -> None:
    """Show the organizations of the settings, and what else the book holds."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = opened.organizations()
    if as_json:
        click.echo(json.dumps({"organizations": [one.as_dict() for one in found]}, indent=2))
        return
    from tallybook.show.tables import Column, table_text, terminal_width

    columns = [
        Column("organization", [one.name for one in found], is_label=True),
        Column("key", [one.key or "not in the settings" for one in found], is_label=True),
        Column("projects", [f"{one.projects:,}" for one in found], is_number=True),
        Column("first sync", [_day(one.first_seen) for one in found]),
        Column("last sync", [_day(one.last_sync) for one in found]),
    ]
    click.echo(table_text(columns, terminal_width()))


def _day(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "–"


@org.command()
@click.argument("old")
@click.argument("new")
@common
def rename(old: str, new: str, book: str | None, config: str | None) -> None:
    """Give the organization OLD the name NEW, in every row of the book.

    Two organizations are never made one: NEW must be new. Change the name in tallybook.toml, too.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        opened.rename_org(old, new)
        known = opened.orgs
    click.echo(f"{old!r} is {new!r} now, in every row.")
    if new not in known:
        note(f'The settings do not have it yet: write name = "{new}" in [[org]], else the next sync is refused.')
