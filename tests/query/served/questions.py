"""Random questions, and answers beside what they must be."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tallybook import QueryError
from tallybook.show.result import Result
from tests.query.served import orders
from tests.query.served.asked import UNATTRIBUTED, Asked, ImpossibleError, Names, Question
from tests.query.served.held import held
from tests.query.served.lives import ORGS, Lived
from tests.query.served.metrics import KINDS, METRICS, OWN
from tests.query.served.naive import Group, Naive, is_word, shown
from tests.query.served.provider import BEGIN, DAY, DAYS

_USAGE = ("project", "user", "api_key", "key_owner", "service_account", "model", "model_family", "dataset", "weekday",
          "hour", "org", "batch", "service_tier", "team")  # fmt: skip
_MONEY = ("project", "user", "api_key", "key_owner", "service_account", "model", "model_family", "line_item",
          "product", "token_kind", "service_tier", "currency", "weekday", "org", "team")  # fmt: skip
_GRAINS = ("total", "day", "day", "week", "month")
ZONES = ("Europe/Berlin", "Europe/Berlin", "Asia/Kolkata")
_STORED = ("project", "weekday", "hour", "org", "dataset", "team")
_VALUES: Mapping[str, tuple[str, ...]] = {
    "project": ("proj_a", "Search", "proj_c", "proj_d", "S*", "proj_*", "!proj_a", "!Shop", "(none)", "!(none)"),
    "user": ("user_1", "Ann", "Ben", "!user_2", "!user_*", "user_3", "(none)", "(unattributed)", "(not held)"),
    "api_key": ("key_a", "web", "!key_c", "key_*", "(none)"),
    "key_owner": ("robot", "user_1", "!Ann", "(none)"),
    "service_account": ("sa_1", "!robot", "(none)"),
    "model": ("gpt-5-mini", "gpt-5*", "!gpt-5-mini", "!*2025*", "(none)"),
    "model_family": ("gpt-5", "!gpt-5", "*-mini"),
    "line_item": ("*input", "!gpt*", "vector storage", "(none)"),
    "product": ("models", "!models", "*storage"),
    "token_kind": ("input", "!input", "(none)"),
    "batch": ("true", "false", "(none)"),
    "service_tier": ("priority", "!default", "(none)"),
    "currency": ("usd", "!usd", "e*"),
    "weekday": ("Monday", "Sunday", "!Sunday", "T*"),
    "hour": ("00", "23", "!12", "1*"),
    "team": ("Core", "People", "!Batch", "R*", "(unassigned)", "(not held)"),
    "dataset": ("completions", "embeddings", "*_calls", "vector_stores", "co*"),
}


def _fitting(metric: str) -> tuple[str, ...]:
    if METRICS[metric][0].is_money:
        return _MONEY
    return _STORED if metric.startswith("storage") else _USAGE


@st.composite
def questions(draw: st.DrawFn) -> Question:
    first = draw(st.sampled_from((*METRICS, "cost", "cost", "cost")))
    is_money = METRICS[first][0].is_money
    more = draw(st.lists(st.sampled_from(tuple(METRICS)), max_size=1)) if draw(st.integers(0, 2)) == 0 else []
    fitting = st.sampled_from(_fitting(first)) if draw(st.integers(0, 9)) else st.sampled_from((*_MONEY, *_USAGE))
    by = draw(st.lists(fitting, max_size=2, unique=True))
    if is_money and draw(st.booleans()):
        by = [draw(st.sampled_from(("user", "api_key", "line_item", "product", "token_kind", "currency"))), *by[:1]]
    named = draw(
        st.lists(st.sampled_from((*_fitting(first), "currency" if is_money else "dataset")), max_size=2, unique=True)
    )
    where = {
        d: tuple(draw(st.lists(st.sampled_from(_VALUES[d]), min_size=1, max_size=2, unique=True)))
        for d in (named if not draw(st.integers(0, 2)) else ())
        if d != "org"
    }
    syncs = draw(st.sampled_from((None, None, 1, 2)))
    since = draw(st.integers(0, {1: 3, 2: 6, None: 8}[syncs]))
    until = draw(st.integers(since + 1, DAYS - 1))
    edges = [dt.datetime.fromtimestamp(BEGIN + day * DAY, dt.UTC) for day in (since, until)]
    exact = not draw(st.integers(0, 9))
    return Question(
        metrics=tuple(dict.fromkeys([first, *more])),
        by=tuple(dict.fromkeys(by)),
        grain=draw(st.sampled_from(("total", "day", "week", "month") if is_money else ("total", "hour", *_GRAINS))),
        since=f"{edges[0]:%Y-%m-%dT06:00:00+00:00}" if exact else f"{edges[0]:%Y-%m-%d}",
        until=f"{edges[1]:%Y-%m-%d}",
        where=where,
        tz=draw(st.sampled_from(("UTC",) * 9 + ZONES if is_money else ("UTC",) * 3 + ZONES)),
        top=draw(st.sampled_from((None, None, 1, 2))),
        orgs=draw(st.sampled_from((ORGS, ORGS, ORGS[:1], ORGS[1:]))),
        syncs=syncs,
    )


_ALL = {"since": "2026-10-20", "until": "2026-11-02", "orgs": ORGS}
ALWAYS_ASKED = (
    *(
        Question(("cost",), by=(d,), **_ALL)
        for d in ("line_item", "product", "token_kind", "currency", "user", "api_key")
    ),
    *(
        Question(("cost",), where={d: _VALUES[d][:1]}, **_ALL)
        for d in ("line_item", "product", "token_kind", "currency")
    ),
    Question(("cost",), by=("user", "api_key"), **_ALL),
    Question(("cost",), by=("user", "project"), grain="day", **_ALL),
    Question(("storage_bytes_max",), where={"dataset": ("costs",)}, **_ALL),
    Question(("storage_bytes_max",), **_ALL),
    Question(("tokens", "cost"), by=("model",), top=1, **_ALL),
    Question(("requests", "cost"), by=("team",), **_ALL),
    Question(("cost",), by=("team", "project"), grain="day", where={"team": ("!Rest",)}, **_ALL),
)
"""What chance asks too seldom."""

ABOUT_ORDERS = tuple(
    Question((metric,), by=by, grain=grain, **_ALL | {"orgs": ORGS[n % 2 :][:1], "tz": tz})
    for metric in OWN
    for n, (by, grain, tz) in enumerate((
        ((), "total", "UTC"), ((), "day", "UTC"), ((), "week", "UTC"), (("weekday",), "total", "UTC"),
        (("model",), "day", "UTC"), ((), "day", "Europe/Berlin"),
    ))
)  # fmt: skip
"""Numbers of the user's own belong to no organization; one is asked for at a time."""


