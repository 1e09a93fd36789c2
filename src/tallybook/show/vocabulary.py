"""What can be asked for, as text: metrics by where they come from, then dimensions."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

from tallybook.query.metrics import Metric
from tallybook.query.vocabulary import Vocabulary, about, offered_text
from tallybook.show.tables import plain, terminal_width
from tallybook.show.text import render


def vocabulary_text(found: Vocabulary, *, width: int | None = None) -> str:
    """Return every metric with kind, unit and meaning below the datasets that it is taken from, then the dimensions."""
    width = width or terminal_width()
    parts: list[RenderableType] = ["Metrics"]
    groups: dict[tuple[str, ...], list[Metric]] = {}
    for known in found.metrics:
        groups.setdefault(("your own",) if known.is_own else known.datasets, []).append(known)
    for datasets, metrics in groups.items():
        parts += ["", f"From {', '.join(datasets)}:", _grid((m.name, m.kind, m.unit, about(m)) for m in metrics)]
    parts += ["", "Dimensions", "", _grid((d.name, offered_text(d), d.about) for d in found.dimensions)]
    parts += [
        "",
        '`tallybook query METRIC --by DIMENSION` asks; an expression such as "cost / requests" is a metric, too.',
    ]
    return render(*parts, width=width)


def _grid(rows: Iterable[tuple[str, ...]]) -> Padding:
    """Return rows whose last column alone is folded."""
    lines = list(rows)
    grid = Table.grid(padding=(0, 2))
    for _ in lines[0][:-1]:
        grid.add_column(no_wrap=True)
    grid.add_column()
    for line in lines:
        grid.add_row(*map(plain, line))
    return Padding(grid, (0, 0, 0, 2))
