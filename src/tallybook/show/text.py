"""Numbers, tables and summaries as text for a terminal of 80 columns. Pure but for the width it is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tallybook.model.windows import iso
from tallybook.query.inventory import Status
from tallybook.show.result import Fetched, Result

if TYPE_CHECKING:
    from tallybook.collect.checks import Check
    from tallybook.collect.sync import Summary

_CENT = Decimal("0.01")
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def count(value: int | None) -> str:
    """Return a whole number with thousands separators, a true minus, and a dash for what is not held."""
    return "–" if value is None else f"{value:,}".replace("-", "\N{MINUS SIGN}")


def money(value: Decimal | None, currency: str | None, places: int = 2) -> str:
    """Return an amount with its currency; an amount too small to show is `<$0.01`, never zero."""
    if value is None:
        return "–"
    symbol = _SYMBOLS.get(currency or "usd", "")
    unit = "" if symbol or not currency else f" {currency.upper()}"
    step = _CENT.scaleb(2 - places)
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    if value and abs(value) < step:
        return f"{sign}<{symbol}{step:f}{unit}"
    return f"{sign}{symbol}{abs(value):,.{places}f}{unit}"


def size(n: int) -> str:
    """Return bytes as people say them."""
    amount = float(n)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1000
    raise AssertionError


def render(*parts: RenderableType, width: int | None = None, colour: bool | None = None) -> str:
    """Return renderables as text, `width` columns wide (default: the terminal's, else 80)."""
    console = Console(width=width, force_terminal=colour, highlight=False, soft_wrap=False)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()).strip("\n")


def _table(*, footer: bool = False) -> Table:
    return Table(box=box.SIMPLE_HEAD, show_footer=footer, pad_edge=False, padding=(0, 1, 0, 0))


def result_table(result: Result) -> Table:
    """Return an answer as a table with totals at the foot."""
    assert result.query is not None  # noqa: S101 - only answers are shown as tables
    rows = result.rows()
    query = result.query
    table = _table(footer=len(rows) > 1)
    spend = [m for m in query.metrics if m.table == "costs"]
    many = spend and len({r["currency"] for r in rows} - {None}) > 1
    first = True
    if query.grain != "total":
        table.add_column(query.grain, footer="total", no_wrap=True)
        first = False
    for d in query.by:
        table.add_column(d.name, footer="total" if first else "", overflow="ellipsis", no_wrap=True, ratio=1)
        first = False
    for m in query.metrics:
        table.add_column(m.name, footer=_total(rows, m.name, m.table == "costs"), justify="right", no_wrap=True)
    for row in rows:
        cells = [] if query.grain == "total" else [_day(row["time"], query.grain)]
        cells += [str(row[d.name]) for d in query.by]
        for m in query.metrics:
            value = row[m.name]
            cells.append(money(value, row["currency"]) if m.table == "costs" else count(value))
        table.add_row(*cells)
    if many:
        table.caption = "Currencies are never added."
    return table


def _total(rows: Sequence[Mapping[str, Any]], name: str, is_money: bool) -> str:
    if not is_money:
        return count(sum(r[name] or 0 for r in rows))
    sums: dict[str | None, Decimal] = {}
    for row in rows:
        if row[name] is not None:
            sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + row[name]
    if len(sums) > 1:
        sums.pop(None, None)
    return "\n".join(money(v, c) for c, v in sums.items()) or "–"


def _day(moment: dt.datetime, grain: str) -> str:
    return moment.strftime("%Y-%m" if grain == "month" else "%Y-%m-%d")


def result_text(result: Result, *, width: int | None = None) -> str:
    """Return an answer as text: the table, the range, what cost means, and the coverage."""
    assert result.query is not None  # noqa: S101
    billed = (
        "Cost is billed, before tax, credits and adjustments. "
        if any(m.table == "costs" for m in result.query.metrics)
        else ""
    )
    foot = Text(f"{result.range}. {billed}")
    state = Text(f"Data {result.coverage}.", style="" if result.coverage.complete else "bold yellow")
    body = result_table(result) if len(result) else Text("No rows: nothing matches in this range.")
    return render(body, foot, state, width=width)


