"""Real processes: terminals and pipes, Ctrl+C, the demo."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

import tallybook
from tests.cli.conftest import Run, Server, ago, serving

TALLYBOOK = (sys.executable, "-m", "tallybook.cli")


@contextmanager
def started(*arguments: str, terminal: bool = False) -> Iterator[tuple[subprocess.Popen[bytes], int | None]]:
    """Run a command line in a process of its own, with stderr on a terminal of 80 columns or in a pipe."""
    ours, theirs = pty.openpty() if terminal else (None, subprocess.PIPE)
    process = subprocess.Popen([*TALLYBOOK, *arguments], stdout=subprocess.PIPE, stderr=theirs)
    if terminal:
        os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.communicate()
        if ours is not None:
            os.close(ours)


def seen(terminal: int | None) -> str:
    """Return what a terminal was sent until its process ended."""
    assert terminal is not None
    text = b""
    try:
        while block := os.read(terminal, 65_536):
            text += block
    except OSError:  # Linux reports the other end's closing so
        pass
    return text.decode()


@pytest.mark.parametrize(
    "words",
    [
        ["sync", "--since", ago(2), "--dataset", "costs,images"],
        ["fetch", "completions", "--last", "3d", "--width", "1m"],
    ],
    ids=["sync", "fetch"],
)
def test_a_terminal_sees_a_bar_on_stderr_and_data_on_stdout(folder: Path, words: list[str]) -> None:
    with started(*words, terminal=True) as (process, terminal):
        shown = seen(terminal)
        out = process.stdout.read().decode()  # type: ignore[union-attr]
        assert process.wait() == 0
    assert re.search(r"\d+/\d+", shown)
    assert "requests" in shown
    assert "\x1b[?25h" in shown  # the cursor is shown again
    assert "━" not in out
    assert "\x1b" not in out


def test_a_pipe_sees_no_bar(folder: Path) -> None:
    with started("sync", "--since", ago(1), "--dataset", "costs") as (process, _):
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err == b""
    assert out.startswith(b"Book ")


@pytest.fixture
def untouched(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of one's own: it keeps only the newest requests, so that those of other tests must not be counted."""
    with serving() as own:
        monkeypatch.setenv("TALLYBOOK_BASE_URL", own.url)
        yield own


def test_ctrl_c_keeps_what_was_committed_and_ends_with_130(folder: Path, tally: Run, untouched: Server) -> None:
    with started("sync") as (process, _):
        # The first phase takes about 130 requests; it is committed before the second one begins.
        deadline = time.monotonic() + 40
        while len(untouched.requests()) < 200 and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert err == b"Interrupted. What was read until then is kept.\n"
    with tallybook.open(folder / "tallybook.duckdb") as book:
        kept = book.query("cost", last="5d")
        assert kept.coverage.complete
        assert kept.rows()[0]["cost"] > 0
    assert "interrupted; run `tallybook sync` again." in tally("status").out
    assert tally("sync", "--since", ago(2)).code == 0
    assert "all well." in tally("status").out


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    words = " ".join([*TALLYBOOK, "fetch", "completions", "--last", "60h", "--width", "1m", "--format", "csv"])
    command = f"set -o pipefail; {words} --group-by model,project,user | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.startswith("start_time,end_time,")
    assert done.returncode == 0


def test_the_demo_shows_everything_and_leaves_a_book_and_no_process(folder: Path) -> None:
    with started("demo", "--days", "2") as (process, _):
        out, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    text = out.decode()
    for part in ("$ tallybook query cost --by project", "Data complete", "Go on asking it:", "Missing  nothing"):
        assert part in text
    assert text.endswith("  tallybook dashboard --book tallybook-demo.duckdb    # the same as a page\n")
    with tallybook.open("tallybook-demo.duckdb") as book:
        assert book.query("cost", last="3d").rows()[0]["cost"] > 0
    assert _children_of(process.pid) == []


def test_on_a_terminal_the_demo_ends_with_the_page_which_can_sync_until_ctrl_c(folder: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*TALLYBOOK, "demo", "--days", "2"], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    try:
        said = b""
        while b"(Ctrl+C stops it)" not in said:
            said += os.read(ours, 65_536)
        url = re.findall(r"http://\S+/", said.decode())[-1]
        board = requests.get(f"{url}api/board", timeout=20).json()
        assert (board["empty"], board["sync"]["can"]) == (None, True)
        assert requests.post(f"{url}api/sync", timeout=20).status_code == 202
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
        assert _children_of(process.pid) == []
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def test_an_interrupted_demo_leaves_no_process(folder: Path) -> None:
    with started("demo", "--days", "30") as (process, _):
        deadline = time.monotonic() + 30
        while not (children := _children_of(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert children
    for child in children:
        assert not Path(f"/proc/{child}").exists()


def _children_of(parent: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if f"\nPPid:\t{parent}\n" in text:
            found.append(int(status.parent.name))
    return found


def test_a_demo_whose_emulator_does_not_start_says_so(
    tally: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/true")
    ended = tally("demo", "--days", "2")
    assert ended.code == 1
    assert ended.err.endswith("Error: The emulator did not start: it said nothing\n")
    assert list(folder.iterdir()) == []
