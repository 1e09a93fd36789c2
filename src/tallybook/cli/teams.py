"""`tallybook teams`: whose the ids of a book are."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import common, json_flag


@click.group(
    epilog="""\b
Examples:
  tallybook teams import teams.csv
  tallybook teams import --from-groups
  tallybook teams list
  tallybook teams export
""",
    no_args_is_help=False,
)
@click.help_option("-h", "--help")
def teams() -> None:
    """Say which team each project, user, key and service account belongs to.

    A CSV file has the columns kind (project, user, api_key, service_account), id, team and, where wanted,
    cost_center, valid_from, valid_to (the first day that a rule does not hold any more) and any further one, a tag.
    An id may also be a name, an e-mail, or a pattern of one such as "Search*".
    """


@teams.command("import")
@click.argument("file", required=False, type=click.Path())
@click.option("--from-groups", is_flag=True, help="Users belong to their OpenAI group.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Only of this group; may be repeated.")
@json_flag()
@common
def import_teams(
    file: str | None, from_groups: bool, groups: tuple[str, ...], as_json: bool, book: str | None, config: str | None
) -> None:
    """Replace the list of teams that the book holds by FILE, by groups, or by both.

    Nothing is stored where anything is wrong. [teams] in the settings stands beside the list.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        done = opened.import_teams(file, from_groups=from_groups, groups=groups or None)
    if as_json:
        click.echo(json.dumps(done.as_dict(), indent=2, ensure_ascii=False))
        return
    from tallybook.show.teams import import_text

    click.echo(import_text(done.rules, done.added, done.removed, done.unmatched))


@teams.command("list")
@json_flag()
@common
def list_teams(as_json: bool, book: str | None, config: str | None) -> None:
    """Show the rules of the settings and of the list that the book holds."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = opened.teams()
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
        return
    from tallybook.show.teams import rules_text

    click.echo(rules_text(found.rules, found.unmatched))


@teams.command()
@common
def export(book: str | None, config: str | None) -> None:
    """Print the list that the book holds as the CSV that imports it again."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        click.echo(opened.teams_csv(), nl=False)
