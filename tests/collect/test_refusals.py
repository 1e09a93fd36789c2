"""What the API refuses is told apart from what failed, and less is asked for."""

from typing import Any

import pytest

from tallybook.collect.refusals import UNKNOWN_DATASET, Ask, Outcome, ask, whole
from tallybook.model.coverage import Run
from tallybook.model.datasets import dataset
from tallybook.model.errors import AuthenticationError, PermissionDeniedError
from tallybook.model.records import Refusal
from tallybook.model.windows import DAY, Span, Window
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, client, page, refusal

TODAY = 20_780 * DAY
COSTS, CHATS = dataset("costs"), dataset("completions")
EMPTY = Answer(200, page([]))


def asking(clock: FakeClock, step: Ask, *answers: Any, now: int = TODAY + 3600) -> tuple[Outcome, list[dict[str, Any]]]:
    """Ask a server that gives `answers`, or whatever a function says; return the outcome and the queries."""
    script = answers[0] if callable(answers[0]) else list(answers)
    with client(script, clock, deadline=5) as (http, server):
        outcome = ask(http, step, now=now)
        return outcome, [dict(a.query) | {"by": _groups(a)} for a in server.asked]


def _groups(asked: Asked) -> list[str]:
    return [value for name, value in asked.query if name == "group_by[]"]


def week(known: Any = CHATS, width: str = "1d", end: int = TODAY) -> Ask:
    return Ask(known, Window(end - 7 * DAY, end, width), known.asked)


def said(outcome: Outcome) -> list[tuple[Any, ...]]:
    return [(r.span.start, r.span.end, r.width, r.dimension, r.final) for r in outcome.refusals]


def test_a_dataset_that_the_server_does_not_know_is_unobtainable(clock: FakeClock) -> None:
    outcome, asked = asking(clock, week(), refusal("Invalid URL", status=404))
    assert [(r.reason, r.final) for r in outcome.refusals] == [(UNKNOWN_DATASET, False)]
    assert (outcome.failures, len(asked)) == ([], 1)


def test_a_refusal_is_widened_to_whole_buckets_of_what_is_held_there_and_to_nothing_else() -> None:
    hour = 3_600
    runs = [
        Run(TODAY - 3 * DAY, TODAY - DAY, "1d", (), TODAY),
        Run(TODAY - DAY, TODAY, "1h", (), TODAY),
        Run(TODAY, TODAY + 5 * hour, "1d", (), TODAY + 5 * hour),
    ]

    def widened(start: int, end: int, **more: Any) -> tuple[int, int]:
        (found,) = whole([Refusal("images", Span(start, end), "no", **more)], {"images": runs, "costs": [runs[0]]})
        return found.span.start, found.span.end

    assert widened(TODAY + hour, TODAY + 6 * hour) == (TODAY, TODAY + DAY)
    assert widened(TODAY - 5 * hour, TODAY + 6 * hour) == (TODAY - 5 * hour, TODAY + DAY)
    assert widened(TODAY - DAY - hour, TODAY - hour) == (TODAY - 2 * DAY, TODAY - hour)
    assert widened(TODAY - 4 * DAY + hour, TODAY - 3 * DAY) == (TODAY - 4 * DAY + hour, TODAY - 3 * DAY)
    assert widened(TODAY + hour, TODAY + 6 * hour, dimension="model") == (TODAY + hour, TODAY + 6 * hour)


LOOKBACK = "Usage and cost data are available for the past year. Earliest supported start date: {} (UTC)."


def too_old(date: str) -> Answer:
    return refusal(LOOKBACK.format(date), code="reporting_lookback_exceeded")


def test_history_that_is_too_old_is_refused_for_good_and_the_rest_is_read(clock: FakeClock) -> None:
    outcome, asked = asking(clock, week(end=20_454 * DAY), too_old("2025-12-30"), EMPTY)
    edge = 20_452 * DAY
    assert said(outcome) == [(20_447 * DAY, edge, None, None, True)]
    assert [(r.window.start, r.window.end) for r in outcome.reads] == [(edge, 20_454 * DAY)]
    assert asked[1]["start_time"] == str(edge)


@pytest.mark.parametrize("date", ["soon", "2025-13-45"])
def test_history_without_a_readable_date_is_refused_whole_but_not_for_good(clock: FakeClock, date: str) -> None:
    outcome, _ = asking(clock, week(), too_old(date))
    assert said(outcome) == [(TODAY - 7 * DAY, TODAY, None, None, False)]


def test_a_lower_limit_is_obeyed(clock: FakeClock) -> None:
    def strict(asked: Asked) -> Answer:
        over = int(dict(asked.query)["limit"]) > 3
        return refusal("Invalid limit provided. Limit must be less than or equal to 3.") if over else EMPTY

    outcome, asked = asking(clock, week(), strict)
    assert [q["limit"] for q in asked] == ["31", "3", "3", "3"]
    assert sum(r.window.buckets for r in outcome.reads) == 7
    assert (outcome.failures, outcome.refusals) == ([], [])


