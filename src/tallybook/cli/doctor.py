"""`tallybook doctor`."""

from __future__ import annotations

import dataclasses
import json

import click

from tallybook.cli.run import common, json_flag


@click.command(
    epilog="""\b
Example:
  tallybook doctor
"""
)
@json_flag()
@common
def doctor(as_json: bool, book: str | None, config: str | None) -> int:
    """Check settings, book, and of each organization key, hosts, scopes and clock; say what to change.

    Sends a few small GET requests. Exit code 1 means that a sync would fail.
    """
    import tallybook

    with tallybook.open(book, config=config) as opened:
        checks = opened.doctor()
    well = all(check.ok for check in checks if check.required)
    if as_json:
        click.echo(json.dumps({"ok": well, "checks": [dataclasses.asdict(c) for c in checks]}, indent=2))
    else:
        from tallybook.show.text import checks_text

        click.echo(checks_text(checks))
        click.echo("\nAll well: run `tallybook sync`." if well else "\nNot yet: see above for what to change.")
    return 0 if well else 1
