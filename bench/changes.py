"""What a server changed between two moments, row by row, counted from its own answers."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter
from urllib.parse import urlencode

from jobs import GROUP_BY, KEY, Case
from measure import control
from trials import stage

_PATHS = {"completions": ("usage/completions", 31), "costs": ("costs", 180)}


def changed(url: str, case: Case) -> tuple[int, int]:
    """Return how many rows of the last step's answers are new or other than in the first's, and how many are gone."""
    first, last = case.steps[0], case.steps[-1]
    stage(url, case, first.now)
    before = _rows(url, first.start, first.end)
    control(url, "/_clock", now=last.now)
    after = _rows(url, first.start, first.end)
    return (after - before).total(), (before - after).total()


def _rows(url: str, start: int, end: int | None) -> Counter[str]:
    rows: Counter[str] = Counter()
    for dataset, (path, limit) in _PATHS.items():
        query = {"start_time": start, "end_time": end, "limit": limit, "group_by[]": GROUP_BY[dataset]}
        page = {"has_more": True, "next_page": None}
        while page["has_more"]:
            given = query | ({"page": page["next_page"]} if page["next_page"] else {})
            page = _get(f"{url}/organization/{path}?{urlencode(given, doseq=True)}")
            rows.update(json.dumps([b["start_time"], row]) for b in page["data"] for row in b["results"])
    return rows


def _get(address: str) -> dict:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer, parse_float=str)
