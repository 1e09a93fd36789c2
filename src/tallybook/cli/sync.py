"""`tallybook sync`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from tallybook.cli.run import common, dataset_option, json_flag, note, of_orgs, org_option, progress_bar
from tallybook.query.spoken import words

if TYPE_CHECKING:
    from tallybook.model.windows import Window


@click.command(
    epilog="""\b
Examples:
  tallybook sync
  tallybook sync --since 2026-09-01 --dataset costs --dataset completions
  tallybook sync --org default
  tallybook sync --dry-run
"""
)
@click.option("--since", metavar="DATE", help="Only from this day on, whatever the API still gives.")
@click.option("--until", metavar="DATE", help="Only up to this day, included.")
@dataset_option
@org_option
@click.option("--full", is_flag=True, help="Read stable days again, too, and ask again for what was refused.")
@click.option("--dry-run", is_flag=True, help="Show what would be read, and ask the API nothing.")
@json_flag("Print the summary as JSON.")
@common
def sync(
    since: str | None,
    until: str | None,
    datasets: tuple[str, ...],
    orgs: tuple[str, ...],
    full: bool,
    dry_run: bool,
    as_json: bool,
    book: str | None,
    config: str | None,
) -> int:
    """Bring the book up to date from the API.

    The first run reads the last year by day, then by hour; it can be interrupted and resumed. Later runs read
    what is new and what may still change. Several organizations are read one after another. Exit code 1 means
    that something failed which a later run may get.
    """
    import tallybook

    opened = tallybook.open(book, config=config)
    if dry_run:
        names = [org.name for org in opened.settings.chosen(words(orgs))]
        plans = {n: opened.plan(since=since, until=until, datasets=words(datasets), full=full, org=n) for n in names}
        click.echo(_plans_json(plans) if as_json else _plans_text(plans))
        return 0
    from tallybook.show.text import sync_summary

    with progress_bar() as bar:
        summary = opened.sync(
            since=since, until=until, datasets=words(datasets), orgs=words(orgs), full=full, progress=bar
        )
    if as_json:
        click.echo(json.dumps(summary.as_dict() | {"book": opened.store.url}, indent=2))
    else:
        click.echo(sync_summary(summary, opened.store.url))
    if summary.failures:
        note("Some windows failed; run `tallybook sync` again to get them.")
    return summary.exit_code


Plan = Sequence[tuple[str, "Window"]]


def _plans_json(plans: Mapping[str, Plan]) -> str:
    several = len(plans) > 1
    each = [
        ({"org": org} if several else {})
        | {"requests": len(plan), "windows": [{"dataset": name, "window": str(window)} for name, window in plan]}
        for org, plan in plans.items()
    ]
    return json.dumps(of_orgs(each), indent=2)


def _plans_text(plans: Mapping[str, Plan]) -> str:
    lines = []
    for org, plan in plans.items():
        lines += [f"Organization {org!r}:"] if len(plans) > 1 else []
        for (name, width), n in Counter((name, window.width) for name, window in plan).items():
            lines.append(f"{name:<26} {n:>5} {'window' if n == 1 else 'windows'} of {width} buckets")
    return "\n".join([*lines, f"{sum(map(len, plans.values())):,} requests for data in all, {_MORE}"])


_MORE = (
    "more only where the server splits a page or refuses a grouping; "
    "and for names, once an hour, two and one for each project, once a day about two more for each project and one "
    "for each group; and for control totals, once a day, one for each dataset."
)
