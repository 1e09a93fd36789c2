"""How a sync collects, said by settings and arguments."""

from __future__ import annotations

from collections.abc import Sequence

from tallybook.book.looking_back import measured
from tallybook.collect.summary import Policy
from tallybook.model.datasets import DATASETS, REACH, SPLITS, dataset
from tallybook.model.errors import UsageError
from tallybook.model.settings import Settings
from tallybook.model.windows import floor, iso
from tallybook.query.clocks.time import When, backwards, moment
from tallybook.store.base import Store


def policy(
    store: Store,
    settings: Settings,
    now: int,
    *,
    since: When | None,
    until: When | None,
    datasets: Sequence[str],
    full: bool,
) -> Policy:
    """Return how a sync with these bounds collects; raises `UsageError` for dates that make no sense."""
    options = settings.sync
    back = measured(store, settings, settings.orgs, now)
    names = datasets or options.datasets or tuple(DATASETS)
    start = since if since is not None else options.since or None
    begin = moment(start) if start is not None else None
    end = moment(until, is_end=True) if until is not None else None
    if begin is not None and begin > now:
        raise UsageError(f"since ({iso(begin)}) is in the future.")
    if begin is not None and end is not None and begin >= end:
        raise UsageError(backwards(begin, end))
    reach = floor(now - REACH, "1d")
    if begin is None and end is not None and end <= reach:
        raise UsageError(f"until ends before {iso(reach)}; the API gives about a year. Add since to try all the same.")
    return Policy(
        datasets=tuple(d for d in DATASETS if d in {dataset(n).name for n in names}),
        since=begin,
        until=end,
        history_width=options.history_width,
        look_back=back.usage,
        costs_look_back=back.costs,
        measured_at=back.measured_at,
        concurrency=options.concurrency,
        full=full,
        control_totals=options.control_totals and since is None and until is None,
        directory=settings.directory,
        splits=tuple(s for s in SPLITS if SPLITS[s].split in options.cost_splits),
        keep=settings.pages.keep,
    )
