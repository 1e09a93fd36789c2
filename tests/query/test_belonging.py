"""Teams and tags as dimensions: the strongest rule of a row decides, on its day; the rest is unassigned."""

from decimal import Decimal

import pytest

from tallybook.book import Book
from tallybook.model.datasets import HELD
from tallybook.model.errors import UnknownNameError
from tallybook.model.windows import naive
from tests.books import hold

NOVEMBER = {"period": "2026-11"}
RULES = [
    {"kind": "api_key", "id": "key_1", "team": "Keys", "tier": "gold"},
    {"kind": "user", "id": "ann", "team": "Ann's", "valid_from": "2026-11-03"},
    {"kind": "service_account", "id": "bot", "team": "Bots"},
    {"kind": "project", "id": "shop*", "team": "Shop", "cost_center": "CC1"},
    {"kind": "project", "id": "shop-2", "team": "Shop two", "cost_center": "CC2"},
]
KEYS = {
    "key_1": ("user", "ann"),
    "key_2": ("user", "ann"),
    "key_3": ("service_account", "bot"),
    "key_4": ("user", "cy"),
}


def row(day: int, n: int, project: str | None, user: str | None, key: str | None) -> dict[str, object]:
    about = {"project_id": project, "user_id": user, "api_key_id": key}
    return {"day": f"2026-11-{day:02}", **about, "model": "m", "num_model_requests": n}


ROWS = [
    (row(2, 1, "shop-1", "ann", "key_1"), "Keys"),
    (row(2, 2, "shop-1", "ann", "key_2"), "Shop"),  # Ann's begins on the third
    (row(3, 4, "shop-1", "ann", "key_4"), "Ann's"),
    (row(3, 8, "shop-2", "bob", "key_2"), "Ann's"),  # the owner of the key, where the user has no rule
    (row(3, 16, "shop-2", None, "key_3"), "Bots"),
    (row(3, 32, "shop-2", "bob", "key_4"), "Shop two"),
    (row(4, 64, "shop-9", "cy", None), "Shop"),
    (row(4, 128, "lab", "cy", None), "(unassigned)"),
    (row(4, 256, None, None, None), "(unassigned)"),
]


@pytest.fixture
def book(empty: Book) -> Book:
    hold(empty, "completions", "2026-11-01", "2026-11-06", [r for r, _ in ROWS])
    seen = {"org": "default", "first_seen": naive(0), "last_seen": naive(1)}
    keys = [{"kind": "api_key", "id": k, "owner_kind": kind, "owner_id": o, **seen} for k, (kind, o) in KEYS.items()]
    people = [{"kind": kind, "id": i, **seen} for kind, i in (("user", "ann"), ("service_account", "bot"))]
    projects = [{"kind": "project", "id": i, **seen} for i in ("shop-1", "shop-2", "shop-9", "lab")]
    empty.store.put("directory", [*keys, *people, *projects])
    empty.import_teams(RULES)
    return empty


def requests(book: Book, by: str, **more: object) -> dict[str, int]:
    asked = {**NOVEMBER, "where": {"dataset": "completions"}, **more}
    return {r[by]: r["requests"] for r in book.query("requests", by=by, **asked).rows()}  # type: ignore[arg-type]


def test_the_first_kind_that_has_a_rule_decides_on_the_day_of_the_row(book: Book) -> None:
    expected: dict[str, int] = {}
    for found, team in ROWS:
        expected[team] = expected.get(team, 0) + int(str(found["num_model_requests"]))
    assert requests(book, "team") == expected


def test_tags_are_those_of_the_rule_that_decides(book: Book) -> None:
    assert requests(book, "tier") == {"gold": 1, "(unassigned)": 510}
    assert requests(book, "cost_center") == {"CC2": 32, "CC1": 2 + 64, "(unassigned)": 1 + 4 + 8 + 16 + 128 + 256}


def test_a_team_can_be_asked_for_and_left_out_and_one_that_no_rule_has_is_an_error(book: Book) -> None:
    total = sum(requests(book, "model").values())
    only = requests(book, "model", where={"dataset": "completions", "team": ["Shop", "Keys"]})
    rest = requests(book, "model", where={"dataset": "completions", "team": ["!Shop", "!Keys"]})
    assert sum(only.values()) == 1 + 2 + 64
    assert sum(only.values()) + sum(rest.values()) == total
    with pytest.raises(UnknownNameError, match="Did you mean `Shop`"):
        requests(book, "model", where={"team": "Shp"})


def test_cost_by_team_adds_up_to_the_bill_whatever_the_split_holds(book: Book) -> None:
    bill = [{"day": "2026-11-02", "project_id": "shop-1", "line_item": "a", "amount": Decimal(10)}]
    hold(book, "costs", "2026-11-02", "2026-11-04", [*bill, {**bill[0], "day": "2026-11-03", "amount": Decimal(5)}])
    split = [{**bill[0], "api_key_id": "key_1", "amount": Decimal(7)}]
    hold(book, "costs_by_api_key", "2026-11-02", "2026-11-03", split, by=HELD["costs_by_api_key"].asked)
    found = {r["team"]: r["cost"] for r in book.query("cost", by="team", since="2026-11-02", until="2026-11-03").rows()}
    assert sum(found.values()) == 15
    assert found["(not held)"] == 5
    assert found["Keys"] in (7, 0)


def test_without_rules_everything_is_unassigned(empty: Book) -> None:
    hold(empty, "completions", "2026-11-01", "2026-11-06", [r for r, _ in ROWS])
    assert requests(empty, "team") == {"(unassigned)": 511}
    with pytest.raises(UnknownNameError, match="Unknown dimension 'tier'"):
        requests(empty, "tier")
