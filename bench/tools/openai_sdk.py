"""The official `openai` package, page after page by its cursor, into frames of pandas; stores nothing."""

import json
import sys

import pandas as pd
from openai import OpenAI

task = json.loads(sys.argv[1])
client = OpenAI(api_key="none", admin_api_key=task["key"], base_url=task["url"])


def results(ask, limit, group_by):
    """Yield the results of all pages, each with the start of its bucket."""
    options = {"start_time": task["start"], "end_time": task["end"], "bucket_width": "1d", "limit": limit}
    while True:
        page = ask(**options, group_by=group_by)
        for bucket in page.data:
            for result in bucket.results:
                yield {"start_time": bucket.start_time, **dict(result)}
        if not page.has_more:
            return
        options["page"] = page.next_page


def sums(table, columns):
    """Return the sums of each bucket."""
    totals = table.groupby("start_time")[columns].sum()
    return [[start, dict(zip(columns, map(str, row), strict=True))] for start, *row in totals.itertuples()]


api = client.admin.organization.usage
usage = pd.DataFrame(results(api.completions, 31, task["group_by"]["completions"]))
costs = pd.DataFrame(results(api.costs, 180, task["group_by"]["costs"]))
costs["amount"] = [amount.value for amount in costs["amount"]]
rows = len(usage) + len(costs)
print(json.dumps({"days": sums(usage, task["measures"]) + sums(costs, ["amount"]), "rows": rows, "written": rows}))
