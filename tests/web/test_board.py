"""The board of a tab: every number is that of `Book.query`, and what cannot be told says why."""

import datetime as dt
from decimal import Decimal

import pytest
from starlette.testclient import TestClient

from tallybook.book import Book
from tallybook.web import create_app
from tests.books import hold

NOON = dt.datetime(2026, 11, 11, 12)  # noqa: DTZ001 - as books have time


def panels(client: TestClient, words: str) -> dict:
    answer = client.get(f"/api/board?{words}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [p["problem"] for p in found["panels"]] == [None] * len(found["panels"])
    return found | {p["id"]: p for p in found["panels"]}


def test_the_numbers_of_a_board_are_those_of_the_book(client: TestClient, book: Book) -> None:
    found = panels(client, "metric=cost&by=project&last=28d")
    main = found["main"]["data"]
    asked = book.query("cost", by="project", grain="day", last="28d", top=12)
    slots, wide = len(main["time"]["start"]), len(main["groups"])
    assert slots * wide == len(asked)
    cells = [main["values"]["cost"][j][i] for i in range(slots) for j in range(wide)]
    assert cells == [row["cost"] for row in asked.to_dict()["rows"]]
    assert [g["label"][0] for g in main["groups"]] == asked.overall["project"].to_pylist()
    (whole,) = found["cards"]["data"]["whole"]["cost"]
    assert whole["value"] == book.query("cost", last="28d").to_dict()["rows"][0]["cost"]
    shares = found["shares"]["data"]
    assert [v for (v,) in shares["values"]["cost"]] == main["overall"]["cost"]


def test_what_is_compared_lacks_what_has_not_ended_and_the_number_itself_does_not(
    client: TestClient, book: Book
) -> None:
    data = panels(client, "metric=requests&by=model&last=28d")["cards"]["data"]
    (whole,) = data["whole"]["requests"]
    beside = book.query("requests", last="28d", grain="day", compare="previous")
    assert whole["value"] == book.query("requests", last="28d").rows()[0]["requests"]
    assert whole["compared"] == beside.whole["requests"].to_pylist()[0] < whole["value"]
    assert whole["previous"] == beside.whole["requests_previous"].to_pylist()[0]


def test_a_filter_never_changes_the_colour_of_an_entity(client: TestClient) -> None:
    every = panels(client, "metric=requests&by=model&last=28d")["main"]["data"]["groups"]
    colours = {g["key"][0]: g["color"] for g in every if g["word"] is None}
    assert len({*colours.values()}) == len(colours) > 3
    one, place = max(colours.items(), key=lambda known: known[1])
    (left,) = panels(client, f"metric=requests&by=model&last=28d&where=model={one}")["main"]["data"]["groups"]
    assert left["color"] == place > 0


@pytest.mark.parametrize(
    ("last", "grain"), [("6h", "hour"), ("24h", "hour"), ("8d", "hour"), ("9d", "day"), ("92d", "day"), ("95d", "week")]
)
def test_the_grain_follows_the_length_of_the_range_as_far_as_it_is_held(
    client: TestClient, last: str, grain: str
) -> None:
    assert panels(client, f"metric=requests&last={last}")["state"]["grain"] == grain


def test_costs_are_never_told_by_less_than_a_day(client: TestClient) -> None:
    found = panels(client, "metric=cost&last=7d&grain=hour")
    assert found["state"]["grain"] == "day"
    by_name = {g["name"]: g for g in found["choices"]["grains"]}
    assert not by_name["hour"]["ok"]
    assert by_name["hour"]["why"] == "costs are billed by the day"


def test_under_two_days_the_cost_card_shows_the_last_billed_day_and_the_chart_tokens(
    client: TestClient, book: Book
) -> None:
    found = panels(client, "metric=cost&by=project&last=24h")
    cost = next(m for m in found["cards"]["data"]["metrics"] if m["name"] == "cost")
    assert cost["says"] == "billed on 22 Nov 2026, the last billed day"
    (whole,) = found["cards"]["data"]["whole"]["cost"]
    assert whole["value"] == book.query("cost", since="2026-11-22", until="2026-11-22").to_dict()["rows"][0]["cost"]
    (shown,), (drawn,) = (found[panel]["data"]["whole"]["tokens"] for panel in ("cards", "main"))
    assert shown["value"] == drawn["value"]
    assert found["state"]["metric"] == ["tokens"]
    assert found["main"]["title"] == "Tokens by project"
    assert "billed by whole UTC days" in found["main"]["says"]


def test_a_day_that_is_billed_is_shown_in_money_however_short(client: TestClient) -> None:
    found = panels(client, "metric=cost&since=2026-11-10&until=2026-11-10")
    assert found["state"]["metric"] == ["cost"]


def test_where_there_is_no_book_the_board_says_what_to_type(empty: Book) -> None:
    found = TestClient(create_app(empty)).get("/api/board").json()
    assert found["empty"]["command"] == "tallybook sync"
    assert found["panels"] == []


def test_one_panel_that_cannot_be_answered_leaves_the_others(client: TestClient) -> None:
    found = client.get("/api/board?metric=images&by=user&where=size=nonsense&last=7d").json()
    problems = {p["id"]: p["problem"] for p in found["panels"]}
    assert problems["main"] is None
    assert problems["cards"]["status"] == 422


def test_money_of_several_currencies_is_told_apart(empty: Book) -> None:
    rows = [
        {"day": "2026-11-10", "project_id": "p", "line_item": "x", "amount": "1.10"},
        {"day": "2026-11-10", "project_id": "p", "line_item": "x", "amount": "2.25", "currency": "eur"},
    ]
    hold(empty, "costs", "2026-11-01", "2026-11-20", rows)
    found = TestClient(create_app(empty)).get("/api/board?since=2026-11-01&until=2026-11-19&compare=none").json()
    main = next(p for p in found["panels"] if p["id"] == "main")["data"]
    assert main["whole"]["cost"] == [{"currency": "eur", "value": "2.25"}, {"currency": "usd", "value": "1.1"}]
    assert [g["currency"] for g in main["groups"]] == ["eur", "usd"]


@pytest.mark.parametrize("tab", ["overview", "costs", "tokens", "people", "health"])
@pytest.mark.parametrize("words", ["&last=24h", "&period=last-month&where=model=gpt-*"])
def test_every_panel_of_every_tab_is_answered(client: TestClient, tab: str, words: str) -> None:
    assert panels(client, f"tab={tab}{words}")["panels"]


def test_data_health_says_what_is_held_and_how_the_last_sync_ended(client: TestClient, book: Book) -> None:
    found = panels(client, "tab=health")
    held, states = found["held"]["data"], book.coverage()
    assert held["rows"] == [*states.datasets]
    assert [[held["states"][i] for i in row] for row in held["cells"]] == [
        [day.state for day in days] for days in states.datasets.values()
    ]
    facts = {f["label"]: f for f in found["syncs"]["data"]}
    assert facts["how it ended"]["value"] == "all well"
    assert found["bytes"]["data"][0] == {
        "label": "the whole book", "value": book.status().size.total, "unit": "bytes", "tone": None
    }  # fmt: skip


def test_who_left_keeps_the_name_and_the_last_active_day(empty: Book) -> None:
    rows = [{"day": "2026-11-10", "user_id": "user-1", "api_key_id": "key_1", "num_model_requests": 1}]
    hold(empty, "completions", "2026-11-01", "2026-11-20", rows)
    entry = {"org": "default", "kind": "user", "first_seen": NOON, "last_seen": NOON}
    later = {**entry, "id": "user-2", "name": "Bo", "last_seen": NOON + dt.timedelta(days=9)}
    empty.store.put("directory", [{**entry, "id": "user-1", "name": "Ann"}, later])
    table = panels(TestClient(create_app(empty)), "tab=people")["seen"]["data"]
    names = [c["name"] for c in table["columns"]]
    found = {row[names.index("id")]: dict(zip(names, row, strict=True)) for row in table["rows"]}
    assert (found["user-1"]["name"], found["user-1"]["last_active"]) == ("Ann", "2026-11-10")
    assert found["user-1"]["listed"] == "no more; last on 2026-11-11"
    assert (found["user-2"]["listed"], found["user-2"]["last_active"]) == ("yes", None)
    assert (found["key_1"]["kind"], found["key_1"]["listed"]) == ("API key", "never")


def test_what_was_before_a_stack_is_told_for_all_its_groups_together(client: TestClient, book: Book) -> None:
    words = "since=2026-11-08&until=2026-11-14"
    first, *rest = panels(client, f"metric=cost&by=project&{words}")["main"]["data"]["previous"]["cost"]
    beside = book.query("cost", grain="day", since="2026-11-08", until="2026-11-14", compare="previous")
    assert [Decimal(v) for v in first] == beside.table["cost_previous"].to_pylist()
    assert rest
    assert not any(rest)


def test_a_card_of_many_days_has_a_point_for_each_day(client: TestClient) -> None:
    found = panels(client, "metric=requests&last=7d&grain=hour")
    assert (found["main"]["data"]["query"]["grain"], found["cards"]["data"]["query"]["grain"]) == ("hour", "day")


def test_a_day_that_is_not_billed_yet_is_shown_in_tokens(client: TestClient) -> None:
    found = panels(client, "metric=cost&period=today")
    assert found["state"]["metric"] == ["tokens"]
    assert found["main"]["says"].startswith("What was billed in the last day or two is not known yet")
    assert panels(client, "metric=cost&last=2d")["state"]["metric"] == ["cost"]
