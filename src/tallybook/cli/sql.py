"""`tallybook sql`."""

from __future__ import annotations

import sys

import click

from tallybook.cli.run import common, json_flag


@click.command(
    epilog="""\b
Examples:
  tallybook sql "SHOW TABLES"
  tallybook sql "DESCRIBE v_bill_monthly"
  tallybook sql "SELECT day, SUM(amount) AS n FROM v_costs_daily GROUP BY 1"
  tallybook sql --format csv "FROM v_tokens WHERE day >= '2026-01-01'"
"""
)
@click.argument("statement")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="How to print it.",
)
@json_flag("The same as --format json.")
@common
def sql(statement: str, form: str, as_json: bool, book: str | None, config: str | None) -> None:
    """Ask the book in SQL: one SELECT of DuckDB's over the public tables and views.

    They are usage, costs, v_usage_daily, v_tokens, v_costs_daily and v_bill_monthly; docs/schema.md explains them.
    Nothing can be written, and no other file or host is read. STATEMENT may be -, which reads it from standard input.

    Sums are what was read, whether or not all of it was: `tallybook query` also says what is missing.
    """
    import tallybook
    from tallybook.show import rows

    text = sys.stdin.read() if statement == "-" else statement
    with tallybook.open(book, config=config) as opened:
        found = opened.sql(text)
    forms = {"table": rows.rows_text, "json": rows.rows_json, "csv": rows.rows_csv}
    printed = forms["json" if as_json else form](found)
    click.echo(printed, nl=not printed.endswith("\n"))
