"""The command line on a book that is on a server."""

import json
import sys
from pathlib import Path

import psycopg
import pytest

from tests import postgres
from tests.cli.conftest import Run, ago


@pytest.fixture(scope="module")
def url() -> str:
    return postgres.server().database()


def test_a_team_syncs_asks_copies_and_forgets_nothing(
    tally: Run, folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYBOOK_STORE", url)
    monkeypatch.setenv("COLUMNS", "80")
    assert tally("status").code == 2
    ended = tally("sync", "--since", ago(2), "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["book"] == url.replace(":open%20sesame", "")
    answers = [tally("query", "cost", "--by", "project", "--last", "3d", "--json").out]
    for words in (["status"], ["proof", "--dataset", "costs", "--day", ago(1)], ["restatements"], ["rebuild"], []):
        shown = tally(*words) if words else tally("metrics")
        assert shown.code == 0, shown.err
        assert "sesame" not in shown.out + shown.err
    assert tally("copy", url, "mine.duckdb").code == 0
    answers.append(tally("query", "cost", "--by", "project", "--last", "3d", "--json", "--book", "mine.duckdb").out)
    rows = [json.loads(out)["rows"] for out in answers]
    assert rows[0] == rows[1] != []


def test_what_a_dba_runs_by_hand_is_a_book(tally: Run, folder: Path) -> None:
    url = postgres.server().database()
    printed = tally("migrate", "--sql", "--book", "postgresql://nobody@127.0.0.1:1/nowhere")
    assert (printed.code, printed.err) == (0, "")
    statements = printed.out.replace("CREATE ROLE", "CREATE ROLE IF NOT THERE")
    for role in ("tallybook_reader", "tallybook_writer"):  # the server of the tests may have them
        made = f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
        statements = statements.replace(f"CREATE ROLE IF NOT THERE {role} NOLOGIN;", made)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())
    done = tally("migrate", "--book", url)
    assert (done.code, done.out) == (0, f"{url.replace(':open%20sesame', '')} is up to date.\n")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM tallybook.v_bill_monthly").fetchone() == (0,)


def test_a_file_has_no_statements_for_a_dba(tally: Run) -> None:
    ended = tally("migrate", "--sql")
    assert ended.code == 2
    assert "--book postgresql://USER@HOST/DATABASE" in ended.err


def test_without_the_driver_the_line_to_type_is_said(tally: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    ended = tally("query", "cost", "--book", "postgresql://me@127.0.0.1:1/books")
    assert ended.code == 2
    assert "pip install 'tallybook[postgres]'" in ended.err


def test_where_no_server_is_the_error_names_what_to_try(tally: Run) -> None:
    ended = tally("sync", "--book", "postgresql://me:secret@127.0.0.1:1/books")
    assert ended.code == 1
    assert "pg_isready -h 127.0.0.1" in ended.err
    assert "secret" not in ended.err
