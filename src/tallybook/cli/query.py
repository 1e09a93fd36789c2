"""`tallybook query`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallybook.cli.output import output_options, target
from tallybook.cli.run import common, note, org_option, pairs, time_options, words

if TYPE_CHECKING:
    from tallybook.show.result import Result


@click.command(
    epilog="""\b
Examples:
  tallybook query cost
  tallybook query cost --by project --grain month --period 2026
  tallybook query input_tokens output_tokens --by model --last 7d
  tallybook query requests --grain day --where model=gpt-5.6-sol --json
  tallybook query cost --by org --grain month --last 12mo
  tallybook query cost --by model --top 5 --last 4w --compare previous
  tallybook query active_users cache_hit_rate --grain week --tz Europe/Berlin
  tallybook query requests --by model_family --where 'model!=gpt-4*'
  tallybook query cost --period 2025-12 --as-of 2026-01-05
  tallybook query cost --by project,line_item --grain day -o cost.xlsx --force
"""
)
@click.argument("metrics", nargs=-1, required=True, metavar="METRIC...")
@click.option("--by", multiple=True, metavar="DIM", help="Group by: project, user, api_key, model, line_item, …")
@click.option(
    "--grain",
    default="total",
    show_default=True,
    metavar="GRAIN",
    help="minute, hour, day, week, month, quarter, year or total.",
)
@click.option(
    "--where",
    multiple=True,
    metavar="DIM=VALUE",
    help="Only this id, name or pattern; DIM!=VALUE leaves it out; repeat for alternatives.",
)
@click.option("--top", type=click.IntRange(1), metavar="N", help="The N largest groups; the rest is Other.")
@click.option(
    "--compare", type=click.Choice(["previous", "year"]), help="Beside it: the range before, or 364 days ago."
)
@click.option("--tz", default="UTC", show_default=True, metavar="ZONE", help="Whose days and hours, as Europe/Berlin.")
@org_option
@time_options
@click.option("--as-of", metavar="DATE", help="What the book knew at the end of that day, or at that moment.")
@output_options
@click.option("--strict", is_flag=True, help="Exit with 1 if the answer is incomplete.")
@common
def query(
    metrics: tuple[str, ...],
    by: tuple[str, ...],
    grain: str,
    where: tuple[str, ...],
    top: int | None,
    compare: str | None,
    tz: str,
    orgs: tuple[str, ...],
    last: str | None,
    period: str | None,
    since: str | None,
    until: str | None,
    as_of: str | None,
    form: str | None,
    as_json: bool,
    output: str | None,
    force: bool,
    strict: bool,
    book: str | None,
    config: str | None,
) -> int:
    """Ask the book: METRICs by dimension and time.

    METRIC is `cost` (billed, before tax, credits and adjustments), `requests`, or one of OpenAI's measures such as
    input_tokens, output_tokens, input_cached_tokens, images, characters, seconds, num_sessions, num_requests.
    Every answer says what it rests on; an incomplete one says so.
    """
    import tallybook

    to = target(form, as_json=as_json, output=output, force=force)
    with tallybook.open(book, config=config) as opened:
        result = opened.query(
            *words(metrics),
            by=words(by),
            grain=grain,
            last=last,
            period=period,
            since=since,
            until=until,
            where=pairs(where),
            top=top,
            compare=compare,
            tz=tz,
            org=words(orgs),
            as_of=as_of,
        )
    to.put(result, lambda: _table(result))
    for remark in result.notes:
        note(f"Note: {remark}")
    if not result.coverage.complete:
        note(f"Incomplete: {result.coverage.first_gap()}.")
    return 1 if strict and not result.coverage.complete else 0


def _table(result: Result) -> str:
    from tallybook.show.text import result_text

    return result_text(result)
