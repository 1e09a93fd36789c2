"""Business metrics: the user's own numbers beside those of the provider, such as orders or revenue.

Their values are one more table of facts, `internal.business`: rows `[start_time, end_time)` of one grain with `org`
(NULL where nothing says whose a row is), a column per dimension (`Definition.columns`), `currency`, `amount` and, of a
level, `amount_seconds`. Coverage says where a metric is known; a bucket in it without a row is 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.windows import Span, merge, naive, unix
from tallybook.query.own.teams import OWN, is_taken
from tallybook.store.base import Store

Kind = Literal["flow", "level"]
KINDS: tuple[Kind, ...] = ("flow", "level")
GRAINS = ("hour", "day", "week", "month")
"""What a metric may be known by; weeks begin on Monday."""
TABLE = "internal.business"
COLUMNS = {
    "org": "org",
    "project": "project_id",
    "user": "user_id",
    "api_key": "api_key_id",
    "service_account": "service_account_id",
    "model": "model",
} | {name: name for name in OWN}
"""Dimension to its column, of those that have one of their own."""
TAGS = ("tag_1", "tag_2", "tag_3", "tag_4")
"""Columns for dimensions of the user's own."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a business metric is."""

    name: str
    kind: Kind
    """A `flow` adds up over time; a `level` does not, and is a mean over time."""
    unit: str
    """`money` where there is a currency, else what is counted."""
    currency: str | None
    grain: str
    columns: Mapping[str, str]
    """By dimension (`project`, `team`, a tag), the column of the table that holds it."""

    def __str__(self) -> str:
        """Say kind, dimensions and grain."""
        by = f" by {', '.join(self.columns)}" if self.columns else ""
        return f"{self.kind}{by} per {self.grain}, in {self.currency or self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        about = {"metric": self.name, "kind": self.kind, "unit": self.unit, "currency": self.currency}
        return about | {"grain": self.grain, "dimensions": list(self.columns)}


def definitions(store: Store) -> dict[str, Definition]:
    """Return every business metric of a book by name; none where there is no book."""
    rows = store.rows("business_metrics") if store.exists() else []
    found = [
        Definition(r["metric"], r["kind"], r["unit"], r["currency"], r["grain"], json.loads(r["dimensions"]))
        for r in rows
    ]
    return {known.name: known for known in sorted(found, key=lambda known: known.name)}


def coverage(store: Store, name: str) -> list[Span]:
    """Return where a business metric is known, in order and apart."""
    rows = store.rows("business_coverage", {"metric": name})
    return merge(Span(unix(r["start_time"]), unix(r["end_time"])) for r in rows)


def count(store: Store, name: str, within: Span | None = None) -> int:
    """Return how many rows there are of a business metric, or of those that begin in a span."""
    text = f"SELECT count(*) AS n FROM {TABLE} WHERE metric = ?"
    params: list[Any] = [name]
    if within is not None:
        text += " AND start_time >= ? AND start_time < ?"
        params += [naive(within.start), naive(within.end)]
    return int(store.read(text, params)["n"][0].as_py())


def check_name(name: str, tags: Collection[str] = ()) -> None:
    """Raise `UsageError` where a business metric cannot be called so; `tags` are dimensions of the user's own."""
    if not NAME.fullmatch(name):
        raise UsageError(f"A metric has a name of small letters, digits and underscores, a letter first, not {name!r}.")
    if is_taken(name) or name in tags:
        raise UsageError(f"{name!r} is a metric or dimension already. Give yours another name.")


def column_of(dimension: str, taken: Collection[str]) -> str:
    """Return the column for a dimension, a free one for a name of the user's own; raises `UsageError`."""
    if dimension in COLUMNS:
        return COLUMNS[dimension]
    if not NAME.fullmatch(dimension):
        raise UsageError(
            f"A dimension has a name of small letters, digits and underscores, a letter first, not {dimension!r}."
        )
    if is_taken(dimension):
        able = ", ".join(COLUMNS)
        raise UsageError(f"A business metric is not told apart by {dimension}; it is by {able} and tags of your own.")
    free = [column for column in TAGS if column not in taken]
    if not free:
        raise UsageError(
            f"A business metric has at most {len(TAGS)} dimensions of your own; {dimension!r} is one more."
        )
    return free[0]


def known(name: str, defined: Mapping[str, Definition]) -> Definition:
    """Return the business metric called `name`; raises `UnknownNameError`."""
    if name not in defined:
        raise UnknownNameError("business metric", name, defined)
    return defined[name]
