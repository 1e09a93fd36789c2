"""The method of OpenAI's cookbook notebook: pages with requests, records by hand, frames of pandas; stores nothing."""

import json
import sys

import pandas as pd
import requests

task = json.loads(sys.argv[1])
MEASURES = (
    "input_tokens",
    "output_tokens",
    "input_cached_tokens",
    "input_audio_tokens",
    "output_audio_tokens",
    "num_model_requests",
)
DIMENSIONS = ("project_id", "user_id", "api_key_id", "model", "batch")


def buckets(path, limit, group_by):
    """Return the buckets of all pages, or of those before the first error."""
    found = []
    params = {
        "start_time": task["start"],
        "end_time": task["end"],
        "bucket_width": "1d",
        "group_by": group_by,
        "limit": limit,
    }
    headers = {"Authorization": f"Bearer {task['key']}", "Content-Type": "application/json"}
    while True:
        answer = requests.get(f"{task['url']}/organization/{path}", headers=headers, params=params)
        if answer.status_code != 200:
            print(f"Error: {answer.status_code}", file=sys.stderr)
            return found
        page = answer.json()
        found.extend(page.get("data", []))
        if not page.get("next_page"):
            return found
        params["page"] = page["next_page"]


def frame(records, columns):
    """Return records as a frame with readable times."""
    table = pd.DataFrame(records, columns=["start_time", "end_time", *columns])
    for edge in ("start", "end"):
        table[f"{edge}_datetime"] = pd.to_datetime(table[f"{edge}_time"], unit="s")
    return table[["start_datetime", "end_datetime", "start_time", "end_time", *columns]]


def sums(table, columns):
    """Return the sums of each bucket."""
    totals = table.groupby("start_time")[list(columns)].sum()
    return [[start, dict(zip(columns.values(), map(str, row), strict=True))] for start, *row in totals.itertuples()]


usage = frame(
    [
        {"start_time": bucket.get("start_time"), "end_time": bucket.get("end_time")}
        | {name: result.get(name, 0) for name in MEASURES}
        | {name: result.get(name) for name in DIMENSIONS}
        for bucket in buckets("usage/completions", 7, task["group_by"]["completions"])
        for result in bucket.get("results", [])
    ],
    [*MEASURES, *DIMENSIONS],
)
costs = frame(
    [
        {
            "start_time": bucket.get("start_time"),
            "end_time": bucket.get("end_time"),
            "amount_value": result.get("amount", {}).get("value", 0),
            "currency": result.get("amount", {}).get("currency", "usd"),
            "line_item": result.get("line_item"),
            "project_id": result.get("project_id"),
        }
        for bucket in buckets("costs", 30, task["group_by"]["costs"])
        for result in bucket.get("results", [])
    ],
    ["amount_value", "currency", "line_item", "project_id"],
)
days = sums(usage, {name: name for name in MEASURES}) + sums(costs, {"amount_value": "amount"})
rows = len(usage) + len(costs)
print(json.dumps({"days": days, "rows": rows, "written": rows}))
