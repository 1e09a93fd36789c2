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

LATER = "2026-10-02T06:00:00+00:00"
RESTATEMENT = Race(
    "30 days are held; within the next 24 hours rows of the newest days grow, shrink, vanish and appear; sync again",
    Case(
        "Restatement",
        [Step(NOW, END - 30 * DAY), Step(LATER, END - 30 * DAY, reread=END - 7 * DAY)],
        ("restatement",),
    ),
    (NOTEBOOK, DLT_ROWS, DLT_BUCKETS, PLAIN),
)

_FIVE_PM, _SIX_PM = END + 17 * 3600 + 31 * 60, END + 18 * 3600 + 5 * 60


def _since(moment: int, days: int) -> Step:
    """Return a sync that asks for the last `days` days up to now, as `time.time() - days * 86400` does."""
    return Step(dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(), moment - days * DAY, None)


_UNALIGNED = (_since(_FIVE_PM, 30), _since(_SIX_PM, 7))
UNALIGNED = Trial(
    "Unaligned start",
    "The last 30 days are read at 17:31, the last 7 days at 18:05, both from that time of the day on",
    (
        Case("the first bucket begins where the request does", _UNALIGNED),
        Case("the first bucket claims the whole day", _UNALIGNED, ("partial-first",)),
    ),
    (NOTEBOOK, DLT_ROWS, DLT_BUCKETS, PLAIN),
)


def _fault(name: str, *quirks: str, start: int = END - 14 * DAY, end: int = END) -> Case:
    return Case(name, [Step(NOW, start, end)], quirks, remembers=False)


_PAGES = "small-pages=3"
FAULTS = Trial(
    "Fault storm",
    "14 days are read from a server that misbehaves",
    (
        _fault("429 with and without Retry-After, 500, 503, a cut body", "faults=3", "small-pages=1"),
        _fault("all of these and more at once, one request in three", "storm=3", "small-pages=1"),
        _fault("no quota left", "insufficient-quota"),
        _fault("a login page with status 200", "html"),
        _fault("a group-by that the server does not know", "no-api-source"),
        _fault("half of the range is beyond the look-back", start=END - 372 * DAY, end=END - 358 * DAY),
        _fault("amounts as text", "string-amounts"),
        _fault("every other amount as text", "mixed-amounts"),
        _fault("credits: negative amounts without a project", "credits"),
        _fault("fields that no document names", "unknown-fields"),
        _fault("rows twice in a bucket", "duplicates"),
        _fault("rows under `result`", "result-key"),
        _fault("empty days left out", "missing-buckets"),
        _fault("pages shorter than asked for", _PAGES),
        _fault("an empty text as last cursor", "empty-cursor", _PAGES),
        _fault("a cursor that is refused once", "expired-cursor", _PAGES),
        _fault("more, but no cursor", "lost-cursor", _PAGES),
        _fault("the same cursor again", "repeated-cursor", _PAGES),
        _fault("empty pages without end", "has-more-past-end"),
    ),
    (NOTEBOOK, DLT_BUCKETS, PLAIN),
)
