"""`tallybook demo`: everything at once, without a key."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tallybook.cli.dashboard import announce, must_have_libraries, open_browser, serve_book
from tallybook.cli.run import note, progress_bar
from tallybook.model.errors import TallybookError, UsageError
from tallybook.model.settings import Org, Settings

if TYPE_CHECKING:
    from tallybook.book import Book
    from tallybook.model.secret import AdminKey

BOOK = "tallybook-demo.duckdb"
_YEAR = 365


@click.command(
    epilog="""\b
Example:
  tallybook demo --days 120
"""
)
@click.option("--book", default=BOOK, show_default=True, metavar="PATH", help="Where the demo book is kept.")
@click.option("--days", default=400, show_default=True, type=click.IntRange(1, 4000), help="Length of the history.")
@click.option("--seed", default=7, show_default=True, help="Another seed is another organization.")
@click.option("--no-dashboard", is_flag=True, help="End without the page.")
@click.help_option("-h", "--help")
def demo(book: str, days: int, seed: int, no_dashboard: bool) -> int:
    """See it work without a key: run the emulator, sync it over HTTP, show the result.

    On a terminal it ends with the dashboard, until Ctrl+C. The book stays, so that you can go on asking it; the next
    demo makes it anew.
    """
    must_have_libraries("tallybook demo", "demo")
    _make_room(Path(book))
    note(f"Starting the emulator: a synthetic organization with {days} days of usage, on this machine only …")
    with _emulator(days, seed) as url:
        opened, is_good = _show(book, url, days)
        if not no_dashboard and sys.stdin.isatty() and sys.stdout.isatty():
            _serve(opened)
        else:
            click.echo(f"  tallybook dashboard --book {book}    # the same as a page")
        return 0 if is_good else 1


def _make_room(path: Path) -> None:
    """Start with a new book, so that two organizations never mix; raises `UsageError` for a book of someone's own."""
    if path.exists() and path != Path(BOOK):
        raise UsageError(f"{path} is there already; the demo makes a new book. Name another with --book.")
    path.unlink(missing_ok=True)


@contextmanager
def _emulator(days: int, seed: int) -> Iterator[str]:
    """Run the emulator in a process of its own, so that it does not compete with the sync; yield its base URL."""
    options = ["--port", "0", "--days", str(days), "--seed", str(seed)]
    command = [sys.executable, "-m", "tallybook.cli", "emulator", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            first = process.stdout.readline()
            urls = [word for word in first.split() if word.startswith("http://")]
            if not urls:
                raise TallybookError(f"The emulator did not start: {first.strip() or 'it said nothing'}")
            yield urls[0]
        finally:
            process.terminate()
            process.wait()  # leaving the context waits only a moment for it where Ctrl+C came


def _serve(book: Book) -> None:
    """Show the page until Ctrl+C; "Sync now" asks the emulator, which runs meanwhile."""
    from tallybook.web import serve
    from tallybook.web.access import Access

    try:
        listener = serve.listening(serve.HOST, serve.PORT)
    except UsageError:
        listener = serve.listening(serve.HOST, 0)
    with listener:
        url = serve.address(listener)
        announce(url, serve.Entrance(Access()))
        open_browser(url)
        serve_book(book, listener, Access(), key=_key())


def _key() -> AdminKey:
    from tallybook.model.secret import AdminKey

    return AdminKey("sk-admin-demo", "the demo")


def _show(path: str, url: str, days: int) -> tuple[Book, bool]:
    """Fill the book and ask it; return it, and whether all was read."""
    from tallybook.book import Book
    from tallybook.model.clock import SystemClock
    from tallybook.show.text import result_text, sync_summary
    from tallybook.store.duckdb import DuckDBStore

    clock = SystemClock()
    book = Book(DuckDBStore(path, clock), Settings(book=path, org=(Org(base_url=url),)), clock)
    with progress_bar() as bar:
        since = clock.now().date() - dt.timedelta(days=days) if days < _YEAR else None
        summary = book.sync(key=_key(), since=since, progress=bar)
    click.echo(sync_summary(summary, path))
    month, week = (f"{min(days, length)}d" for length in (30, 7))
    click.echo(f"\n$ tallybook query cost --by project --last {month}")
    click.echo(result_text(book.query("cost", by="project", last=month)))
    click.echo(f"\n$ tallybook query cost requests input_tokens --grain day --last {week}")
    click.echo(result_text(book.query("cost", "requests", "input_tokens", grain="day", last=week)))
    click.echo(f"\nThe book is {Path(path).resolve()}. Go on asking it:")
    click.echo(f"  tallybook query cost --by line_item --period last-month --book {path}")
    click.echo(f"  tallybook status --book {path}")
    return book, summary.ok
