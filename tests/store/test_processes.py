"""One book, several processes: it is let go when idle, waited for when held, and survives a kill or a full disk."""

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tallybook.model.errors import StoreLockedError
from tallybook.store.base import Batch
from tallybook.store.duckdb import DuckDBStore
from tests.clock import FakeClock
from tests.store.book import D0, DAY, NOON, read, usage

ROOT = Path(__file__).parents[2]
START = """
import os, sys
from tallybook.store.base import Batch
from tallybook.store.duckdb import DuckDBStore
from tests.store.book import D0, DAY, read, usage
store = DuckDBStore(sys.argv[1])

def say(word):
    print(word, flush=True)

def day(n, rows=1, size=8):
    found = [usage(D0 + n * DAY, 1, user_id=os.urandom(size).hex()) for _ in range(rows)]
    return Batch("acme", "s", (read("completions", D0 + n * DAY, D0 + (n + 1) * DAY, *found, at=D0 + 999 * DAY),))
"""


@contextmanager
def process(path: Path, code: str) -> Iterator["subprocess.Popen[str]"]:
    """Run `code` beside the test; it is killed at the end."""
    arguments = [sys.executable, "-W", "error", "-c", START + code, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def said(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(dt.datetime.fromtimestamp(NOON, dt.UTC))


HOLD = "with store.opened():\n    say('held')\n    sys.stdin.readline()\nsay('let go')"


@pytest.fixture
def path(fast_path: Path) -> Path:
    store = DuckDBStore(fast_path / "book.duckdb")
    store.migrate()
    return store.path


def days(path: Path) -> list[tuple[int, int]]:
    """Return (day, rows) of all that is held."""
    text = "SELECT start_time, count(*) AS n FROM usage GROUP BY start_time ORDER BY start_time"
    return [
        ((r["start_time"].toordinal() - 719_163) - D0 // DAY, r["n"]) for r in DuckDBStore(path).read(text).to_pylist()
    ]


def test_the_file_is_let_go_when_nothing_uses_it(path: Path) -> None:
    store = DuckDBStore(path)
    store.replace(Batch("acme", "s", (read("completions", D0, D0 + DAY, usage(D0)),)))
    with process(path, "store.replace(day(1))\nsay(len(store.read('SELECT * FROM usage')))") as child:
        assert said(child) == "2"
    assert days(path) == [(0, 1), (1, 1)]


def test_a_process_that_holds_the_file_is_named_when_waiting_did_not_help(path: Path, clock: FakeClock) -> None:
    store = DuckDBStore(path, clock)
    with process(path, HOLD) as child:
        assert said(child) == "held"
        with pytest.raises(StoreLockedError, match=rf"held by process {child.pid} "):
            store.read("SELECT 1")
        assert sum(clock.slept) == pytest.approx(5, abs=0.1)


class LettingGo(FakeClock):
    """A clock during whose third sleep another process lets go."""

    child: "subprocess.Popen[str]"

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if len(self.slept) == 3:
            self.child.communicate("go\n")


def test_a_process_that_holds_the_file_is_waited_for(path: Path, clock: FakeClock) -> None:
    letting_go = LettingGo(clock.now())
    with process(path, HOLD) as letting_go.child:
        assert said(letting_go.child) == "held"
        assert DuckDBStore(path, letting_go).read("SELECT 1 AS one").to_pylist() == [{"one": 1}]
    assert len(letting_go.slept) == 3


class Watching(FakeClock):
    """A clock during whose sleeps another process commits every fourth second, five times, and then lets go."""

    child: "subprocess.Popen[str]"
    commits = 0

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if sum(self.slept) < 4 * (self.commits + 1):
            return
        self.commits += 1
        assert self.child.stdin is not None
        self.child.stdin.write("go on\n")
        self.child.stdin.flush()
        assert said(self.child) == ("committed" if self.commits < 6 else "let go")


def test_a_process_that_gets_on_with_its_commits_is_waited_for_however_long_it_takes(
    path: Path, clock: FakeClock
) -> None:
    code = """
with store.opened():
    say('held')
    for n in range(5):
        sys.stdin.readline()
        store.replace(day(n))
        say('committed')
    sys.stdin.readline()
say('let go')
"""
    watching = Watching(clock.now())
    with process(path, code) as watching.child:
        assert said(watching.child) == "held"
        found = DuckDBStore(path, watching).read("SELECT count(*) AS days FROM usage").to_pylist()
    assert found == [{"days": 5}]
    assert sum(watching.slept) > 20


def test_a_sync_in_another_process_is_named(path: Path, clock: FakeClock) -> None:
    code = """
import datetime as dt
with store.syncing("acme"):
    now = dt.datetime(2026, 1, 1)
    store.put("syncs", [{"org": "acme", "sync_id": "s", "began_at": now, "summary": f'{{"process": {os.getpid()}}}'}])
    say('held')
    sys.stdin.readline()
"""
    with process(path, code) as child:
        assert said(child) == "held"
        other = DuckDBStore(path, clock)
        with pytest.raises(StoreLockedError, match=f"process {child.pid}"), other.syncing("acme"):
            pass
        child.kill()
        child.wait()
        with other.syncing("acme"):
            pass


KILLS = {
    "in the middle of its rows": ("tallybook.store.write", "replace_facts"),
    "between old rows and new": ("tallybook.store.facts", "_retire"),
    "before its commit": ("tallybook.store.sql_store", "write"),
    "after its commit": ("tallybook.store.sql_store", "SqlStore.replace"),
}


@pytest.mark.parametrize("when", KILLS)
def test_a_write_killed_is_whole_or_not_there(path: Path, when: str) -> None:
    module, name = KILLS[when]
    code = f"""
import importlib
store.replace(day(0, 500))
store.replace(day(1, 500))
owner = importlib.import_module({module!r})
*inner, name = {name!r}.split(".")
for part in inner:
    owner = getattr(owner, part)
real = getattr(owner, name)
def stops(*args):
    out = real(*args)
    say('written')
    sys.stdin.readline()
    return out
setattr(owner, name, stops)
import dataclasses
both = day(0, 300), day(2, 700)
store.replace(dataclasses.replace(both[0], reads=both[0].reads + both[1].reads))
"""
    with process(path, code) as child:
        assert said(child) == "written"
        child.kill()
        child.wait()
    whole = when == "after its commit"
    assert days(path) == ([(0, 300), (1, 500), (2, 700)] if whole else [(0, 500), (1, 500)])
    history = DuckDBStore(path).read("SELECT count(*) AS n FROM internal.usage_history WHERE NOT absent").to_pylist()
    assert history == [{"n": 500 if whole else 0}]
    DuckDBStore(path).replace(Batch("acme", "s", (read("completions", D0, D0 + DAY, usage(D0)),)))
    assert days(path)[0] == (0, 1)


FILL = """
from tallybook.model.errors import StoreError
done = 0
try:
    while done < 500:
        store.replace(day(done, 400, 64))
        done += 1
except StoreError as exc:
    say(exc)
say(done)
"""


CREATE = """
from tallybook.model.errors import StoreError
try:
    store.migrate()
except StoreError as exc:
    say(exc)
"""


@contextmanager
def small_disk(folder: Path, megabytes: int = 3) -> Iterator[Path]:
    options = f"size={megabytes}m"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        path = disk / "book.duckdb"
        DuckDBStore(path).migrate()
        with process(path, FILL) as child:
            told, done = said(child), int(said(child))
        assert "No space is left for the book" in told
        assert done > 0
        assert days(path) == [(n, 400) for n in range(done)]


def test_a_limit_on_the_size_of_files_loses_nothing(path: Path) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, 2_500_000))"
    with process(path, limit + FILL) as child:
        told, done = said(child), int(said(child))
    assert "No space is left for the book" in told
    assert done > 0
    assert days(path) == [(n, 400) for n in range(done)]
    DuckDBStore(path).replace(Batch("acme", "s", (read("embeddings", D0, D0 + DAY, usage(D0)),)))


def test_a_process_whose_disk_was_full_goes_on_when_there_is_room(path: Path) -> None:
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2_500_000, resource.RLIM_INFINITY))"
    more = """
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.replace(day(done, 400, 64))
say(store.read("SELECT count(*) AS n FROM usage").to_pylist())
"""
    with process(path, limit + FILL + more) as child:
        told, done = said(child), int(said(child))
        assert "No space is left for the book" in told
        assert said(child) == str([{"n": 400 * (done + 1)}])
    assert days(path) == [(n, 400) for n in range(done + 1)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_uses_the_book_as_its_parent_does(path: Path) -> None:
    code = """
store.replace(day(0))
store.read("SELECT * FROM usage")
child = os.fork()
for n in (1, 2):
    store.replace(day(2 * n + bool(child)))
    store.read("SELECT * FROM usage")
if child:
    say(os.waitpid(child, 0)[1])
else:
    del store
    os._exit(0)
"""
    with process(path, code) as child:
        assert said(child) == "0"
    assert days(path) == [(n, 1) for n in (0, 2, 3, 4, 5)]


@pytest.mark.parametrize("blocks", [0, 2, 4])
def test_a_disk_without_room_for_a_book_is_named(tmp_path: Path, blocks: int) -> None:
    with small_disk(tmp_path) as disk:
        (disk / "ballast").write_bytes(b"\0" * (3 * 1024 * 1024 - 4096 * blocks))
        with process(disk / "book.duckdb", CREATE) as child:
            assert "No space is left for the book" in said(child)
        (disk / "ballast").unlink()
        DuckDBStore(disk / "book.duckdb").migrate()
