"""A book handed over as a whole: every number and name, opened without any code of ours."""

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyarrow import parquet

from tallybook.book import Book
from tallybook.model.datasets import DATASETS, MEASURES
from tallybook.model.errors import NotABookError, UnknownNameError, UsageError
from tallybook.query.reports import products
from tests.books import SYNCED_DAYS, hold
from tests.emulator.wire import DAY, MIDNIGHT, NOW, Org
from tests.query.handed import KINDS, Rows, asked, table_of

FLOWS = tuple(m.name for m in MEASURES.values() if m.kind == "flow")
SUMS = ", ".join(f"SUM({m}) AS {m}" for m in FLOWS)
SEEN = {"first_seen": dt.datetime(2026, 11, 1), "last_seen": dt.datetime(2026, 11, 2)}  # noqa: DTZ001


@pytest.fixture(scope="module", params=KINDS)
def exported(request: pytest.FixtureRequest, book: Book, tmp_path_factory: Any) -> tuple[str, Path]:
    """Each product of everything that is held."""
    target = tmp_path_factory.mktemp("export") / "whole"
    done = book.export(request.param, target)
    assert done.path == target
    assert done.coverage.complete
    return request.param, target


def test_every_flow_and_all_money_equals_the_ledger(exported: tuple[str, Path], org: Org) -> None:
    truth = org.company.ledger(MIDNIGHT - SYNCED_DAYS * DAY, int(NOW.timestamp()) + 1)
    expected = {
        name: {m: total[m] for m in FLOWS if total.get(m)}
        for name, (total,) in truth.items()
        if name in DATASETS and name != "costs"
    }
    assert len(expected) >= 4
    is_snapshot = exported[0] == "duckdb"
    for table in ("usage", *(["v_usage_daily"] if is_snapshot else [])):
        rows = asked(*exported, f"SELECT dataset, {SUMS} FROM {table} GROUP BY dataset")
        found = {row["dataset"]: {m: int(row[m]) for m in FLOWS if row[m]} for row in rows}
        assert _filled(found) == _filled(expected), table
    bill = {row["currency"]: row["amount"] for row in truth["costs"]}
    for table in ("costs", *(["v_costs_daily", "v_bill_monthly"] if is_snapshot else [])):
        rows = asked(*exported, f"SELECT currency, SUM(amount) AS amount FROM {table} GROUP BY currency")
        assert {row["currency"]: row["amount"] for row in rows} == bill, table
    if is_snapshot:
        (tokens,) = asked(*exported, "SELECT SUM(tokens) AS n FROM v_tokens")
        assert tokens["n"] == sum(of.get(m, 0) for of in expected.values() for m in ("input_tokens", "output_tokens"))


def _filled(totals: Mapping[str, Mapping[str, int]]) -> dict[str, Mapping[str, int]]:
    return {name: of for name, of in totals.items() if of}


def test_splits_and_levels_are_those_of_the_book(exported: tuple[str, Path], book: Book) -> None:
    for text in (
        "SELECT split, currency, SUM(amount) AS amount, count(*) AS n FROM {} GROUP BY ALL ORDER BY ALL",
        "SELECT split, line_item, SUM(quantity) AS quantity, quantity_unit FROM {} GROUP BY ALL ORDER BY ALL",
    ):
        assert asked(*exported, text.format("cost_splits")) == (
            book.store.read(text.format("internal.cost_splits")).to_pylist()
        )
    text = "SELECT start_time, SUM(usage_bytes) AS bytes FROM usage GROUP BY ALL HAVING bytes > 0 ORDER BY ALL"
    assert len(asked(*exported, text)) == len(book.store.read(text)) > 100
    assert asked(*exported, text) == book.store.read(text).to_pylist()


def test_every_row_is_there_once_whatever_its_names(exported: tuple[str, Path], book: Book) -> None:
    for table, place in {"usage": "usage", "costs": "costs", "cost_splits": "internal.cost_splits"}.items():
        held = book.store.read(f"SELECT * FROM {place} ORDER BY ALL")
        assert len(held) > 1_000
        columns = ", ".join(held.column_names)
        assert table_of(*exported, f"SELECT {columns} FROM {table} ORDER BY ALL").equals(held), table


