"""The command line. This module loads nothing, so that the overview of commands is instant."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tallybook.model.version import __version__

COMMANDS = {
    "demo": "See it work without a key: emulator, sync, result.",
    "init": "Write a commented tallybook.toml.",
    "doctor": "Check key, scopes, settings and book; say what to change.",
    "sync": "Bring the book up to date from the API.",
    "query": "Ask the book: cost and usage by dimension and time.",
    "dashboard": "Show the book as a page in the browser.",
    "token": "Give others the dashboard, or a part of it; take it back.",
    "plot": "Draw an answer of the book: PNG, SVG or PDF.",
    "report": "Write a period as one HTML file, PDF or PNG to pass on.",
    "sql": "Ask the book in SQL, read-only.",
    "export": "Write the whole book for other tools: Parquet or DuckDB.",
    "status": "Show what the book holds, and what is missing.",
    "proof": "Show the requests, hashes and raw rows behind a number.",
    "verify": "Prove what is held: compare it with control totals.",
    "restatements": "Show what OpenAI has said differently since, and by how much.",
    "settling": "Show how long after its end a bucket still changes.",
    "org": "List the organizations of a book, or rename one.",
    "metrics": "List what can be asked for; add numbers of your own.",
    "teams": "Say which team each project, user and key belongs to.",
    "note": "Mark a day or moment with a text that charts show.",
    "migrate": "Make a book, or bring an older one up to date.",
    "copy": "Copy a book into another store, and compare both.",
    "rebuild": "Make the book again from its proof, and compare.",
    "fetch": "Fetch a dataset straight from the API, without a book.",
    "forget": "Erase a person from the book, and keep every number.",
    "emulator": "Run a synthetic organization to try things on.",
    "completion": "Print the script with which a shell completes commands.",
}
"""Every command, each in the module of its name, with its one-line help; in the order in which people meet them."""

COMPLETE = "_TALLYBOOK_COMPLETE"
"""The environment variable in which a shell's script says that it asks how a command line may go on."""

_OVERVIEW = """\
Usage: tallybook COMMAND [OPTIONS]

  An OpenAI organization's usage and costs as a book you own.

Commands:
{commands}

Options:
  --version   Show the version.
  -h, --help  Show this; `tallybook COMMAND --help` shows a command's options.

Start with `tallybook demo`, or set OPENAI_ADMIN_KEY and run `tallybook sync`.
"""


def overview() -> str:
    """Return the help of the whole."""
    width = max(map(len, COMMANDS))
    return _OVERVIEW.format(commands="\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()))


_SETTINGS, _BOOK = "tallybook.toml", "tallybook.duckdb"


def _has_book() -> bool:
    """Return whether there may be a book to show at a glance; the settings are not read for it."""
    if any(name in os.environ for name in ("TALLYBOOK_STORE", "TALLYBOOK_BOOK", "TALLYBOOK_CONFIG")):
        return True
    here = Path.cwd()
    return Path(_BOOK).exists() or any((folder / _SETTINGS).exists() for folder in (here, *here.parents))


def main() -> None:
    """Run the command line; ends the process with the documented exit code."""
    arguments = sys.argv[1:]
    if asked := os.environ.get(COMPLETE):
        from tallybook.cli.completion import complete

        sys.exit(complete(asked))
    if arguments[:1] in (["-h"], ["--help"], ["help"]) or not (arguments or _has_book()):
        sys.stdout.write(overview())
        return
    if arguments[:1] == ["--version"]:
        sys.stdout.write(f"tallybook {__version__}\n")
        return
    from tallybook.cli.run import run

    sys.exit(run(arguments))
