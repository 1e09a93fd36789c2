"""Make `docs/gallery.md` and its pictures from the emulator's synthetic organization. `make pictures` calls it.

The organization's clock stands still, so that the same tallybook makes the same pictures.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

from tallybook.book import Book
from tallybook.emulator import Company, VirtualClock, create_app, running
from tallybook.model.secret import AdminKey
from tallybook.model.settings import Org, Settings
from tallybook.show.plots.stage import png
from tallybook.store.duckdb import DuckDBStore

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "gallery"
PAGE = ROOT / "docs" / "gallery.md"
NOW = dt.datetime(2026, 11, 23, 15, 30, 20, tzinfo=dt.UTC)
DPI = 96

PICTURES = {
    "stack": (
        "Parts over time are stacked, the largest at the bottom; what may still change is hatched.",
        'book.query("cost", by="project", grain="day", last="30d").plot()',
    ),
    "stack-pairs": (
        "Without a grain, the first dimension is the axis and the second is stacked.",
        'book.query("requests", by=["model", "project"], last="30d").plot()',
    ),
    "stack-compared": (
        "Beside it, the range before: the dashed line.",
        'book.query("cost", grain="day", last="4w", compare="previous").plot()',
    ),
    "bars": (
        "Metrics of one unit stand side by side.",
        'book.query("input_tokens", "output_tokens", grain="day", last="14d").plot()',
    ),
    "area": (
        "Many buckets have no gaps; the rest of many is Other.",
        'book.query("cost", by="line_item", grain="day", since="2026-07-01", top=8).plot("area")',
    ),
    "line": (
        "Ratios and distinct counts are lines, as they do not add up; their totals are those of the whole range.",
        'book.query("cache_hit_rate", by="model", grain="week", last="12w", top=4).plot()',
    ),
    "line-units": (
        "Units and currencies have axes of their own.",
        'book.query("active_users", "tokens_per_request", grain="week", last="12w").plot()',
    ),
    "rank": (
        "One dimension is ranked.",
        'book.query("cost", by="line_item", last="30d").plot(top=12)',
    ),
    "rank-compared": (
        "With a comparison, by how much each has changed.",
        'book.query("cost", by="project", last="4w", compare="previous").plot()',
    ),
    "donut": (
        "Shares below 5 % (`other=`) are in Other, with what is in it beside.",
        'book.query("requests", by="project", last="30d").plot("donut")',
    ),
    "heat": (
        "An answer by hour becomes the mean of each hour of the week.",
        'book.query("requests", grain="hour", last="4w").plot("heat")',
    ),
    "heat-pairs": (
        "Or two dimensions make a map.",
        'book.query("tokens", by=["project", "model"], last="30d").plot("heat")',
    ),
    "waterfall": (
        "The steps from the range before to this one, the largest first.",
        'book.query("cost", by="project", last="4w", compare="previous").plot("waterfall")',
    ),
    "waterfall-total": (
        "Or from nothing to the total.",
        'book.query("cost", by="product", last="30d").plot("waterfall")',
    ),
    "dark": (
        "All of it in dark.",
        'book.query("cost", by="project", grain="week", last="12w").plot(theme="dark")',
    ),
}
"""By name of the file, which begins with the kind: what it shows, and the line that draws it."""

HEAD = """\
# Gallery

What `.plot()` draws, from the synthetic organization of `tallybook emulator`. [The guide](guide.md#plots) says what
decides how an answer is drawn, and [the cookbook](../examples/cookbook.ipynb) has many more. `docs/make_gallery.py`
made this page.
"""


def page() -> str:
    """Return the page."""
    parts = [
        f"{text}\n\n```python\n{line}\n```\n\n![{name}](gallery/{name}.png)\n"
        for name, (text, line) in PICTURES.items()
    ]
    return "\n".join([HEAD, *parts])


def synced(folder: str, url: str, clock: VirtualClock) -> Book:
    """Return a book of what the synthetic organization gives."""
    path = f"{folder}/gallery.duckdb"
    book = Book(DuckDBStore(path, clock), Settings(book=path, org=(Org(base_url=url),)), clock)
    summary = book.sync(key=AdminKey("sk-admin-demo", "the gallery"), since="2026-06-01")
    assert summary.ok, summary.failures  # noqa: S101
    return book


def main() -> None:
    """Draw every picture, and write the page."""
    FOLDER.mkdir(exist_ok=True)
    clock = VirtualClock(NOW)
    company = Company(days=200, requests_per_day=100, clock=clock)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(create_app(company)) as url,
        synced(folder, url, clock) as book,
    ):
        for name, (_, line) in PICTURES.items():
            figure = eval(line, {"book": book})  # noqa: S307 - our own lines
            (FOLDER / f"{name}.png").write_bytes(png(figure, DPI))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
