"""What the verbs that ask the book share: the options that say a question, and what is said beside its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from tallybook.cli import offers
from tallybook.cli.run import Decorator, note, org_option, time_options
from tallybook.query.spoken import pairs, words

if TYPE_CHECKING:
    from tallybook.show.result import Result

_BY = "Group by: project, user, api_key, model, line_item, …"
_TZ = "Whose days and hours, as Europe/Berlin."
_GRAINS = "minute, hour, day, week, month, quarter, year or total."
WHERE = "Only this id, name or pattern; DIM!=VALUE leaves it out; repeat for alternatives."


def question_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add METRIC..., and the options that say what is asked of them."""
    options: list[Decorator] = [
        click.argument("metrics", nargs=-1, required=True, metavar="METRIC...", shell_complete=offers.metrics),
        click.option("--by", multiple=True, metavar="DIM", help=_BY, shell_complete=offers.dimensions),
        click.option(
            "--grain", default="total", show_default=True, metavar="GRAIN", help=_GRAINS, shell_complete=offers.grains
        ),
        click.option("--where", multiple=True, metavar="DIM=VALUE", help=WHERE, shell_complete=offers.conditions),
        click.option("--top", type=click.IntRange(1), metavar="N", help="The N largest groups; the rest is Other."),
        click.option(
            "--compare", type=click.Choice(["previous", "year"]), help="Beside it: the range before, or 364 days ago."
        ),
        click.option("--tz", default="UTC", show_default=True, metavar="ZONE", help=_TZ, shell_complete=offers.zones),
        org_option,
        time_options,
        click.option("--as-of", metavar="DATE", help="What the book knew at the end of that day, or at that moment."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@contextmanager
def answered(
    book: str | None, config: str | None, *, metrics: tuple[str, ...], by: tuple[str, ...], where: tuple[str, ...],
    orgs: tuple[str, ...], **asked: Any,
) -> Iterator[Result]:  # fmt: skip
    """Yield the answer to what `question_options` said, while its book is open; then say what is to be said of it."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        result = opened.query(*words(metrics), by=words(by), where=pairs(where), org=words(orgs), **asked)
        yield result
    for remark in result.notes:
        note(f"Note: {remark}")
    if not result.coverage.complete:
        note(f"Incomplete: {result.coverage.first_gap()}.")
