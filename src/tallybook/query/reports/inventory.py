"""What a book holds, dataset by dataset."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tallybook.model.coverage import Run
from tallybook.model.datasets import HELD
from tallybook.model.windows import SECONDS, Span, naive
from tallybook.query.coverage import Coverage, assess, utc_text
from tallybook.store.base import Sizes, Store


@dataclass(frozen=True, slots=True)
class Held:
    """What is held of one dataset. Times are naive UTC; None where there is nothing."""

    dataset: str
    rows: int
    start: dt.datetime | None
    """Inclusive."""
    end: dt.datetime | None
    """Exclusive: the last moment known."""
    widths: tuple[str, ...]
    """Finest first."""
    stable_until: dt.datetime | None
    """Everything before was read late enough after its end not to be read again."""
    read_at: dt.datetime | None
    """When the newest read began."""
    coverage: Coverage
    """From the first moment held (or, with nothing held, the reachable year) to now."""
    notes: int
    """Remarks about the quality of the data."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "dataset": self.dataset,
            "rows": self.rows,
            "start": utc_text(self.start),
            "end": utc_text(self.end),
            "widths": list(self.widths),
            "stable_until": utc_text(self.stable_until),
            "read_at": utc_text(self.read_at),
            "gaps": [gap.as_dict() for gap in self.coverage.missing],
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """A book at a glance."""

    url: str
    org: str
    size: Sizes
    history_rows: int
    """Earlier versions of rows that are kept."""
    last_sync: dict[str, Any] | None
    """The summary of the newest sync."""
    controls: tuple[dict[str, Any], ...]
    """Per dataset: when its newest days were last compared with control totals, and how many were equal."""
    datasets: tuple[Held, ...]
    notes: tuple[dict[str, Any], ...]
    line_items: int
    """Different texts of line items in the bill."""
    unparsed: tuple[dict[str, Any], ...]
    """Those that the parser does not understand, with their amount in each currency, the largest first."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        return {
            "book": self.url,
            "org": self.org,
            "bytes": self.size.total,
            "free_bytes": self.size.free,
            "tables": {
                name: {"rows": self.size.rows[name], "bytes": n}
                for name, n in sorted(self.size.bytes.items(), key=lambda item: (-item[1], item[0]))
            },
            "history_rows": self.history_rows,
            "last_sync": self.last_sync,
            "controls": [_texts(row) for row in self.controls],
            "datasets": [held.as_dict() for held in self.datasets],
            "notes": [_texts(note) for note in self.notes],
            "line_items": self.line_items,
            "unparsed": [row | {"amount": f"{row['amount']:f}"} for row in self.unparsed],
        }


@dataclass(frozen=True, slots=True)
class Freshness:
    """How an organization's book was last brought up to date."""

    org: str
    last_sync: dict[str, Any] | None
    """The summary of the newest sync that has ended."""
    controls: tuple[dict[str, Any], ...]
    """Per dataset: when its newest days were last compared with control totals, and how many were equal."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON-ready values."""
        controls = [_texts(row) for row in self.controls]
        return {"org": self.org, "last_sync": self.last_sync, "controls": controls}


_LAST_SYNC = """SELECT summary FROM internal.syncs
WHERE org = ? AND ended_at IS NOT NULL AND summary NOT LIKE '%"kind": "verify"%' ORDER BY began_at DESC LIMIT 1"""


def freshness(store: Store, org: str) -> Freshness:
    """Return how `org` was last brought up to date; raises `NotABookError` where there is no book."""
    last = store.read(_LAST_SYNC, [org]).to_pylist()
    controls = sorted(store.rows("controls", {"org": org}), key=lambda r: list(HELD).index(r["dataset"]))
    return Freshness(
        org,
        json.loads(last[0]["summary"]) if last else None,
        tuple({k: v for k, v in row.items() if k != "org"} for row in controls),
    )


def _texts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: utc_text(v) if isinstance(v, dt.datetime) else v for k, v in row.items()}


_COUNTS = """SELECT dataset, count(*) AS n FROM usage WHERE org = ? GROUP BY dataset
UNION ALL SELECT 'costs', count(*) FROM costs WHERE org = ?
UNION ALL SELECT 'costs_by_' || split, count(*) FROM internal.cost_splits WHERE org = ? GROUP BY split"""

_PARTS = ("product", "model", "modality", "token_kind", "tier", "qualifier")
_LINE_ITEMS = f"""SELECT c.line_item, c.currency, coalesce(SUM(c.amount), 0) AS amount,
    {" AND ".join(f"i.{part} IS NULL" for part in _PARTS)} AS unparsed
FROM costs AS c JOIN internal.line_items AS i ON i.line_item = c.line_item
WHERE c.org = ? GROUP BY c.line_item, c.currency, {", ".join(f"i.{part}" for part in _PARTS)}
ORDER BY abs(coalesce(SUM(c.amount), 0)) DESC, c.line_item, c.currency"""


def orgs(store: Store) -> list[str]:
    """Return the organizations of which a book holds anything; raises `NotABookError` where there is no book."""
    return [row["org"] for row in store.read("SELECT DISTINCT org FROM internal.coverage ORDER BY org").to_pylist()]


def status(store: Store, org: str, look_back: dict[str, int], now: int, since: int) -> Status:
    """Return what the book holds of `org`, and what is missing of it since `since`.

    Raises `NotABookError` where there is no book.
    """
    counts = {row["dataset"]: row["n"] for row in store.read(_COUNTS, [org, org, org]).to_pylist()}
    runs = store.coverage(org, HELD)
    refusals = store.rows("refusals", {"org": org})
    notes = store.rows("notes", {"org": org})
    held = []
    for name, of_dataset in runs.items():
        remarks = sum(n["dataset"] == name for n in notes)
        held.append(_held(name, of_dataset, counts.get(name, 0), remarks, refusals, look_back, now, since))
    sizes = store.sizes()
    latest = freshness(store, org)
    items = store.read(_LINE_ITEMS, [org]).to_pylist()
    return Status(
        store.url,
        org,
        sizes,
        sum(sizes.rows[f"{table}_history"] for table in ("usage", "costs", "cost_splits")),
        latest.last_sync,
        latest.controls,
        tuple(held),
        tuple({k: n[k] for k in ("dataset", "start_time", "end_time", "kind", "text")} for n in notes),
        len({item["line_item"] for item in items}),
        tuple({k: i[k] for k in ("line_item", "currency", "amount")} for i in items if i["unparsed"]),
    )


def _held(
    name: str,
    runs: Sequence[Run],
    rows: int,
    remarks: int,
    refusals: Sequence[Mapping[str, Any]],
    look_back: Mapping[str, int],
    now: int,
    since: int,
) -> Held:
    start = min((r.start for r in runs), default=None)
    end = max((r.end for r in runs), default=None)
    first = since if start is None else min(start, since)
    coverage = assess(Span(first, now), {name: ()}, {name: runs}, refusals, look_back, now)
    stable = coverage.provisional_from or (naive(end) if end is not None else None)
    gaps = [gap for gap in coverage.missing if start is not None and start <= gap.span.start < (end or now)]
    if gaps:
        stable = min(s for s in (stable, naive(gaps[0].span.start)) if s is not None)
    return Held(
        name,
        rows,
        naive(start) if start is not None else None,
        naive(end) if end is not None else None,
        tuple(w for w in SECONDS if any(r.width == w for r in runs)),
        stable,
        naive(max(r.read_at for r in runs)) if runs else None,
        coverage,
        remarks,
    )
