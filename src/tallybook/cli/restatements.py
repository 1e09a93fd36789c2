"""`tallybook restatements`."""

from __future__ import annotations

import json
from functools import partial

import click

from tallybook.cli.run import common, dataset_option, json_flag, of_orgs, org_option, time_options
from tallybook.query.spoken import words


@click.command(
    epilog="""\b
Examples:
  tallybook restatements
  tallybook restatements --last 30d --dataset costs --json
"""
)
@partial(time_options, default="all")
@dataset_option
@org_option
@json_flag()
@common
def restatements(
    last: str | None,
    period: str | None,
    since: str | None,
    until: str | None,
    datasets: tuple[str, ...],
    orgs: tuple[str, ...],
    as_json: bool,
    book: str | None,
    config: str | None,
) -> None:
    """Show what OpenAI has said differently since, and by how much.

    A restatement is a bucket whose content changed after its end. Shown are when that was seen, the day, how many
    rows changed, vanished or appeared, and the number that tells most. The range of time bounds the days.
    """
    import tallybook

    time = {"last": last, "period": period, "since": since, "until": until}
    with tallybook.open(book, config=config) as opened:
        names = [org.name for org in opened.settings.chosen(words(orgs))]
        found = {name: opened.restatements(**time, datasets=words(datasets), org=name) for name in names}
    if as_json:
        each = [{"org": name, "restatements": [r.as_dict() for r in rows]} for name, rows in found.items()]
        click.echo(json.dumps(of_orgs(each), indent=2))
        return
    from tallybook.show.restated import restatements_text

    click.echo("\n\n".join(restatements_text(name, rows) for name, rows in found.items()))
