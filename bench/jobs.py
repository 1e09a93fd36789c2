"""What is measured, as data: an opponent is a row, a job is a row."""

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
"""Where all clocks stand, so that the data are the same wherever and whenever this runs."""
COMPANY = {"now": NOW, "seed": 7, "days": 400, "requests_per_day": 400}
KEY = "sk-admin-bench-no-management"
"""May not read names, so that every tool asks for the same data."""
END = int(dt.datetime.fromisoformat(NOW).timestamp()) // DAY * DAY

GROUPS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
TALLYBOOK = ("-e", str(ROOT))
GROUP_BY = {
    "completions": ("api_key_id", "api_source", "batch", "model", "project_id", "service_tier", "user_id"),
    "costs": ("line_item", "project_id"),
}


@dataclass(frozen=True, slots=True)
class Opponent:
    """One contender of a job."""

    name: str
    """As the table shows it."""
    script: str
    """Below this folder. It prints one JSON object: `sums` (texts by measure) and `rows`."""
    environment: str
    """The folder of its environment."""
    requirements: Sequence[str]
    """What pip installs there."""
    shown: Sequence[str]
    """The packages whose versions are shown."""
    tolerance: Decimal = Decimal(0)
    """How far, relatively, sums of money may be off because the tool adds them as floats."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work, the same for all opponents."""

    name: str
    text: str
    days: int
    opponents: Sequence[Opponent]

    @property
    def start(self) -> int:
        """The first second, Unix time."""
        return END - self.days * DAY


FLOAT = Decimal("1e-12")

JOBS = (
    Job(
        "Backfill",
        "90 days of completions grouped by everything, and costs by project and line item, all at 1d",
        90,
        (
            Opponent("notebook", "backfill/notebook.py", "notebook", GROUPS["bench-notebook"], ("pandas",), FLOAT),
            Opponent("openai SDK + pandas", "backfill/openai_sdk.py", "sdk", GROUPS["bench-sdk"], ("openai",), FLOAT),
            Opponent(
                "floor",
                "backfill/floor.py",
                "floor",
                GROUPS["bench-floor"],
                ("httpx2", "msgspec", "pyarrow", "duckdb"),
            ),
            Opponent("tallybook", "backfill/book.py", "tallybook", TALLYBOOK, ("tallybook",)),
        ),
    ),
)

NOTEBOOK, FLOOR = "notebook", "floor"
"""The opponents that the ratios name."""
