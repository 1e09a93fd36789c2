"""What the API refuses, told apart from what failed, and what to ask for instead.

Most texts are known from reports only (docs/adr/0003), so a refusal is recognized by status, then code, then text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tallybook.collect.http import Http
from tallybook.collect.openai import Filters, Keep, read
from tallybook.model.coverage import Run
from tallybook.model.datasets import Dataset
from tallybook.model.errors import (
    AuthenticationError,
    PermissionDeniedError,
    ProviderError,
    RequestRefusedError,
    TallybookError,
)
from tallybook.model.records import Read, Refusal
from tallybook.model.windows import SECONDS, Span, Window, ceil, cut, floor, unix

_MOST_STEPS = 30


@dataclass(frozen=True, slots=True)
class Ask:
    """A window with the dimensions to group it by."""

    dataset: Dataset
    window: Window
    dimensions: tuple[str, ...]
    limit: int | None = None
    """The most buckets of one page, where the server has said so; else as `dataset` knows."""
    splits: tuple[Ask, ...] = ()
    """Of the bill: what is read and written together with it, for the days that the bill was given for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A window that was not read, and why."""

    dataset: str
    window: Window
    error: TallybookError


@dataclass(slots=True)
class Outcome:
    """All that came of asking for one window."""

    reads: list[Read]
    refusals: list[Refusal]
    failures: list[Failure]

    def add(self, other: Outcome) -> None:
        """Take in all that came of another window."""
        self.reads += other.reads
        self.refusals += other.refusals
        self.failures += other.failures


@dataclass(frozen=True, slots=True)
class _Verdict:
    refusals: tuple[Refusal, ...] = ()
    instead: tuple[Ask, ...] = ()


def ask(
    http: Http,
    first: Ask,
    filters: Filters | None = None,
    *,
    now: int,
    keep: Keep | None = None,
    keep_buckets: bool = False,
) -> Outcome:
    """Read a window, stepping down where the API refuses a part of it; other errors become failures.

    `keep` and `keep_buckets` are as for `read`.
    Raises `AuthenticationError`, and `PermissionDeniedError` for a missing scope: no other window would escape them.
    """
    outcome = Outcome([], [], [])
    todo = [first]
    for _ in range(_MOST_STEPS):
        if not todo:
            break
        step = todo.pop(0)
        try:
            about = (step.dataset, step.window, step.dimensions, filters)
            got = read(http, *about, keep=keep, keep_buckets=keep_buckets, limit=step.limit)
            outcome.reads.append(got)
        except AuthenticationError:
            raise
        except PermissionDeniedError as exc:
            if exc.lacks_scope:
                raise
            outcome.failures.append(_failure(step, exc))
        except RequestRefusedError as exc:
            verdict = judge(step, exc, now)
            if verdict is None:
                outcome.failures.append(_failure(step, exc))
            else:
                outcome.refusals += verdict.refusals
                todo = [*verdict.instead, *todo]
        except ProviderError as exc:
            outcome.failures.append(_failure(step, exc))
    outcome.failures += [
        Failure(left.dataset.name, left.window, RequestRefusedError("The server refused too many variants of it."))
        for left in todo
    ]
    return outcome


def _failure(step: Ask, error: ProviderError) -> Failure:
    """Return the failure without the traceback, whose frames would keep whole pages in memory."""
    return Failure(step.dataset.name, step.window, error.with_traceback(None))


UNKNOWN_DATASET = "the server does not know this dataset (HTTP 404)"


def judge(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    """Return what a refusal means, or None where it is an error like any other."""
    for rule in _RULES:
        if (verdict := rule(step, error, now)) is not None:
            return verdict
    return None


def _unknown_dataset(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    if error.status != 404:
        return None
    # A split has no address of its own: the bill was given from there just before.
    by = f"{step.dataset.split}_id"
    reason = f"the server does not know costs by {by} (HTTP 404)" if step.dataset.split else UNKNOWN_DATASET
    return _Verdict((Refusal(step.dataset.name, step.window, reason),))


def _history(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    text = str(error)
    if error.code != "reporting_lookback_exceeded" and "Earliest supported start date" not in text:
        return None
    date = re.search(r"Earliest supported start date:?\s*(\d{4}-\d\d-\d\d)", text)
    earliest = step.window.end
    if date:
        try:
            earliest = unix(dt.datetime.fromisoformat(date[1]))
        except ValueError:
            date = None
    if earliest <= step.window.start:
        return None
    before, after = _split(step, earliest)
    if before is None:
        return None
    reason = "older than the history that the API gives"
    return _Verdict((Refusal(step.dataset.name, before, reason, final=date is not None),), after)


def _split(step: Ask, edge: int) -> tuple[Span | None, tuple[Ask, ...]]:
    """Return the span before `edge` and what is left to ask from there on."""
    edge = -(-edge // SECONDS[step.window.width]) * SECONDS[step.window.width]
    if edge >= step.window.end:
        return Span(step.window.start, step.window.end), ()
    if edge <= step.window.start:
        return None, (step,)
    rest = replace(step, window=Window(edge, step.window.end, step.window.width))
    return Span(step.window.start, edge), (rest,)


def _limit(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    most = re.search(r"[Ll]imit must be less than or equal to (\d+)", str(error))
    asked = step.limit or step.dataset.limit(step.window.width)
    if not most or not 0 < int(most[1]) < asked:
        return None
    limit = int(most[1])
    return _Verdict(instead=tuple(replace(step, window=w, limit=limit) for w in cut(step.window, limit)))


def _width(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    text = str(error)
    listed = "Supported values are" in text and f"'{step.window.width}'" not in text
    if error.param != "bucket_width" and (error.param or not listed):
        return None
    reason = f"not given at {step.window.width}"
    return _Verdict((Refusal(step.dataset.name, step.window, reason, width=step.window.width),))


def _key_floor(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    """Costs by API key begin at a moment that the message names (2025-12-06 when it was first seen)."""
    floor = re.search(r"\b(\d{10})\b", str(error))
    if error.param != "start_time" or "api_key_id" not in step.dimensions or not floor:
        return None
    before, after = _split(step, int(floor[1]))
    if before is None:
        return None
    reason = "costs by API key are not given that early"
    if step.dataset.split:
        return _Verdict((Refusal(step.dataset.name, before, reason, final=True),), after)
    fewer = tuple(d for d in step.dimensions if d != "api_key_id")
    without = replace(step, window=Window(before.start, before.end, step.window.width), dimensions=fewer)
    refusal = Refusal(step.dataset.name, before, reason, dimension="api_key_id", final=True)
    return _Verdict((refusal,), (*after, without))


_UNSURE = ("user_id", "api_key_id", "api_source")
"""What costs are asked without, in this order, where the refusal does not name a dimension."""
_CAUTIOUS_DAYS = 31
"""Whether costs may be grouped by user depends on the range, too, so a long one is refused in pieces."""
_YOUNGEST = ("api_source", "user_id", "service_tier", "batch", "api_key_id")


def _dimension(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    text, _, supported = str(error).partition("Supported values are")
    named = [d for d in step.dimensions if re.search(rf"\b{d}\b", f"{text} {error.param}")]
    if supported and "group_by" in text + error.param:
        named = named or [d for d in step.dimensions if not re.search(rf"\b{d}\b", supported)]
    if not named and "group_by" not in text + error.param:
        return None
    split = f"{step.dataset.split}_id"
    order = ("project_id", split) if step.dataset.split else _UNSURE if step.dataset.is_costs else _YOUNGEST
    known = [d for d in order if d in (named or step.dimensions)] or named
    if not known:
        return None
    if step.dataset.split and step.window.buckets > _CAUTIOUS_DAYS:
        return _Verdict(instead=tuple(replace(step, window=w) for w in cut(step.window, _CAUTIOUS_DAYS)))
    refused = known[0]
    if refused == split:
        reason = f"grouping costs by {refused} is refused"
        return _Verdict((Refusal(step.dataset.name, step.window, reason),))
    refusal = Refusal(step.dataset.name, step.window, f"grouping by {refused} is refused", dimension=refused)
    fewer = tuple(d for d in step.dimensions if d != refused)
    return _Verdict((refusal,), (replace(step, dimensions=fewer),))


def _open_day(step: Ask, error: RequestRefusedError, now: int) -> _Verdict | None:
    """Costs of a day that has not ended may be refused; the days before are asked for without it."""
    today = step.window.end - SECONDS[step.window.width]
    if not step.dataset.is_costs or now >= step.window.end or error.param not in {"", "start_time", "end_time"}:
        return None
    reason = "costs of the current day are not given yet"
    refusal = Refusal(step.dataset.name, Span(today, step.window.end), reason, expires_at=step.window.end)
    if today == step.window.start:
        return _Verdict((refusal,))
    return _Verdict((refusal,), (replace(step, window=Window(step.window.start, today, step.window.width)),))


_RULES: Sequence[Callable[[Ask, RequestRefusedError, int], _Verdict | None]] = (
    _unknown_dataset,
    _history,
    _limit,
    _key_floor,
    _dimension,
    _width,
    _open_day,
)
"""In order; the first that recognizes the refusal decides."""


def whole(refusals: Iterable[Refusal], held: Mapping[str, Sequence[Run]]) -> tuple[Refusal, ...]:
    """Return refusals widened to whole buckets of what is held: such a bucket is read whole, or not at all.

    So the rest of a day that is held up to some moment, and refused since, is named by its refusal, too.
    """
    out = []
    for refusal in refusals:
        start, end = refusal.span.start, refusal.span.end
        for run in () if refusal.dimension else held.get(refusal.dataset, ()):
            extent = run.extent
            start = floor(start, run.width) if extent.start < start < extent.end else start
            end = ceil(end, run.width) if extent.start < end < extent.end else end
        out.append(replace(refusal, span=Span(start, end)))
    return tuple(out)


def joined(refusals: Iterable[Refusal]) -> list[Refusal]:
    """Return refusals with adjacent spans of the same kind in one."""
    out: list[Refusal] = []
    for r in sorted(refusals, key=lambda r: (r.dataset, r.width or "", r.dimension or "", r.span.start)):
        last = out[-1] if out else None
        if last and replace(last, span=r.span) == r and r.span.start <= last.span.end:
            out[-1] = replace(r, span=Span(last.span.start, max(last.span.end, r.span.end)))
        else:
            out.append(r)
    return out


def spanning(refusals: Iterable[Refusal], asks: Sequence[Ask]) -> tuple[Refusal, ...]:
    """Return refusals of whole datasets, each for all the time that was asked for."""
    out = []
    for refusal in refusals:
        windows = [a.window for a in asks if a.dataset.name == refusal.dataset]
        out.append(replace(refusal, span=Span(min(w.start for w in windows), max(w.end for w in windows))))
    return tuple(out)
