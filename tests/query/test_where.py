"""Restricting by id, by name, by several; what is not known or not plain is said."""

import pytest

from tallybook import QueryError, UsageError
from tallybook.book import Book
from tallybook.model.errors import UnknownNameError
from tests.books import day, hold
from tests.emulator.wire import MIDNIGHT, Org

SPAN = {"last": "20d"}


@pytest.fixture(scope="module")
def projects(book: Book) -> dict[str, str]:
    """Label to id, from one unrestricted answer."""
    rows = book.query("requests", by="project", **SPAN).rows()
    return {row["project"]: row["project_id"] for row in rows if row["project_id"]}


@pytest.fixture(scope="module")
def totals(book: Book) -> dict[str, int]:
    rows = book.query("requests", by="project", **SPAN).rows()
    return {row["project"]: row["requests"] for row in rows}


def total(book: Book, **where: object) -> int:
    (row,) = book.query("requests", where=where, **SPAN).rows()  # type: ignore[arg-type]
    return int(row["requests"])


def test_by_id_and_by_name_are_the_same_total_as_the_row_of_the_group(
    book: Book, org: Org, projects: dict[str, str], totals: dict[str, int]
) -> None:
    truth = org.company.ledger(MIDNIGHT - 19 * 86_400, MIDNIGHT + 86_400, "embeddings", ["project_id"])["embeddings"]
    served = {row["project_id"]: row["num_model_requests"] for row in truth}
    for name, identity in projects.items():
        assert total(book, project=name) == total(book, project_id=identity) == totals[name]
        assert total(book, project=name, dataset="embeddings") == served.get(identity, 0)


def test_several_values_are_alternatives_and_several_dimensions_narrow(
    book: Book, projects: dict[str, str], totals: dict[str, int]
) -> None:
    one, two = list(projects)[:2]
    assert total(book, project=[one, projects[two]]) == totals[one] + totals[two]
    both = book.query("requests", by=["project", "model"], **SPAN).rows()
    cell = max((row for row in both if row["project"] == one), key=lambda row: row["requests"])
    assert 0 < total(book, project=one, model=cell["model"]) == cell["requests"] < totals[one]
    assert total(book, batch=True) + total(book, batch=False) == total(book, dataset="completions")


def test_what_the_provider_names_nothing_for_can_be_asked_for(book: Book, totals: dict[str, int]) -> None:
    rows = book.query("requests", by="user", **SPAN).rows()
    none = next(row for row in rows if row["user"] == "(none)")
    assert none["user_id"] is None
    assert total(book, user="(none)") == none["requests"] > 0


def test_a_filter_never_changes_a_label(book: Book, projects: dict[str, str]) -> None:
    keys = book.query("requests", by="api_key", **SPAN).rows()
    assert any("(" in row["api_key"] for row in keys if row["api_key_id"])
    for row in keys[:5]:
        (alone,) = book.query("requests", by="api_key", where={"api_key": row["api_key_id"]}, **SPAN).rows()
        assert alone == row


def test_a_bare_name_that_several_bear_selects_them_all_and_says_so(book: Book) -> None:
    keys = [row for row in book.query("requests", by="api_key", **SPAN).rows() if row["api_key_id"]]
    twins = [row for row in keys if row["api_key"].endswith(f" ({row['api_key_id'][-6:]})")]
    bare = twins[0]["api_key"].rpartition(" (")[0]
    same = [row for row in keys if row["api_key"].rpartition(" (")[0] == bare]
    result = book.query("requests", where={"api_key": bare}, **SPAN)
    assert result.rows()[0]["requests"] == sum(row["requests"] for row in same)
    assert len(same) >= 2
    assert f"api_keys are called {bare!r}; all are in" in result.notes[0]
    assert result.to_dict()["notes"] == list(result.notes)


def test_a_name_that_nobody_bears_is_an_error_with_a_suggestion_not_a_total_of_nothing(
    book: Book, projects: dict[str, str]
) -> None:
    name, identity = next(iter(projects.items()))
    with pytest.raises(UnknownNameError, match=f"Did you mean `{name}`"):
        book.query("cost", where={"project": name[:-1]}, **SPAN)
    assert book.query("cost", where={"project": name}, **SPAN).rows()
    assert book.query("cost", where={"project": [identity, "(none)"]}, **SPAN).rows()


def test_ids_are_enough_where_there_are_no_names(empty: Book) -> None:
    hold(empty, "embeddings", "2026-11-01", "2026-11-03", [{"day": "2026-11-01", "project_id": "p", "input_tokens": 5}])
    result = empty.query("input_tokens", by="project", where={"project": "p"}, period="2026-11")
    assert [(row["project"], row["input_tokens"]) for row in result.rows()] == [("p", 5)]
    assert not result.notes
    assert result.range.start == day("2026-11-01")


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"project": []}, "where project takes a text, or a list of at least one"),
        ({"project": [None]}, "where project takes a text"),
        ({"project": None}, "where project takes a text"),
        ({"project": 3}, "where project takes a text"),
        ({"project": "half \ud800"}, "where project takes a text"),
        ({"project": "nul \0"}, "where project takes a text"),
        ({"batch": "yes"}, "where batch is true or false, not 'yes'"),
        ({"project": "a", "project_id": "b"}, "where names project twice"),
    ],
)
def test_values_of_no_use_are_refused(book: Book, where: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        book.query("requests", where=where)  # type: ignore[arg-type]


def test_a_dimension_that_a_metric_lacks_is_refused(book: Book) -> None:
    with pytest.raises(
        QueryError,
        match="cost has no dimension batch; it has project, user, api_key, key_owner",
    ):
        book.query("cost", where={"batch": True})


def test_a_pattern_takes_no_word_in_brackets_and_what_it_leaves_out_keeps_them(empty: Book) -> None:
    rows = [{"day": "2026-11-01", "project_id": p, "model": "m", "input_tokens": n} for p, n in (("p", 5), (None, 7))]
    hold(empty, "embeddings", "2026-11-01", "2026-11-03", rows)
    only = {"period": "2026-11", "by": "project"}
    taken = empty.query("input_tokens", where={"project": "*"}, **only).rows()  # type: ignore[arg-type]
    assert [(row["project"], row["input_tokens"]) for row in taken] == [("p", 5)]
    rest = empty.query("input_tokens", where={"project": "!*"}, **only).rows()  # type: ignore[arg-type]
    assert [(row["project"], row["input_tokens"]) for row in rest] == [("(none)", 7)]
