"""What is in a file: how many rows, their money, and how many sheets they are on; printed as JSON."""

import json
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
from exported import BOOK, FILE, ROWS, task

_ROW = re.compile(rb'<row r="(\d+)".*?</row>', re.DOTALL)
_COST = re.compile(rb'<c r="F\d+"[^>]*><v>([^<]*)</v>')
MONEY = "CAST(cost AS DECIMAL(38, 18))"
PLACES = {
    "book": f"({ROWS})",
    "csv": f"read_csv('{FILE}', all_varchar = true, delim = ',', quote = '\"', header = true)",
    "jsonl": f"read_json('{FILE}', format = 'newline_delimited', columns = {{cost: 'VARCHAR'}})",
    "parquet": f"read_parquet('{FILE}')",
    "bundle": f"(SELECT amount AS cost FROM read_parquet('{FILE}/costs/*.parquet'))",
}


def workbook():
    """Return what a workbook has; its numbers are rounded to 10 places, and so is the sum of them."""
    rows, money, sheets = 0, Decimal(0), 0
    with zipfile.ZipFile(FILE) as archive:
        data = sorted(name for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))[:-1]
        for name in data:
            sheets += 1
            with archive.open(name) as sheet:
                left = b""
                while chunk := sheet.read(1 << 24):
                    left += chunk
                    end = left.rfind(b"</row>") + 6
                    found = _COST.findall(left[:end])
                    rows += len(found)
                    money += sum(round(Decimal(v.decode()), 10) for v in found)
                    left = left[end:]
    return rows, money, sheets


def table():
    """Return what DuckDB reads."""
    with duckdb.connect(BOOK, read_only=True) as con:
        return *con.execute(f"SELECT count(*), sum({MONEY}) FROM {PLACES[task['form']]}").fetchone(), 1


rows, money, sheets = workbook() if task["form"] == "xlsx" else table()
made = [p for p in ([Path(FILE)] if Path(FILE).is_file() else Path(FILE).rglob("*")) if p.is_file()]
print(json.dumps({"rows": rows, "money": f"{money:f}", "sheets": sheets, "bytes": sum(p.stat().st_size for p in made)}))
