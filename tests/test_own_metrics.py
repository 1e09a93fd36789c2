"""Business metrics of a book: any frame, replaced where it reaches, or refused whole."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from tallybook.book import Book
from tallybook.model.errors import NotABookError, QueryError, UsageError
from tallybook.model.settings import Team
from tallybook.model.windows import iso
from tallybook.query.own.business import Definition, coverage, definitions
from tests.books import book_at, hold

SEEN = dt.datetime(2026, 11, 1)  # noqa: DTZ001


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "book.duckdb"
    opened = book_at(path)
    hold(opened, "costs", "2026-11-18", "2026-11-19")
    about = {"org": "default", "kind": "project", "first_seen": SEEN, "last_seen": SEEN}
    opened.store.put(
        "directory", [about | {"id": "proj_1", "name": "Search"}, about | {"id": "proj_2", "name": "Chat"}]
    )
    return path


@pytest.fixture
def book(filled: Path, tmp_path: Path) -> Book:
    (tmp_path / "book.duckdb").write_bytes(filled.read_bytes())
    return book_at(tmp_path / "book.duckdb")


def held(book: Book, name: str = "orders") -> dict[tuple[str, str | None], Decimal]:
    rows = book.store.rows("business", {"metric": name})
    assert {row["currency"] for row in rows} <= {None, "usd"}
    return {(str(row["start_time"].date()), row["project_id"]): row["amount"] for row in rows}


def known(book: Book, name: str = "orders") -> list[tuple[str, str]]:
    return [(iso(span.start), iso(span.end)) for span in coverage(book.store, name)]


ROWS: list[Any] = [
    {"day": dt.date(2026, 11, 1), "project_id": "proj_1", "orders": 3.5},
    {"day": dt.date(2026, 11, 1), "project_id": "proj_2", "orders": 2.0},
    {"day": dt.date(2026, 11, 3), "project_id": None, "orders": 0.1},
]
EXPECTED = {
    ("2026-11-01", "proj_1"): Decimal("3.5"),
    ("2026-11-01", "proj_2"): Decimal(2),
    ("2026-11-03", None): Decimal("0.1"),
}
FRAMES = {
    "dicts": lambda _: ROWS,
    "pandas": lambda _: pd.DataFrame(ROWS).assign(day=lambda f: pd.to_datetime(f["day"])),
    "pandas, named index": lambda _: pd.DataFrame(ROWS).set_index("day"),
    "pandas, nanoseconds and categories": lambda _: (
        pd.DataFrame(ROWS)
        .assign(day=lambda f: f["day"].astype("datetime64[ns, UTC]") + pd.Timedelta(7, "ns"))
        .astype({"project_id": "category"})
    ),
    "polars": lambda _: pl.DataFrame(ROWS),
    "arrow": lambda _: pa.Table.from_pylist(ROWS),
    "arrow, decimals": lambda _: pa.table(
        {k: [Decimal(repr(r[k])) if k == "orders" else r[k] for r in ROWS] for k in ROWS[0]}
    ),
    "csv": lambda folder: written(folder / "o.csv", lambda path: pd.DataFrame(ROWS).to_csv(path, index=False)),
    "semicolons": lambda folder: written(folder / "o.csv", lambda path: pd.DataFrame(ROWS).to_csv(path, sep=";")),
    "parquet": lambda folder: written(folder / "o.parquet", pl.DataFrame(ROWS).write_parquet),
    "arrow file": lambda folder: written(folder / "o.arrow", pl.DataFrame(ROWS).write_ipc),
    "arrow stream": lambda folder: written(folder / "o.arrow", pl.DataFrame(ROWS).write_ipc_stream),
    "feather": lambda folder: str(written(folder / "o.feather", pl.DataFrame(ROWS).write_ipc)),
}


def written(path: Path, write: Any) -> Path:
    write(path)
    return path


@pytest.mark.parametrize("kind", FRAMES)
def test_the_same_numbers_come_from_any_frame(book: Book, tmp_path: Path, kind: str) -> None:
    done = book.add_metric("orders", FRAMES[kind](tmp_path), time="day", by={"project": "project_id"})
    assert done.definition == Definition("orders", "flow", "orders", None, "day", {"project": "project_id"})
    assert (done.rows, done.replaced, done.total) == (3, 0, Decimal("5.6"))
    assert held(book) == EXPECTED
    assert {row["org"] for row in book.store.rows("business")} == {"default", None}
    assert known(book) == [("2026-11-01", "2026-11-04")]


def add(book: Book, *rows: tuple[Any, ...], **more: Any) -> Any:
    frame = [dict(zip(("day", "orders", "project"), row, strict=False)) for row in rows]
    return book.add_metric("orders", frame, time="day", **more)


def test_a_frame_takes_the_place_of_what_was_between_its_first_and_last_bucket(book: Book) -> None:
    add(book, ("2026-11-01", 1), ("2026-11-02", 2), ("2026-11-03", 3), ("2026-11-05", 5))
    book.add_metric("other", [{"day": "2026-11-02", "other": 7}], time="day")
    done = add(book, ("2026-11-02", 20), ("2026-11-04", 40))
    assert (done.rows, done.replaced) == (2, 2)
    assert held(book) == {(f"2026-11-0{n}", None): v for n, v in ((1, 1), (2, 20), (4, 40), (5, 5))}
    assert held(book, "other") == {("2026-11-02", None): 7}
    add(book, ("2026-11-10", 10), grain="day")
    assert known(book) == [("2026-11-01", "2026-11-06"), ("2026-11-10", "2026-11-11")]
    assert known(book, "other") == [("2026-11-02", "2026-11-03")]


def test_a_level_that_is_added_again_is_known_only_where_it_was_said(book: Book) -> None:
    add(book, ("2026-11-01", 1), ("2026-11-02", 2), ("2026-11-03", 3), kind="level")
    add(book, ("2026-11-01", 1), ("2026-11-03", 3))
    assert known(book) == [("2026-11-01", "2026-11-02"), ("2026-11-03", "2026-11-04")]


def test_what_a_metric_is_stays_until_it_is_removed(book: Book) -> None:
    add(book, ("2026-11-01", 1, "Chat"), ("2026-12-01", 1, "proj_1"), by="project", unit="parcels")
    fits = add(book, ("2027-01-01", 4, "Chat"), by={"project_id": "project"})
    assert fits.definition == definitions(book.store)["orders"]
    assert (fits.definition.grain, fits.definition.unit) == ("month", "parcels")
    for rows, more, words in (
        ([("2026-11-02", 1, "Chat")], {"by": "project"}, "this would be flow by project per day, in parcels"),
        ([("2026-11-01", 1)], {}, "held as flow by project per month, in parcels; this would be flow per month"),
        ([("2026-11-01", 1, "Chat")], {"by": "project", "kind": "level"}, "this would be level by project"),
        ([("2026-11-01", 1, "Chat")], {"by": "project", "currency": "usd"}, "in usd"),
        ([("2026-11-01", 1, "Chat")], {"by": {"squad": "project"}}, "this would be flow by squad"),
    ):
        with pytest.raises(UsageError, match=r"remove it first: tallybook metrics remove orders$") as caught:
            add(book, *rows, **more)
        assert words in str(caught.value)
    assert held(book) == {("2026-11-01", "proj_2"): 1, ("2026-12-01", "proj_1"): 1, ("2027-01-01", "proj_2"): 4}
    assert book.remove_metric("orders").rows == 3
    assert (book.own_metrics(), held(book), known(book)) == ([], {}, [])
    with pytest.raises(QueryError, match="Unknown business metric 'orders'"):
        book.remove_metric("orders")
    add(book, ("2026-11-02", 1))


def test_money_has_a_currency_and_dimensions_of_your_own_have_a_column(book: Book) -> None:
    frame = [{"week": "2026-W45", "sum": "1.25", "squad": "A", "team": "T"}]
    done = book.add_metric("revenue", frame, time="week", amount="sum", by=["squad", "team"], currency="usd")
    assert done.definition == Definition("revenue", "flow", "money", "usd", "week", {"squad": "tag_1", "team": "team"})
    (row,) = book.store.rows("business")
    assert (row["tag_1"], row["team"], row["currency"], row["amount"]) == ("A", "T", "usd", Decimal("1.25"))
    assert (row["start_time"], row["end_time"]) == (dt.datetime(2026, 11, 2), dt.datetime(2026, 11, 9))  # noqa: DTZ001
    (kept,) = book.own_metrics()
    assert kept.as_dict() == {
        "metric": "revenue",
        "kind": "flow",
        "unit": "money",
        "currency": "usd",
        "grain": "week",
        "dimensions": ["squad", "team"],
        "rows": 1,
        "coverage": [{"start": "2026-11-02", "end": "2026-11-09"}],
    }


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"time": "date"}, "The frame has no column 'date'. Known: day, orders, project_id."),
        ({"amount": "order"}, "The frame has no column 'order'. Did you mean `orders`?"),
        ({"name": "sales"}, "Name the column of the numbers with amount (--amount)."),
        ({"by": {"project": "projectid"}}, "The frame has no column 'projectid'. Did you mean `project_id`?"),
        ({"by": {"project": "project_id", "project_id": "project_id"}}, "by names a dimension twice."),
        ({"by": {"batch": "project_id"}}, "A business metric is not told apart by batch"),
        ({"name": "cost"}, "'cost' is a metric or dimension already."),
        ({"name": "unit", "amount": "orders"}, "'unit' is a metric or dimension already."),
        ({"kind": "flows"}, "The kind of a business metric is not 'flows'. Did you mean `flow`?"),
        ({"grain": "year"}, "The grain of a business metric is not 'year'. Known: day, hour, month, week."),
        ({"currency": "USD"}, "A currency has three small letters, such as usd, not 'USD'."),
        ({"unit": "money"}, "Money has a currency"),
        ({"unit": "parcels", "currency": "usd"}, "Money has a currency"),
        ({"unit": "per day"}, "A unit is a word of small letters"),
        ({"frame": []}, "The frame has no rows."),
        ({"frame": 5}, "int is not a frame. Give a CSV, Parquet or Arrow file, a pandas or polars DataFrame"),
        ({"frame": "none.csv"}, "Cannot read none.csv: No such file"),
        ({"frame": "orders.xlsx"}, "orders.xlsx: a file ends in .csv, "),
        (
            {"by": {"project": "project_id"}, "frame": [*ROWS, ROWS[0] | {"project_id": "proj_9"}]},
            "row 4, column project_id: the book knows no project 'proj_9'.",
        ),
    ],
)
def test_nothing_is_stored_where_anything_is_wrong(book: Book, more: dict[str, Any], words: str) -> None:
    book.settings = msgspec.structs.replace(book.settings, teams={"A": Team(("proj_1",), tags={"unit": "x"})})
    asked = {"name": "orders", "frame": ROWS, "time": "day"} | more
    with pytest.raises(UsageError) as caught:
        book.add_metric(**asked)
    assert words in str(caught.value)
    assert (book.own_metrics(), held(book)) == ([], {})


def test_a_file_that_is_not_what_its_ending_says_is_named(book: Book, tmp_path: Path) -> None:
    for name in ("o.parquet", "o.arrow"):
        (tmp_path / name).write_bytes(b"day,orders\n2026-11-01,1\n")
        with pytest.raises(UsageError, match=rf"^{name} is not what its ending says: "):
            book.add_metric("orders", tmp_path / name, time="day")
    parquet.write_table(pa.table({"day": ["2026-11-01"], "orders": [float("nan")]}), tmp_path / "o.parquet")
    with pytest.raises(UsageError, match=r"^o\.parquet, row 1, column orders: nan is not a number"):
        book.add_metric("orders", tmp_path / "o.parquet", time="day")
    (tmp_path / "o.csv").write_text("day,orders\n\n2026-11-01,x\n")
    with pytest.raises(UsageError, match=r"^o\.csv, line 3, column orders: 'x' is not a number"):
        book.add_metric("orders", tmp_path / "o.csv", time="day")


def test_a_tag_and_a_metric_never_share_a_name(book: Book) -> None:
    add(book, ("2026-11-01", 1))
    with pytest.raises(UsageError, match="A tag cannot be called 'orders': that is a metric that you added"):
        book.import_teams([{"kind": "project", "id": "proj_1", "team": "A", "orders": "x"}])
    assert book.teams().rules == ()


def test_rows_belong_to_their_organization_when_it_is_renamed(book: Book) -> None:
    add(book, ("2026-11-01", 1, "Chat"), ("2026-11-01", 2, None), by="project")
    assert book.store.orgs() == {"default"}
    book.rename_org("default", "acme")
    assert {(row["org"], row["amount"]) for row in book.store.rows("business")} == {("acme", 1), (None, 2)}


def test_without_a_book_nothing_is_made(tmp_path: Path) -> None:
    book = book_at(tmp_path / "none.duckdb")
    assert book.own_metrics() == []
    for act in (lambda: add(book, ("2026-11-01", 1)), lambda: book.remove_metric("orders")):
        with pytest.raises(NotABookError):
            act()
    assert list(tmp_path.iterdir()) == []
