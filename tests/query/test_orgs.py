"""Several organizations in one book: asked together, told apart, each with its own coverage and names."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook import UsageError
from tallybook.book import Book
from tallybook.model.errors import UnanswerableError, UnknownNameError
from tallybook.model.settings import Org, Settings
from tallybook.model.windows import naive
from tallybook.show.text import result_text
from tallybook.store.base import Batch
from tallybook.store.duckdb import DuckDBStore
from tests.books import hold, kept_open, reading
from tests.clock import FakeClock
from tests.emulator.wire import NOW
from tests.store.book import FAST

DAYS = {"since": "2026-11-01", "until": "2026-11-02"}


def book_of(path: Path, *orgs: str) -> Book:
    clock = FakeClock(NOW)
    named = tuple(Org(name=name, base_url="http://127.0.0.1:9/v1") for name in orgs)
    return Book(DuckDBStore(path, clock), Settings(book=str(path), org=named), clock)


def tokens(day: int, project: str | None, n: int, **more: Any) -> dict[str, Any]:
    row = {"day": f"2026-11-0{day}", "project_id": project, "model": "m", "input_tokens": n, "num_model_requests": 1}
    return row | more


def bill(day: int, amount: str, **more: Any) -> dict[str, Any]:
    return {"day": f"2026-11-0{day}", "project_id": "p", "line_item": "x", "amount": Decimal(amount)} | more


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """`acme` holds two days of everything here, `beta` the second day only, without projects."""
    book = book_of(tmp_path / "b.duckdb", "acme", "beta")
    book.store.migrate()
    with kept_open(book):
        _fill(book)
        yield book


def _fill(book: Book) -> None:
    hold(book, "embeddings", "2026-11-01", "2026-11-03", [tokens(1, "p", 5), tokens(2, None, 3)], org="acme")
    hold(book, "embeddings", "2026-11-02", "2026-11-03", [tokens(2, None, 7)], by=["model"], org="beta")
    hold(book, "costs", "2026-11-01", "2026-11-03", [bill(1, "2"), bill(2, "1", currency="eur")], org="acme")
    hold(book, "costs", "2026-11-01", "2026-11-03", [bill(1, "4"), bill(2, "8")], org="beta")


def numbers(book: Book, *words: str, **more: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in book.query(*words, **{**DAYS, **more}).rows()]


EMBEDDINGS = {"where": {"dataset": "embeddings"}}


def named(book: Book, org: str, kind: str, identity: str, name: str | None) -> None:
    row = {"org": org, "kind": kind, "id": identity, "name": name}
    book.store.put("directory", [row | {"first_seen": naive(0), "last_seen": NOW.replace(tzinfo=None)}])


def test_all_organizations_of_the_settings_are_asked_together_and_may_be_told_apart(book: Book) -> None:
    assert numbers(book, "input_tokens", **EMBEDDINGS) == [(15,)]
    assert numbers(book, "input_tokens", by="org", **EMBEDDINGS) == [("acme", 8), ("beta", 7)]
    assert numbers(book, "cost", by="org") == [("beta", "usd", 12), ("acme", "usd", 2), ("acme", "eur", 1)]
    assert numbers(book, "cost") == [("usd", 14), ("eur", 1)]


def test_one_or_some_of_them_may_be_asked(book: Book) -> None:
    for chosen in ({"org": "beta"}, {"org": ["beta"]}, {"where": {"org": "beta"}}):
        assert numbers(book, "cost", **chosen) == [("usd", 12)]
        assert book.query("cost", **DAYS, **chosen).query.orgs == ("beta",)  # type: ignore[union-attr, arg-type]
    assert numbers(book, "cost", org=["beta", "acme"]) == numbers(book, "cost")
    with pytest.raises(UsageError, match="org and where org were both given"):
        book.query("cost", org="acme", where={"org": "beta"})


def test_an_organization_that_nobody_knows_is_an_error_and_one_that_is_held_is_not(book: Book, tmp_path: Path) -> None:
    for asked in ({"org": "betta"}, {"where": {"org": "betta"}}):
        with pytest.raises(UnknownNameError, match=r"Unknown organization 'betta'\. Did you mean `beta`\?"):
            book.query("cost", **asked)  # type: ignore[arg-type]
    alone = book_of(tmp_path / "b.duckdb", "acme")
    assert numbers(alone, "cost") == [("usd", 2), ("eur", 1)]
    assert numbers(alone, "cost", org="beta") == [("usd", 12)]


def test_gaps_name_their_organization_where_several_are_asked(book: Book) -> None:
    result = book.query("input_tokens", by="project", **DAYS, **EMBEDDINGS)
    assert [str(gap) for gap in result.coverage.missing] == [
        "embeddings of beta 2026-11-01: not read",
        "embeddings of beta 2026-11-02: not held by project_id",
    ]
    assert [gap["org"] for gap in result.to_dict()["coverage"]["missing"]] == ["beta", "beta"]
    alone = book.query("input_tokens", **DAYS, **EMBEDDINGS, org="beta").coverage
    assert [str(gap) for gap in alone.missing] == ["embeddings 2026-11-01: not read"]
    assert "org" not in alone.as_dict()["missing"][0]
    assert book.query("input_tokens", **DAYS, **EMBEDDINGS, org="acme").coverage.complete


def test_what_one_has_not_asked_for_is_not_held_of_that_one_alone(book: Book) -> None:
    rows = numbers(book, "input_tokens", by="project", **EMBEDDINGS)
    assert rows == [("p", "p", 5), ("(not held)", None, 7), ("(none)", None, 3)]
    assert numbers(book, "input_tokens", where={"dataset": "embeddings", "project": "(none)"}) == [(3,)]


def test_a_dataset_that_one_has_never_read_is_missing_of_that_one(book: Book) -> None:
    hold(book, "images", "2026-11-01", "2026-11-03", [{"day": "2026-11-01", "images": 2}], org="acme")
    result = book.query("images", by="org", grain="day", **DAYS)
    assert [str(gap) for gap in result.coverage.missing] == ["images of beta 2026-11-01 to 2026-11-02: not read"]
    assert [row["images"] for row in result.rows()] == [2, 0]
    together = book.query("images", grain="day", **DAYS)
    assert [row["images"] for row in together.rows()] == [2, None]


def test_a_day_without_rows_is_zero_only_where_its_organization_holds_it(book: Book) -> None:
    days = numbers(book, "input_tokens", by="org", grain="day", **{**EMBEDDINGS, "until": "2026-11-03"})
    first, second, third = (dict(row[1:] for row in days[i : i + 2]) for i in (0, 2, 4))
    assert first == {"acme": 5, "beta": None}
    assert second == {"acme": 3, "beta": 7}
    assert third == {"acme": None, "beta": None}


def test_the_same_id_in_two_organizations_is_two_with_a_name_each(book: Book) -> None:
    hold(book, "embeddings", "2026-11-01", "2026-11-03", [tokens(1, "p", 7), tokens(2, None, 1)], org="beta")
    named(book, "acme", "project", "p", "Search")
    named(book, "beta", "project", "p", "Chat")
    rows = numbers(book, "input_tokens", by="project", **EMBEDDINGS)
    assert rows == [("Chat", "p", 7), ("Search", "p", 5), ("(none)", None, 4)]
    for name, total in (("Search", 5), ("Chat", 7), ("p", 12)):
        assert numbers(book, "input_tokens", where={"dataset": "embeddings", "project": name}) == [(total,)]
    both = {"dataset": "embeddings", "project": ["Search", "(none)"]}
    assert numbers(book, "input_tokens", where=both) == [(9,)]
    assert book.query("cost", by="project", **DAYS, org="beta").rows()[0]["project"] == "Chat"
    with pytest.raises(UnknownNameError, match=r"Unknown project 'Search'\. Known: Chat"):
        book.query("cost", where={"project": "Search"}, org="beta")


def test_ids_without_names_that_two_organizations_share_are_shown_with_theirs(book: Book) -> None:
    hold(book, "embeddings", "2026-11-01", "2026-11-03", [tokens(1, "p", 7), tokens(2, "q", 1)], org="beta")
    rows = numbers(book, "input_tokens", by="project", **EMBEDDINGS)
    assert rows == [("beta:p", "p", 7), ("acme:p", "p", 5), ("q", "q", 1), ("(none)", None, 3)]


def test_equal_names_are_told_apart_whichever_organization_is_asked(book: Book) -> None:
    named(book, "acme", "project", "p", "Same")
    named(book, "beta", "project", "p", "Same")
    named(book, "gone", "project", "p", "Same")
    assert [r[0] for r in numbers(book, "cost", by="project", org="beta")] == ["Same (beta:p)"]
    assert {r[0] for r in numbers(book, "cost", by="project")} == {"Same (acme:p)", "Same (beta:p)"}
    assert numbers(book, "cost", where={"project": "Same (beta:p)"}) == [("usd", 12)]


def test_a_split_of_the_bill_is_used_where_its_own_organization_holds_it(book: Book) -> None:
    days = "2026-11-01", "2026-11-03"
    whole = reading("costs", *days, [bill(1, "4"), bill(2, "8")])
    parts = reading("costs_by_user", *days, [bill(1, "3", user_id="u"), bill(2, "8", user_id="u")])
    book.store.replace(Batch("beta", "by hand", (whole, parts)))
    assert numbers(book, "cost", by="user", org="beta") == [("u", "u", "usd", 11), ("(unattributed)", None, "usd", 1)]
    assert numbers(book, "cost", by="user") == [
        ("u", "u", "usd", 11),
        ("(not held)", None, "usd", 2),
        ("(not held)", None, "eur", 1),
        ("(unattributed)", None, "usd", 1),
    ]
    assert numbers(book, "cost", where={"user": "u"}) == [("usd", 11)]
    assert {gap.org for gap in book.query("cost", by="user", **DAYS).coverage.missing} == {"acme"}


def test_as_of_and_provisional_are_of_whoever_is_behind(tmp_path: Path) -> None:
    book = book_of(tmp_path / "b.duckdb", "acme", "beta", "gamma")
    hold(book, "costs", "2026-11-03", "2026-11-21", org="acme")
    hold(book, "costs", "2026-11-03", "2026-11-21", read_at=NOW - dt.timedelta(days=2), org="beta")
    each = {org: book.query("cost", last="20d", org=org).coverage for org in ("acme", "beta")}
    together = book.query("cost", last="20d").coverage
    assert together.as_of == each["beta"].as_of < each["acme"].as_of  # type: ignore[operator]
    assert together.provisional_from == each["beta"].provisional_from < each["acme"].provisional_from  # type: ignore[operator]


def test_an_edge_that_cuts_a_bucket_says_whose(book: Book) -> None:
    with pytest.raises(UnanswerableError, match=r"^costs of acme is held by 1d around 2026-11-01T05:00Z"):
        book.query("cost", since="2026-11-01T05:00Z")


def test_the_text_of_an_answer_names_the_organizations(book: Book) -> None:
    assert "1-2 Nov 2026, 2 days, UTC, acme and beta." in result_text(book.query("cost", **DAYS), width=80)
    assert "acme" not in result_text(book.query("cost", **DAYS, org="beta"), width=80)


HOLDS = st.lists(
    st.tuples(
        st.sampled_from(["acme", "beta"]),
        st.integers(1, 4),
        st.integers(1, 3),
        st.sampled_from([None, ("model",), ("project_id",)]),
        st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["p", "q", None]), st.integers(1, 9)), max_size=4),
    ),
    max_size=5,
)


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(HOLDS)
def test_together_is_the_sum_of_each(holds: list[Any]) -> None:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        book = book_of(Path(folder) / "b.duckdb", "acme", "beta")
        book.store.migrate()
        with kept_open(book):
            for org, first, length, by, rows in holds:
                kept = [tokens(first + day, project, n) for day, project, n in rows if day < length]
                unasked = {"project_id", "model"} - {*(by or ("project_id", "model"))}
                bare = [{k: v for k, v in row.items() if k not in unasked} for row in kept]
                hold(book, "embeddings", f"2026-11-0{first}", f"2026-11-0{first + length}", bare, by=by, org=org)
            named(book, "acme", "project", "p", "Search")
            named(book, "beta", "project", "p", "Search")
            for by in (("project",), ("model", "project")):
                for where in ({}, {"project": ["p", "(none)"]}):
                    _check_together(book, by, {"dataset": "embeddings", **where})


def _check_together(book: Book, by: tuple[str, ...], where: dict[str, Any]) -> None:
    week = {"since": "2026-11-01", "until": "2026-11-07", "where": where}
    each = {org: book.query("input_tokens", by=by, org=org, **week) for org in ("acme", "beta")}  # type: ignore[arg-type]
    apart = book.query("input_tokens", by=("org", *by), **week)  # type: ignore[arg-type]
    whole = book.query("input_tokens", by=by, **week)  # type: ignore[arg-type]
    for org, result in each.items():
        assert _sums(row for row in apart.rows() if row["org"] == org) == _sums(result.rows())
    assert _sums(whole.rows()) == sum((_sums(result.rows()) for result in each.values()), Counter())
    missing = [(org, gap.dataset, gap.span, gap.reason) for org, r in each.items() for gap in r.coverage.missing]
    assert [(g.org, g.dataset, g.span, g.reason) for g in whole.coverage.missing] == missing


def _sums(rows: Iterable[dict[str, Any]]) -> Counter[Any]:
    """Return the tokens of each group; a project is its id where it has one."""
    out: Counter[Any] = Counter()
    for row in rows:
        out[row["project_id"] or row["project"], row.get("model")] += row["input_tokens"] or 0
    return +out
