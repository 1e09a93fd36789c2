"""Questions that compare with the range before: two naive answers, side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.query.served.asked import UNATTRIBUTED, ImpossibleError, Question
from tests.query.served.held import Bucket, Held
from tests.query.served.metrics import METRICS
from tests.query.served.naive import Naive, shown
from tests.query.served.provider import BEGIN, DAY, DAYS
from tests.query.served.questions import questions

if TYPE_CHECKING:
    from tests.query.served.questions import Expected

_WEEK = 7 * DAY


@st.composite
def comparisons(draw: st.DrawFn) -> Question:
    """Return a question about days whose days before are among those that may be held."""
    q = draw(questions().filter(lambda q: len({p.is_money for p in METRICS[q.metrics[0]]}) == 1))
    syncs = q.syncs and 2
    first = draw(st.integers(8, 11 if syncs is None else 8))
    last = draw(st.integers(first, min(first + 6, DAYS - 1)))
    days = [dt.datetime.fromtimestamp(BEGIN + day * DAY, dt.UTC).date().isoformat() for day in (first, last)]
    grain = q.grain if q.grain in ("total", "day", "hour") else "day"
    times = {"grain": grain, "since": days[0], "until": days[1], "tz": "UTC", "syncs": syncs}
    # Few dimensions and one organization, so that both sides are often held.
    simple = {"metrics": q.metrics[:1], "by": q.by[:1], "where": q.where if draw(st.booleans()) else {}}
    return replace(q, top=None, compare="previous", orgs=(draw(st.sampled_from(q.orgs)),), **times, **simple)


def _closed(bucket: Bucket) -> int:
    return bucket.end if bucket.known_until == bucket.end else bucket.start


def _end(q: Question, held: Held, names: Iterable[str]) -> int:
    """Return until when the asked range has ended and is read, of money the last billed day."""
    those = [[*held.get((org, name), {}).values()] for org in q.orgs for name in names]
    ends = [max(map(_closed, buckets)) for buckets in those if buckets]
    if not ends:
        return q.start
    through = min(ends)
    if q.grain != "hour" and through // DAY * DAY > q.start:
        through = through // DAY * DAY
    ends = [q.end, through]
    if "costs" in names:
        bills = [[*held.get((org, "costs"), {}).values()] for org in q.orgs]
        billed = [[b.end for b in bill if b.rows and b.read_at >= b.end] for bill in bills]
        ends += [max(known or [min(b.start for b in bill)]) for known, bill in zip(billed, bills, strict=True) if bill]
    return min(ends)


def check(expected: Expected, q: Question) -> None:
    """Ask, and compare both sides with what must be there."""
    try:
        asked = expected.naive(q).asked
        names = {d for p in q.parts for d in p.datasets} | ({asked.split} if asked.split else set())
        end = _end(q, asked.held, names)
        if end <= q.start:
            assert expected.ask(q).comparison is None
            expected.seen["nothing to compare"] += 1
            return
        back = -(-(q.end - q.start) // _WEEK) * _WEEK
        sides = [_cut(q, q.start, end), _cut(q, q.start - back, end - back)]
        now, before = map(expected.naive, sides)
    except ImpossibleError as exc:
        expected.refused(q, str(exc))
        return
    now.groups = before.groups = _groups(q, now, before)
    result = expected.ask(q)
    gaps = [gap.span for gap in expected.ask(sides[1]).coverage.missing]
    slots = {slot.start - back: slot for slot in now.asked.slots}
    names_of = [name for name in result.table.column_names if not name.startswith(q.metrics[0])]
    rows = {}
    for then in before.asked.slots:
        lost = any(gap.start < then.end and then.start < gap.end for gap in gaps)
        for g in now.groups:
            slot = slots[then.start]
            row = ({"time": slot.label} if q.grain != "total" else {}) | expected.row(now, g, [slot])
            rows[tuple(row[n] for n in names_of)] = (row[q.metrics[0]], None if lost else _then(q, before, g, then))
    m = q.metrics[0]
    assert {tuple(r[n] for n in names_of): (r[m], r[f"{m}_previous"]) for r in result.rows()} == rows
    assert bool(gaps) == any("it is not shown" in note for note in result.notes)
    both = [n for pair in rows.values() for n in [pair] if None not in n and any(n)]
    expected.seen.update({"compared": 1, "compared numbers": len(both), "nothing before": bool(gaps)})


def _cut(q: Question, start: int, end: int) -> Question:
    texts = [dt.datetime.fromtimestamp(edge, dt.UTC).isoformat() for edge in (start, end)]
    return replace(q, since=texts[0], until=texts[1], compare=None)


def _then(q: Question, before: Naive, group: Any, slot: Any) -> Any:
    return shown(q.metrics[0], before.metric(q.metrics[0], [slot], group))


def _groups(q: Question, *sides: Naive) -> list[Any]:
    """Return the groups of both sides but for those of nothing that a split leaves of the bill."""
    every = dict.fromkeys(g for side in sides for g in side.groups)
    if len(every) > 1:
        every.pop((None,), None)
    return [
        g
        for g in every
        if UNATTRIBUTED not in g or any(side.metric(q.metrics[0], [s], g) for side in sides for s in side.asked.slots)
    ]
