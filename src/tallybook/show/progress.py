"""Progress bars, on terminals and in notebooks only."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from tallybook.collect.summary import Progress as State

_PHASES = {
    "days": "Days",
    "history": "Hours",
    "names": "Names",
    "control": "Control",
    "fetch": "Fetching",
    "rebuild": "Commits",
    "copy": "Parts",
}


class Bar:
    """A bar that follows a sync or fetch: windows, rows, requests, retries, time left. A context manager."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[text]}", style="dim"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("Starting", total=1, text="")
        self._phase = ("", "")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, state: State) -> None:
        """Show where the work stands."""
        text = f"{state.rows:,} rows" + f", {state.requests:,} requests" * (state.phase not in ("rebuild", "copy"))
        text += f", {state.retries:,} retries" if state.retries else ""
        text += f", {state.failed} failed" if state.failed else ""
        if (state.org, state.phase) != self._phase:
            self._phase = (state.org, state.phase)
            self._progress.reset(self._task)
        self._progress.update(
            self._task,
            description=f"{state.org} " * bool(state.org) + _PHASES.get(state.phase, state.phase),
            completed=state.done,
            total=max(state.total, 1),
            text=text,
        )
