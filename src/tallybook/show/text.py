"""Numbers, tables and summaries as text for a terminal of 80 columns. Pure but for the width it is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tallybook.query.clocks.time import stretch
from tallybook.query.reports.inventory import Status
from tallybook.show.answers import result_table
from tallybook.show.numbers import count, days, money, places, size
from tallybook.show.result import Fetched, Result
from tallybook.show.tables import Column, fits, is_terminal, plain, table_text, terminal_width, width_of

if TYPE_CHECKING:
    from tallybook.collect.checks import Check
    from tallybook.collect.control import Control
    from tallybook.collect.summary import Summary
    from tallybook.store.base import Sizes


def render(*parts: RenderableType, width: int | None = None, colour: bool | None = None) -> str:
    """Return renderables as text, `width` columns wide (default: the terminal's; in a pipe, lines are not folded)."""
    console = Console(
        width=width or terminal_width() or _UNFOLDED, force_terminal=colour, highlight=False, markup=False
    )
    with console.capture() as capture:
        for part in parts:
            console.print(Text(plain(part)) if isinstance(part, str) else part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n")


_UNFOLDED = 10_000
_TABLES = 5
"""How many of the largest tables the status names."""


def result_text(result: Result, *, width: int | None = None, drawn: bool | None = None) -> str:
    """Return an answer as text: the table, the range, what cost means, and the coverage.

    `drawn` says whether with bars and sparklines (default: on a terminal).
    """
    assert result.query is not None  # noqa: S101
    width = width or terminal_width()
    is_money = any(m.is_money for m in result.query.metrics)
    billed = " Cost is billed, before tax, credits and adjustments." if is_money else ""
    state = Text(f"Data {result.coverage}.", style="" if result.coverage.complete else "bold yellow")
    drawn = is_terminal() if drawn is None else drawn
    body = result_table(result, width, drawn=drawn) if len(result) else "No rows: nothing matches in this range."
    return f"{body}\n\n{render(f'{result.basis}.{billed}', state, width=width)}"


def sync_summary(summary: Summary, url: str, *, width: int | None = None) -> str:
    """Return what a sync did, in a few lines for each organization."""
    several = len(summary.each) > 1
    parts = [f"\nOrganization {one.org!r}\n" * several + render(_summed(one), width=width) for one in summary.each]
    # A path is never folded, so that it can be copied.
    return "\n".join([f"Book     {plain(url)}", *parts])


def _summed(summary: Summary) -> Table:
    changes = summary.changes
    seconds = (summary.ended_at - summary.began_at).total_seconds() if summary.ended_at else 0
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=7)
    grid.add_column()
    grid.add_row(
        "Read",
        f"{summary.windows:,} windows, {summary.rows:,} rows; {summary.requests:,} requests, "
        f"{summary.retries:,} retries, {size(summary.bytes)}, {seconds:.1f} s",
    )
    grid.add_row(
        "Changed",
        f"{changes.inserted:,} rows new, {changes.removed:,} replaced by finer or newer ones and kept as history "
        f"({changes.restated:,} restated), {changes.unchanged:,} unchanged",
    )
    grid.add_row("Names", summary.directory)
    if summary.control:
        grid.add_row("Control", _control(summary.control))
    for refusal in summary.refusals[:8]:
        grid.add_row("Refused", f"{refusal.dataset} {stretch(refusal.span)}: {refusal.reason}")
    if len(summary.refusals) > 8:
        grid.add_row("", f"and {len(summary.refusals) - 8} more; see `tallybook status`")
    for failure in summary.failures[:8]:
        grid.add_row("Missing", f"{failure.dataset} {stretch(failure.window)}: {failure.error}")
    if len(summary.failures) > 8:
        grid.add_row("", f"and {len(summary.failures) - 8} more")
    if summary.error is not None:
        grid.add_row("Failed", summary.error)
    elif not summary.failures:
        grid.add_row("Missing", "nothing")
    return grid


def _control(control: Control) -> str:
    """Return in a few words what a sync's control totals found."""
    parts = [f"{days(control.count('equal'))} equal"]
    words = {"healed": "healed by reading them again", "differs": "still differ (see `tallybook status`)"}
    parts += [f"{n:,} {text}" for state, text in words.items() if (n := control.count(state))]
    parts += [f"{len(control.failures)} control totals not read"] if control.failures else []
    return ", ".join(parts)


def controls_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return in a line when what is held was last compared with control totals."""
    equal, differing = sum(r["equal"] + r["healed"] for r in rows), sum(r["differing"] for r in rows)
    wrong = f", {differing:,} differ" if differing else ""
    when = max(r["checked_at"] for r in rows)
    return f"Control totals: {equal:,} days of {len(rows)} datasets equal{wrong}, compared {when:%Y-%m-%d %H:%M}."


def ending(sync: Mapping[str, Any]) -> str:
    """Return how a sync ended, in words; what is not well is mended by another one."""
    if sync.get("ok"):
        return "all well"
    failed = len(sync.get("failed", []))
    what = str(sync.get("error") or f"{failed} windows failed").rstrip(".")
    return f"{what}; run `tallybook sync` again"


def status_text(status: Status, *, width: int | None = None) -> str:
    """Return what a book holds, as text."""
    width = width or terminal_width()
    columns = _held(status, exact=True)
    if width is not None and width_of(columns) > width:
        columns = _held(status, exact=False)
    lines: list[RenderableType] = [f"{status.history_rows:,} earlier versions of rows are kept. {_space(status.size)}"]
    gaps = [gap for held in status.datasets for gap in held.coverage.missing]
    lines += [f"Missing: {gap}" for gap in gaps[:12]]
    if len(gaps) > 12:
        lines.append(f"Missing: and {len(gaps) - 12} more; `tallybook status --json` lists all")
    if not gaps:
        lines.append("Nothing is missing up to the newest read.")
    lines += [f"Note: {note['dataset']}, {note['start_time']:%Y-%m-%d}: {note['text']}" for note in status.notes[:6]]
    if len(status.notes) > 6:
        lines.append(f"Note: and {len(status.notes) - 6} more; `tallybook status --json` lists all")
    if status.unparsed:
        lines.append(_unparsed(status))
    if status.controls:
        lines.append(controls_text(status.controls))
    if status.last_sync and status.last_sync.get("ended_at"):
        lines.append(f"Last sync {status.last_sync['ended_at']}: {ending(status.last_sync)}.")
    # A path is never folded, so that it can be copied.
    head = plain(f"Book {status.url}, {size(status.size.total)}; organization {status.org!r}; times are UTC")
    return f"{head}\n\n{table_text(columns, width)}\n\n{render(*lines, width=width)}"


def _space(held: Sizes) -> str:
    """Return in a line which tables take how much, the largest first."""
    largest = sorted(held.bytes.items(), key=lambda item: -item[1])[:_TABLES]
    parts = [f"{name} {size(n)}" for name, n in largest if n]
    parts.append(f"the rest {size(held.total - held.free - sum(n for _, n in largest))}")
    return f"Space: {', '.join(parts)}; free {size(held.free)}."


def _unparsed(status: Status) -> str:
    """Return how many line items are not understood, and how much money that is."""
    sums: dict[str | None, Decimal] = {}
    for item in status.unparsed:
        sums[item["currency"]] = sums.get(item["currency"], Decimal(0)) + item["amount"]
    amounts = ", ".join(money(amount, currency, places(sums.values())) for currency, amount in sums.items())
    texts = {item["line_item"]: None for item in status.unparsed}
    more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
    return (
        f"{len(texts)} of {status.line_items} line items are not understood and stay whole: {amounts} of the bill, "
        f"in {', '.join(map(repr, [*texts][:3]))}{more}."
    )


def _held(status: Status, *, exact: bool) -> list[Column]:
    """Return one line per dataset; what is not `exact` has days only, and leaves out what matters less."""

    def when(moments: Iterable[dt.datetime | None]) -> list[str]:
        return [f"{m:%Y-%m-%d %H:%M}" if m and exact else f"{m:%Y-%m-%d}" if m else "–" for m in moments]

    held = status.datasets
    columns = [
        Column("dataset", [h.dataset for h in held]),
        Column("rows", [count(h.rows) for h in held], is_number=True),
        Column("from", when(h.start for h in held)),
        Column("to", when(h.end for h in held)),
        Column("width", ["+".join(h.widths) or "–" for h in held]),
        Column("stable to", when(h.stable_until for h in held)),
    ]
    if exact:
        columns.append(Column("last read", when(h.read_at for h in held)))
        columns.append(Column("notes", [count(h.notes) for h in held], is_number=True))
    return columns


def fetched_text(found: Fetched, shown: int, *, width: int | None = None) -> str:
    """Return the first rows of fetched data as text: time, the columns that hold anything, as many numbers as fit."""
    width = width or terminal_width()
    every = fetched_columns(found, shown)
    columns: list[Column] = []
    for column in every:
        if column.is_number and width is not None and not fits([*columns, column], width):
            break
        columns.append(column)
    hidden = len(found) - shown
    more = [f"… {hidden:,} more rows; --format csv or json prints all rows and columns."] if hidden > 0 else []
    if not hidden > 0 and len(columns) < len(every):
        more = ["Some columns do not fit; --format csv or json prints all."]
    body = table_text(columns, width) if len(found) else "No rows in this range."
    return f"{body}\n\n{render(*more, f'{found.range}. Data {found.coverage}.', width=width)}"


def fetched_columns(found: Fetched, shown: int) -> list[Column]:
    """Return the first rows of fetched data cut into columns, those that hold anything, numbers last."""
    numbers = {f.name for f in found.table.schema if str(f.type).startswith(("int64", "decimal"))}
    named = [n for n in found.table.column_names if n != "end_time" and found.table[n].null_count < len(found)]
    sample = found.table.slice(0, shown).to_pylist()
    return [
        Column(n, [_cell(row[n]) for row in sample], is_label=n not in {*numbers, "start_time"}, is_number=n in numbers)
        for n in sorted(named, key=lambda n: n in numbers)
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d" if value.time() == dt.time() else "%Y-%m-%d %H:%M")
    if isinstance(value, Decimal):
        return f"{round(value, 6):,f}".rstrip("0").rstrip(".") if value else "0"
    return count(value) if type(value) is int else str(value)


def checks_text(checks: Sequence[Check], *, width: int | None = None) -> str:
    """Return what was checked, one line each, with advice below what is not well."""
    several = len({check.org for check in checks} - {None}) > 1
    parts: list[RenderableType] = []
    org = None
    for check in checks:
        if several and check.org != org:
            org = check.org
            parts += ["", f"Organization {org!r}"]
        mark, style = ("ok", "green") if check.ok else ("NO", "bold red") if check.required else ("no", "yellow")
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=2, style=style)
        grid.add_column(width=max(len(c.name) for c in checks), no_wrap=True)
        grid.add_column()
        grid.add_row(mark, check.name, check.found)
        parts.append(grid)
        if not check.ok and check.advice:
            parts.append(Text(f"\n{check.advice}\n" if "\n" in check.advice else f"    {check.advice}"))
    return render(*parts, width=width)
