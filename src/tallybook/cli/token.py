"""`tallybook token`: who else sees the dashboard, and how much of it."""

from __future__ import annotations

import datetime as dt
import json

import click

from tallybook.cli.run import common, json_flag, note, org_option
from tallybook.query.spoken import pairs, words


@click.group(
    epilog="""\b
Examples:
  tallybook token add board --where project=Research --no-people --expires 30d
  tallybook token list
""",
    no_args_is_help=False,
)
@click.help_option("-h", "--help")
def token() -> None:
    """Give others the dashboard, or a part of it; take it back."""


@token.command()
@click.argument("name")
@click.option("--where", multiple=True, metavar="DIM=VALUE", help="Show only this; may be repeated.")
@click.option("--no-people", is_flag=True, help="Do not tell users, keys and service accounts apart.")
@click.option("--expires", default="90d", show_default=True, metavar="TIME", help="24h, 30d, …, or never.")
@click.option("--feed", metavar="FEED", help="Read this feed of the settings, and nothing else.")
@org_option
@json_flag()
@common
def add(
    name: str,
    where: tuple[str, ...],
    no_people: bool,
    expires: str,
    feed: str | None,
    orgs: tuple[str, ...],
    as_json: bool,
    book: str | None,
    config: str | None,
) -> None:
    """Make a token called NAME, and print it: it is not kept, so nobody can show it again.

    What it may not see is left out by the server, whatever is asked with it.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        made, text = opened.add_token(
            name, where=pairs(where), orgs=words(orgs), people=not no_people, expires=expires, feed=feed
        )
    if as_json:
        click.echo(json.dumps(made.as_dict() | {"token": text}, indent=2))
        return
    click.echo(text)
    note(f"It is not shown again. `tallybook token revoke {name}` closes what it opens.")


@token.command("list")
@json_flag()
@common
def list_tokens(as_json: bool, book: str | None, config: str | None) -> None:
    """Show what each token opens, until when, and when it was last used."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = opened.tokens()
        now = opened.now().replace(tzinfo=None)
    if as_json:
        click.echo(json.dumps({"tokens": [one.as_dict() for one in found]}, indent=2))
        return
    if not found:
        click.echo("There are no tokens. `tallybook token add NAME` makes one.")
        return
    from tallybook.show.tables import Column, plain, table_text, terminal_width

    columns = [
        Column("token", [one.name for one in found], is_label=True),
        Column("shows", [plain(one.shows) for one in found], is_label=True),
        Column("expires", [_day(one.expires_at, "never") if one.holds(now) else "expired" for one in found]),
        Column("last used", [_day(one.used_at, "not yet") for one in found]),
    ]
    click.echo(table_text(columns, terminal_width()))


def _day(moment: dt.datetime | None, nothing: str) -> str:
    return f"{moment:%Y-%m-%d}" if moment else nothing


@token.command()
@click.argument("name")
@common
def revoke(name: str, book: str | None, config: str | None) -> None:
    """Take the token NAME back: what it opened is closed at once."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        opened.revoke_token(name)
    click.echo(f"The token {name} opens nothing any more.")
