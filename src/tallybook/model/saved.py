"""Questions that are kept in `tallybook.toml`: panels of the dashboard, and feeds for other programs."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Words = str | tuple[str, ...]
"""One, several with commas between them, or a list."""
Top = Annotated[int, msgspec.Meta(ge=1)]
Mark = Literal["stack", "line", "donut", "rank", "table", "kpi", "heat", "waterfall"]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

WORDS_TEXT = "a text in quotes, or a list of texts"


def _several(value: Words) -> tuple[str, ...]:
    texts = (value,) if isinstance(value, str) else value
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())


class Saved(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A question in the words of `tallybook query`."""

    metric: Words
    by: Words = ()
    grain: str = ""
    last: str = ""
    period: str = ""
    since: str = ""
    until: str = ""
    where: Words = ()
    """`DIMENSION=VALUE` or `DIMENSION!=VALUE`."""
    top: Top | None = None
    compare: str = ""
    tz: str = ""
    org: Words = ()

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is asked for."""
        return _several(self.metric)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it is grouped by."""
        return _several(self.by)

    def items(self) -> list[tuple[str, str]]:
        """Return it as the words of an address."""
        where = (self.where,) if isinstance(self.where, str) else self.where
        out = [("metric", m) for m in self.metrics] + [("by", d) for d in self.dimensions]
        out += [("where", condition) for condition in where] + [("org", name) for name in _several(self.org)]
        out += [("top", str(self.top))] if self.top else []
        single = ("grain", "last", "period", "since", "until", "compare", "tz")
        return out + [(name, getattr(self, name)) for name in single if getattr(self, name)]


class Panel(Saved, frozen=True, kw_only=True):
    """A panel of the dashboard; without a range of its own, or a grain, it has those of the page."""

    title: Title
    tab: Literal["overview", "costs", "tokens", "people", "health"] = "overview"
    mark: Mark = "stack"
    width: Literal["wide", "third", "half", "full"] = "half"


class Feed(Saved, frozen=True, kw_only=True):
    """What a program that is none of ours can read, again and again."""
