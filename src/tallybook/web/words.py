"""The words of an address: those of `tallybook query`, read by one table for every route."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.query.spoken import pairs, words

LONGEST = 16_384
"""The most characters of all words together; browsers and proxies have such a limit, too."""
_LONGEST_VALUE = 1_000
_MOST_METRICS, _MOST_BY = 20, 5
NO_COMPARISON = "none"
TIMES = ("last", "period", "since", "until")
"""The words that say a range."""


@dataclass(frozen=True, slots=True)
class Word:
    """Something that an address may say."""

    name: str
    says: str
    example: str
    repeats: bool = False
    is_number: bool = False


ASKED: dict[str, Word] = {
    word.name: word
    for word in (
        Word("metric", "What is asked for: a metric, or an expression of metrics.", "cost", repeats=True),
        Word("by", "The dimensions to group by.", "project", repeats=True),
        Word("grain", "minute, hour, day, week, month, quarter, year or total.", "day"),
        Word("last", "A length of time that ends now: 24h, 28d, 4w or 12mo.", "28d"),
        Word("period", "today, last-month, 2026-10, 2026-Q3, 2026, …", "last-month"),
        Word("since", "The first day, or an exact moment.", "2026-10-01"),
        Word("until", "The last day, included, or an exact moment.", "2026-10-31"),
        Word("where", "DIMENSION=VALUE, or DIMENSION!=VALUE; * stands for any text.", "model=gpt-*", repeats=True),
        Word("top", "How many groups are told apart; the rest is Other.", "12", is_number=True),
        Word("compare", "previous, year or none.", "previous"),
        Word("tz", "The time zone whose days and hours are meant.", "Europe/Berlin"),
        Word("org", "Only this organization.", "default", repeats=True),
        Word("as_of", "What the book knew then: a date or a moment.", "2026-11-05"),
    )
}
"""The words of a question."""

LISTED: dict[str, Word] = {
    word.name: word
    for word in (
        Word("limit", "How many rows are sent.", "500", is_number=True),
        Word("sort", "The column that orders the rows; a - before it turns them round.", "-cost"),
        Word("search", "Only rows in which this text occurs.", "website"),
    )
}
"""The words of a table."""
TAB = Word("tab", "The tab.", "overview")
FORMAT = Word("format", "json (in columns), rows or csv.", "rows")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in words, as it was said; nothing of it is looked up yet."""

    metrics: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    grain: str | None = None
    time: tuple[tuple[str, str], ...] = ()
    """`last`, `period`, `since`, `until`, where they were said."""
    where: tuple[str, ...] = ()
    top: int | None = None
    compare: str | None = None
    """`none` where no comparison is wanted; None where nothing was said."""
    tz: str = "UTC"
    orgs: tuple[str, ...] = ()
    as_of: str | None = None
    more: Mapping[str, str] = field(default_factory=dict, compare=False)
    """The words of this route alone."""

    def arguments(self) -> dict[str, Any]:
        """Return what `Book.query` takes besides metrics."""
        return {
            "by": self.by, "grain": self.grain or "total", "where": pairs(self.where) or None, "top": self.top,
            "compare": None if self.compare == NO_COMPARISON else self.compare, "tz": self.tz,
            "org": self.orgs or None, "as_of": self.as_of, **dict(self.time),
        }  # fmt: skip

    def said(self) -> list[tuple[str, str]]:
        """Return the question as the words of an address."""
        out = [("metric", m) for m in self.metrics] + [("by", d) for d in self.by]
        out += [("grain", self.grain)] if self.grain else []
        out += [*self.time, *(("where", w) for w in self.where)]
        out += [("top", str(self.top))] if self.top else []
        out += [("compare", self.compare)] if self.compare else []
        out += [("tz", self.tz)] if self.tz != "UTC" else []
        out += [("org", o) for o in self.orgs]
        return out + ([("as_of", self.as_of)] if self.as_of else [])

    def number(self, name: str, default: int, most: int) -> int:
        """Return a number among the words of this route, from 1 to `most`."""
        return min(_number(name, self.more[name]), most) if name in self.more else default


def read(items: Iterable[tuple[str, str]], more: Iterable[Word] = (), *, asks: bool = True) -> Asked:
    """Return what the words of an address ask; `more` are those of this route besides, or all where it `asks` nothing.

    Raises `UnknownNameError` for a word that does not exist, `UsageError` for one that makes no sense.
    """
    extra = {word.name: word for word in more}
    known = (ASKED if asks else {}) | extra
    given: dict[str, list[str]] = {}
    for name, value in items:
        if name not in known:
            raise UnknownNameError("word", name[:_LONGEST_VALUE], known)
        _check(name, value)
        given.setdefault(name, []).append(value)
    for name, values in given.items():
        if len(values) > 1 and not known[name].repeats:
            raise UsageError(f"{name} is said {len(values)} times. Say it once.")
    one = {name: values[0].strip() for name, values in given.items() if not known[name].repeats and values[0].strip()}
    found = Asked(
        metrics=tuple(dict.fromkeys(words(given.get("metric", ())))),
        by=tuple(dict.fromkeys(words(given.get("by", ())))),
        grain=one.get("grain"),
        time=tuple((name, one[name]) for name in TIMES if name in one),
        where=tuple(given.get("where", ())),
        top=_number("top", one["top"]) if "top" in one else None,
        compare=one.get("compare"),
        tz=one.get("tz", "UTC"),
        orgs=tuple(words(given.get("org", ()))),
        as_of=one.get("as_of"),
        more={name: one[name] for name in extra if name in one},
    )
    return _bounded(found)


def _check(name: str, value: str) -> None:
    if len(value) > _LONGEST_VALUE:
        raise UsageError(f"{name} is {len(value):,} characters long; at most {_LONGEST_VALUE:,} are read.")
    if "\0" in value or (not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)):
        raise UsageError(f"{name} holds characters that are no text.")


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise UsageError(f"{name} is a whole number, at least 1, not {text!r}.")
    return int(text)


def _bounded(asked: Asked) -> Asked:
    if len(asked.metrics) > _MOST_METRICS:
        raise UsageError(f"At most {_MOST_METRICS} metrics are answered at once; there are {len(asked.metrics)}.")
    if len(asked.by) > _MOST_BY:
        raise UsageError(f"At most {_MOST_BY} dimensions are grouped by at once; there are {len(asked.by)}.")
    return asked
