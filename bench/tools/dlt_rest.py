"""dlt's `rest_api` source into DuckDB by way of Parquet, which loads fastest and in the least memory.

`load`: buckets as they are, their results in a table below, into a book that need not have anything. `buckets`: the
same, merged by the start of the bucket. `rows`: flat rows, merged by the start of the bucket and all dimensions, which
as parts of a key must be given.
"""

import json
import os
import sys
from pathlib import Path

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}

import dlt
from dlt.sources.rest_api import rest_api_source

task = json.loads(sys.argv[1])
FLAT = task["variant"] == "rows"
CLIENT = {
    "base_url": f"{task['url']}/organization/",
    "auth": {"type": "bearer", "token": task["key"]},
    "paginator": {
        "type": "cursor",
        "cursor_path": "next_page",
        "cursor_param": "page",
        "has_more_path": "has_more",
    },
}


def flattened(group_by):
    """Return what yields the results of a bucket, each with its start."""

    def rows(bucket):
        for result in bucket["results"]:
            yield {**result, "start_time": bucket["start_time"], **{name: str(result[name]) for name in group_by}}

    return rows


def resource(path, limit):
    """Return one endpoint; where it is merged, what is read again replaces what has the same key."""
    name = path.rpartition("/")[2]
    group_by = task["group_by"][name]
    params = {"start_time": task["reread"], "bucket_width": "1d", "limit": limit, "group_by[]": group_by}
    if task["end"]:
        params["end_time"] = task["end"]
    return {
        "name": name,
        "endpoint": {"path": path, "data_selector": "data", "params": params},
        "processing_steps": [{"yield_map": flattened(group_by)}] if FLAT else [],
        "primary_key": ["start_time", *(group_by if FLAT else [])],
        "write_disposition": "replace" if task["variant"] == "load" else "merge",
    }


def sums(sql, name, columns):
    """Return the sums of each bucket, and how many rows there are and came with the newest load."""
    source = f"(FROM {name})"
    if not FLAT:
        join = f"{name}__results AS r JOIN {name} AS b ON r._dlt_parent_id = b._dlt_id"
        source = f"(SELECT r.*, b.start_time, b._dlt_load_id FROM {join})"
    totals = ", ".join(f"sum({column})::VARCHAR" for column in columns.values())
    days = sql.execute_sql(f"SELECT start_time, {totals} FROM {source} GROUP BY start_time")
    newest = "_dlt_load_id = (SELECT max(load_id) FROM _dlt_loads)"
    counts = sql.execute_sql(f"SELECT count(*), count(*) FILTER ({newest}) FROM {source}")
    return [[start, dict(zip(columns, values, strict=True))] for start, *values in days], counts[0]


pipeline = dlt.pipeline(
    "bench",
    pipelines_dir=str(Path("pipelines").resolve()),
    destination=dlt.destinations.duckdb("dlt.duckdb"),
    dataset_name="api",
)
resources = [resource("usage/completions", 31), resource("costs", 180)]
pipeline.run(rest_api_source({"client": CLIENT, "resources": resources}), loader_file_format="parquet")
with pipeline.sql_client() as sql:
    usage, counted = sums(sql, "completions", {name: name for name in task["measures"]})
    costs, billed = sums(sql, "costs", {"amount": "amount__value"})
print(json.dumps({"days": usage + costs, "rows": counted[0] + billed[0], "written": counted[1] + billed[1]}))
