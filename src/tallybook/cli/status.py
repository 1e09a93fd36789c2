"""`tallybook status`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from tallybook.cli.run import common, json_flag, of_orgs, org_option, time_options
from tallybook.query.spoken import words

if TYPE_CHECKING:
    from tallybook.query.reports.completeness import Completeness


@click.command(
    epilog="""\b
Examples:
  tallybook status
  tallybook status --json
  tallybook status --map
  tallybook status --map --last 30d
"""
)
@org_option
@click.option("--map", "as_map", is_flag=True, help="Show every dataset on every day: stable, missing, …")
@partial(time_options, default="with --map all")
@json_flag()
@common
def status(
    orgs: tuple[str, ...],
    as_map: bool,
    last: str | None,
    period: str | None,
    since: str | None,
    until: str | None,
    as_json: bool,
    book: str | None,
    config: str | None,
) -> None:
    """Show what the book holds, dataset by dataset, and what is missing.

    A dataset is stable up to where everything was read late enough after its end; later buckets are read again.
    """
    import tallybook

    if not as_map and (last, period, since, until) != (None, None, None, None):
        raise click.UsageError("A range of time goes with --map only.")
    with tallybook.open(book, config=config) as opened:
        names = [org.name for org in opened.settings.chosen(words(orgs))]
        if as_map:
            _map([opened.coverage(last=last, period=period, since=since, until=until, org=n) for n in names], as_json)
            return
        held = [opened.status(name) for name in names]
    if as_json:
        click.echo(json.dumps(of_orgs([one.as_dict() for one in held]), indent=2))
        return
    from tallybook.show.text import status_text

    click.echo("\n\n".join(map(status_text, held)))


def _map(found: Sequence[Completeness], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(of_orgs([one.as_dict() for one in found]), indent=2))
        return
    from tallybook.show.heatmap import heatmap

    click.echo("\n\n".join(map(heatmap, found)))
