"""`tallybook dashboard`: the page, served from this machine."""

from __future__ import annotations

import importlib.util
import os
import sys
import webbrowser
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from tallybook.cli.run import FILE, common, note
from tallybook.model.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    import socket

    from tallybook.book import Book
    from tallybook.model.secret import AdminKey
    from tallybook.web.access import Access
    from tallybook.web.serve import Entrance

_SHORTEST = 60


@click.command(
    epilog="""\b
Examples:
  tallybook dashboard
  tallybook dashboard --sync 15m --no-open
  tallybook dashboard --host 0.0.0.0 --token-file token --allow-host stats
"""
)
@click.option("--port", default=8788, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="One that others reach needs a token.")
@click.option("--no-open", is_flag=True, help="Open no browser.")
@click.option("--token-file", type=FILE, metavar="FILE", help="The token that shows everything; mode 600.")
@click.option("--sync", "every", metavar="TIME", help="Sync as well, every 15m for example.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A name to answer to; may be repeated.")
@click.option("--trusted-proxy", "proxies", multiple=True, metavar="NETWORK", help="Believe it: 10.0.0.5, 10.0.0.0/24.")
@click.option("--trust-header", "header", metavar="NAME", help="It says the user there: X-Forwarded-User.")
@click.option("--root-path", default="", metavar="PATH", help="Where it shows the page, such as /usage.")
@common
def dashboard(
    port: int,
    host: str,
    no_open: bool,
    token_file: str | None,
    every: str | None,
    hosts: tuple[str, ...],
    proxies: tuple[str, ...],
    header: str | None,
    root_path: str,
    book: str | None,
    config: str | None,
) -> None:
    """Show the book as a page in the browser, for as long as this runs.

    Other tallybook processes may sync meanwhile; the page shows what is new by itself. Whoever is on another machine
    needs a token: that of --token-file, one that is made up and printed once, or one of `tallybook token`.
    """
    import tallybook

    must_have_libraries("tallybook dashboard")
    from tallybook.web import access, serve

    if header is not None and not proxies:
        raise UsageError("--trust-header needs --trusted-proxy: from others, the header could say anything.")
    rules = access.Access(
        hosts=access.names(hosts),
        proxies=access.networks(proxies),
        header=access.field(header),
        root_path=access.root(root_path),
    )
    interval = _interval(every) if every is not None else None
    with tallybook.open(book, config=config) as opened, serve.listening(host, port) as listener:
        way_in = serve.entrance(listener, rules, token_file)
        url = serve.address(listener, rules.root_path)
        announce(url, way_in)
        if not no_open:
            open_browser(f"{url}login?code={way_in.code}" if way_in.code else url)
        serve_book(opened, listener, way_in.access, interval)


def _interval(text: str) -> int:
    from tallybook.model.settings import seconds

    found = seconds(text)
    if found < _SHORTEST:
        raise UsageError(f"--sync takes a minute or more, such as 15m; not {text}.")
    return found


def serve_book(
    book: Book, listener: socket.socket, access: Access, every: int | None = None, key: AdminKey | None = None
) -> None:
    """Serve until interrupted; a sync that fails is told, and the next one is tried all the same."""
    from tallybook.model.clock import SystemClock
    from tallybook.web import create_app, serve, syncing
    from tallybook.web.guard import Guard

    arguments = {"key": key} if key is not None else {}
    with syncing.Syncing(book, SystemClock(), every, lambda why: note(f"A sync failed: {why}"), arguments) as syncs:
        app = create_app(book, routes=syncing.routes(syncs), sync=syncs.state)
        serve.serve(Guard(app, book, access), listener)


def announce(url: str, way_in: Entrance) -> None:
    """Say where the page is, and once how to get in."""
    click.echo(f"The dashboard is at {url}  (Ctrl+C stops it)")
    if way_in.code:
        click.echo(f"Log in, once and within an hour, with {url}login?code={way_in.code}")
        click.echo(f"or with the token {way_in.token} (not shown again; --token-file keeps one)")
    elif way_in.access.owner:
        click.echo("Log in with the token of the file, or with one of `tallybook token add NAME`.")
    sys.stdout.flush()


def open_browser(url: str) -> None:
    """Open the page where somebody sits in front of a screen."""
    has_display = os.name == "nt" or sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & {*os.environ})
    if has_display and sys.stdout.isatty():
        with suppress(webbrowser.Error, OSError):
            webbrowser.open(url)


def must_have_libraries(what: str, extra: str = "dashboard") -> None:
    """Raise `MissingExtraError` where what serves the page is not installed."""
    for module in ("starlette", "uvicorn"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(what, extra)
