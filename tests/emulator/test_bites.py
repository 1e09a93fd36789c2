"""Every quirk bites: a client as people write it is right without the quirk, and wrong or broken with it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import requests

from tallybook.emulator import QUIRKS
from tests.emulator import naive
from tests.emulator.wire import DAY, MIDNIGHT, Org, organization

SINCE, UNTIL = MIDNIGHT - 12 * DAY, MIDNIGHT
TOKENS = ("completions", "input_tokens", ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier"))
COSTS = ("costs", "amount", ("project_id", "line_item"))
BILL = COSTS[2]
Client = Callable[[Org, "Bite"], Any]


@dataclass(frozen=True)
class Bite:
    """One quirk, what a client reads under it, and how the naive client fails.

    Everything about the question is here, so that another client can be asked the same.
    """

    quirk: str
    client: Client
    """Returns the total of `measure` in `[SINCE, UNTIL)`."""
    crash: type[Exception] | None = None
    wrong: Callable[[Any, Any], bool] | None = None
    """Given the total and the truth: in which way it is wrong."""
    dataset: str = "completions"
    measure: str = "input_tokens"
    by: tuple[str, ...] = TOKENS[2]
    limit: int = 5
    key: str = "sk-admin-test"
    until: int = UNTIL
    asks: tuple[str, ...] | None = None
    """What a client asks for that is not naive, if not `by`."""
    again: bool = False
    """What was read changes later, so that it has to be read again."""

    def url(self, org: Org) -> str:
        return f"{org.base}/organization/{'costs' if self.dataset == 'costs' else f'usage/{self.dataset}'}"

    def params(self, **more: Any) -> dict[str, Any]:
        return {"start_time": SINCE, "end_time": self.until, "group_by": list(self.by), "limit": self.limit, **more}

    def truth(self, org: Org) -> Any:
        rows = org.company.ledger(SINCE, self.until, self.dataset)[self.dataset]
        return rows[0][self.measure] if rows else 0


def total(buckets: Iterable[dict[str, Any]], bite: Bite) -> Any:
    rows = [row for bucket in buckets for row in bucket["results"]]
    return sum(row["amount"]["value"] if bite.dataset == "costs" else row[bite.measure] for row in rows)


def example(org: Org, bite: Bite) -> Any:
    """The cookbook's way, through its data frame."""
    buckets = naive.notebook(bite.url(org), bite.params())
    if bite.dataset == "costs":
        return naive.cost_frame(buckets)["amount_value"].sum()
    return int(naive.usage_frame(buckets)[bite.measure].sum())


def one_page(org: Org, bite: Bite) -> Any:
    return total(naive.one_page(bite.url(org), bite.params(limit=31)), bite)


def cursor_loop(org: Org, bite: Bite) -> Any:
    return total(naive.cursor_loop(bite.url(org), bite.params()), bite)


def until_short(org: Org, bite: Bite) -> Any:
    return total(naive.until_short(bite.url(org), bite.params()), bite)


def upsert_once(org: Org, bite: Bite) -> Any:
    table = naive.Upserts(bite.by)
    table.load(bite.url(org), bite.params())
    return table.total(bite.measure)


def upsert_again_from_mid_day(org: Org, bite: Bite) -> Any:
    table = naive.Upserts(bite.by)
    table.load(bite.url(org), bite.params())
    table.load(bite.url(org), bite.params(start_time=UNTIL - 36 * 3_600))
    return table.total(bite.measure)


def wait_for_the_night(org: Org, bite: Bite) -> None:
    """Let it be ten minutes after midnight, when jobs run."""
    org.clock.advance(max(0, bite.until + 600 - org.company.now()))


def upsert_three_days_later(org: Org, bite: Bite) -> Any:
    table = naive.Upserts(bite.by)
    wait_for_the_night(org, bite)
    table.load(bite.url(org), bite.params())
    org.clock.advance(3 * DAY)
    table.load(bite.url(org), bite.params(start_time=bite.until - 4 * DAY))
    return table.total(bite.measure)


