"""What the front door's functions share: keys, words and progress as callers give them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tallybook.model.datasets import DATASETS, SPLITS
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Settings

if TYPE_CHECKING:
    from tallybook.collect.summary import Watch

Words = str | Sequence[str]


def admin_key(key: str | AdminKey | None) -> AdminKey | None:
    """Return a key that was given as text in the object that hides it."""
    return AdminKey(key, "the argument key") if isinstance(key, str) else key


def words(value: Words | None) -> tuple[str, ...]:
    """Return one word, several, or none as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def in_notebook() -> bool:
    """Return whether this runs in a Jupyter kernel; IPython is never imported for it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def watched(progress: Watch | None) -> Iterator[Watch | None]:
    """Yield who is told of progress: the caller's own, a bar in a notebook, or none: a library writes to no terminal.

    The bar ends with the work, however that ends.
    """
    if progress is None and in_notebook():
        from rich.console import Console

        from tallybook.show.progress import Bar

        with Bar(Console()) as bar:
            yield bar
        return
    yield progress


def wanted(settings: Settings) -> set[str]:
    """Return what settings ask to collect: datasets, and splits of the bill."""
    options = settings.sync
    names = set(options.datasets or DATASETS)
    return names | {s for s in SPLITS if "costs" in names and SPLITS[s].split in options.cost_splits}
