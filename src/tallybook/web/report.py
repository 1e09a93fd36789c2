"""A report: the page as one file that needs no server and no network, with all that it answers from inside."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources

import msgspec

from tallybook.book import Book
from tallybook.model.errors import ExportError, UsageError
from tallybook.model.windows import DAY
from tallybook.query.clocks.time import Range
from tallybook.query.metrics import METRICS, Metric, Term
from tallybook.web.board import board
from tallybook.web.cubes import Cube, Cubing, Edges, is_summed
from tallybook.web.desk import Colours, Desk
from tallybook.web.naming import title, unit
from tallybook.web.panels import STATE, PanelRow, panels_of, tabs_of
from tallybook.web.scope import Viewer
from tallybook.web.shapes import Board, Dense, Panel, Sync, Unit
from tallybook.web.view import view
from tallybook.web.words import NO_COMPARISON, Asked

DEFAULT_RANGE = ("period", "last-month")
_TABS = ("overview", "costs", "tokens", "people")
_FORBIDDEN = "tallybook:forbidden"
_CSP = (
    "default-src 'none'; script-src {script}; style-src {style}; connect-src 'none'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_SCRIPT = re.compile(r'\s*<script type="module"[^>]* src="\./([^"]+)"></script>')
_STYLE = re.compile(r'\s*<link rel="stylesheet"[^>]* href="\./([^"]+)">')
_ICON = re.compile(r'href="\./(icon\.svg)"')


class Follows(msgspec.Struct, frozen=True):
    """What of a panel's question is the state's (null), and what is its own."""

    metric: list[str] | None
    by: list[str] | None
    grain: str
    top: int | None
    compares: bool
    where: list[str]
    title: str
    mark: str
    says: str
    is_fixed: bool
    """Whether it is about a time of its own, so that it never changes."""


class Part(msgspec.Struct, frozen=True):
    """A sum of which a ratio is made."""

    sum: str
    datasets: list[str]


class Embedded(msgspec.Struct, frozen=True):
    """All that a report answers from."""

    range: Edges
    only: str
    """What it is restricted to, in words."""
    boards: dict[str, Board]
    panels: dict[str, dict[str, Follows]]
    cubes: list[Cube]
    metrics: dict[str, Unit]
    ratios: dict[str, list[Part]]
    """Of each ratio, what is divided by what."""
    dims: dict[str, str]
    """The titles of dimensions."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it is written."""

    page: bytes
    """HTML."""
    span: Range
    lacks: str = ""
    """What of its range the book does not hold, in words."""


def report(
    book: Book, *, time: Mapping[str, str | None] | None = None, where: Iterable[str] = (), orgs: Iterable[str] = (),
    people: bool = False,
) -> Report:  # fmt: skip
    """Return a report of whole UTC days, last month by default.

    `time` has one of the words `period`, `last`, `since` and `until`; `where` are conditions such as `model=gpt-*`.
    Users and keys are in it only with `people`. Raises `QueryError`, `UsageError`, and `StoreError`.
    """
    said = tuple((name, value) for name, value in (time or {}).items() if value)
    asked = Asked(time=said or (DEFAULT_RANGE,), where=tuple(where), orgs=tuple(orgs))
    desk = Desk(book, Viewer(people=people), book.now(), Colours(book))
    span = desk.span(asked)
    if span.start % DAY or span.end % DAY:
        raise UsageError(f"A report is of whole UTC days, not of {span}. Say them as --since DATE --until DATE.")
    _check(asked, people=people)
    with book.store.opened(still=True):
        found = _embedded(desk, asked, span)
    return Report(page_of(found, f"tallybook, {span.dates}"), span, _lacks(found.boards.values()))


def _check(asked: Asked, *, people: bool) -> None:
    """Raise where a condition names people who are not to be in the report."""
    if not people and (named := Viewer(people=False).hidden(asked.arguments()["where"] or {})):
        raise UsageError(f"This report names nobody, so it is not of one {named}. Add --with-people, or leave it out.")


