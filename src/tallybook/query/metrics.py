"""What can be asked for: metrics as a table, each made of sums, counts or levels of one table of facts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from tallybook.model.datasets import DATASETS, MEASURES
from tallybook.model.errors import UnknownNameError, UsageError, near, suggest
from tallybook.query.dimensions import dimension, needed
from tallybook.query.formula import Expression, parse

Kind = Literal["flow", "level", "distinct", "ratio"]
Table = Literal["costs", "usage", "business"]
Fold = Literal["sum", "count", "mean", "max", "last"]


@dataclass(frozen=True, slots=True)
class Term:
    """One aggregate of one table; every metric is made of one or several."""

    columns: tuple[str, ...]
    """What is added up, or the column whose values are counted."""
    table: Table
    datasets: tuple[str, ...]
    """Where; `where dataset=…` chooses others that have the columns."""
    fold: Fold = "sum"
    only: tuple[str, tuple[str, ...]] | None = None
    """A dimension and the values that it is restricted to."""
    own: tuple[tuple[str, str], ...] = ()
    """Of a business metric, its dimensions with the columns that hold them."""
    is_money: bool = False
    """Whether it is an amount in a currency."""
    shared: str = ""
    """The ratio whose sides it is one of, where it only counts while all of them are known."""
    name: str = field(default="", compare=False)
    """What it is called in a statement."""

    @property
    def source(self) -> str:
        """What its part of a statement reads: a table, or one metric of the business table."""
        return f"{self.table} {self.datasets[0]}" if self.table == "business" else self.table

    @property
    def needs(self) -> tuple[str, ...]:
        """The dimensions without which it cannot be known."""
        return (*(self.columns if self.fold == "count" else ()), *((self.only[0],) if self.only else ()))

    def needs_of(self, dataset: str) -> tuple[str, ...]:
        """Return the columns of facts of a dataset without which it cannot be known."""
        return tuple(c for name in self.needs for c in needed(dimension(name), dataset))

    @property
    def may_be_unknown(self) -> bool:
        """Whether a provider that says nothing of it may mean "unknown" rather than 0."""
        return self.table == "usage" and self.fold == "sum" and not all(_said_by_all(c) for c in self.columns)


def _said_by_all(column: str) -> bool:
    return column not in MEASURES or MEASURES[column].first or MEASURES[column].kind == "level"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that users ask for."""

    name: str
    kind: Kind
    unit: str
    """`money`, `tokens`, `requests`, …; of a ratio `share` or what is divided, such as `money/requests`;
    empty for a mere number."""
    terms: tuple[Term, ...]
    """One; of a ratio the two that are divided."""
    about: str
    """What it means, in a sentence."""
    scale: int = 1
    """What a ratio is multiplied by."""
    aliases: tuple[str, ...] = field(default=())
    """Other names, OpenAI's among them."""
    formula: Expression | None = None
    """Of a ratio that is made of other metrics, how."""
    of: tuple[Metric, ...] = ()
    """Those metrics."""

    def value(self, parts: Sequence[Decimal | int | Fraction | None]) -> Decimal | int | Fraction | None:
        """Return the metric from its terms, exactly; None where that is not known."""
        if self.formula is not None:
            by_term = dict(zip(self.terms, parts, strict=True))
            return self.formula.body.exactly({m.name: m.value([by_term[t] for t in m.terms]) for m in self.of})
        over, *under = parts
        if self.kind != "ratio":
            return over
        if over is None or not under[0]:
            return None
        if isinstance(over, int) and isinstance(under[0], int):
            return Fraction(over * self.scale, under[0])
        return Fraction(over) * self.scale / Fraction(under[0])

    @property
    def is_own(self) -> bool:
        """Whether it is a business metric, so that it may be a fraction."""
        return self.terms[0].table == "business" and self.kind != "ratio"

    @property
    def is_money(self) -> bool:
        """Whether it is an amount in a currency, or one per something."""
        return self.unit.partition("/")[0] == "money"

    @property
    def has_currency(self) -> bool:
        """Whether money is in it, so that it is told apart by currency."""
        return any(t.is_money for t in self.terms)

    @property
    def is_mean(self) -> bool:
        """Whether it is a mean over time."""
        return self.terms[0].fold == "mean"

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets that it is taken from by default."""
        return tuple(dict.fromkeys(d for t in self.terms for d in t.datasets))


_NEVER_ADDED = {
    "decisions": "its tokens may also be counted in completions",
    "web_search_calls:num_model_requests": "the same requests are counted in completions",
}
"""Left out of the defaults, so that nothing is counted twice: a dataset, or one measure of a dataset, and why."""


def _datasets(*measures: str) -> tuple[str, ...]:
    have = [d.name for d in DATASETS.values() if any(m in d.measures for m in measures)]
    return tuple(d for d in have if not {d, *(f"{d}:{m}" for m in measures)} & _NEVER_ADDED.keys()) or tuple(have)


def _used(column: str) -> tuple[str, ...]:
    """Return the datasets whose rows are something that was done, by a dimension."""
    have = [d for d in DATASETS.values() if column in d.dimensions and not d.is_costs and d.name not in _NEVER_ADDED]
    return tuple(d.name for d in have if any(MEASURES[m].kind == "flow" for m in d.measures))


def _flow(
    name: str, *columns: str, unit: str, about: str, of: Sequence[str] = (), aliases: Sequence[str] = ()
) -> Metric:
    columns = columns or (name,)
    return Metric(name, "flow", unit, (_sum(*columns, of=of),), about, aliases=tuple(aliases))


def _sum(*columns: str, of: Sequence[str] = (), only: tuple[str, tuple[str, ...]] | None = None) -> Term:
    return Term(columns, "usage", tuple(of) or _datasets(*columns), only=only)


def _level(name: str, fold: Fold, about: str, aliases: Sequence[str] = ()) -> Metric:
    term = Term(("usage_bytes",), "usage", _datasets("usage_bytes"), fold)
    return Metric(name, "level", "bytes", (term,), about, aliases=tuple(aliases))


def _active(what: str, column: str, about: str) -> Metric:
    return Metric(f"active_{what}", "distinct", what, (Term((column,), "usage", _used(column), "count"),), about)


def _ratio(name: str, unit: str, over: Term, under: Term, about: str, scale: int = 1) -> Metric:
    return Metric(name, "ratio", unit, (over, under), about, scale)


_BILLED_KINDS = ("input", "cached input", "cache writes", "output")
"""The kinds of tokens that usage counts, too; those of training are billed alone."""
_COST = Term(("amount",), "costs", ("costs",), is_money=True)
_TOKENS_BILLED = Term(("amount",), "costs", ("costs",), is_money=True, only=("token_kind", _BILLED_KINDS))
_CHAT, _TEXT = ("completions",), ("completions", "embeddings", "moderations")
_REQUESTS = _sum("num_model_requests")
_NAMED = {"num_model_requests", "usage_bytes", "seconds", "num_sessions", "num_requests"}
"""Measures that have a metric under a name of ours."""

_ABOUT = {
    "input_tokens": "Tokens of the input: cached, written to the cache, text, audio, images and all.",
    "output_tokens": "Tokens of the output: text, reasoning, audio, images and all.",
    "images": "Images made.",
    "characters": "Characters made speech.",
}


def _part(name: str) -> str:
    """Return what a token measure means that is part of another; its name says it."""
    side, *kinds = name.removesuffix("_tokens").split("_")
    return f"Part of `{side}_tokens`: {' '.join(kinds)}."


_ROWS = (
    Metric("cost", "flow", "money", (_COST,), "What was billed, before tax, credits and adjustments."),
    _flow("requests", "num_model_requests", unit="requests", aliases=["num_model_requests"],
          about="Requests to models; those of web searches are among the completions' and not added again."),
    _flow("tokens", "input_tokens", "output_tokens", unit="tokens", of=_TEXT, about="Input and output tokens."),
    *(_flow(m.name, unit=m.unit, about=_ABOUT.get(m.name) or _part(m.name))
      for m in MEASURES.values() if m.kind == "flow" and m.name not in _NAMED),
    _flow("audio_seconds", "seconds", unit="seconds", about="Seconds of audio transcribed.", aliases=["seconds"]),
    _flow("sessions", "num_sessions", unit="sessions", about="Code interpreter sessions.", aliases=["num_sessions"]),
    _flow("file_searches", "num_requests", unit="requests", about="File searches.", of=["file_search_calls"]),
    _flow("web_searches", "num_requests", unit="requests", about="Web searches.", of=["web_search_calls"]),
    _flow("num_requests", unit="requests", about="OpenAI's `num_requests`: file and web searches."),
    _level("storage_bytes", "mean", "Bytes in vector stores: the mean over time.", ["usage_bytes"]),
    _level("storage_bytes_max", "max", "Bytes in vector stores: the most at any time."),
    _level("storage_bytes_last", "last", "Bytes in vector stores: at the last time held."),
    _active("users", "user_id", "Users with any usage; service accounts are users, too."),
    _active("api_keys", "api_key_id", "API keys with any usage."),
    _active("projects", "project_id", "Projects with any usage."),
    _active("models", "model", "Models with any usage."),
    _ratio("cache_hit_rate", "share", _sum("input_cached_tokens"), _sum("input_tokens", of=_CHAT),
           "Cached input tokens among all input tokens of completions."),
    _ratio("output_share", "share", _sum("output_tokens"), _sum("input_tokens", "output_tokens", of=_CHAT),
           "Output tokens among all tokens of completions."),
    _ratio("batch_share", "share", _sum("num_model_requests", of=_CHAT, only=("batch", ("true",))),
           _sum("num_model_requests", of=_CHAT), "Requests of the Batch API among those of completions."),
    _ratio("tokens_per_request", "tokens/requests", _sum("input_tokens", "output_tokens", of=_TEXT),
           _sum("num_model_requests", of=_TEXT), "Input and output tokens per request of the same datasets."),
    _ratio("cost_per_request", "money/requests", _COST, _REQUESTS, "What was billed per request to a model."),
    _ratio("cost_per_million_tokens", "money/tokens", _TOKENS_BILLED,
           _sum("input_tokens", "output_tokens", of=_TEXT), "What was billed for tokens, per million of them.", 10**6),
)  # fmt: skip

METRICS: dict[str, Metric] = {m.name: m for m in _ROWS}
"""Every metric by name."""

_COMMON = ("cost", "requests", "tokens", "input_tokens", "output_tokens", "cache_hit_rate", "active_users")
_LISTED = "`tallybook metrics` lists all that can be asked for."
_BY_ALIAS = {alias: m for m in _ROWS for alias in m.aliases}


def metric(name: str, more: Iterable[str] = ()) -> Metric:
    """Return a metric by its name or OpenAI's; raises `UnknownNameError`, which also suggests the names in `more`."""
    known = METRICS.get(name) or _BY_ALIAS.get(name)
    if known is None:
        names = [*METRICS, *_BY_ALIAS, *more]
        # All of them would fill a screen; what is not close to any is shown what most people ask for.
        raise UnknownNameError("metric", name, names if near(name, names) else [*_COMMON, *more], _LISTED)
    return known


