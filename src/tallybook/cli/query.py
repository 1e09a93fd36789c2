"""`tallybook query`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tallybook.cli.asking import answered, question_options
from tallybook.cli.output import output_options, target
from tallybook.cli.run import common

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
@question_options
@output_options
@click.option("--strict", is_flag=True, help="Exit with 1 if the answer is incomplete.")
@common
def query(
    form: str | None, as_json: bool, output: str | None, force: bool, strict: bool, book: str | None,
    config: str | None, **asked: Any,
) -> int:  # fmt: skip
    """Ask the book: METRICs by dimension and time.

    METRIC is `cost` (billed, before tax, credits and adjustments), `requests`, or one of OpenAI's measures such as
    input_tokens, output_tokens, input_cached_tokens, images, characters, seconds, num_sessions, num_requests.
    Every answer says what it rests on; an incomplete one says so.
    """
    to = target(form, as_json=as_json, output=output, force=force)
    with answered(book, config, **asked) as result:
        to.put(result, lambda: _table(result))
    return 1 if strict and not result.coverage.complete else 0


def _table(result: Result) -> str:
    from tallybook.show.text import result_text

    return result_text(result)
