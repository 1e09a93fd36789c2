"""`tallybook verify`."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import common, dataset_option, json_flag, of_orgs, org_option, progress_bar
from tallybook.query.spoken import words


@click.command(
    epilog="""\b
Examples:
  tallybook verify
  tallybook verify --since 2026-09-01 --dataset costs --json
"""
)
@click.option("--since", metavar="DATE", help="Only from this day on.  [default: all that the API gives]")
@click.option("--until", metavar="DATE", help="Only up to this day, included.")
@dataset_option
@org_option
@json_flag()
@common
def verify(
    since: str | None,
    until: str | None,
    datasets: tuple[str, ...],
    orgs: tuple[str, ...],
    as_json: bool,
    book: str | None,
    config: str | None,
) -> int:
    """Prove what is held: compare it with control totals.

    A control total is a day read ungrouped; one request gives 31 of them. Only stable days are compared. A day that
    differs is read again in full and compared again. Exit code 1 means that one still differs, or that something could
    not be read.
    """
    import tallybook

    opened = tallybook.open(book, config=config)
    with progress_bar() as bar:
        summary = opened.verify(since=since, until=until, datasets=words(datasets), orgs=words(orgs), progress=bar)
    if as_json:
        each = [one.as_dict() | {"days": one.control.runs() if one.control else {}} for one in summary.each]
        click.echo(json.dumps({**of_orgs(each), "book": opened.store.url}, indent=2))
        return summary.exit_code
    from tallybook.show.verified import verify_text

    click.echo("\n\n".join(verify_text(one, opened.store.url) for one in summary.each))
    return summary.exit_code
