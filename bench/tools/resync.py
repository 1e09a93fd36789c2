"""tallybook in a process that has started: a first sync, then `again` more in which nothing has changed."""

import importlib
import json
import time

from book import opened, sync, task


def timed(book):
    """Sync, and return how long it took and what it did."""
    began, cpu = time.perf_counter(), time.process_time()
    summary = sync(book)
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "requests": summary.requests,
        "rows": summary.rows,
        "written": summary.changes.inserted + summary.changes.removed,
        "directory": summary.directory,
    }


for name in ("client", "sync"):
    importlib.import_module(f"tallybook.collect.{name}")
book = opened()
print(json.dumps([timed(book) for _ in range(1 + task["again"])]))