def upsert_part_of_the_last_day_again(org: Org, bite: Bite) -> Any:
    table = naive.Upserts(bite.by)
    table.load(bite.url(org), bite.params())
    table.load(bite.url(org), bite.params(start_time=UNTIL - 3 * DAY, end_time=UNTIL - DAY // 2))
    return table.total(bite.measure)


def read_closed_days_once(org: Org, bite: Bite) -> Any:
    wait_for_the_night(org, bite)
    buckets = list(naive.cursor_loop(bite.url(org), bite.params()))
    org.clock.advance(3 * DAY)
    return total(buckets, bite)


def exact(org: Org, bite: Bite, by: tuple[str, ...]) -> Decimal:
    buckets = org.walk(bite.url(org).partition("organization")[2], **bite.params(group_by=by))
    return sum((row["amount"]["value"] for bucket in buckets for row in bucket["results"]), Decimal(0))


def reconcile(org: Org, bite: Bite) -> Any:
    """Trust a bill if its split by key adds up to it."""
    bill, split = exact(org, bite, BILL), exact(org, bite, bite.by)
    if bill != split:
        raise ArithmeticError(bill - split)
    return float(bill)


def what_is_charged(org: Org, bite: Bite) -> Any:
    """Take amounts that are not above zero for rows without costs."""
    buckets = naive.cursor_loop(bite.url(org), bite.params())
    amounts = [row["amount"]["value"] for bucket in buckets for row in bucket["results"]]
    return sum(amount for amount in amounts if amount > 0)


def sum_of_projects(org: Org, bite: Bite) -> Any:
    frame = naive.usage_frame(naive.notebook(bite.url(org), bite.params()))
    return int(frame.groupby("project_id")[bite.measure].sum().sum())


def joined_with_people(org: Org, bite: Bite) -> Any:
    """Machines have no user; all others are in the list of users."""
    known = {None, *naive.people(org.base)}
    buckets = naive.cursor_loop(bite.url(org), bite.params())
    return sum(row[bite.measure] for bucket in buckets for row in bucket["results"] if row["user_id"] in known)


def labelled(org: Org, bite: Bite) -> Any:
    """Names come first."""
    naive.project_names(org.base, bite.key)
    return cursor_loop(org, bite)


def sum_of_parts(org: Org, bite: Bite) -> Any:
    parts = ("input_uncached_tokens", "input_cached_tokens", "input_cache_write_tokens")
    buckets = naive.cursor_loop(bite.url(org), bite.params())
    return sum(row[part] for bucket in buckets for row in bucket["results"] for part in parts)


def average_per_request(org: Org, bite: Bite) -> Any:
    buckets = naive.cursor_loop(bite.url(org), bite.params())
    rows = [row for bucket in buckets for row in bucket["results"]]
    averages = [(row[bite.measure] / row["num_model_requests"], row["num_model_requests"]) for row in rows]
    return sum(average * requests for average, requests in averages)


def hours_at_once(org: Org, bite: Bite) -> Any:
    params = bite.params(bucket_width="1h", limit=(UNTIL - SINCE) // 3_600)
    return total(naive.one_page_or_all(bite.url(org), params, most=168), bite)


def typed_rows(org: Org, bite: Bite) -> Any:
    buckets = naive.cursor_loop(bite.url(org), bite.params())
    rows = [naive.EmbeddingsRow(**row) for bucket in buckets for row in bucket["results"]]
    return sum(row.input_tokens for row in rows)


def too_small(found: Any, truth: Any) -> bool:
    return 0 < found < float(truth) * (1 - 1e-9)


def too_large(found: Any, truth: Any) -> bool:
    return found > float(truth) * (1 + 1e-9)


def text(found: Any, truth: Any) -> bool:
    """The sum of a column of strings is their concatenation."""
    return isinstance(found, str) and "0E-6176" in found


API_SOURCE = (*TOKENS[2], "api_source")
BY_KEY, BY_USER = ("api_key_id", "line_item"), ("user_id", "line_item")
NO_NAMES = "sk-admin-no-management"
TODAY = MIDNIGHT + DAY
BITES = [
    Bite("string-amounts", example, None, text, *COSTS),
    Bite("mixed-amounts", example, TypeError, None, *COSTS),
    Bite("credits", what_is_charged, None, too_large, *COSTS),
    Bite("costs-lag", read_closed_days_once, None, too_small, *COSTS, until=TODAY, again=True),
    Bite("split-gap", cursor_loop, None, too_small, *COSTS[:2], BY_KEY, asks=BILL),
    Bite("split-digits", reconcile, ArithmeticError, None, *COSTS[:2], BY_KEY, asks=BILL),
    Bite("key-floor=5", example, KeyError, None, *COSTS[:2], BY_KEY),
    Bite("no-user-costs", example, KeyError, None, *COSTS[:2], BY_USER),
    Bite("late-data", read_closed_days_once, None, too_small, until=TODAY, again=True),
    Bite("restatement", upsert_three_days_later, None, too_large, until=TODAY, again=True),
    Bite("lookback=5", example, KeyError),
    Bite("partial-first", upsert_again_from_mid_day, None, too_small, by=("project_id",), again=True),
    Bite("partial-last", upsert_part_of_the_last_day_again, None, too_small, by=("project_id",)),
    Bite("open-ends-now", upsert_once, None, too_small, until=TODAY),
    Bite("duplicates", upsert_once, None, too_small),
    Bite("null-dimensions", sum_of_projects, None, too_small),
    Bite("service-users", joined_with_people, None, too_small),
    Bite("unknown-fields", typed_rows, TypeError, None, "embeddings", "input_tokens", TOKENS[2][:4]),
    Bite("old-fields", sum_of_parts, TypeError),
    Bite("zero-rows", average_per_request, ZeroDivisionError, None, "audio_transcriptions", "seconds", ()),
    Bite("missing-buckets", until_short, None, too_small, "audio_transcriptions", "seconds", ()),
    Bite("result-key", example, KeyError),
    Bite("small-pages=2", one_page, None, too_small),
    Bite("clamped-limit", hours_at_once, None, too_small),
    Bite("empty-cursor", cursor_loop, requests.HTTPError),
    Bite("lost-cursor", example, None, too_small),
    Bite("repeated-cursor", example, naive.EndlessError),
    Bite("has-more-past-end", example, naive.EndlessError),
    Bite("refused-past-end", cursor_loop, requests.HTTPError),
    Bite("expired-cursor", example, None, too_small),
    Bite("escaped-cursor", example, None, too_small),
    Bite("no-decisions", example, KeyError, None, "decisions"),
    Bite("no-api-source", example, KeyError, by=API_SOURCE),
    Bite("bare-403", labelled, TypeError, key=NO_NAMES),
    Bite("scope-401", labelled, requests.HTTPError, key=NO_NAMES),
    Bite("nameless", labelled, AttributeError),
    Bite("rate-limit=5", example, None, too_small, limit=1),
    Bite("faults=7", example, None, too_small, limit=1),
    Bite("storm=7", example, None, too_small, limit=1),
    Bite("insufficient-quota", example, KeyError),
    Bite("html", example, requests.JSONDecodeError),
]
"""Every quirk and how it hurts. The same rows, read by another client, prove that it is not hurt."""

GENEROUS = {"user-by-project"}
"""Switches that allow more than the documented API; nobody can be bitten by them."""


def named(bite: Bite) -> str:
    return bite.quirk


@pytest.fixture(scope="module")
def clean() -> Iterator[Org]:
    """The documented API; what the rows read is closed, so that its clock may advance."""
    with organization(days=20) as org:
        yield org


@pytest.mark.parametrize("bite", BITES, ids=named)
def test_the_client_is_right_without_the_quirk(clean: Org, bite: Bite) -> None:
    found = bite.client(clean, bite)
    assert found == pytest.approx(float(bite.truth(clean)), rel=1e-12)
    assert found > 0


@pytest.mark.parametrize("bite", BITES, ids=named)
def test_the_quirk_bites(bite: Bite) -> None:
    with organization(bite.quirk, days=20) as org:
        if bite.crash:
            with pytest.raises(bite.crash):
                bite.client(org, bite)
        else:
            assert bite.wrong is not None
            found = bite.client(org, bite)
            assert bite.wrong(found, bite.truth(org)), (found, bite.truth(org))


def test_every_quirk_has_a_bite() -> None:
    assert {bite.quirk.split("=")[0] for bite in BITES} | GENEROUS == set(QUIRKS)


def test_the_generous_switch_serves_users_by_project_as_the_ledger_has_them() -> None:
    with organization("user-by-project", days=9) as org:
        by = ("project_id", "user_id")
        truth = org.company.ledger(MIDNIGHT - 3 * DAY, MIDNIGHT, "costs", by)["costs"]
        pages = org.walk("/costs", start_time=MIDNIGHT - 3 * DAY, end_time=MIDNIGHT, group_by=by)
        assert sum(r["amount"]["value"] for b in pages for r in b["results"]) == sum(r["amount"] for r in truth)
