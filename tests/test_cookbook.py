"""The cookbook's notebook: what is committed is what its script makes, every cell runs, and shows its picture.

And the example that it starts from: what that does to its frames works on those of `tallybook.fetch`.
"""

import datetime as dt
import os
import re
from collections.abc import Iterator, Sequence
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

import tallybook
from tests.clock import FakeClock
from tests.emulator.wire import DAY, NOW, Org, organization

ROOT = Path(__file__).parents[1]
EXAMPLE = os.environ.get("COOKBOOK_NOTEBOOK")


def script(name: str) -> ModuleType:
    """Return a script of the documentation."""
    spec = util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return script("make_cookbook")


def test_what_is_committed_is_what_the_script_makes_and_shows_a_picture_for_every_line_that_draws(
    maker: ModuleType,
) -> None:
    committed = nbformat.read(maker.NOTEBOOK, as_version=4)
    nbformat.validate(committed)
    assert [(c.cell_type, c.source) for c in committed.cells] == [(c.cell_type, c.source) for c in maker.cells()]
    for cell in committed.cells:
        if cell.cell_type == "code":
            shown = [output for output in cell.outputs if "image/png" in output.get("data", {})]
            assert len(shown) == bool(re.search(r"\.plot\(", cell.source)), cell.source
            assert not [output for output in cell.outputs if output.output_type in ("error", "stream")]
    assert maker.NOTEBOOK.stat().st_size < 2_500_000


def test_every_picture_takes_a_line_or_two(maker: ModuleType) -> None:
    drawing = [cell.source for cell in maker.cells() if cell.cell_type == "code" and ".plot(" in cell.source]
    assert len(drawing) > 30
    assert max(source.count(".plot(") for source in drawing) <= 2
    assert [source for source in drawing if source.count("\n") > 1 and "ax" not in source] == []


SAMPLE = ('grain="day", last="30d").plot()', '"project"], last="30d").plot()', '.plot("donut")', "plt.subplots")
"""Of the cells that draw, what the first of each kind has in it."""


