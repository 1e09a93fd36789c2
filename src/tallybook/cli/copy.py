"""`tallybook copy`."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import FILE, json_flag, logged, progress_bar


@click.command(
    epilog="""\b
Examples:
  tallybook copy book.duckdb new.duckdb
"""
)
@click.argument("source", metavar="FROM", type=FILE)
@click.argument("target", metavar="TO", type=FILE)
@json_flag()
@logged
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy a book, with its history and its proof, into a new one: a path, or postgresql://….

    Every row is compared on both sides by its hash, and every sum at the end. A copy that was cut short goes on when
    the same line is typed again; until it is whole, nobody opens the new book.
    """
    from tallybook.book.copying import copy as copied

    with progress_bar() as bar:
        done = copied(source, target, progress=bar)
    if as_json:
        click.echo(json.dumps(done.as_dict(), indent=2))
        return
    again = f", of which {done.skipped:,} were there already" if done.skipped else ""
    click.echo(f"Copied    {sum(done.rows.values()):,} rows in {done.parts:,} parts{again}")
    click.echo(f"Compared  every row by its hash, and {done.totals:,} sums: equal")
