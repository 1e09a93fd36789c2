"""`tallybook settling`."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import common, json_flag, of_orgs, org_option
from tallybook.query.spoken import words


@click.command(
    epilog="""\b
Examples:
  tallybook settling
  tallybook settling --json
"""
)
@org_option
@json_flag()
@common
def settling(orgs: tuple[str, ...], as_json: bool, book: str | None, config: str | None) -> None:
    """Show how long after its end a bucket still changes, as the book has seen it.

    Of the stable buckets of the last 90 days: how much of the final value was there so many hours after their end, up
    to when a change was still seen, and the look-back that this suggests.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = {org.name: opened.settling(org=org.name) for org in opened.settings.chosen(words(orgs))}
    if as_json:
        each = [{"org": name, "datasets": [s.as_dict() for s in some]} for name, some in found.items()]
        click.echo(json.dumps(of_orgs(each), indent=2))
        return
    from tallybook.show.restated import settling_text

    click.echo("\n\n".join(settling_text(name, some) for name, some in found.items()))