def pictures(cell: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


def shown(maker: ModuleType, cells: Sequence[Any] | None = None, *, small: bool = False) -> list[Any]:
    """Run the notebook, or some of its cells, in a kernel; return those that draw."""
    made = maker.notebook()
    made.cells = made.cells if cells is None else cells
    for cell in made.cells if small else ():
        cell.source = cell.source.replace(
            "Company(days=64, requests_per_day=80)", "Company(days=31, requests_per_day=9)"
        )
    return [cell for cell in maker.run(made).cells if ".plot(" in cell.source]


def test_the_notebook_runs_in_a_kernel_and_shows_what_it_draws(maker: ModuleType) -> None:
    code = [cell for cell in maker.notebook().cells if cell.cell_type == "code"]
    setup, last = code[:2], code[-1]
    some = [next(cell for cell in code if text in cell.source) for text in SAMPLE]
    drawn = shown(maker, [*setup, *some, last], small=True)
    assert [pictures(cell) for cell in drawn] == [1] * len(SAMPLE)


@pytest.mark.slow
def test_the_whole_notebook_runs_in_a_kernel(maker: ModuleType) -> None:
    drawn = shown(maker)
    assert len(drawn) > 30
    assert [cell.source for cell in drawn if pictures(cell) != 1] == []


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    with organization(days=40) as running:
        yield running


@pytest.fixture
def frames(org: Org, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the example has got from the API when it begins to draw, by the names that it uses."""
    monkeypatch.setenv("TALLYBOOK_BASE_URL", org.base)

    def get(dataset: str, *by: str) -> tallybook.Fetched:
        return tallybook.fetch(dataset, last="30d", group_by=by or None, clock=FakeClock(NOW), key="sk-admin-test")

    usage, grouped = get("completions"), get("completions", "model", "project_id")
    return {
        "usage": usage.to_pandas(),
        "grouped": grouped.to_pandas(),
        "buckets": list(grouped.raw),
        "costs": get("costs").to_pandas(),
        "items": get("costs", "line_item").to_pandas(),
    }


def ledger(org: Org, dataset: str) -> Any:
    start = int(NOW.timestamp()) // DAY * DAY - 29 * DAY
    (row,) = org.company.ledger(start, int(NOW.timestamp()) + 1, dataset, ())[dataset]
    return row


def test_what_the_example_does_to_its_frames_works_on_ours(org: Org, frames: dict[str, Any]) -> None:
    usage, grouped, items = frames["usage"], frames["grouped"], frames["items"]
    axes = Figure().add_subplot()
    axes.bar(range(len(usage)), usage["input_tokens"], width=0.35, alpha=0.7)
    axes.set_xticks(range(len(usage)), [moment.strftime("%Y-%m-%d") for moment in usage["start_datetime"]])
    assert sum(bar.get_height() for bar in axes.patches) == ledger(org, "completions")["input_tokens"]

    pairs = grouped.groupby(["model", "project_id"]).agg({"num_model_requests": "sum"}).reset_index()
    totals = pairs.groupby("project_id")["num_model_requests"].sum().sort_values(ascending=False)
    bottom = 0
    for _, row in pairs.iterrows():
        axes.bar(0, row["num_model_requests"], bottom=bottom, label=f"{row['project_id']}")
        bottom += row["num_model_requests"]
    assert bottom == totals.sum() == ledger(org, "completions")["num_model_requests"]

    raw = pd.DataFrame(result for bucket in frames["buckets"] for result in bucket.get("results", []))
    shares = raw.groupby("project_id")["num_model_requests"].sum() / bottom * 100
    axes.pie(shares, labels=list(shares.index), autopct=lambda share: f"{share:.1f}%")
    assert set(shares.index) == set(totals.index)

    costs = frames["costs"]
    assert pd.api.types.is_datetime64_any_dtype(costs["start_datetime"])
    costs["date"], items["date"] = costs["start_datetime"].dt.date, items["start_datetime"].dt.date
    per_day = costs.groupby("date")["amount_value"].sum().reset_index()
    axes.bar(per_day["date"], per_day["amount_value"])
    pivot = items.groupby(["date", "line_item"])["amount_value"].sum().reset_index()
    pivot = pivot.pivot(index="date", columns="line_item", values="amount_value").fillna(0).sort_index()
    pivot.plot(kind="bar", stacked=True, ax=Figure().add_subplot())
    billed = float(ledger(org, "costs")["amount"])
    assert per_day["amount_value"].sum() == pytest.approx(billed)
    assert pivot.to_numpy().sum() == pytest.approx(billed)
    assert isinstance(per_day["date"][0], dt.date)


@pytest.mark.skipif(not EXAMPLE, reason="COOKBOOK_NOTEBOOK does not name a markdown export of the cookbook's example")
@pytest.mark.filterwarnings("ignore:Tight layout not applied")
def test_the_plotting_cells_of_the_example_itself_run_on_our_frames_unchanged(
    frames: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    text = Path(EXAMPLE or "").read_text(encoding="utf-8")
    cells = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    head = next(cell for cell in cells if "import matplotlib" in cell)
    scope: dict[str, Any] = {}
    exec("\n".join(line for line in head.splitlines() if not line.startswith(("!", "%"))), scope)
    given = [
        {"df": frames["usage"]}, {"df": frames["grouped"]}, {"all_group_data": frames["buckets"]},
        {"cost_df": frames["costs"]}, {"cost_df": frames["items"]},
    ]  # fmt: skip
    drawing = [cell for cell in cells if "plt.show()" in cell]
    assert len(drawing) == len(given)
    counted = []
    monkeypatch.setattr(scope["plt"], "show", lambda: counted.append(scope["plt"].gcf().axes[0]))
    for cell, names in zip(drawing, given, strict=True):
        before = len(counted)
        exec(compile(cell, "notebook", "exec"), scope | names)
        assert len(counted) > before, cell
        assert all(axes.patches for axes in counted[before:])
        scope["plt"].close("all")