def sync_summary(summary: Summary, url: str, *, width: int | None = None) -> str:
    """Return what a sync did, in a few lines."""
    changes = summary.changes
    seconds = (summary.ended_at - summary.began_at).total_seconds() if summary.ended_at else 0
    grid = Table.grid(padding=(0, 2))
    grid.add_row("Book", url)
    grid.add_row(
        "Read",
        f"{summary.windows:,} windows, {summary.rows:,} rows; {summary.requests:,} requests, "
        f"{summary.retries:,} retries, {size(summary.bytes)}, {seconds:.1f} s",
    )
    grid.add_row(
        "Changed",
        f"{changes.inserted:,} rows new, {changes.removed:,} moved to history "
        f"({changes.restated:,} restated), {changes.unchanged:,} unchanged",
    )
    grid.add_row("Names", summary.directory)
    for refusal in summary.refusals[:8]:
        span = f"{iso(refusal.span.start)} to {iso(refusal.span.end)}"
        grid.add_row("Not given", f"{refusal.dataset}, {span}: {refusal.reason}")
    if len(summary.refusals) > 8:
        grid.add_row("", f"and {len(summary.refusals) - 8} more; see `tallybook status`")
    for failure in summary.failures[:8]:
        grid.add_row("Missing", f"{failure.dataset}, {failure.window}: {failure.error}")
    if len(summary.failures) > 8:
        grid.add_row("", f"and {len(summary.failures) - 8} more")
    if not summary.failures:
        grid.add_row("Missing", "nothing")
    return render(grid, width=width)


def status_text(status: Status, *, width: int | None = None) -> str:
    """Return what a book holds, as text."""
    table = _table()
    table.add_column("dataset", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("from", no_wrap=True)
    table.add_column("to (UTC)", no_wrap=True)
    table.add_column("by", no_wrap=True)
    table.add_column("stable until", no_wrap=True)
    for held in status.datasets:
        table.add_row(
            held.dataset,
            count(held.rows),
            f"{held.start:%Y-%m-%d}" if held.start else "–",
            f"{held.end:%m-%d %H:%M}" if held.end else "–",
            "+".join(held.widths) or "–",
            f"{held.stable_until:%m-%d %H:%M}" if held.stable_until else "–",
        )
    lines: list[RenderableType] = [
        Text(f"Book {status.url}, {size(status.bytes)}; organization {status.org!r}"),
        table,
        Text(f"{status.history_rows:,} earlier versions of rows are kept."),
    ]
    gaps = [gap for held in status.datasets for gap in held.coverage.missing]
    lines += [Text(f"Missing: {gap}") for gap in gaps[:12]]
    if len(gaps) > 12:
        lines.append(Text(f"Missing: and {len(gaps) - 12} more; `tallybook status --json` lists all"))
    if not gaps:
        lines.append(Text("Nothing is missing up to the newest read."))
    lines += [
        Text(f"Note: {remark['dataset']}, {remark['start_time']:%Y-%m-%d}: {remark['text']}")
        for remark in status.notes[:6]
    ]
    if len(status.notes) > 6:
        lines.append(Text(f"Note: and {len(status.notes) - 6} more; `tallybook status --json` lists all"))
    if status.last_sync and status.last_sync.get("ended_at"):
        ok = "all well" if status.last_sync.get("ok") else f"{len(status.last_sync.get('failed', []))} windows failed"
        lines.append(Text(f"Last sync {status.last_sync['ended_at']}: {ok}."))
    return render(*lines, width=width)


def fetched_text(found: Fetched, shown: int, *, width: int | None = None) -> str:
    """Return the first rows of fetched data as text: the columns that hold anything, time first, as many numbers as fit."""
    numbers = {f.name for f in found.table.schema if str(f.type).startswith(("int64", "decimal"))}
    named = [n for n in found.table.column_names if n != "end_time" and found.table[n].null_count < len(found)]
    names = [n for n in named if n not in numbers]
    sample = found.table.slice(0, shown).to_pylist()
    widest = {n: max([len(n), *(len(_cell(row[n])) for row in sample)]) for n in named}
    left = (width or _WIDTH) - sum(min(widest[n], _SHORT) + 2 for n in names)
    for name in (n for n in named if n in numbers):
        left -= widest[name] + 2
        if left < 0:
            break
        names.append(name)
    rows = [[_cell(row[name]) for name in names] for row in sample]
    table = _table()
    for name in names:
        table.add_column(
            name,
            justify="right" if name in numbers else "left",
            no_wrap=True,
            min_width=widest[name] if name in numbers else min(widest[name], _SHORT),
        )
    for row in rows:
        table.add_row(*row)
    hidden = len(found) - shown
    more = [Text(f"… {hidden:,} more rows; --format csv or json prints all rows and columns.")] if hidden > 0 else []
    body = table if rows else Text("No rows in this range.")
    return render(body, *more, Text(f"{found.range}. Data {found.coverage}."), width=width)


_SHORT = 12
"""Text columns are never shortened below this width."""
_WIDTH = 80


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
    parts: list[RenderableType] = []
    for check in checks:
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
