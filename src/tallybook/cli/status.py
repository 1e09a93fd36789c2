"""`tallybook status`."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import common, json_flag


@click.command(
    epilog="""\b
Examples:
  tallybook status
  tallybook status --json
"""
)
@json_flag()
@common
def status(as_json: bool, book: str | None, config: str | None) -> None:
    """Show what the book holds, dataset by dataset, and what is missing.

    A dataset is stable up to where everything was read late enough after its end; later buckets are read again.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        held = opened.status()
    if as_json:
        click.echo(json.dumps(held.as_dict(), indent=2))
        return
    from tallybook.show.text import status_text

    click.echo(status_text(held))
