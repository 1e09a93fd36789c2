"""Dispatch to one command, and turn errors into one paragraph and an exit code."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import click

from tallybook.cli import COMMANDS, offers
from tallybook.model.errors import TallybookError, suggest

INTERRUPTED = 130
"""The exit code after Ctrl+C, as shells have it."""
TERMINATED = 143
"""The exit code after SIGTERM, as shells have it."""


def command(name: str) -> click.Command:
    """Return the command called `name`, from the module of that name; raises `click.UsageError`."""
    if name not in COMMANDS:
        raise click.UsageError(f"No such command {name!r}. {suggest(name, COMMANDS)}")
    found = getattr(importlib.import_module(f"tallybook.cli.{name}"), name)
    assert isinstance(found, click.Command)  # noqa: S101 - a test enumerates them
    return found


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code.

    0 done, 1 failed, 2 wrong usage or settings, 130 interrupted by Ctrl+C, 143 ended by SIGTERM.
    """
    try:
        chosen, name, rest = _chosen(arguments)
        # Not `chosen.main`, which has its own ways with Ctrl+C and broken pipes.
        with _terminable(), chosen.make_context(name, list(rest)) as context:
            result = chosen.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.ClickException as exc:
        note(f"Error: {exc.format_message().rstrip()} {_help(exc)}")
        return exc.exit_code
    except _TerminatedError:
        click.echo("Terminated. What was read until then is kept.", err=True)
        return TERMINATED
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted. What was read until then is kept.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except TallybookError as exc:
        note(f"Error: {exc}")
        return exc.exit_code
    return result if isinstance(result, int) else 0


def _chosen(arguments: Sequence[str]) -> tuple[click.Command, str, Sequence[str]]:
    """Return the command that is meant, how it is called, and its own arguments; options alone are the glance's."""
    if arguments and not arguments[0].startswith("-"):
        return command(arguments[0]), f"tallybook {arguments[0]}", arguments[1:]
    from tallybook.cli.glance import glance

    return glance, "tallybook", arguments


class _TerminatedError(Exception):
    """SIGTERM came."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end what runs inside as tidily as Ctrl+C does. Another one while it tidies up is ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the business of whoever has the main thread
        return
    came = False

    def stop(_number: int, _frame: Any) -> None:
        nonlocal came
        came = True
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except (click.Abort, KeyboardInterrupt):
        if came:
            raise _TerminatedError from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _help(error: click.ClickException) -> str:
    known = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tallybook"
    return f"`{known} --help` shows what there is."


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


LOGGED = ("tallybook", "httpx2")
"""The loggers that -v shows."""


def _verbosity(context: click.Context, parameter: click.Parameter, value: int) -> int:  # noqa: ARG001
    if value:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        for name in LOGGED:
            logger = logging.getLogger(name)
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG if value > 1 else logging.INFO)
            context.call_on_close(partial(logger.removeHandler, handler))
    return value


FILE = click.Path()
"""The type of options that name a file, which shells then complete."""


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command on a book has: --book, --config, -v."""
    options: list[Decorator] = [
        click.option(
            "--book", type=FILE, metavar="PATH", help="The book. Default: the settings, else ./tallybook.duckdb."
        ),
        click.option("--config", type=FILE, metavar="FILE", help="Settings. Default: the nearest tallybook.toml."),
    ]
    function = logged(function)
    for option in reversed(options):
        function = option(function)
    return function


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command has: -v and -h."""
    verbose = click.option(
        "-v", "verbose", count=True, expose_value=False, callback=_verbosity, help="Log; -vv logs more."
    )
    return verbose(click.help_option("-h", "--help")(function))


def json_flag(help: str = "Print JSON.") -> Decorator:  # noqa: A002
    """Return the option --json."""
    return click.option("--json", "as_json", is_flag=True, help=help)


_PERIOD = "today, last-month, 2026-10, 2026-Q3, 2026, …"


def time_options(function: Callable[..., Any], default: str = "30d") -> Callable[..., Any]:
    """Add the options that say a range of time."""
    options: list[Decorator] = [
        click.option("--last", metavar="LENGTH", help=f"24h, 30d, 4w or 12mo, ending now.  [default: {default}]"),
        click.option("--period", metavar="WORD", help=_PERIOD, shell_complete=offers.periods),
        click.option("--since", metavar="DATE", help="First day, or an exact moment (UTC)."),
        click.option("--until", metavar="DATE", help="Last day, included, or an exact moment."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def org_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option --org, which may be repeated."""
    text = "Only this organization; may be repeated."
    option: Decorator = click.option("--org", "orgs", multiple=True, metavar="NAME", help=text)
    return option(function)


def dataset_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option --dataset, which may be repeated."""
    text = "Only this dataset; may be repeated."
    option: Decorator = click.option(
        "--dataset", "datasets", multiple=True, metavar="NAME", help=text, shell_complete=offers.datasets
    )
    return option(function)


def of_orgs(each: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what JSON has of one organization as it is, and of several in a list."""
    return {"organizations": list(each)} if len(each) > 1 else each[0]


def note(text: str) -> None:
    """Say something beside the data, on stderr; on a terminal, in lines that fit it."""
    if sys.stderr.isatty():
        text = click.wrap_text(text, min(shutil.get_terminal_size().columns, 100), preserve_paragraphs=True)
    click.echo(text, err=True)


@contextmanager
def progress_bar() -> Iterator[Callable[[Any], None]]:
    """Yield what to tell of progress: a bar on stderr where that is a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    from tallybook.show.progress import Bar

    with Bar(Console(stderr=True)) as bar:
        yield bar
