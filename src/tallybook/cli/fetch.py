"""`tallybook fetch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallybook.cli import offers
from tallybook.cli.output import output_options, target
from tallybook.cli.run import common, note, progress_bar, time_options
from tallybook.query.spoken import pairs, words

if TYPE_CHECKING:
    from tallybook.show.result import Fetched

_SHOWN = 20


@click.command(
    epilog="""\b
Examples:
  tallybook fetch completions --last 7d --group-by model
  tallybook fetch costs --period last-month --group-by line_item --format csv
  tallybook fetch completions --last 24h --width 1h --where batch=true --json
"""
)
@click.argument("dataset", shell_complete=offers.datasets)
@click.option("--width", default="1d", show_default=True, metavar="WIDTH", help="Length of a bucket: 1m, 1h or 1d.")
@click.option("--group-by", multiple=True, metavar="DIM", help="OpenAI's names: model, project_id, …")
@click.option("--where", multiple=True, metavar="DIM=VALUE", help="Filter by id, not by name; repeat for alternatives.")
@time_options
@click.option("--org", metavar="NAME", help="Which organization, where the settings have several.")
@click.option("--allow-partial", is_flag=True, help="Print what there is even if something is missing.")
@output_options
@common
def fetch(
    dataset: str,
    width: str,
    group_by: tuple[str, ...],
    where: tuple[str, ...],
    last: str | None,
    period: str | None,
    since: str | None,
    until: str | None,
    org: str | None,
    allow_partial: bool,
    form: str | None,
    as_json: bool,
    output: str | None,
    force: bool,
    book: str | None,  # noqa: ARG001 - fetch keeps nothing; the option is there so that any command line can have it
    config: str | None,
) -> int:
    """Fetch DATASET straight from the API, without a book.

    All pages are read, or nothing is printed. Amounts have all their digits in every format but table and xlsx.
    """
    import tallybook

    to = target(form, as_json=as_json, output=output, force=force)
    filters = {name: _value(name, values) for name, values in pairs(where).items()}
    with progress_bar() as bar:
        found = tallybook.fetch(
            dataset,
            width=width,
            group_by=words(group_by),
            where=filters,
            last=last,
            period=period,
            since=since,
            until=until,
            allow_partial=allow_partial,
            org=org,
            config=config,
            progress=bar,
        )
    to.put(found, lambda: _table(found))
    for remark in found.notes:
        note(f"Note: {remark}")
    for gap in found.missing:
        note(f"Missing: {gap}")
    return 1 if found.missing else 0


def _value(name: str, values: list[str]) -> bool | list[str]:
    if name != "batch":
        return values
    if values not in (["true"], ["false"]):
        raise click.UsageError("--where batch= takes true or false.")
    return values == ["true"]


def _table(found: Fetched) -> str:
    from tallybook.show.text import fetched_text

    return fetched_text(found, _SHOWN)
