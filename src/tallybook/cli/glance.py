"""`tallybook` alone: the book at a glance, or what there is to do where there is none."""

from __future__ import annotations

import shlex

import click

from tallybook.cli.run import common, json_flag


@click.command()
@json_flag()
@common
def glance(as_json: bool, book: str | None, config: str | None) -> None:
    """Show the book at a glance."""
    import tallybook

    with tallybook.open(book, config=config) as opened:
        if not (as_json or book or config or opened.store.exists()):
            from tallybook.cli import overview

            click.echo(overview(), nl=False)
            return
        found = opened.glance()
    if as_json:
        click.echo(found.to_json())
        return
    from tallybook.show.glance import glance_text
    from tallybook.show.tables import is_terminal

    said = {"--book": book, "--config": config}
    options = "".join(f" {name} {shlex.quote(value)}" for name, value in said.items() if value)
    click.echo(glance_text(found, options, drawn=is_terminal()))