def test_a_width_that_is_not_given_is_refused_at_that_width_only(clock: FakeClock) -> None:
    outcome, _ = asking(clock, week(width="1h"), refusal("Supported values are: '1d'", param="bucket_width"))
    assert said(outcome) == [(TODAY - 7 * DAY, TODAY, "1h", None, False)]


@pytest.mark.parametrize(
    ("message", "param", "dropped"),
    [
        ("Invalid value: 'api_source'.", "group_by", "api_source"),
        ("Invalid value: 'user_id'. Supported values are: 'project_id', 'api_source', 'model'", "group_by", "user_id"),
        ("Unknown. Supported values are: 'api_key_id', 'batch', 'model', 'project_id', 'service_tier', 'user_id'",
         "group_by[0]", "api_source"),
        ("Unsupported grouping by service_tier", None, "service_tier"),
    ],
)  # fmt: skip
def test_a_refused_dimension_is_dropped_and_remembered(
    clock: FakeClock, message: str, param: str | None, dropped: str
) -> None:
    outcome, asked = asking(clock, week(), refusal(message, param=param), EMPTY)
    assert said(outcome) == [(TODAY - 7 * DAY, TODAY, None, dropped, False)]
    assert asked[1]["by"] == [d for d in CHATS.asked if d != dropped]
    assert outcome.reads[0].dimensions == tuple(asked[1]["by"])


def test_a_refused_filter_is_no_refused_dimension(clock: FakeClock) -> None:
    outcome, asked = asking(clock, week(), refusal("Unknown parameter.", param="project_ids"))
    assert (said(outcome), len(outcome.failures), len(asked)) == ([], 1, 1)


def test_costs_by_user_and_project_step_down_to_what_is_given(clock: FakeClock) -> None:
    split = Ask(COSTS, Window(TODAY - DAY, TODAY, "1d"), ("api_source", "line_item", "project_id", "user_id"))
    outcome, asked = asking(clock, split, refusal("Unsupported combination.", param="group_by"), EMPTY)
    assert asked[1]["by"] == ["api_source", "line_item", "project_id"]
    assert said(outcome)[0][3] == "user_id"


def test_costs_by_key_begin_where_the_message_says(clock: FakeClock) -> None:
    floor = 1_764_979_200
    split = Ask(COSTS, Window(floor - 3 * DAY, floor + 2 * DAY, "1d"), ("api_key_id", "line_item"))
    early = refusal(f"api_key_id needs start_time >= {floor}.", param="start_time")
    outcome, asked = asking(clock, split, early, EMPTY)
    assert said(outcome) == [(floor - 3 * DAY, floor, None, "api_key_id", True)]
    assert [(q["start_time"], q["by"]) for q in asked[1:]] == [
        (str(floor), ["api_key_id", "line_item"]),
        (str(floor - 3 * DAY), ["line_item"]),
    ]


def test_costs_of_the_open_day_may_be_refused_until_it_ends(clock: FakeClock) -> None:
    no = refusal("start_time and end_time must differ.", param="end_time")
    outcome, asked = asking(clock, week(COSTS, end=TODAY + DAY), no, EMPTY)
    assert [(r.span, r.expires_at) for r in outcome.refusals] == [(Span(TODAY, TODAY + DAY), TODAY + DAY)]
    assert asked[1]["end_time"] == str(TODAY)
    one, _ = asking(clock, Ask(COSTS, Window(TODAY, TODAY + DAY, "1d"), ()), no)
    assert (len(one.refusals), one.failures, one.reads) == (1, [], [])


def test_another_refusal_is_a_failure_that_holds_no_pages(clock: FakeClock) -> None:
    for answer in (refusal("Nonsense."), Answer(200, page([{"trap": 1}]))):
        outcome, _ = asking(clock, week(), answer)
        (failure,) = outcome.failures
        assert (failure.dataset, failure.window) == ("completions", week().window)
        assert failure.error.__traceback__ is None
        assert outcome.refusals == []


def test_a_server_that_always_refuses_something_else_is_left_alone(clock: FakeClock) -> None:
    steps = iter(range(1, 500))

    def moving(asked: Asked) -> Answer:
        return refusal(f"Limit must be less than or equal to {max(1, 1_440 - next(steps))}.")

    day = Ask(CHATS, Window(TODAY, TODAY + DAY, "1m"), ())
    outcome, asked = asking(clock, day, moving)
    assert len(asked) <= 30
    assert outcome.failures


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (403, PermissionDeniedError)])
def test_a_refused_key_ends_all(clock: FakeClock, status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        asking(clock, week(), refusal("no" if status == 401 else "Missing scopes: api.usage.read.", status=status))


def test_what_alone_may_not_be_read_is_a_failure_of_its_own(clock: FakeClock) -> None:
    outcome, _ = asking(clock, week(), refusal("not for you", status=403))
    assert [type(failure.error) for failure in outcome.failures] == [PermissionDeniedError]
