"""`tallybook proof`."""

from __future__ import annotations

import json

import click

from tallybook.cli import offers
from tallybook.cli.run import common, json_flag
from tallybook.query.spoken import pairs

_DATASET = "costs, completions, …, or costs_by_api_key."


@click.command(
    epilog="""\b
Examples:
  tallybook proof --dataset costs --day 2026-11-20
  tallybook proof --dataset completions --day 2026-11-20 --where batch=true
  tallybook proof --dataset costs_by_user --day 2026-11-20 --json
"""
)
@click.option("--dataset", required=True, metavar="NAME", help=_DATASET, shell_complete=offers.datasets)
@click.option("--day", required=True, metavar="DATE", help="A day, UTC.")
@click.option("--where", multiple=True, metavar="DIM=VALUE", help="Only this id or name; repeat for alternatives.")
@click.option("--rows", default=10, show_default=True, type=click.IntRange(0), help="How many raw rows to show.")
@click.option("--org", metavar="NAME", help="Which organization, where there are several.")
@json_flag("Print JSON, with all rows exactly as they came.")
@common
def proof(
    dataset: str,
    day: str,
    where: tuple[str, ...],
    rows: int,
    org: str | None,
    as_json: bool,
    book: str | None,
    config: str | None,
) -> int:
    """Show what is behind a number: requests, times, hashes and the raw rows as they came.

    Every hash and every sum is computed again from the raw buckets that the book keeps (pages.keep in the settings).
    Exit code 1: bytes are damaged, or the book holds something else than what was given.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = opened.proof(dataset, day, where=pairs(where), org=org)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        from tallybook.show.proofs import proof_text

        click.echo(proof_text(found, rows=rows))
    return 1 if found.damaged or found.differs else 0
