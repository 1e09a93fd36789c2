"""`tallybook sync`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tallybook.cli.run import common, json_flag, note, progress_bar, words

if TYPE_CHECKING:
    from tallybook.model.windows import Window


@click.command(
    epilog="""\b
Examples:
  tallybook sync
  tallybook sync --since 2026-09-01 --dataset costs --dataset completions
  tallybook sync --dry-run
"""
)
@click.option("--since", metavar="DATE", help="Only from this day on, whatever the API still gives.")
@click.option("--until", metavar="DATE", help="Only up to this day, included.")
@click.option("--dataset", "datasets", multiple=True, metavar="NAME", help="Only this dataset; may be repeated.")
@click.option("--full", is_flag=True, help="Read stable days again, too, and ask again for what was refused.")
@click.option("--dry-run", is_flag=True, help="Show what would be read, and ask the API nothing.")
@json_flag("Print the summary as JSON.")
@common
def sync(
    since: str | None,
    until: str | None,
    datasets: tuple[str, ...],
    full: bool,
    dry_run: bool,
    as_json: bool,
    book: str | None,
    config: str | None,
) -> int:
    """Bring the book up to date from the API.

    The first run reads the last year by day, then by hour; it can be interrupted and resumed. Later runs read
    what is new and what may still change. Exit code 1 means that something failed which a later run may get.
    """
    import tallybook

    opened = tallybook.open(book, config=config)
    if dry_run:
        _plan(opened.plan(since=since, until=until, datasets=words(datasets), full=full), as_json)
        return 0
    from tallybook.show.text import sync_summary

    with progress_bar() as bar:
        summary = opened.sync(since=since, until=until, datasets=words(datasets), full=full, progress=bar)
    if as_json:
        click.echo(json.dumps(summary.as_dict() | {"book": opened.store.url}, indent=2))
    else:
        click.echo(sync_summary(summary, opened.store.url))
    if not summary.ok:
        note("Some windows failed; run `tallybook sync` again to get them.")
    return 0 if summary.ok else 1


def _plan(windows: Sequence[tuple[str, Window]], as_json: bool) -> None:
    if as_json:
        rows = [{"dataset": name, "window": str(window)} for name, window in windows]
        click.echo(json.dumps({"requests": len(windows), "windows": rows}, indent=2))
        return
    for (name, width), n in Counter((name, window.width) for name, window in windows).items():
        click.echo(f"{name:<26} {n:>5} {'window' if n == 1 else 'windows'} of {width} buckets")
    click.echo(
        f"{len(windows):,} requests for data in all, more only where the server splits a page or refuses a grouping; "
        "and for names, once an hour, two and one for each project, once a day about two more for each project and one "
        "for each group."
    )
