"""What a sync is told, how far it is, and what came of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tallybook.collect.control import Control
from tallybook.collect.refusals import Failure
from tallybook.model.datasets import DATASETS, SPLITS
from tallybook.model.errors import TallybookError
from tallybook.model.records import Refusal
from tallybook.model.settings import Directory, Keep
from tallybook.model.windows import SECONDS, Span, iso
from tallybook.store.base import Changes


@dataclass(frozen=True, slots=True)
class Policy:
    """How a sync collects; times in seconds."""

    datasets: tuple[str, ...] = tuple(DATASETS)
    since: int | None = None
    """The earliest moment to hold; None means the reachable year."""
    until: int | None = None
    history_width: str = "1h"
    look_back: int = 3 * SECONDS["1d"]
    costs_look_back: int = 7 * SECONDS["1d"]
    measured_at: int | None = None
    """When the look-back was measured from the book, where that is asked for."""
    concurrency: int = 4
    full: bool = False
    """Read stable buckets again, too, and ask again for what was refused."""
    directory: Directory = "full"
    splits: tuple[str, ...] = tuple(SPLITS)
    """By what the bill is told apart, where it is collected."""
    keep: Keep = "current"
    """Which raw buckets are kept as proof."""
    control_totals: bool = False
    """Compare stable days with control totals, once a day."""

    @property
    def suggested(self) -> dict[str, int] | None:
        """The look-back that the book itself suggests; None where the settings say it."""
        if self.measured_at is None:
            return None
        return {"usage": self.look_back, "costs": self.costs_look_back, "measured_at": self.measured_at}

    @property
    def held(self) -> tuple[str, ...]:
        """The datasets, and the splits that are collected with the bill."""
        return self.datasets + (self.splits if "costs" in self.datasets else ())


@dataclass(slots=True)
class Progress:
    """Where a sync stands."""

    phase: str
    """`days`, `history`, `names` or `control`."""
    org: str = ""
    """Of which organization, where there are several."""
    done: int = 0
    total: int = 0
    rows: int = 0
    requests: int = 0
    retries: int = 0
    failed: int = 0


Watch = Callable[[Progress], None]


@dataclass(slots=True)
class Summary:
    """What a sync did, and what is missing after it."""

    org: str
    sync_id: str
    began_at: dt.datetime
    """Aware, UTC, as is `ended_at`."""
    ended_at: dt.datetime | None = None
    kind: str = "sync"
    """`sync`, or `verify`."""
    windows: int = 0
    requests: int = 0
    retries: int = 0
    bytes: int = 0
    rows: int = 0
    """Rows read."""
    changes: Changes = field(default_factory=Changes)
    failures: list[Failure] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    error: str | None = None
    """What ended the sync early, such as a key that the server refuses."""
    error_code: int = 1
    """What the command line ends with for that."""
    directory: str = "not due"
    """`read`, `not due`, or why there are only ids."""
    look_back: dict[str, int] | None = None
    """The look-back that the book suggested and the sync used: `usage` and `costs` in seconds, `measured_at`."""
    control: Control | None = None
    """What comparing days with control totals found; None where that was not due."""

    @property
    def ok(self) -> bool:
        """Whether nothing failed that a later run may get."""
        return not self.failures and self.error is None

    @property
    def exit_code(self) -> int:
        """What the command line ends with."""
        if self.error is not None:
            return self.error_code
        proved = self.kind != "verify" or (self.control is not None and self.control.ok)
        return 0 if self.ok and proved else 1

    @property
    def each(self) -> tuple[Summary, ...]:
        """The summaries of the organizations, one by one."""
        return (self,)

    def fail(self, error: BaseException) -> None:
        """Note what ended the sync early."""
        self.error = str(error) if isinstance(error, TallybookError) else "interrupted"
        self.error_code = getattr(error, "exit_code", 1)

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as JSON-ready values."""
        return {
            "org": self.org,
            "sync_id": self.sync_id,
            "kind": self.kind,
            "began_at": _text(self.began_at),
            "ended_at": _text(self.ended_at) if self.ended_at else None,
            "ok": self.ok,
            "error": self.error,
            "windows": self.windows,
            "requests": self.requests,
            "retries": self.retries,
            "bytes": self.bytes,
            "rows_read": self.rows,
            "rows_inserted": self.changes.inserted,
            "rows_removed": self.changes.removed,
            "rows_restated": self.changes.restated,
            "rows_unchanged": self.changes.unchanged,
            "directory": self.directory,
            "look_back": self.look_back,
            "control": self.control.as_dict() if self.control else None,
            "failed": [_missing(f.dataset, f.window, str(f.error), width=f.window.width) for f in self.failures],
            "refused": [
                _missing(r.dataset, r.span, r.reason, width=r.width, dimension=r.dimension, final=r.final)
                for r in self.refusals
            ],
        }


@dataclass(slots=True)
class Summaries(Summary):
    """What syncs of several organizations did: their summaries, added up."""

    parts: tuple[Summary, ...] = ()

    @property
    def each(self) -> tuple[Summary, ...]:
        """The summaries of the organizations, one by one."""
        return self.parts

    @property
    def exit_code(self) -> int:
        """What the command line ends with: the worst of all."""
        return max(part.exit_code for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """Return the summaries as JSON-ready values."""
        return {"ok": self.ok, "organizations": [part.as_dict() for part in self.parts]}


def added(parts: Sequence[Summary]) -> Summary:
    """Return the one summary that there is, or several added up."""
    if len(parts) == 1:
        return parts[0]
    whole = Summaries(", ".join(p.org for p in parts), "", parts[0].began_at, parts[-1].ended_at, parts=tuple(parts))
    for part in parts:
        for number in ("windows", "requests", "retries", "bytes", "rows"):
            setattr(whole, number, getattr(whole, number) + getattr(part, number))
        whole.changes.add(part.changes)
        whole.failures += part.failures
        whole.refusals += part.refusals
        whole.error = whole.error or part.error
    whole.directory = "; ".join(f"{part.org}: {part.directory}" for part in parts)
    return whole


def _text(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _missing(dataset: str, span: Span, reason: str, **more: Any) -> dict[str, Any]:
    return {"dataset": dataset, "start": iso(span.start), "end": iso(span.end), "reason": reason, **more}
