"""The floor: the same requests as tallybook's, decoded and inserted in straight lines, with none of its care."""

import json
import sys
from decimal import Decimal

import duckdb
import httpx2
import msgspec
import pyarrow as pa

task = json.loads(sys.argv[1])
client = httpx2.Client(headers={"Authorization": f"Bearer {task['key']}"})
decoder = msgspec.json.Decoder(float_hook=Decimal)
book = duckdb.connect("floor.duckdb")
MONEY, TEXT = pa.decimal128(38, 18), pa.string()
NUMBERS = [("start_time", pa.int64()), ("amount", MONEY), ("quantity", MONEY)]
COSTS = pa.schema(NUMBERS + [(name, TEXT) for name in ("project_id", "line_item", "quantity_unit")])


def rows(path, days, group_by):
    """Return the results of all windows, each with the start of its bucket."""
    found = []
    for start in range(task["start"], task["end"], days * 86_400):
        end = min(start + days * 86_400, task["end"])
        query = {"start_time": start, "end_time": end, "bucket_width": "1d", "limit": days, "group_by[]": group_by}
        page = decoder.decode(client.get(f"{task['url']}/organization/{path}", params=query).content)
        found += [{"start_time": b["start_time"], **result} for b in page["data"] for result in b["results"]]
    return found


def sums(table, columns):
    """Return the sums of each bucket."""
    totals = ", ".join(f"sum({name})::VARCHAR" for name in columns)
    found = book.execute(f"SELECT start_time, {totals} FROM {table} GROUP BY start_time").fetchall()
    return [[start, dict(zip(columns, values, strict=True))] for start, *values in found]


usage = pa.Table.from_pylist(rows("usage/completions", 31, task["group_by"]["completions"]))
bill = rows("costs", 180, task["group_by"]["costs"])
costs = pa.Table.from_pylist([{**row, "amount": row["amount"]["value"]} for row in bill], COSTS)
book.execute("BEGIN; CREATE TABLE usage AS FROM usage; CREATE TABLE costs AS FROM costs; COMMIT")
days = sums("usage", task["measures"]) + sums("costs", ["amount"])
book.close()
written = usage.num_rows + costs.num_rows
print(json.dumps({"days": days, "rows": written, "written": written}))
