"""A book that is synced every 15 minutes for some virtual days, in one process with the emulator.

Prints how large it is after its first sync, after these days, and after one more sync that keeps no raw buckets.
"""

import datetime as dt
import json
import shutil
import sys
import time
from pathlib import Path

import duckdb

from tallybook.book import Book
from tallybook.emulator import Company, VirtualClock, create_app, running
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Org, Pages, Settings, Sync
from tallybook.store.duckdb import DuckDBStore
from tallybook.store.duckdb_engine import BLOCK

KEY = AdminKey("sk-admin-bench", "the benchmark")
FACTS = ("main.usage", "main.costs", "internal.cost_splits")


def alone(path):
    """Return the bytes of a new file of the same kind that holds the facts of a book and nothing else."""
    new = path.with_name("facts.duckdb")
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{path}' AS book (READ_ONLY)")
        con.execute(f"ATTACH '{new}' AS facts (BLOCK_SIZE {BLOCK})")
        for table in FACTS:
            con.execute(f"CREATE TABLE facts.{table.partition('.')[2]} AS FROM book.{table}")
        con.execute("CHECKPOINT facts")
    size = new.stat().st_size
    new.unlink()
    return size


def measured(path):
    """Return the rows and bytes of all tables, of the file, and of its facts alone."""
    sizes = DuckDBStore(path).sizes()
    about = {"rows": dict(sizes.rows), "bytes": dict(sizes.bytes), "free": sizes.free, "total": sizes.total}
    return about | {"facts": alone(path)}


def synced(path, url, clock, since, keep="current"):
    """Sync the book once."""
    settings = Settings(book=str(path), sync=Sync(since=since), org=(Org(base_url=url),), pages=Pages(keep))
    summary = Book(DuckDBStore(path, clock), settings, clock).sync(key=KEY)
    assert summary.ok, summary.as_dict()


def life(days, every, company, now, since):
    """Yield the book after each stage of its life."""
    path, copy = Path("book.duckdb").resolve(), Path("none.duckdb").resolve()
    clock = VirtualClock(dt.datetime.fromisoformat(now))
    with running(create_app(Company(**company, clock=clock))) as url:
        synced(path, url, clock, since)
        yield measured(path)
        for day in range(days):
            began = time.perf_counter()
            for _ in range(86_400 // every):
                clock.advance(every)
                synced(path, url, clock, since)
            said = f"day {day + 1} of {days}: {path.stat().st_size:,} bytes, {time.perf_counter() - began:.0f} s"
            print(said, file=sys.stderr, flush=True)
        yield measured(path)
        shutil.copyfile(path, copy)
        clock.advance(every)
        synced(copy, url, clock, since, keep="none")
        yield measured(copy)


print(json.dumps(list(life(**json.loads(sys.argv[1])))))
