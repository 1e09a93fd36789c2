"""Teams of a book: imported as one list, beside those of the settings, or not at all."""

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tallybook.book import Book
from tallybook.model.errors import NotABookError, UsageError
from tallybook.model.settings import Team
from tallybook.query.own.assignments import assignments, held_ids
from tallybook.query.own.teams import Rule
from tests.books import book_at, hold

SEEN = dt.datetime(2026, 11, 1)  # noqa: DTZ001


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with two projects and a user by name, and an organization without names."""
    path = tmp_path_factory.mktemp("teams") / "book.duckdb"
    opened = book_at(path)
    rows = [{"day": "2026-11-18", "project_id": f"proj_{n}", "user_id": "user_ada", "input_tokens": 1} for n in (1, 9)]
    hold(opened, "completions", "2026-11-18", "2026-11-19", rows)
    hold(opened, "completions", "2026-11-18", "2026-11-19", [rows[0] | {"project_id": "proj_x"}], org="beta")
    people = {"org": "default", "first_seen": SEEN, "last_seen": SEEN}
    opened.store.put(
        "directory",
        [
            people | {"kind": "project", "id": "proj_1", "name": "Search"},
            people | {"kind": "project", "id": "proj_2", "name": "Chat"},
            people | {"kind": "user", "id": "user_ada", "name": "Ada Alder", "email": "ada@example.com"},
        ],
    )
    return path


@pytest.fixture
def book(filled: Path, tmp_path: Path) -> Book:
    (tmp_path / "book.duckdb").write_bytes(filled.read_bytes())
    return book_at(tmp_path / "book.duckdb")


def row(kind: str, identity: str, team: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "id": identity, "team": team, **more}


def stored(book: Book) -> list[tuple[str, str]]:
    return [(r["pattern"], r["team"]) for r in book.store.rows("teams")]


def test_an_import_replaces_the_list_and_says_what_changed(book: Book) -> None:
    first = book.import_teams([row("project", "Search", "A", unit="Core"), row("project", "proj_2", "B")])
    assert [r.pattern for r in first.added] == ["Search", "proj_2"]
    assert (first.removed, first.unmatched) == ((), {"project": (1, 3)})
    second = book.import_teams(
        [row("project", "proj_2", "B"), row("user", "*@example.com", "C", valid_from="2026-11-02")]
    )
    assert [r.pattern for r in second.added] == ["*@example.com"]
    assert [(r.pattern, r.values) for r in second.removed] == [("Search", {"team": "A", "unit": "Core"})]
    assert second.unmatched == {"project": (2, 3), "user": (1, 2)}
    assert stored(book) == [("proj_2", "B"), ("*@example.com", "C")]
    again = book.import_teams(
        [row("user", "*@example.com", "C", valid_from="2026-11-02"), row("project", "proj_2", "B")]
    )
    assert (again.added, again.removed) == ((), ())
    assert book.import_teams([]).removed
    assert book.teams().rules == ()


def test_what_is_stored_comes_back_whole(book: Book, tmp_path: Path) -> None:
    given = [
        row("project", "proj_*", "A", cost_center="R&D", unit="Core", valid_from="2026-11-02", valid_to="2026-12-01")
    ]
    book.import_teams(given)
    assert book.teams().rules == (
        Rule("project", "proj_*", "A", "R&D", (("unit", "Core"),), dt.date(2026, 11, 2), dt.date(2026, 12, 1)),
    )
    (tmp_path / "again.csv").write_text(book.teams_csv())
    same = book.import_teams(tmp_path / "again.csv")
    assert (same.added, same.removed) == ((), ())


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("project", "p", "A"), row("project", "p", "B")], "Two rules overlap"),
        ([row("project", "Sear*", "A"), row("project", "*arch", "B")], "Two rules are as good for project 'proj_1'"),
        ([row("project", "proj_1", "Other")], r"Two rules overlap: project 'proj_1' in 'Set' \(\[teams\.Set\] in "),
        ([row("project", "p", "A", model="x")], "a tag cannot be called 'model'"),
    ],
)
def test_nothing_is_stored_where_anything_is_wrong(book: Book, rows: list[Any], words: str) -> None:
    book.import_teams([row("project", "Chat", "B")])
    book.settings = msgspec.structs.replace(book.settings, teams={"Set": Team(("proj_1",))})
    if "as good" in words:
        book.settings = msgspec.structs.replace(book.settings, teams={})
    with pytest.raises(UsageError, match=words):
        book.import_teams(rows)
    assert stored(book) == [("Chat", "B")]


def test_rules_of_the_settings_stand_beside_those_imported(book: Book) -> None:
    book.settings = msgspec.structs.replace(book.settings, teams={"Set": Team(("proj_1",))}, path="tallybook.toml")
    book.import_teams([row("project", "proj_*", "Rest"), row("project", "proj_x", "X")])
    found = {(m.org, m.id): m.values["team"] for m in assignments(book.store, book.settings)}
    assert found == {
        ("default", "proj_1"): "Set",
        ("default", "proj_2"): "Rest",
        ("default", "proj_x"): "X",
        ("beta", "proj_x"): "X",
        ("beta", "proj_1"): "Set",
    }
    assert [r.place for r in book.teams().rules] == ["[teams.Set] in tallybook.toml", "imported", "imported"]


def test_an_organization_without_a_directory_has_the_ids_of_its_facts(book: Book) -> None:
    ids = held_ids(book.store)
    assert set(ids["project"]) == {("default", "proj_1"), ("default", "proj_2"), ("beta", "proj_x")}
    assert set(ids["user"]) == {("default", "user_ada"), ("beta", "user_ada")}


def test_a_rule_that_becomes_ambiguous_later_is_an_error_and_no_guess(book: Book) -> None:
    book.import_teams([row("project", "New*", "A"), row("project", "*one", "B")])
    assert assignments(book.store, book.settings) == []
    new = {
        "org": "default",
        "kind": "project",
        "id": "proj_5",
        "name": "New one",
        "first_seen": SEEN,
        "last_seen": SEEN,
    }
    book.store.put("directory", [new])
    for ask in (book.teams, lambda: assignments(book.store, book.settings)):
        with pytest.raises(UsageError, match="Two rules are as good for project 'proj_5'"):
            ask()


@pytest.mark.parametrize("pattern", ["user_ada", "ada@example.com", "Ada Alder"])
def test_who_was_forgotten_keeps_the_team_and_no_rule_names_them(book: Book, pattern: str) -> None:
    book.import_teams([row("user", pattern, "A"), row("user", "*", "Rest"), row("project", "Chat", "of Ada Alder")])
    done = book.forget("user_ada")
    assert done is not None
    theirs = {m.org: m.values["team"] for m in assignments(book.store, book.settings) if m.id == done.pseudonym}
    assert theirs["default"] == "A"
    assert stored(book) == [(done.pseudonym, "A"), ("*", "Rest"), ("Chat", "of (forgotten)")]


def test_a_rule_that_matched_nobody_and_named_someone_forgotten_is_gone(book: Book) -> None:
    book.import_teams(
        [row("user", "ADA@EXAMPLE.COM", "A"), row("user", "Ada@Example.com", "B"), row("user", "*", "Rest")]
    )
    assert book.forget("user_ada") is not None
    assert [r.pattern for r in book.teams().rules] == ["*"]


def test_without_a_book_there_are_the_rules_of_the_settings_and_no_file_is_made(tmp_path: Path) -> None:
    book = book_at(tmp_path / "none.duckdb")
    assert book.teams().rules == ()
    book.settings = msgspec.structs.replace(book.settings, teams={"Set": Team(("proj_1",))})
    assert (len(book.teams().rules), book.teams().unmatched) == (1, {})
    with pytest.raises(NotABookError):
        book.import_teams([row("project", "p", "A")])
    with pytest.raises(UsageError, match="Say what to import"):
        book.import_teams()
    assert list(tmp_path.iterdir()) == []