def _embedded(desk: Desk, asked: Asked, span: Range) -> Embedded:
    cubes = Cubing(desk, asked, span).cubes()
    tabs = [row.id for row in tabs_of(desk.viewer) if row.id in _TABS]
    asked = replace(asked, grain=view(tabs[0], asked, desk).grain)
    rows = {tab: {row.id: row for row in panels_of(tab, desk.book.settings, desk.viewer)} for tab in tabs}
    boards = {tab: _board(desk, asked, tab, rows[tab]) for tab in tabs}
    known = {name for cube in cubes for name in cube.values}
    ratios = {r.name: parts for r in METRICS.values() if r.kind == "ratio" and (parts := _divided(r))}
    ratios = {name: parts for name, parts in ratios.items() if {p.sum for p in parts} <= known}
    return Embedded(
        range=Edges(span.start, span.end),
        only=" and ".join(asked.where),
        boards=boards,
        panels={tab: {name: _follows(row) for name, row in of_tab.items()} for tab, of_tab in rows.items()},
        cubes=cubes,
        metrics={name: unit(METRICS[name]) for name in (*known, *ratios)},
        ratios=ratios,
        dims={d: title(d) for cube in cubes for d in cube.dims},
    )


def _divided(ratio: Metric) -> list[Part]:
    """Return the two sums that a ratio of usage divides; nothing where they are none of usage alone."""
    if ratio.scale != 1 or any(t.table != "usage" or t.only for t in ratio.terms):
        return []
    found = [next((m for m in METRICS.values() if is_summed(m) and _covers(m.terms[0], t)), None) for t in ratio.terms]
    return [Part(m.name, [*t.datasets]) for m, t in zip(found, ratio.terms, strict=True) if m] if all(found) else []


def _covers(whole: Term, part: Term) -> bool:
    return whole.columns == part.columns and {*part.datasets} <= {*whole.datasets}


def _board(desk: Desk, asked: Asked, tab: str, rows: Mapping[str, PanelRow]) -> Board:
    """Return a tab as it is shown first: without what is about now, or about people who are not to be in it."""
    found = board(view(tab, asked, desk), "", Sync())
    panels = [_plain(p) for p in found.panels if not (_is_of_now(rows[p.id]) or _is_hidden(p))]
    tabs = [t for t in found.tabs if t.id in _TABS]
    return msgspec.structs.replace(found, panels=panels, tabs=tabs)


def _is_of_now(row: PanelRow) -> bool:
    return bool(row.time or row.source) and not row.own


def _is_hidden(panel: Panel) -> bool:
    return panel.problem is not None and panel.problem.type == _FORBIDDEN


def _plain(panel: Panel) -> Panel:
    return msgspec.structs.replace(panel, query="")


def _follows(row: PanelRow) -> Follows:
    return Follows(
        metric=None if row.metrics == (STATE,) else [*row.metrics],
        by=None if row.by == (STATE,) else [*row.by],
        grain=row.grain,
        top=row.top,
        compares=row.compare != NO_COMPARISON,
        where=[*row.where],
        title="" if row.own else row.title,
        mark=row.mark,
        says=row.says,
        is_fixed=bool(row.time or row.source),
    )


def _lacks(boards: Iterable[Board]) -> str:
    dense = (panel.data for found in boards for panel in found.panels if isinstance(panel.data, Dense))
    text = next((str(d.coverage["text"]) for d in dense if not d.coverage["complete"]), "")
    return text.removeprefix("INCOMPLETE: ")


def page_of(found: Embedded, heading: str) -> bytes:
    """Return the page with everything inside: its script and style, allowed by their hashes alone, and its data."""
    static = resources.files("tallybook.web") / "static"
    files: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        files[match.re.pattern] = (static / match[1]).read_text("utf-8")
        return ""

    def icon(match: re.Match[str]) -> str:
        return f'href="data:image/svg+xml;base64,{_base64((static / match[1]).read_bytes())}"'

    index = (static / "index.html").read_text("utf-8")
    text = _ICON.sub(icon, _STYLE.sub(take, _SCRIPT.sub(take, index)))
    script, style = files.get(_SCRIPT.pattern, ""), files.get(_STYLE.pattern, "")
    if not script or not style or "./" in text or "</script" in script or "</style" in style:
        raise ExportError("The page of this copy of tallybook is not as it should be. Install it again.")
    data = _base64(gzip.compress(msgspec.json.encode(found), 9, mtime=0))
    csp = _CSP.format(script=_hash(script), style=_hash(style))
    head = f'<meta http-equiv="Content-Security-Policy" content="{csp}">\n<style>{style}</style>\n</head>'
    body = (
        f'<script type="application/gzip" id="report">{data}</script>\n<script type="module">{script}</script>\n</body>'
    )
    text = re.sub("<title>.*?</title>", lambda _: f"<title>{html.escape(heading)}</title>", text)
    return text.replace("</head>", head, 1).replace("</body>", body, 1).encode()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _hash(text: str) -> str:
    """Return how a policy names an inline text."""
    return f"'sha256-{_base64(hashlib.sha256(text.encode()).digest())}'"
