"""`tallybook rebuild`."""

from __future__ import annotations

import json

import click

from tallybook.cli.run import common, json_flag, progress_bar


@click.command(
    epilog="""\b
Examples:
  tallybook rebuild
  tallybook rebuild --apply
"""
)
@click.option("--apply", is_flag=True, help="Put back what differs, in one transaction.")
@json_flag("Print JSON, with every row that differs.")
@common
def rebuild(apply: bool, as_json: bool, book: str | None, config: str | None) -> int:
    """Make the book again from the raw buckets that it keeps, and compare.

    Every read is made again in its order, through today's parser, into a new book beside it, which is thrown away at
    the end. Without --apply nothing is changed. What cannot be made again is left as it is, in any case.
    Exit code 1: something differs and was not put back, or bytes are damaged.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened, progress_bar() as bar:
        found = opened.rebuild(apply=apply, progress=bar)
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        from tallybook.show.proofs import rebuilt_text

        click.echo(rebuilt_text(found))
    return 0 if found.is_equal else 1