def is_metric(name: str) -> bool:
    """Return whether a metric is called so in every book."""
    return name in METRICS or name in _BY_ALIAS


def asked(text: str, more: Mapping[str, Metric] | None = None) -> Metric:
    """Return what was asked for, under the name by which it was: a metric, or an expression of metrics.

    `more` are the user's own. Raises `UnknownNameError`, or `UsageError` that points at the place.
    """
    own = more or {}
    if not re.search(r"[-+*/=()\s]", text.strip()):
        return _named(text.strip(), own)
    formula = parse(text)
    parts = [_named(name, own) for name in formula.names]
    unit = formula.unit({m.name: m.unit for m in parts})
    if "/" in formula.text:
        parts = _of_the_same(parts)
    terms = tuple(dict.fromkeys(t for m in parts for t in m.terms))
    if not terms:
        raise UsageError(f"{text!r} names no metric. {suggest('', _COMMON)} {_LISTED}")
    about = f"{formula.body}, of sums over the same datasets."
    return Metric(formula.name, "ratio", unit, terms, about, formula=formula, of=tuple(parts))


def _named(name: str, own: Mapping[str, Metric]) -> Metric:
    return own[name] if name in own else replace(metric(name, own), name=name)


def _of_the_same(parts: Sequence[Metric]) -> list[Metric]:
    """Return metrics taken from the datasets that all sums of usage among them have: like is divided by like."""
    summed = [t for m in parts for t in m.terms if t.table == "usage" and t.fold == "sum"]
    shared = set.intersection(*(set(t.datasets) for t in summed)) if summed else set()
    if not shared:
        return list(parts)

    def narrowed(term: Term) -> Term:
        return replace(term, datasets=tuple(d for d in term.datasets if d in shared)) if term in summed else term

    return [replace(m, terms=tuple(map(narrowed, m.terms))) for m in parts]
