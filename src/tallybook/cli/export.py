"""`tallybook export`."""

from __future__ import annotations

from functools import partial

import click

from tallybook.cli.run import common, note, org_option, time_options
from tallybook.query.spoken import words
from tallybook.show.export.products import PRODUCTS

_KINDS = "; ".join(f"{name}: {product.about}" for name, product in PRODUCTS.items())


@click.command(
    epilog="""\b
Examples:
  tallybook export bundle usage --period this-year
  tallybook export duckdb usage.duckdb --force
""",
    help=f"""Write the whole book to TARGET, to be opened without tallybook.

    KIND is {_KINDS}.

    Usage, costs and their splits have names beside ids, and each row its status. TARGET appears whole or not at all.
    What is missing is said in it, and on stderr.
    """,
)
@click.argument("kind", type=click.Choice([*PRODUCTS]), metavar="KIND")
@click.argument("target")
@partial(time_options, default="all that is held")
@org_option
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@click.option("--strict", is_flag=True, help="Exit with 1 if something is missing.")
@common
def export(
    kind: str,
    target: str,
    last: str | None,
    period: str | None,
    since: str | None,
    until: str | None,
    orgs: tuple[str, ...],
    force: bool,
    strict: bool,
    book: str | None,
    config: str | None,
) -> int:
    """Write a product and print where it is."""
    import tallybook

    time = {"last": last, "period": period, "since": since, "until": until}
    with tallybook.open(book, config=config) as opened:
        done = opened.export(kind, target, **time, org=words(orgs), force=force)
    click.echo(str(done.path))
    if not done.coverage.complete:
        note(f"Incomplete: {done.coverage.first_gap()}.")
    return 1 if strict and not done.coverage.complete else 0
