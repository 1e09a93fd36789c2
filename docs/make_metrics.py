"""Write metrics.md from the tables of metrics and dimensions: `python docs/make_metrics.py`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tallybook.query.own import belonging
from tallybook.query.vocabulary import about, aliases, offered_text, offering, vocabulary

PAGE = Path(__file__).with_name("metrics.md")
_HEAD = """\
# Metrics and dimensions

What can be asked for, in Python, on the command line and in expressions such as `cost / requests`. Made by
`python docs/make_metrics.py`; `tallybook metrics` lists the same with what you added yourself.

A *flow* adds up over time and groups. A *level* adds up over groups, and over time it is a mean, the most or the last.
*Distinct* counts are counted again for every group and every range, never added. A *ratio* is a ratio of sums, over
the same datasets. `money` has a currency, which is a group by itself.

"""


def page() -> str:
    """Return the whole page."""
    known = vocabulary((), belonging.dimensions(()))
    metrics = [(f"`{m.name}`", m.kind, m.unit, ", ".join(m.datasets), about(m)) for m in known.metrics]
    dimensions = [
        (", ".join(f"`{name}`" for name in (d.name, *aliases(d))), d.about, _where(offered_text(d), offering(d)))
        for d in known.dimensions
    ]
    return (
        _HEAD
        + _table(("metric", "kind", "unit", "datasets, unless `where dataset` chooses others", "is"), metrics)
        + "\n## Dimensions\n\n"
        + _table(("dimension", "is", "of which datasets"), dimensions)
        + "\n`team`, `cost_center` and tags are of your own rules, see the [guide](guide.md#teams).\n"
    )


def _where(short: str, names: Iterable[str]) -> str:
    return short if short.startswith("all") else ", ".join(names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
