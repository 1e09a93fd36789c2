"""A proof, and a book made again from its own, as text for a terminal of 80 columns. Pure but for the width."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tallybook.model.windows import iso, naive
from tallybook.show.numbers import count
from tallybook.show.tables import Column, plain, table_text, terminal_width
from tallybook.show.text import render

if TYPE_CHECKING:
    from tallybook.collect.evidence import Content, Proof, Request
    from tallybook.collect.rebuild import Difference, Rebuilt

_MOST_ROWS = 10
_MOST_DIFFERENCES = 20


def proof_text(proof: Proof, *, rows: int = _MOST_ROWS, width: int | None = None) -> str:
    """Return what is behind a number: the verdict, requests, buckets, at most `rows` raw rows, earlier contents."""
    width = width or terminal_width()
    restricted = "".join(f", {column} {' or '.join(values)}" for column, values in proof.where.items())
    parts = [
        render(f"{proof.dataset} on {iso(proof.day)}{restricted}, organization {proof.org}", width=width),
        _numbers(proof, width),
        render(_verdict(proof), width=width),
        *(_request(proof, i, request, width) for i, request in enumerate(proof.requests, 1)),
        _raw_rows(proof, rows, width),
        _earlier(proof, width),
    ]
    return "\n\n".join(part for part in parts if part)


def _numbers(proof: Proof, width: int | None) -> str:
    names = sorted(proof.held.keys() | proof.shown.keys(), key=[*proof.held, *proof.shown].index)
    if not names:
        return ""
    columns = [
        Column("number", names),
        Column("in the book", [_exact(proof.held.get(n)) for n in names], is_number=True),
        Column("in the raw rows", [_exact(proof.shown.get(n)) for n in names], is_number=True),
    ]
    return table_text(columns, width)


def _exact(value: Any) -> str:
    """Return a number with all its digits, an amount without the zeros at its end."""
    if not isinstance(value, Decimal):
        return count(value)
    text = f"{value:,f}".replace("-", "\N{MINUS SIGN}")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _verdict(proof: Proof) -> Text:
    if not proof.contents:
        return Text(f"Nothing is held of {proof.dataset} on {iso(proof.day)}. `tallybook status` shows what is.")
    if proof.is_proved:
        rows = _many(sum(len(c.rows) for c in proof.contents), "raw row")
        return Text(f"Proved: {rows} in {_buckets(proof.contents)}, each with the bytes that were hashed, give this.")
    said = []
    if proof.differs:
        said.append(f"The book does not hold what was given in {', '.join(proof.differs)}: `tallybook rebuild` tells.")
    if proof.damaged:
        said.append(f"The bytes kept of {_starts(proof.damaged)} are damaged: they do not have the hash they had.")
    if proof.lacking:
        whole = "No raw bucket is" if len(proof.lacking) == len(proof.contents) else "No raw bucket is kept of "
        which = " kept" if whole.endswith("is") else _starts(proof.lacking)
        said.append(
            f"{whole}{which} (see pages.keep in the settings). What can be shown: which request gave it, and when, "
            "with the hash of the body."
        )
    return Text("Not proved. " + " ".join(said), style="bold yellow")


def _buckets(contents: Iterable[Content]) -> str:
    return _many(len(list(contents)), "raw bucket")


def _starts(contents: list[Content]) -> str:
    return ", ".join(iso(c.start) for c in contents[:3]) + (f" and {len(contents) - 3} more" * (len(contents) > 3))


def _when(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def _request(proof: Proof, number: int, request: Request, width: int | None) -> str:
    """Return a request with the buckets that it gave."""
    row = request.row
    mine = [c for c in proof.contents if c.request and c.request.key == request.key]
    named = f", request {row['request_id']}" if row["request_id"] else ""
    facts = [
        f"GET {row['path']}?{row['query']}",
        f"asked {_when(row['began_at'])} UTC, HTTP {row['status']} after {row['seconds']:.2f} s{named}",
        f"body of {count(row['bytes'])} bytes, SHA-256 ({request.body}):",
        row["sha256"],
        f"committed {_when(row['recorded_at'])} UTC; buckets with their SHA-256 and rows asked for:",
        *_given(mine),
    ]
    return render(f"Request {number}", *(Padding(Text(plain(f)), (0, 0, 0, 2)) for f in facts), width=width)


def _given(contents: Iterable[Content]) -> Iterator[str]:
    for c in contents:
        start = f"{naive(c.start):%m-%d}" if c.width == "1d" else f"{naive(c.start):%H:%M}"
        state = {True: c.hash, False: f"{c.hash} DAMAGED", None: "not kept"}[c.is_whole]
        yield f"{start} {state} {len(c.rows)}" if c.is_whole else f"{start} {state}"
        if c.confirmed:
            requests = "1 later request" if c.confirmed == 1 else f"{count(c.confirmed)} later requests"
            yield f"      given again by {requests}, the last {_when(c.confirmed_at)} UTC"


def _raw_rows(proof: Proof, most: int, width: int | None) -> str:
    rows = [row for c in proof.contents for row in c.rows][: max(most, 0)]
    left = sum(len(c.rows) for c in proof.contents) - len(rows)
    if not rows:
        return ""
    more = [f"and {count(left)} more: --json has all, --rows N shows more"] if left else []
    lines = [Padding(Text(plain(text)), (0, 0, 0, 2)) for text in [*rows, *more]]
    return render("Rows as they came", *lines, width=width)


def _earlier(proof: Proof, width: int | None) -> str:
    if not proof.earlier:
        return ""
    lines = []
    for c in proof.earlier:
        numbers = "; ".join(f"{name} {_exact(n)}" for name, n in c.numbers.items()) or "no rows"
        lines.append(f"{iso(c.start)}, held {_when(c.recorded_at)} to {_when(c.replaced_at)} UTC, {c.reason}")
        lines += [f"  {c.hash}" + ("" if c.is_whole else " DAMAGED"), f"  {numbers}"]
    return render("Earlier contents", *(Padding(Text(plain(text)), (0, 0, 0, 2)) for text in lines), width=width)


def rebuilt_text(found: Rebuilt, *, width: int | None = None) -> str:
    """Return what came of making a book again: what is proved, what is not, what differs and why."""
    width = width or terminal_width()
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=9)
    grid.add_column()
    for name, text in _told(found):
        grid.add_row(Text(name), Text(text))
    parts = [render(grid, width=width)]
    if found.differences:
        parts += [_differing(found.differences, width), render(_outcome(found), width=width)]
    return "\n\n".join(parts)


def _told(found: Rebuilt) -> Iterator[tuple[str, str]]:
    yield "Made", f"{_many(found.reads, 'read')} in {_many(found.commits, 'commit')} again"
    days = f"; history, too, on {_many(found.days, 'day')} of a dataset of which all that was ever read is kept"
    yield "Compared", f"{_many(found.compared, 'held bucket')}{days if found.days else ''}"
    if found.unproved:
        yield "Unproved", f"{_many(found.unproved, 'held bucket')}: no whole raw bucket is kept; they stay as they are"
    for _, dataset, bucket_width, start in found.damaged[:_MOST_DIFFERENCES]:
        yield "Damaged", f"{dataset} {iso(start)} ({bucket_width}): its bytes do not have the hash they had"
    yield "Differs", _many(len(found.differences), "bucket") if found.differences else "nothing"


def _many(n: int, what: str) -> str:
    return f"{count(n)} {what}" + "s" * (n != 1)


def _outcome(found: Rebuilt) -> Text:
    if found.applied:
        return Text("All of it was put back as it was given, in one transaction.")
    return Text("Nothing was changed. `tallybook rebuild --apply` puts it back as it was given.", style="bold yellow")


def _differing(differences: list[Difference], width: int | None) -> str:
    some = differences[:_MOST_DIFFERENCES]
    columns = [
        Column("dataset", [d.dataset for d in some], is_label=True),
        Column("bucket", [iso(d.start) for d in some]),
        Column("held", [_summary(d.held) for d in some], is_label=True),
        Column("given", [_summary(d.given) for d in some], is_label=True),
        Column("cause", [d.cause for d in some], is_label=True),
    ]
    left = len(differences) - len(some)
    more = f"\n\nand {_many(left, 'more bucket')}; --json has every row." if left else ""
    return table_text(columns, width) + more


_TOLD = ("amount", "input_tokens", "num_model_requests")


def _summary(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return how many rows, and what they add up to in the first number that they have."""
    every = list(rows)
    if not every:
        return "no row"
    number = next((n for n in (*_TOLD, *every[0]) if isinstance(every[0].get(n), int | Decimal)), None)
    known = [row[number] for row in every if number and row[number] is not None]
    said = _many(len(every), "row")
    return f"{said}, {_exact(sum(known))}" if known else said
