"""What is on the page: tabs and panels as rows. A new panel is one row; only a new mark needs another browser side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tallybook.model.saved import Panel
from tallybook.model.settings import Settings
from tallybook.web.scope import PEOPLE, Viewer
from tallybook.web.words import TIMES


@dataclass(frozen=True, slots=True)
class TabRow:
    """A page of panels, and what is asked there where the address says nothing."""

    id: str
    title: str
    metric: str
    by: str
    people: bool = False
    """Whether it is about people."""
    is_fixed: bool = False
    """Whether it is about its own metric, whatever the address says."""
    whole: bool = False
    """Whether it tells of the book as a whole, so that nobody who sees a part of it sees this."""


TABS: dict[str, TabRow] = {
    row.id: row
    for row in (
        TabRow("overview", "Overview", "cost", "project"),
        TabRow("costs", "Costs", "cost", "product", is_fixed=True),
        TabRow("tokens", "Tokens & cache", "tokens", "model"),
        TabRow("people", "People & keys", "requests", "user", people=True),
        TabRow("health", "Data health", "requests", "dataset", whole=True),
    )
}

STATE = "state"
"""As the address says."""


@dataclass(frozen=True, slots=True)
class PanelRow:
    """A titled question, and how its answer is drawn. Braces in a title stand for what was asked."""

    id: str
    tab: str
    title: str
    mark: str
    width: str = "half"
    metrics: tuple[str, ...] = (STATE,)
    by: tuple[str, ...] = ()
    grain: str = STATE
    """`state` is by the grain of the page, `total` none."""
    top: int | None = 12
    time: tuple[tuple[str, str], ...] = ()
    """A range of its own, in words; otherwise that of the page."""
    where: tuple[str, ...] = ()
    """Conditions besides those of the page."""
    compare: str = STATE
    says: str = ""
    source: str = ""
    """What else than a question gives the data; see `tallybook.web.sources`."""
    own: bool = False
    """Whether it is the user's, from the settings."""

    @property
    def people(self) -> bool:
        """Whether it tells people or their keys apart."""
        return bool(PEOPLE & {name.removesuffix("_id") for name in self.by}) or self.source == "seen"


_CARDS = ("cost", "requests", "tokens", "cache_hit_rate", "active_users", "active_api_keys")
_TOKENS = ("input_tokens", "input_cached_tokens", "output_tokens", "cache_hit_rate")
_PARTS = ("input_uncached_tokens", "input_cached_tokens", "output_tokens")
_COST = ("cost",)
_BY = (STATE,)

PANELS: tuple[PanelRow, ...] = (
    PanelRow("cards", "overview", "At a glance", "kpi", "full", _CARDS),
    PanelRow("main", "overview", "{metric} by {by}", "stack", "wide", by=_BY),
    PanelRow("shares", "overview", "Shares", "donut", "third", by=_BY, grain="total"),
    PanelRow("models", "overview", "{metric} by model", "rank", by=("model",), grain="total", compare="none"),
    PanelRow("keys", "overview", "{metric} by API key", "rank", by=("api_key",), grain="total", compare="none"),
    PanelRow("rows", "overview", "Every {by}", "table", "full", ("cost", "requests", "tokens"), _BY, "total", None),
    PanelRow("month", "costs", "This month, through the last billed day", "kpi", "third", _COST,
             grain="day", time=(("period", "this-month"),), compare="previous",
             says="against the same days of last month"),
    PanelRow("main", "costs", "{metric} by {by}", "stack", "wide", _COST, _BY),
    PanelRow("products", "costs", "By product", "rank", "half", _COST, ("product",), "total", compare="none"),
    PanelRow("models", "costs", "By model", "rank", "half", _COST, ("model",), "total", compare="none"),
    PanelRow("items", "costs", "By line item", "rank", "half", _COST, ("line_item",), "total", compare="none"),
    PanelRow("projects", "costs", "By project", "rank", "half", _COST, ("project",), "total", compare="none"),
    PanelRow("days", "costs", "Day by day", "table", "full", _COST, grain="day"),
    PanelRow("cards", "tokens", "At a glance", "kpi", "full", _TOKENS),
    PanelRow("main", "tokens", "{metric} by {by}", "stack", "wide", by=_BY),
    PanelRow("shares", "tokens", "Shares", "donut", "third", by=_BY, grain="total"),
    PanelRow("parts", "tokens", "What tokens are made of", "stack", "half", _PARTS),
    PanelRow("cache", "tokens", "Cache hit rate by {by}", "line", "half", ("cache_hit_rate",), _BY, top=6),
    PanelRow("rows", "tokens", "Every {by}", "table", "full", (*_TOKENS, "requests"), _BY, "total", None),
    PanelRow("cards", "people", "At a glance", "kpi", "full", ("active_users", "active_api_keys", "active_projects")),
    PanelRow("main", "people", "{metric} by {by}", "stack", "wide", by=_BY),
    PanelRow("shares", "people", "Shares", "donut", "third", by=_BY, grain="total"),
    PanelRow("users", "people", "Users and service accounts", "rank", by=("user",), grain="total", compare="none"),
    PanelRow("keys", "people", "API keys", "rank", by=("api_key",), grain="total", compare="none"),
    PanelRow("accounts", "people", "Service accounts", "rank", by=("service_account",), grain="total", compare="none"),
    PanelRow("teams", "people", "Teams", "rank", by=("team",), grain="total", compare="none"),
    PanelRow("seen", "people", "Everybody and every key", "table", "full", source="seen"),
    PanelRow("held", "health", "What is held, day by day", "heat", "full", source="held"),
    PanelRow("proved", "health", "Control totals", "table", "half", source="proved",
             says="each day's rows against what OpenAI says ungrouped, once a day"),
    PanelRow("syncs", "health", "Syncs", "facts", "half", source="syncs"),
    PanelRow("restated", "health", "What OpenAI has said differently since", "table", "full", source="restated",
             says="of days in the range that had ended"),
    PanelRow("notes", "health", "Remarks on the data", "note", "half", source="notes"),
    PanelRow("bytes", "health", "Room it takes", "facts", "half", source="bytes"),
)  # fmt: skip
"""Every panel, in the order in which it is shown."""


def panels_of(tab: str, settings: Settings, viewer: Viewer) -> list[PanelRow]:
    """Return the panels of a tab that a viewer may see; those of the settings are the last."""
    rows: Iterable[PanelRow] = (*PANELS, *own_panels(settings))
    shown = (row for row in rows if row.tab == tab and (viewer.people or not row.people))
    return [row for row in shown if viewer.sees_all or not row.source]


def own_panels(settings: Settings) -> list[PanelRow]:
    """Return the panels of the settings."""
    return [_own(number, panel) for number, panel in enumerate(settings.panel, 1)]


def _own(number: int, panel: Panel) -> PanelRow:
    said = panel.items()
    return PanelRow(
        f"own-{number}", panel.tab, panel.title, panel.mark, panel.width, panel.metrics, panel.dimensions,
        panel.grain or STATE, panel.top or 12,
        tuple(item for item in said if item[0] in TIMES), tuple(value for name, value in said if name == "where"),
        panel.compare or STATE, own=True,
    )  # fmt: skip


def tabs_of(viewer: Viewer) -> list[TabRow]:
    """Return the tabs that a viewer may see."""
    return [t for t in TABS.values() if (viewer.people or not t.people) and (viewer.sees_all or not t.whole)]