def test_names_are_those_that_an_answer_shows(exported: tuple[str, Path], book: Book) -> None:
    answer = book.query("cost", by="project", last=f"{SYNCED_DAYS + 1}d").rows()
    shown = {None if row["project"] == "(none)" else row["project"]: row["cost"] for row in answer}
    rows = asked(*exported, "SELECT project_name, SUM(amount) AS cost FROM costs GROUP BY ALL")
    assert {row["project_name"]: row["cost"] for row in rows} == shown
    people = asked(*exported, "SELECT DISTINCT user_id, user_name FROM usage WHERE user_id IS NOT NULL")
    assert len({row["user_name"] for row in people}) == len(people) > 3
    assert not any(row["user_name"] == row["user_id"] for row in people)


def test_what_a_line_item_says_stands_beside_it(exported: tuple[str, Path]) -> None:
    rows = asked(*exported, "SELECT DISTINCT model, token_kind FROM costs WHERE line_item LIKE 'gpt-%, input'")
    assert rows
    assert {row["token_kind"] for row in rows} == {"input"}
    assert all(row["model"].startswith("gpt-") for row in rows)


def test_a_snapshot_is_public_explained_and_opens_in_older_engines(book: Book, tmp_path: Path) -> None:
    book.export("duckdb", tmp_path / "snapshot.duckdb", last="7d")
    with duckdb.connect() as engine:

        def rows(text: str) -> Rows:
            found: Rows = engine.sql(text).to_arrow_table().to_pylist()
            return found

        engine.execute(f"ATTACH '{tmp_path / 'snapshot.duckdb'}' AS elsewhere (READ_ONLY)")
        (base,) = rows("SELECT tags FROM duckdb_databases() WHERE database_name = 'elsewhere'")
        assert dict(base["tags"]) == {"storage_version": "v1.0.0+"}
        tables = rows("SELECT schema_name AS schema, table_name AS name, comment FROM duckdb_tables()")
        names = {*products.FACTS, "usage_daily", *products.SMALL, "missing", "about"}
        assert {(table["schema"], table["name"]) for table in tables} == {("main", name) for name in names}
        assert all(table["comment"] for table in tables)
        columns = rows("SELECT table_name AS of, comment FROM duckdb_columns() WHERE database_name = 'elsewhere'")
        assert {column["of"] for column in columns if not column["comment"]} == {*VIEWS}
        for view in VIEWS:
            assert rows(f"SELECT count(*) AS n FROM elsewhere.{view}")[0]["n"] > 10


VIEWS = ("v_usage_daily", "v_tokens", "v_costs_daily", "v_bill_monthly")


