"""What is measured, as data: a tool is a row, a job is a row, a fault is a row."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
DAY = 86_400
NOW = "2026-10-01T06:00:00+00:00"
"""Where clocks stand, so that the data are the same wherever and whenever this runs."""
COMPANY = {"now": NOW, "seed": 7, "days": 400, "requests_per_day": 400}
KEY = "sk-admin-bench-no-management"
"""May not read names, so that every tool asks for the same data."""
END = int(dt.datetime.fromisoformat(NOW).timestamp()) // DAY * DAY

GROUPS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
GROUP_BY = {
    "completions": ("api_key_id", "api_source", "batch", "model", "project_id", "service_tier", "user_id"),
    "costs": ("line_item", "project_id"),
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One contender."""

    name: str
    """As the tables show it."""
    script: str
    """In `tools/`. It does one sync into the working directory and prints one JSON object: `days` (pairs of the start
    of a bucket and its sums, texts by measure), `rows` held, those of them `written` now, and the spans `missing`."""
    environment: str
    """The folder of its environment."""
    requirements: Sequence[str]
    """What pip installs there."""
    shown: Sequence[str]
    """The packages whose versions are shown."""
    tolerance: Decimal = Decimal(0)
    """How far, relatively, sums of money may be off because the tool adds them as floats."""
    variant: str = ""
    """Which of several ways the script goes."""
    keeps: bool = True
    """Whether a sync adds to what the one before has left."""
    is_ours: bool = False


_FLOAT = Decimal("1e-12")
_DLT = ("dlt_rest.py", "dlt", GROUPS["bench-dlt"], ("dlt", "duckdb"), _FLOAT)
TALLYBOOK = ("-e", str(ROOT))
_OURS = ("book.py", "tallybook", TALLYBOOK, ("tallybook",), Decimal(0))

NOTEBOOK = Tool("notebook", "notebook.py", "notebook", GROUPS["bench-notebook"], ("pandas",), _FLOAT, keeps=False)
SDK = Tool("openai SDK + pandas", "openai_sdk.py", "sdk", GROUPS["bench-sdk"], ("openai",), _FLOAT, keeps=False)
FLOOR = Tool("floor", "floor.py", "floor", GROUPS["bench-floor"], ("httpx2", "msgspec", "pyarrow", "duckdb"))
DLT = Tool("dlt", *_DLT, "load")
DLT_ROWS = Tool("dlt, merge by row", *_DLT, "rows")
DLT_BUCKETS = Tool("dlt, merge by bucket", *_DLT, "buckets")
PLAIN = Tool("tallybook", *_OURS, "plain", is_ours=True)
DEFAULTS = Tool("tallybook, defaults", *_OURS, "defaults", is_ours=True)


@dataclass(frozen=True, slots=True)
class Step:
    """One sync."""

    now: str
    start: int
    """What is asked for, Unix seconds."""
    end: int | None = END
    """None asks for everything up to now."""
    reread: int | None = None
    """Where a tool begins that has to be told what may have changed; else at `start`."""


@dataclass(frozen=True, slots=True)
class Case:
    """What all tools are put through: one or more syncs, against a server that may misbehave."""

    name: str
    steps: Sequence[Step]
    quirks: Sequence[str] = ()
    remembers: bool = True
    """Whether the server may serve an answer again from memory."""


@dataclass(frozen=True, slots=True)
class Race:
    """A case in which time and memory count, too."""

    text: str
    case: Case
    tools: Sequence[Tool]
    share: float = 1.0
    """How many of the rounds it takes part in."""

    @property
    def name(self) -> str:
        """As the page shows it."""
        return self.case.name


@dataclass(frozen=True, slots=True)
class Trial:
    """Cases in which only the result counts."""

    name: str
    text: str
    cases: Sequence[Case]
    tools: Sequence[Tool]


BACKFILL = Race(
    "90 days of completions grouped by everything, and costs by project and line item, all at 1d",
    Case("Backfill", [Step(NOW, END - 90 * DAY)]),
    (NOTEBOOK, SDK, FLOOR, DLT, PLAIN, DEFAULTS),
)
