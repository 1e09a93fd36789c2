"""Progress bars: on terminals and in notebooks only, and gone when the work ends, however it ends."""

import io
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Self

import pytest
from rich.console import Console

import tallybook
from tallybook.book.common import in_notebook
from tallybook.collect.summary import Progress
from tallybook.show import progress
from tallybook.show.progress import Bar
from tests.books import KEY, book_at
from tests.emulator.wire import organization


def test_the_bar_says_phase_windows_rows_requests_and_trouble() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with Bar(console) as bar:
        bar(Progress("history", done=3, total=9, rows=1234, requests=5, retries=2, failed=1))
        bar._progress.refresh()
    for text in ("Hours", "3/9", "1,234 rows, 5 requests, 2 retries, 1 failed"):
        assert text in out.getvalue()


class ZMQInteractiveShell:
    """What IPython calls the shell of a kernel."""


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list["Recorded"]:
    """Pretend to run in a notebook; the bars made are recorded."""
    ipython = ModuleType("IPython")
    ipython.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    made: list[Recorded] = []
    monkeypatch.setattr(progress, "Bar", lambda console: made.append(Recorded()) or made[-1])
    return made


class Recorded:
    def __init__(self) -> None:
        self.states: list[str] = []
        self.open = False

    def __enter__(self) -> Self:
        self.open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False

    def __call__(self, state: Progress) -> None:
        assert self.open
        self.states.append(f"{state.phase} {state.done}/{state.total}")


def test_a_notebook_sees_a_bar_that_ends_with_the_work(notebook: list[Recorded], tmp_path: Path) -> None:
    assert in_notebook()
    with organization(days=5) as org:
        book_at(tmp_path / "b.duckdb", org.base, org.clock).sync(key=KEY, datasets="costs", since="2026-11-20")
    (bar,) = notebook
    assert bar.states[-1].split()[0] in ("history", "names")
    assert "history 1/1" in bar.states
    assert not bar.open


def test_the_bar_of_a_notebook_ends_with_an_error_too(
    notebook: list[Recorded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with organization(days=5) as org:
        monkeypatch.setenv("TALLYBOOK_BASE_URL", org.base)
        with pytest.raises(tallybook.ProviderError):
            book_at(tmp_path / "b.duckdb", org.base).sync(key="not-a-known-key")
        with pytest.raises(tallybook.ProviderError):
            tallybook.fetch("costs", key="not-a-known-key", clock=org.clock)
    assert len(notebook) == 2
    assert not any(bar.open for bar in notebook)


def test_other_shells_are_no_notebooks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not in_notebook()
