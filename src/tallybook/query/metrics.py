"""What can be asked: metrics and dimensions, as tables."""

from __future__ import annotations

from dataclasses import dataclass

from tallybook.model.datasets import DATASETS, HELD, MEASURES, SPLITS
from tallybook.model.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that users ask for."""

    name: str
    column: str
    """What is summed."""
    table: str
    """`usage` or `costs`."""
    datasets: tuple[str, ...]
    """Where it is summed by default; `where dataset=…` chooses others that have it."""
    unit: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something to group by or to filter on."""

    name: str
    column: str
    kind: str | None = None
    """The kind of directory entry whose name labels its ids."""
    key: str = ""
    """The column of facts from which the directory derives this one; empty where it is a column of facts itself."""


_NEVER_ADDED = {
    "decisions": "its tokens may also be counted in completions",
    "web_search_calls:num_model_requests": "the same requests are counted in completions",
}
"""Left out of the defaults, so that nothing is counted twice: a dataset, or one measure of a dataset, and why."""


def _datasets(measure: str) -> tuple[str, ...]:
    have = [d.name for d in DATASETS.values() if measure in d.measures]
    return tuple(d for d in have if not {d, f"{d}:{measure}"} & _NEVER_ADDED.keys()) or tuple(have)


METRICS: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric("cost", "amount", "costs", ("costs",), "money"),
        *(Metric(m.name, m.name, "usage", _datasets(m.name), m.unit) for m in MEASURES.values() if m.kind == "flow"),
    )
}
"""Every metric by name. `cost` is billed, before tax, credits and adjustments."""

ALIASES = {"requests": "num_model_requests"}
"""Short names, accepted beside OpenAI's."""

DIMENSIONS: dict[str, Dimension] = {
    d.name: d
    for d in (
        Dimension("project", "project_id", "project"),
        Dimension("user", "user_id", "user"),
        Dimension("api_key", "api_key_id", "api_key"),
        Dimension("key_owner", "key_owner_id", "key_owner", key="api_key_id"),
        Dimension("service_account", "service_account_id", "service_account", key="api_key_id"),
        Dimension("model", "model"),
        Dimension("batch", "batch"),
        Dimension("service_tier", "service_tier"),
        Dimension("api_source", "api_source"),
        Dimension("size", "size"),
        Dimension("source", "source"),
        Dimension("context_level", "context_level"),
        Dimension("vector_store", "vector_store_id"),
        Dimension("line_item", "line_item"),
        Dimension("dataset", "dataset"),
        Dimension("org", "org"),
    )
}
"""Every dimension by its short name; OpenAI's name (`project_id`) is accepted, too."""

_BY_COLUMN = {d.column: d for d in DIMENSIONS.values()}


def metric(name: str) -> Metric:
    """Return a metric by its name or OpenAI's; raises `UnknownNameError`."""
    known = METRICS.get(ALIASES.get(name, name))
    if known is None:
        raise UnknownNameError("metric", name, [*METRICS, *ALIASES])
    return known


def dimension(name: str) -> Dimension:
    """Return a dimension by its short name or OpenAI's; raises `UnknownNameError`."""
    known = DIMENSIONS.get(name) or _BY_COLUMN.get(name)
    if known is None:
        raise UnknownNameError("dimension", name, DIMENSIONS)
    return known


def stored(column: str) -> str:
    """Return the column of facts that holds, or lets the directory derive, a dimension's column."""
    known = _BY_COLUMN.get(column)
    return (known.key if known else "") or column


def offers(dataset: str, column: str) -> bool:
    """Return whether a dataset is stored with a dimension; the bill also has those of its splits."""
    parts = [HELD[dataset], *(SPLITS.values() if dataset == "costs" else ())]
    return column in ("org", "dataset") or any(stored(column) in part.asked for part in parts)
