"""Answers to draw, made by hand, and a check of where a picture's texts are."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations
from typing import Any

import pyarrow as pa
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from tallybook.model.schema import MONEY, TIME
from tallybook.model.windows import DAY, Span, unix
from tallybook.query.clocks.time import Range
from tallybook.query.coverage import Coverage
from tallybook.query.dimensions import dimension
from tallybook.query.question import Query, question
from tallybook.show.result import Result

START = dt.datetime(2026, 1, 5)  # noqa: DTZ001 - naive UTC, as answers have it; a Monday
WHOLE = Coverage(dt.datetime(2027, 6, 1))  # noqa: DTZ001
HOSTILE = (
    "🚀 Launch 🔥", 'She said "no" & left', "$5 for $10", "x_{1}^2 \\alpha", "Käse & Brötchen", "日本語のプロジェクト",
    "a\nb\tc", "", "   ", "مشروع", "W" * 200, "very long " * 20,
)  # fmt: skip


def names(count: int) -> list[str]:
    """Return names, long and hostile ones among them, all different."""
    plain = [f"Team {n:03} of the department for very long and winding project names" for n in range(count)]
    return [HOSTILE[n // 3 % len(HOSTILE)] + f" {n}" if n % 3 == 0 else name for n, name in enumerate(plain)]


def asked(metrics: Sequence[str], by: Sequence[str] = (), grain: str = "total", days: int = 30) -> Query:
    start = unix(START)
    return question(["default"], metrics, map(dimension, by), grain, Range(start, start + days * DAY), {})


def answer(
    rows: Sequence[dict[str, Any]],
    metrics: Sequence[str],
    by: Sequence[str] = (),
    grain: str = "total",
    coverage: Coverage = WHOLE,
    **more: Any,
) -> Result:
    """Return an answer of rows that have `time`, dimensions by name, `currency`, and metrics that add up."""
    query = asked(metrics, by, grain, max(len({row.get("time") for row in rows}), 1))
    groups = {d.name: pa.string() for d in query.by} | {d.column: pa.string() for d in query.by}
    groups |= {"currency": pa.string()} if "cost" in metrics else {}
    filled = [{"currency": "usd"} | {d.column: row[d.name] for d in query.by} | row for row in rows]
    names = [n for m in metrics for n in (m, f"{m}_previous") if not rows or n in rows[0]]
    numbers = {n: MONEY if n.startswith("cost") else pa.int64() for n in names}
    every = pa.Table.from_pylist(filled, schema=pa.schema([*groups.items(), *numbers.items()]))
    sums = [_sums(every, of, numbers) for of in ([*groups], [n for n in groups if n == "currency"])]
    spans = ()
    if grain != "total":
        every = every.add_column(0, "time", pa.array([row["time"] for row in rows], TIME))
        length = {"hour": 3600, "day": DAY}[grain]
        spans = tuple(Span(unix(row["time"]), unix(row["time"]) + length) for row in rows)
    return Result(every, query.range, coverage, query, overall=sums[0], whole=sums[1], spans=spans, **more)


def _sums(every: pa.Table, of: list[str], numbers: dict[str, pa.DataType]) -> pa.Table:
    """Return the sums of each group."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in every.to_pylist():
        into = found.setdefault(tuple(row[n] for n in of), {n: row[n] for n in of} | dict.fromkeys(numbers))
        for n in numbers:
            into[n] = row[n] if into[n] is None else into[n] if row[n] is None else into[n] + row[n]
    return pa.Table.from_pylist([*found.values()], schema=pa.schema([every.schema.field(n) for n in (*of, *numbers)]))


def daily(slots: int, entities: Sequence[str], metric: str = "cost", **more: Any) -> Result:
    """Return numbers per day and project; the first project has the most, and every seventh number is negative."""
    rows = [
        {"time": START + dt.timedelta(days=i), "project": name, metric: _number(metric, i, n, len(entities))}
        for i in range(slots)
        for n, name in enumerate(entities)
    ]
    return answer(rows, [metric], ["project"], "day", **more)


def ranked(entities: Sequence[str], metric: str = "cost", **more: Any) -> Result:
    """Return one number per project."""
    rows = [{"project": name, metric: _number(metric, 0, n, len(entities))} for n, name in enumerate(entities)]
    return answer(rows, [metric], ["project"], **more)


def crossed(entities: Sequence[str], others: Sequence[str]) -> Result:
    """Return a number per pair of project and model."""
    rows = [
        {"project": name, "model": other, "requests": (len(entities) - n) * 100 + m}
        for n, name in enumerate(entities)
        for m, other in enumerate(others)
    ]
    return answer(rows, ["requests"], ["project", "model"])


def _number(metric: str, slot: int, entity: int, count: int) -> Decimal | int:
    size = (count - entity) * 1234 + slot * 17
    value = -size // 9 if (slot + entity) % 7 == 6 else size
    return Decimal(value) / 100 if metric == "cost" else abs(value)


def written(figure: Figure) -> list[Text]:
    """Return the texts that are seen."""
    figure.draw_without_rendering()
    unseen = {
        id(label)
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.findobj(Text)
        if not axes.axison or (label in axis.get_ticklabels() and not _is_seen(axis, label))
    }
    texts = [t for t in figure.findobj(Text) if isinstance(t, Text)]
    return [t for t in texts if t.get_visible() and t.get_text().strip() and id(t) not in unseen]


def _is_seen(axis: Axis, label: Text) -> bool:
    low, high = sorted(axis.get_view_interval())
    place = label.get_position()[0 if axis.axis_name == "x" else 1]
    return bool(low - 1e-9 <= place <= high + 1e-9)


def faults(figure: Figure) -> list[str]:
    """Return what is wrong with where things are: texts over each other, cut off, or over axes; legends outside."""
    texts = [(t, t.get_window_extent()) for t in written(figure)]
    found = [f"{a.get_text()!r} overlaps {b.get_text()!r}" for (a, x), (b, y) in combinations(texts, 2) if _meet(x, y)]
    found += [f"{t.get_text()!r} is cut off" for t, box in texts if not _inside(box, figure.bbox)]
    marked = figure.findobj(lambda a: a.get_gid() == "legend" or isinstance(a, Legend))
    found += [f"{a} of a legend is outside" for a in marked if not _inside(a.get_window_extent(), figure.bbox)]
    for axes in figure.axes:
        own, area = {id(t) for t in axes.findobj(Text)}, axes.get_window_extent()
        found += [f"{t.get_text()!r} is over axes" for t, box in texts if id(t) not in own and _meet(box, area)]
    return found


def _meet(a: Bbox, b: Bbox) -> bool:
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1


def _inside(a: Bbox, whole: Bbox) -> bool:
    return a.x0 >= whole.x0 - 1 and a.y0 >= whole.y0 - 1 and a.x1 <= whole.x1 + 1 and a.y1 <= whole.y1 + 1
