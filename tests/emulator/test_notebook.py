"""The cookbook's example runs against the emulator and gets the ledger's totals."""

import os
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.emulator import naive
from tests.emulator.wire import DAY, NOW, Org

NOTEBOOK = os.environ.get("COOKBOOK_NOTEBOOK")
NOW_SECOND = int(NOW.timestamp())
START = NOW_SECOND - 30 * DAY


def check_usage(org: Org, frame: pd.DataFrame, by: tuple[str, ...]) -> None:
    truth = org.company.ledger(START, NOW_SECOND + 1, "completions", by)["completions"]
    assert list(frame.columns) == [*naive.TIMES, *naive.MEASURES, *naive.DIMENSIONS]
    assert len(set(frame["start_time"])) == 31
    assert frame["start_time"].min() == START
    for measure in naive.MEASURES:
        assert frame[measure].sum() == sum(row[measure] for row in truth)
        if by:
            got = frame.groupby(list(by), dropna=False)[measure].sum()
            assert got.to_dict() == {tuple(row[field] for field in by): row[measure] for row in truth}


def check_costs(org: Org, frame: pd.DataFrame, by: tuple[str, ...]) -> None:
    truth = org.company.ledger(START // DAY * DAY, NOW_SECOND + 1, "costs", by)["costs"]
    assert frame["amount_value"].sum() == pytest.approx(float(sum(row["amount"] for row in truth)), rel=1e-12)
    assert frame["start_time"].min() == START // DAY * DAY
    assert set(frame["line_item"].dropna()) == {row["line_item"] for row in truth if by}


def test_our_twin_of_the_example_gets_usage_right(org: Org) -> None:
    url = f"{org.base}/organization/usage/completions"
    params = {"start_time": START, "bucket_width": "1d", "limit": 7}
    check_usage(org, naive.usage_frame(naive.notebook(url, params)), ())
    grouped = {"start_time": START, "bucket_width": "1d", "group_by": ["model", "project_id"], "limit": 7}
    check_usage(org, naive.usage_frame(naive.notebook(url, grouped)), ("model", "project_id"))
    assert params["page"].startswith("page_")


def test_our_twin_of_the_example_gets_costs_right(org: Org) -> None:
    url = f"{org.base}/organization/costs"
    for by in ((), ("line_item",)):
        params: dict[str, Any] = {"start_time": START, "bucket_width": "1d", "limit": 30, "group_by": list(by)}
        check_costs(org, naive.cost_frame(naive.notebook(url, params)), by)


def cells(markdown: str) -> list[str]:
    """Return the code cells that fetch, parse or define, without shell lines and without plots."""
    found = [
        "\n".join(line for line in cell.splitlines() if not line.startswith(("!", "%")))
        for cell in re.findall(r"^```python\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    ]
    return [cell for cell in found if "plt." not in cell]


@pytest.mark.skipif(not NOTEBOOK, reason="COOKBOOK_NOTEBOOK does not name a markdown export of the cookbook's example")
def test_the_example_itself_gets_the_totals_of_the_ledger(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", NOW.timestamp)
    monkeypatch.setenv("MPLBACKEND", "agg")
    text = Path(NOTEBOOK or "").read_text(encoding="utf-8")
    text = text.replace("PLACEHOLDER", "sk-admin-test").replace("https://api.openai.com/v1", org.base)
    scope: dict[str, Any] = {}
    frames: dict[str, list[pd.DataFrame]] = {"df": [], "cost_df": []}
    for cell in cells(text):
        for name in frames:
            scope.pop(name, None)
        exec(compile(cell, "notebook", "exec"), scope)
        for name, kept in frames.items():
            if name in scope:
                kept.append(scope[name])
    assert [len(kept) for kept in frames.values()] == [2, 2]
    check_usage(org, frames["df"][0], ())
    check_usage(org, frames["df"][1], ("model", "project_id"))
    check_costs(org, frames["cost_df"][0], ())
    check_costs(org, frames["cost_df"][1], ("line_item",))
