"""`tallybook emulator`: run the synthetic organization on this machine."""

from __future__ import annotations

import sys
import textwrap

import click

from tallybook.model.errors import MissingExtraError


@click.command()
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--days", default=400, show_default=True, type=click.IntRange(1, 4_000), help="Length of the history.")
@click.option("--seed", default=7, show_default=True, help="Another seed is another organization.")
@click.option(
    "--requests-per-day",
    default=200.0,
    show_default=True,
    type=click.FloatRange(0, 1_000_000),
    help="Completions requests on an average day.",
)
@click.option(
    "--quirk", "quirks", multiple=True, metavar="NAME", help="Misbehave on purpose; `--quirk list` lists them."
)
@click.help_option("-h", "--help")
def emulator(port: int, host: str, days: int, seed: int, requests_per_day: float, quirks: tuple[str, ...]) -> None:
    """Run a synthetic organization with usage, costs and a directory, to try tallybook without a key."""
    try:
        from tallybook.emulator import QUIRKS, Company, serve
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise MissingExtraError("tallybook emulator", "demo") from missing
    if "list" in quirks:
        width = max(map(len, QUIRKS))
        for quirk in QUIRKS.values():
            number = f" (N = {quirk.number})" if quirk.number else ""
            name, indent = f"{quirk.name:{width}}  ", " " * (width + 2)
            click.echo(textwrap.fill(quirk.description + number, 80, initial_indent=name, subsequent_indent=indent))
        return
    serve(Company(seed, days, requests_per_day), port, host, quirks, _announce)


def _announce(url: str) -> None:
    click.echo(f"The emulator serves a synthetic organization at {url}  (Ctrl+C stops it)")
    click.echo("In another terminal:")
    click.echo(f"  export TALLYBOOK_BASE_URL={url}")
    click.echo("  export OPENAI_ADMIN_KEY=sk-admin-demo")
    click.echo("  tallybook sync")
    sys.stdout.flush()
