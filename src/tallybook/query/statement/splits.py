"""The bill told apart by API key or by user, as a source of rows. Portable SQL, bound values.

The bill defines totals, a split only distributes them: every source here adds up to the bill, whatever the split holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tallybook.model.coverage import Run
from tallybook.model.datasets import SPLITS, Dataset
from tallybook.model.errors import UnanswerableError
from tallybook.model.windows import Span, naive
from tallybook.store.versions import source


def split_of(columns: Iterable[str]) -> Dataset | None:
    """Return the split of the bill that tells money apart by one of `columns`, None where the bill itself does.

    Raises `UnanswerableError` where two splits would be needed at once: nobody tells money by key and by user.
    """
    needed = set(columns)
    found = [s for s in SPLITS.values() if f"{s.split}_id" in needed]
    if len(found) > 1:
        raise UnanswerableError(
            "OpenAI tells costs apart by API key or by user, not by both at once. Ask for one of them at a time "
            "(key_owner and service_account go by API key)."
        )
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Split:
    """A split of the bill, and where it answers a question."""

    dataset: Dataset
    held: Mapping[str, Sequence[Span]]
    """Where, per organization asked."""

    @property
    def column(self) -> str:
        """What it tells the bill apart by."""
        return f"{self.dataset.split}_id"


def usable(split: Dataset, columns: Iterable[str], runs: Mapping[str, Iterable[Run]]) -> Split:
    """Return where a split is held by all of its dimensions in `columns`; `runs`, per organization, are those that
    were written with the bill.
    """
    needed = set(columns) & set(split.asked)
    return Split(split, {org: [r.extent for r in held if needed <= set(r.dimensions)] for org, held in runs.items()})


def bill_by(split: Split, columns: Iterable[str], as_of: dt.datetime | None) -> tuple[str, list[Any]]:
    """Return the bill told apart by a split: rows with `columns` and `part`, and the values to bind.

    `part` is `split` for rows of the split, `rest` for what it leaves of the bill (the bill's rows and the split's,
    negative), `whole` for the bill's rows where the split is not held.
    """
    own = split.column
    shared = sorted({*columns, "amount", "start_time"} - {own})
    bill, moments = source("costs", shared, as_of)
    rows, more = source("cost_splits", [*shared, own, "split"], as_of)
    inside, edges = _inside(split.held)
    of_split = f"split = '{split.dataset.split}' AND {inside}"
    negative = ["-amount AS amount" if c == "amount" else c for c in shared]
    plain, blank = ", ".join(shared), f"CAST(NULL AS VARCHAR) AS {own}"
    arms = (
        (f"SELECT {plain}, {own}, 'split' AS part FROM {rows} AS s WHERE {of_split}", more),
        (f"SELECT {plain}, {blank}, 'rest' AS part FROM {bill} AS b WHERE {inside}", moments),
        (f"SELECT {', '.join(negative)}, {blank}, 'rest' AS part FROM {rows} AS s WHERE {of_split}", more),
        (f"SELECT {plain}, {blank}, 'whole' AS part FROM {bill} AS b WHERE NOT {inside}", moments),
    )
    text = " UNION ALL ".join(arm for arm, _ in arms)
    return f"({text})", [value for _, values in arms for value in [*values, *edges]]


def _inside(held: Mapping[str, Sequence[Span]]) -> tuple[str, list[Any]]:
    which, name = ("org = ? AND ", 1) if len(held) > 1 else ("", 0)
    spans = [([org] * name, span) for org, those in held.items() for span in those]
    condition = " OR ".join(f"({which}start_time >= ? AND start_time < ?)" for _ in spans) or "1 = 0"
    return f"({condition})", [v for org, s in spans for v in (*org, naive(s.start), naive(s.end))]