class Expected:
    """What answers of one book must be."""

    def __init__(self, lived: Lived) -> None:
        self.lived = lived
        self.names = Names(lived.provider.served)
        self.seen = self._of_the_book()

    def _of_the_book(self) -> Counter[str]:
        """Return what is true of the book before anything is asked."""
        seen: Counter[str] = Counter()
        syncs = range(1, len(self.lived.known_at) + 1)
        own = {(org, "orders"): orders.buckets(org) for org in ORGS}
        self.held = {n: held(self.lived.provider.served, n) | own for n in syncs}
        for n in syncs[1:]:
            for name, buckets in self.held[n].items():
                before = self.held[n - 1].get(name, {})
                both = [(b, before[at]) for at, b in buckets.items() if at in before and before[at].end == b.end]
                seen["restated"] += sum(new.rows != old.rows and old.read_at >= old.end for new, old in both)
        for (org, name), buckets in self.held[syncs[-1]].items():
            seen["widths mixed"] += len({b.end - b.start for b in buckets.values()}) > 1
            if name.startswith("costs_by"):
                seen["a split lacks a day"] += len(buckets) < len(self.held[syncs[-1]][org, "costs"])
                seen["a split without projects"] += any("project_id" not in b.asked for b in buckets.values())
        return seen

    def check(self, q: Question) -> None:
        """Ask a question, and compare all that comes back."""
        try:
            naive = self.naive(q)
        except ImpossibleError as exc:
            self.refused(q, str(exc))
            return
        result = self.ask(q)
        whole = {row.pop("currency", None): row for row in result.whole.to_pylist()}
        assert whole == self._whole(naive)
        kept = self._kept(naive)
        overall = [self.row(naive, g, naive.asked.slots) for g in kept]
        assert result.overall.to_pylist() == overall
        rows = [
            ({"time": slot.label} if q.grain != "total" else {}) | self.row(naive, g, [slot])
            for slot in naive.asked.slots
            for g in kept
        ]
        assert result.rows() == rows
        assert [(s.start, s.end) for s in result.spans] == [(s.start, s.end) for s in naive.asked.slots for _ in kept]
        self._count(q, naive, result)

    def naive(self, q: Question) -> Naive:
        """Return what the answer must be; raises `ImpossibleError`."""
        lived = self.lived
        syncs = len(lived.known_at) if q.syncs is None else q.syncs
        now = int(lived.known_at[syncs - 1].timestamp()) if q.syncs is not None else lived.now
        asked = Asked(q, self.held[syncs], self.names, now)
        asked.check()
        return Naive(asked)

    def ask(self, q: Question) -> Result:
        """Return the book's answer."""
        as_of = None if q.syncs is None else self.lived.known_at[q.syncs - 1]
        return self.lived.book.query(
            *q.metrics, by=q.by, grain=q.grain, since=q.since, until=q.until, where=dict(q.where), top=q.top, tz=q.tz,
            org=q.orgs, as_of=as_of, compare=q.compare,
        )  # fmt: skip

    def refused(self, q: Question, why: str) -> None:
        """Ask what cannot be answered."""
        try:
            result = self.ask(q)
        except QueryError:
            self.seen["refused"] += 1
            self.seen[why] += 1
        else:
            raise AssertionError(f"answered with {result.rows()[:3]}, though {why}")

    def _kept(self, naive: Naive) -> list[Group]:
        """Return the groups without those of nothing that a split leaves of the bill."""
        q = naive.asked.question
        return [
            g
            for g in naive.groups
            if UNATTRIBUTED not in g or any(naive.metric(m, [s], g) for m in q.metrics for s in naive.asked.slots)
        ]

    def row(self, naive: Naive, group: Group, slots: Any) -> dict[str, Any]:
        """Return what a row must be, but for its time."""
        q = naive.asked.question
        out: dict[str, Any] = {}
        for d, value in zip(q.by, group, strict=False):
            if d in KINDS:
                out[d] = self._label(naive, d, value)
                out[f"{d}_id"] = value[1] if isinstance(value, tuple) else None
            else:
                out[d] = value
        if any(m.startswith("cost") for m in q.metrics) and "currency" not in q.by:
            out["currency"] = group[-1]
        return out | {m: shown(m, naive.metric(m, slots, group)) for m in q.metrics}

    def _label(self, naive: Naive, d: str, value: Any) -> str:
        if isinstance(value, str):
            return value
        q = naive.asked.question
        here = {g[q.by.index(d)] for g in naive.groups}
        sharers = {v for v in here if isinstance(v, tuple) and v[1] == value[1]}
        name = self.names.names.get((KINDS[d], *value))
        if name is None:
            return ":".join(value) if len(sharers) > 1 else value[1]
        twins = {k for k, n in self.names.names.items() if n == name and k[0] == KINDS[d]}
        return f"{name} ({':'.join(value)})" if len(twins) > 1 else name

    def _whole(self, naive: Naive) -> dict[Any, Any]:
        q = naive.asked.question
        currencies = list(dict.fromkeys(g[-1] for g in naive.groups)) or [None]
        return {c: {m: shown(m, naive.metric(m, naive.asked.slots, None, c)) for m in q.metrics} for c in currencies}

    def _count(self, q: Question, naive: Naive, result: Result) -> None:
        """Note which cases were there."""
        words = {w for row in result.rows() for w in row.values() if isinstance(w, str) and w.startswith("(")}
        numbers = [row[m] for row in result.rows() for m in q.metrics]
        self.seen["answered"] += 1
        self.seen.update({*q.metrics, *q.by, q.grain, q.tz, *words})
        self.seen.update(f"where {d}" for d in q.where)
        cases = {
            "not empty": any(numbers),
            "negative": any(n < 0 for n in numbers if n is not None),
            "not known": None in numbers,
            "nothing": 0 in numbers,
            "Other": any("Other" in row.values() for row in result.rows()),
            "several currencies": len({g[-1] for g in naive.groups} - {None}) > 1,
            "two organizations": len(q.orgs) > 1 and any(numbers),
            "as of": q.syncs is not None and any(numbers),
            "not complete": not result.coverage.complete,
            "complete": result.coverage.complete,
            "two groups": len(naive.groups) > 1,
            "a word beside values": len(naive.groups) > 1 and any(is_word(v) for g in naive.groups for v in g[:-1]),
        }
        self.seen.update(name for name, is_there in cases.items() if is_there)
