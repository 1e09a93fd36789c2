"""`tallybook metrics`: what can be asked for, and numbers of the user's own."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import common, json_flag


@click.group(
    epilog="""\b
Examples:
  tallybook metrics
  tallybook metrics --json
  tallybook metrics add orders.csv --name orders --time day --by project
  tallybook metrics list
""",
    invoke_without_command=True,
)
@json_flag()
@common
@click.pass_context
def metrics(context: click.Context, as_json: bool, book: str | None, config: str | None) -> None:
    """List the metrics and dimensions that can be asked for; add numbers of your own, such as orders.

    Without a command: each metric with its kind (flow, level, distinct or ratio), its unit, the datasets that it is
    taken from unless --where dataset=NAME chooses others, and what it means; then each dimension.
    """
    if context.invoked_subcommand is not None:
        if as_json or book or config:
            raise click.UsageError(f"Options go behind {context.invoked_subcommand}.")
        return
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = opened.vocabulary()
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
        return
    from tallybook.show.vocabulary import vocabulary_text

    click.echo(vocabulary_text(found))


@metrics.command(
    epilog="""\b
Examples:
  tallybook metrics add orders.csv --name orders --time day --by project=proj
  tallybook metrics add sales.parquet --name sales --time week --currency eur
"""
)
@click.argument("file", type=click.Path())
@click.option("--name", required=True, metavar="NAME", help="What the metric is called, such as orders.")
@click.option("--time", required=True, metavar="COLUMN", help="The column of days, hours, weeks or months.")
@click.option("--amount", metavar="COLUMN", help="The column of the numbers.  [default: NAME]")
@click.option("--by", multiple=True, metavar="DIM[=COLUMN]", help="A dimension and its column; may be repeated.")
@click.option("--kind", metavar="KIND", help="flow (adds up over time) or level.  [default: flow]")
@click.option("--unit", metavar="WORD", help="What is counted.  [default: NAME]")
@click.option("--currency", metavar="CODE", help="The currency, where it is money: usd, eur, …")
@click.option("--grain", metavar="GRAIN", help="hour, day, week or month.  [default: as the times are]")
@json_flag()
@common
def add(
    file: str,
    name: str,
    time: str,
    amount: str | None,
    by: tuple[str, ...],
    kind: str | None,
    unit: str | None,
    currency: str | None,
    grain: str | None,
    as_json: bool,
    book: str | None,
    config: str | None,
) -> None:
    """Add the numbers of FILE (CSV, Parquet or Arrow) as a metric.

    The metric is replaced from the first bucket of FILE to its last. Nothing is stored where anything is wrong.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        done = opened.add_metric(
            name,
            file,
            time=time,
            by=_dimensions(by),
            amount=amount,
            kind=kind,
            unit=unit,
            currency=currency,
            grain=grain,
        )
    if as_json:
        click.echo(json.dumps(done.as_dict(), indent=2))
        return
    from tallybook.show.business import added_text

    click.echo(added_text(done.definition, done.rows, done.replaced, done.span, done.total))


def _dimensions(texts: tuple[str, ...]) -> dict[str, str]:
    out: dict[str, str] = {}
    for text in texts:
        name, _, column = text.partition("=")
        if name in out:
            raise click.UsageError(f"--by names {name!r} twice.")
        out[name] = column or name
    return out


@metrics.command("list")
@json_flag()
@common
def list_metrics(as_json: bool, book: str | None, config: str | None) -> None:
    """Show the metrics that were added, and where each is known."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        found = opened.own_metrics()
    if as_json:
        click.echo(json.dumps({"metrics": [one.as_dict() for one in found]}, indent=2))
        return
    from tallybook.show.business import metrics_text

    click.echo(metrics_text([(one.definition, one.rows, one.coverage) for one in found]))


@metrics.command()
@click.argument("name")
@common
def remove(name: str, book: str | None, config: str | None) -> None:
    """Remove the added metric NAME with all its numbers."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        gone = opened.remove_metric(name)
    click.echo(f"Removed {name}: {gone.rows:,} rows.")
