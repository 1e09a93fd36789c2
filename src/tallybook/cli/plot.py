"""`tallybook plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tallybook.cli.asking import answered, question_options
from tallybook.cli.run import FILE, common
from tallybook.show.plots import FORMS, KINDS, THEMES


@click.command(
    epilog="""\b
Examples:
  tallybook plot cost --by project --grain day -o cost.png
  tallybook plot requests --by model,project --top 8 -o requests.svg
  tallybook plot requests --grain hour --last 4w --kind heat -o week.png
  tallybook plot cost --by line_item --kind donut --theme dark -o share.pdf
"""
)
@question_options
@click.option("-o", "--output", type=FILE, metavar="FILE", help=f"Where to: FILE.{', FILE.'.join(FORMS)}.")
@click.option("--kind", type=click.Choice([*KINDS]), metavar="KIND", help=f"{', '.join(KINDS)}.  [default: what suits]")
@click.option("--theme", type=click.Choice(THEMES), default=THEMES[0], show_default=True, help="Its colours.")
@click.option("--title", metavar="TEXT", help="What stands above it.  [default: what it is about]")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@click.option("--strict", is_flag=True, help="Exit with 1 if the answer is incomplete.")
@common
def plot(
    output: str | None, kind: str | None, theme: str, title: str | None, force: bool, strict: bool, book: str | None,
    config: str | None, **asked: Any,
) -> int:  # fmt: skip
    """Draw METRICs by dimension and time, and print the name of the file.

    The shape of the answer decides how it is drawn: over time stacked bars, ratios and distinct counts as lines;
    one dimension as ranked bars, two as stacked bars. The picture says what its numbers rest on.
    """
    from tallybook.show.export.files import refuse_existing
    from tallybook.show.plots import save

    if output is None:
        raise click.UsageError(f"A picture goes to a file: add -o FILE.{', FILE.'.join(FORMS)}.")
    path = Path(output).expanduser()
    if path.suffix[1:].lower() not in FORMS:
        raise click.UsageError(f"A picture is {', '.join(FORMS)}; the suffix of {path} is none of them.")
    refuse_existing(path, force=force)
    with answered(book, config, **asked) as result:
        save(result.plot(kind, theme=theme, title=title), path, force=force)
    click.echo(str(path))
    return 1 if strict and not result.coverage.complete else 0
