"""Columns like those of `pyarrow.array`, without importing pandas."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.model.arrow import column, table

KINDS: dict[Any, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(),
    pa.binary(): st.binary(),
    pa.decimal128(38, 18): st.decimals(-(10**19), 10**19, places=18),
    pa.timestamp("us"): st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2200, 1, 1)),  # noqa: DTZ001
}


@settings(deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_column_holds_what_it_was_given(kind: pa.DataType, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | KINDS[kind], max_size=20))
    got = column(values, kind)
    got.validate(full=True)
    assert (got.to_pylist(), got.type) == (values, kind)


@pytest.mark.parametrize(
    ("values", "kind", "error"),
    [
        ([2**63], pa.int64(), OverflowError),
        ([2**31], pa.int32(), pa.ArrowInvalid),
        ([Decimal(10) ** 20], pa.decimal128(38, 18), pa.ArrowInvalid),
        ([Decimal("1e-19")], pa.decimal128(38, 18), pa.ArrowInvalid),
        (["\ud800"], pa.string(), ValueError),
        ([5], pa.string(), TypeError),
        ([["a"]], pa.string(), TypeError),
    ],
)
def test_what_does_not_fit_is_refused(values: list[Any], kind: pa.DataType, error: type[Exception]) -> None:
    with pytest.raises(error):
        column(values, kind)


def test_a_table_has_null_where_a_row_lacks_a_column() -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    assert table([{"a": 1}, {"b": "x", "c": 3}], schema).to_pylist() == [{"a": 1, "b": None}, {"a": None, "b": "x"}]
    assert table([], schema) == schema.empty_table()


def test_parsing_a_page_does_not_import_pandas() -> None:
    program = """
import sys
from tallybook.collect.parse import parse
from tallybook.model.datasets import DATASETS
from tallybook.model.windows import Window
row = {"object": "organization.usage.completions.result", "input_tokens": 5, "model": "m", "batch": True}
bucket = {"object": "bucket", "start_time": 0, "end_time": 86400, "results": [row, {"object": row["object"]}]}
rows, _ = parse(DATASETS["completions"], Window(0, 86400, "1d"), [{"data": [bucket]}], 10**9)
assert rows.num_rows == 2
sys.exit("pandas" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
