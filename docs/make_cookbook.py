"""Make `examples/cookbook.ipynb`: the cells below, run, with what they show. `make pictures` calls it.

Whoever has no key sees the synthetic organization of the emulator; its days end with the day on which this runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "cookbook.ipynb"

CELLS = """
# What does our OpenAI organization use, and what does it cost?

OpenAI's own [example](https://developers.openai.com/cookbook/examples/completions_usage_api) fetches usage and costs
from the API, and draws five charts of them with pandas and matplotlib. Here are the same five, and all that it suggests
to do next, in a line or two each. The numbers come from a **book**: a copy of what the API says, in one file on your
disk, which `sync` brings up to date. `pip install 'tallybook[notebook,demo]'` installs all that is needed.

No key is needed to run this: the first cell starts a synthetic organization on this machine. For your own, leave that
cell out and set `OPENAI_ADMIN_KEY` to an [admin key](https://platform.openai.com/settings/organization/admin-keys).
---
import os
from contextlib import ExitStack

from tallybook.emulator import Company, create_app, running

emulator = ExitStack()
os.environ["TALLYBOOK_BASE_URL"] = emulator.enter_context(running(create_app(Company(days=64, requests_per_day=80))))
os.environ["OPENAI_ADMIN_KEY"] = "sk-admin-demo"
---
import datetime as dt
import tempfile

import tallybook

folder = tempfile.TemporaryDirectory()
book = tallybook.open(f"{folder.name}/tallybook.duckdb")
summary = book.sync(since=dt.datetime.now(dt.UTC).date() - dt.timedelta(days=63))
f"{summary.rows:,} rows in {summary.requests:,} requests; {len(summary.failures)} failures"
---
## Tokens over time

Every answer says below what it rests on: whether anything is missing, as of when, and from when on OpenAI may still
change it (hatched).
---
book.query("input_tokens", "output_tokens", grain="day", last="30d").plot()
---
## Requests by model and project

Without a grain, the first dimension is the axis, and the second is stacked. A project has the same colour in every
picture; totals are in the legend.
---
book.query("requests", by=["model", "project"], last="30d").plot()
---
## The distribution of requests

Shares below 5 % are folded into Other, with what is in it beside.
---
book.query("requests", by="project", last="30d").plot("donut")
---
## Cost per day

`cost` is what is billed, before tax, credits and adjustments. It is summed exactly.
---
book.query("cost", grain="day", last="30d").plot()
---
## Cost by line item
---
book.query("cost", by="line_item", grain="day", last="30d").plot()
---
# More of usage

Which users, projects and models consume the most tokens?
---
book.query("tokens", by="user", last="30d").plot()
---
book.query("tokens", by="project", last="30d").plot()
---
book.query("tokens", by="model", last="30d").plot()
---
Time series, by day and by hour:
---
book.query("tokens", by="model", grain="day", last="30d", top=6).plot("line")
---
book.query("tokens", grain="hour", last="7d").plot("line")
---
The hours of the week, by the clocks of a city:
---
book.query("requests", by=["weekday", "hour"], last="4w", tz="Europe/Berlin").plot()
---
Shares of tokens across models, users and projects:
---
book.query("tokens", by="model", last="30d").plot("donut")
---
book.query("tokens", by="user", last="30d").plot("donut")
---
book.query("tokens", by="project", last="30d").plot("donut")
---
Any pair of dimensions, stacked or as a map:
---
book.query("tokens", by=["model", "user"], last="30d").plot()
---
book.query("tokens", by=["project", "model"], last="30d").plot("heat")
---
Ratios are ratios of sums, and distinct counts are counted, never added up:
---
book.query("cache_hit_rate", by="model", grain="week", last="8w", top=5).plot()
---
book.query("active_users", "active_projects", grain="week", last="8w").plot()
---
# More of costs

By project, per day and per month:
---
book.query("cost", by="project", grain="day", last="30d").plot()
---
book.query("cost", by="project", grain="month", last="2mo").plot()
---
Trends: lines, and this against the time before (whole weeks earlier, so that weekdays meet):
---
book.query("cost", by="project", grain="day", last="30d", top=5).plot("line")
---
book.query("cost", grain="day", last="4w", compare="previous").plot()
---
book.query("cost", by="project", last="4w", compare="previous").plot("waterfall")
---
Shares across projects, products and line items:
---
book.query("cost", by="project", last="30d").plot("donut")
---
book.query("cost", by="product", last="30d").plot("donut")
---
book.query("cost", by="line_item", last="30d").plot("donut")
---
Line items are taken apart into product, model and kind of token, so dollars can be asked for by any of them; OpenAI
also tells them apart by API key and by user, and what it does not is a bar of its own.
---
book.query("cost", by=["project", "product"], last="30d").plot()
---
book.query("cost", by=["model", "token_kind"], last="30d", top=12).plot()
---
book.query("cost", by="api_key", last="30d").plot()
---
book.query("cost_per_request", by="model", last="30d").plot()
---
# In your own hands

Every answer is also a table, a frame, or a file, and every picture a matplotlib figure; `theme="dark"` is the other
look.
---
book.query("cost", "requests", by="project", last="30d", top=5)
---
book.query("cost", by="project", grain="day", last="7d").to_pandas().head()
---
figure = book.query("cost", grain="day", last="30d").plot(theme="dark", title="What a month costs")
figure.axes[0].axhline(40, color="#ff9a62", linewidth=1)
figure
---
Two pictures beside each other, in axes of your own:
---
import matplotlib.pyplot as plt

both, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
book.query("cost", by="project", last="30d", top=6).plot(ax=left)
book.query("tokens", grain="day", last="30d").plot(ax=right);
---
The frames of the example itself, straight from the API and without a book; its own plotting code runs on them as it is:
---
tallybook.fetch("completions", last="7d", group_by=["model", "project_id"]).to_pandas().head()
---
Dashboards and spreadsheets take files (`csv`, `parquet`, `xlsx`, ...), or open the book itself, one DuckDB file:
---
book.query("cost", by=["project", "line_item"], grain="day").save(f"{folder.name}/cost.parquet").name
---
book.close()
emulator.close()
folder.cleanup()
"""


def cells() -> list[Any]:
    """Return the cells: text where a block begins like text, else code."""
    blocks = [block.strip() for block in CELLS.split("\n---\n")]
    return [(new_code_cell if _is_code(block) else new_markdown_cell)(block) for block in blocks]


def _is_code(block: str) -> bool:
    return block.startswith(("book.", "import ", "from ", "figure", "tallybook."))


def notebook() -> Any:
    """Return the notebook, not run; its ids do not change from one making to the next."""
    made = new_notebook(cells=cells())
    made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made.metadata["language_info"] = {"name": "python"}
    for i, cell in enumerate(made.cells):
        cell["id"] = f"cell-{i}"
    return made


def run(made: Any) -> Any:
    """Return the notebook with what its cells show, but for bars of progress; raises where one fails."""
    client = NotebookClient(made, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    client.execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [
                output for output in cell.outputs if output.output_type != "display_data" or _is_shown(output)
            ]
    return made


def _is_shown(output: Any) -> bool:
    return "image/png" in output.data


if __name__ == "__main__":
    NOTEBOOK.parent.mkdir(exist_ok=True)
    nbformat.write(run(notebook()), NOTEBOOK)
