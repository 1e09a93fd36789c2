"""`tallybook migrate`."""

from __future__ import annotations

import click

from tallybook.cli.run import common


@click.command(
    epilog="""\b
Examples:
  tallybook migrate
  tallybook migrate --sql --book postgresql://ada@db.example.com/usage
"""
)
@click.option("--sql", is_flag=True, help="Only print the SQL that makes a new book on PostgreSQL; asks no server.")
@common
def migrate(sql: bool, book: str | None, config: str | None) -> None:
    """Make a book, or bring an older one up to date. `tallybook sync` does so, too.

    With --sql a DBA gets everything to run by hand: roles, tables, views, rights and comments.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        if sql:
            click.echo(opened.store.ddl(), nl=False)
        else:
            opened.store.migrate()
            click.echo(f"{opened.store.url} is up to date.")
