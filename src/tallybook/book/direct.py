"""Straight from the API, without a book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tallybook.book.common import Words, admin_key, watched, words
from tallybook.model.clock import Clock, SystemClock
from tallybook.model.datasets import dataset
from tallybook.model.errors import IncompleteError, UsageError
from tallybook.model.schema import parsed
from tallybook.model.secret import AdminKey
from tallybook.model.settings import load
from tallybook.model.windows import SECONDS, Window, ceil, cut, naive, unix
from tallybook.query import where as restrict
from tallybook.query.clocks.time import When
from tallybook.query.clocks.time import resolve as resolve_time
from tallybook.query.coverage import Coverage, Gap, joined
from tallybook.query.where import Where
from tallybook.show.result import Fetched, concat

if TYPE_CHECKING:
    import httpx2

    from tallybook.collect.http import Http
    from tallybook.collect.refusals import Ask, Outcome
    from tallybook.collect.summary import Watch


def fetch(
    name: str,
    *,
    last: str | None = None,
    period: str | None = None,
    since: When | None = None,
    until: When | None = None,
    width: str = "1d",
    group_by: Words = (),
    where: Where | None = None,
    allow_partial: bool = False,
    org: str | None = None,
    key: str | AdminKey | None = None,
    config: str | Path | None = None,
    clock: Clock | None = None,
    progress: Watch | None = None,
    transport: httpx2.BaseTransport | None = None,
    **filters: str | bool | Sequence[str] | None,
) -> Fetched:
    """Fetch the dataset `name` straight from the API, all pages of it, without a book.

    The time is whole buckets of `width` (`1m`, `1h`, `1d`), said as in `Book.query` by `period`, `since`/`until` or
    `last` (default: 30 days); `group_by` takes the dataset's dimensions. `where` takes its filters by dimension, and
    keyword arguments by OpenAI's names (`project_ids=`, `models=`, `batch=True`, …), all by id. Where the settings have
    several organizations, `org` names the one to ask.

    Raises `IncompleteError` where anything is missing, unless `allow_partial`, which fills `.missing` instead;
    `UsageError` for words that make no sense; `ProviderError` when the server refuses the key.
    """
    from tallybook.collect.client import client
    from tallybook.collect.refusals import Ask

    known = dataset(name)
    clock = clock or SystemClock()
    limit = known.limit(width)
    span = resolve_time(clock.now(), last=last, period=period, since=since, until=until)
    if span.start % SECONDS[width] or span.end % SECONDS[width]:
        raise UsageError(f"{span} is not whole buckets of {width}. Choose whole ones, or a finer width.")
    groups = tuple(dict.fromkeys(restrict.choose(known, d, known.dimensions, "dimension") for d in words(group_by)))
    chosen = restrict.filters(known, where or {}, filters)
    end = min(span.end, ceil(unix(clock.now()), width))
    windows = cut(Window(span.start, end, width), limit)[::-1] if span.start < end else []
    settings = load(config)
    http = client(settings, settings.only(org), clock, admin_key(key), transport)
    asks = [Ask(known, w, groups) for w in windows]
    outcomes = _ask_all(http, asks, chosen, settings.sync.concurrency, clock, progress)
    reads = sorted((r for o in outcomes for r in o.reads), key=lambda r: r.window.start)
    gaps = joined(
        [Gap(name, f.window, str(f.error).rstrip(".")) for o in outcomes for f in o.failures]
        + [Gap(name, r.span, r.reason) for o in outcomes for r in o.refusals]
    )
    if gaps and not allow_partial:
        raise IncompleteError(
            f"The answer is not complete: {Coverage(None, gaps).first_gap()}. Nothing is returned. Ask for what is "
            "available, try again later, or take what there is with allow_partial=True (--allow-partial)."
        )
    coverage = Coverage(naive(min(r.read_at for r in reads)) if reads else None, gaps)
    table = concat([r.rows for r in reads], parsed(known))
    raw = tuple(b for r in reads for b in r.buckets)
    notes = (_BY_ID,) if not len(table) and restrict.has_names(chosen) else ()
    return Fetched(table, span, coverage, notes=notes, dataset=known, raw=raw, missing=gaps)


_BY_ID = "The API filters by id (such as proj_…), not by name. Names are known to a book: `tallybook query --where`."


def _ask_all(
    http: Http,
    asks: Sequence[Ask],
    chosen: Mapping[str, Sequence[str] | bool],
    concurrency: int,
    clock: Clock,
    progress: Watch | None,
) -> list[Outcome]:
    from tallybook.collect.refusals import ask
    from tallybook.collect.summary import Progress

    state = Progress("fetch", total=len(asks))
    now = unix(clock.now())
    outcomes = []
    with http, watched(progress) as watch, ThreadPoolExecutor(concurrency, thread_name_prefix="tallybook") as pool:
        try:
            if watch:
                watch(state)
            for outcome in pool.map(lambda a: ask(http, a, chosen, now=now, keep_buckets=True), asks):
                outcomes.append(outcome)
                state.done += 1
                state.rows += sum(r.rows.num_rows for r in outcome.reads)
                state.requests, state.retries = http.counters.requests, http.counters.retries
                if watch:
                    watch(state)
        except BaseException:
            http.stop()
            raise
    return outcomes