def test_a_bundle_says_itself_what_it_is(book: Book, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    book.export("bundle", folder, since="2026-10-20", until="2026-11-10")
    coverage, schema = (json.loads((folder / f"{n}.json").read_text("utf-8")) for n in ("coverage", "schema"))
    assert coverage["range"]["text"] == "20 Oct - 10 Nov 2026, 22 days, UTC"
    assert coverage["coverage"]["complete"] is True
    assert {one["dataset"] for one in coverage["datasets"]} >= {"costs", "completions", "costs_by_user"}
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*.parquet")}
    assert {*files} == {f"{t}/{m}.parquet" for t in products.FACTS for m in ("2026-10", "2026-11")}
    for entry in coverage["files"]:
        read = parquet.read_table(files.pop(entry["file"]))
        assert len(read) == entry["rows"]
        starts = {f"{start:%Y-%m}" for start in read["start_time"].to_pylist()}
        assert starts == {Path(entry["file"]).stem}
        (said,) = (one for one in schema if one["table"] == Path(entry["file"]).parent.name)
        assert [(c["name"], c["type"]) for c in said["columns"]] == [(f.name, str(f.type)) for f in read.schema]
        assert all(c["about"] for c in said["columns"])
        assert json.loads(read.schema.metadata[b"tallybook"])["range"] == coverage["range"]
    assert not files
    assert "20 Oct - 10 Nov 2026, 22 days, UTC. Data complete" in (folder / "README.md").read_text("utf-8")


USED = {"project_id": "p", "user_id": "u", "model": "m", "num_model_requests": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_says_whether_it_is_stable_provisional_or_open(empty: Book, tmp_path: Path, kind: str) -> None:
    days = [f"2026-11-{day}" for day in (14, 15, 16, 19, 20, 21, 22, 23)]
    hold(empty, "completions", "2026-11-14", "2026-11-24", [USED | {"day": day} for day in days])
    hold(empty, "costs", "2026-11-14", "2026-11-24", [{"day": d, "line_item": "x", "amount": Decimal(1)} for d in days])
    empty.export(kind, tmp_path / "whole")
    found = {
        table: {row["day"]: row["status"] for row in asked(kind, tmp_path / "whole", text.format(table))}
        for table, text in {
            "usage": "SELECT day(start_time) AS day, status FROM {}",
            "costs": "SELECT day(start_time) AS day, status FROM {}",
            **({"usage_daily": "SELECT day(day) AS day, status FROM {}"} if kind == "duckdb" else {}),
        }.items()
    }
    assert found["usage"] == {
        14: "stable", 15: "stable", 16: "stable", 19: "stable", 20: "provisional", 21: "provisional",
        22: "provisional", 23: "open",
    }  # fmt: skip
    assert found["costs"] == {
        day: "stable" if day < 16 else "open" if day == 23 else "provisional" for day in found["costs"]
    }
    assert found.get("usage_daily", found["usage"]) == found["usage"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_said_in_it(empty: Book, tmp_path: Path, kind: str) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-02", [{"day": "2026-11-01", "line_item": "x", "amount": Decimal(1)}])
    hold(empty, "costs", "2026-11-03", "2026-11-24")
    done = empty.export(kind, tmp_path / "whole", since="2026-11-01", until="2026-11-10")
    assert not done.coverage.complete
    lacks = {("costs", "2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z", "not read")}
    assert {tuple(gap.as_dict().values()) for gap in done.coverage.missing} >= lacks
    if kind == "bundle":
        coverage = json.loads((tmp_path / "whole/coverage.json").read_text("utf-8"))
        assert coverage["coverage"] == done.coverage.as_dict()
        assert "Data INCOMPLETE: " in (tmp_path / "whole/README.md").read_text("utf-8")
        return
    rows = asked(kind, tmp_path / "whole", "SELECT * FROM missing WHERE dataset = 'costs'")
    day = dt.datetime(2026, 11, 2)  # noqa: DTZ001
    end = day + dt.timedelta(days=1)
    assert rows == [{"org": "default", "dataset": "costs", "start_time": day, "end_time": end, "reason": "not read"}]
    (said,) = asked(kind, tmp_path / "whole", "SELECT value FROM about WHERE name = 'in_words'")
    assert "Data INCOMPLETE: " in said["value"]


@pytest.mark.parametrize("kind", KINDS)
def test_organizations_that_are_not_asked_for_leave_nothing_in_it(empty: Book, tmp_path: Path, kind: str) -> None:
    for org, name in (("default", "Mine"), ("other", "Theirs")):
        item = {"day": "2026-11-01", "project_id": "p", "line_item": f"ft:gpt:{name}", "amount": Decimal(1)}
        hold(empty, "costs", "2026-11-01", "2026-11-02", [item], org=org)
        empty.store.put("directory", [SEEN | {"org": org, "kind": "project", "id": "p", "name": name}])
    empty.export(kind, tmp_path / "one", org="default")
    assert [(r["org"], r["project_name"]) for r in asked(kind, tmp_path / "one", "FROM costs")] == [("default", "Mine")]
    held = [*(tmp_path / "one").rglob("*")] if kind == "bundle" else [tmp_path / "one"]
    assert not any(b"Theirs" in file.read_bytes() for file in held if file.is_file())
    empty.export(kind, tmp_path / "two", org=["default", "other"])
    rows = asked(kind, tmp_path / "two", "FROM costs ORDER BY org")
    assert [(row["org"], row["project_name"]) for row in rows] == [("default", "Mine"), ("other", "Theirs")]


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_rows_is_there_all_the_same(empty: Book, tmp_path: Path, kind: str) -> None:
    hold(empty, "costs", "2026-11-01", "2026-11-02")
    empty.export(kind, tmp_path / "whole")
    for table in products.FACTS:
        assert asked(kind, tmp_path / "whole", f"SELECT count(*) AS n FROM {table}") == [{"n": 0}]


def test_what_cannot_be_exported_is_said_before_anything_is_written(empty: Book, tmp_path: Path) -> None:
    target = tmp_path / "x"
    with pytest.raises(NotABookError):
        empty.export("duckdb", target)
    empty.store.migrate()
    with pytest.raises(UsageError, match="There is nothing to export: nothing is held"):
        empty.export("duckdb", target)
    hold(empty, "costs", "2026-11-01", "2026-11-02")
    with pytest.raises(UnknownNameError, match=r"Unknown kind of export 'bundles'\. Did you mean `bundle`"):
        empty.export("bundles", target)
    with pytest.raises(UsageError, match=r"An export is of whole days, and .*, 24 hours, UTC is not"):
        empty.export("duckdb", target, last="24h")
    with pytest.raises(UnknownNameError, match="organization"):
        empty.export("duckdb", target, org="nobody")
    assert [p.name for p in tmp_path.iterdir()] == ["tallybook.duckdb"]
