"""Every quirk bites: a client as people write it is right without the quirk, and wrong or broken with it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tallybook.emulator import QUIRKS
from tests.emulator import naive
from tests.emulator.wire import DAY, MIDNIGHT, Org, organization

SINCE, UNTIL = MIDNIGHT - 12 * DAY, MIDNIGHT
TOKENS = ("completions", "input_tokens", ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier"))
COSTS = ("costs", "amount", ("project_id", "line_item"))
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

    def url(self, org: Org) -> str:
        return f"{org.base}/organization/{'costs' if self.dataset == 'costs' else f'usage/{self.dataset}'}"

    def params(self, **more: Any) -> dict[str, Any]:
        return {"start_time": SINCE, "end_time": UNTIL, "group_by": list(self.by), "limit": self.limit, **more}

    def truth(self, org: Org) -> Any:
        rows = org.company.ledger(SINCE, UNTIL, self.dataset)[self.dataset]
        return rows[0][self.measure] if rows else 0


def example(org: Org, bite: Bite) -> Any:
    """The cookbook's way, through its data frame."""
    buckets = naive.notebook(bite.url(org), bite.params())
    if bite.dataset == "costs":
        return naive.cost_frame(buckets)["amount_value"].sum()
    return int(naive.usage_frame(buckets)[bite.measure].sum())


def one_page(org: Org, bite: Bite) -> Any:
    buckets = naive.one_page(bite.url(org), bite.params(limit=31))
    return sum(row[bite.measure] for bucket in buckets for row in bucket["results"])


def cursor_loop(org: Org, bite: Bite) -> Any:
    buckets = naive.cursor_loop(bite.url(org), bite.params())
    return sum(row[bite.measure] for bucket in buckets for row in bucket["results"])


def until_short(org: Org, bite: Bite) -> Any:
    buckets = naive.until_short(bite.url(org), bite.params())
    return sum(row[bite.measure] for bucket in buckets for row in bucket["results"])


def upsert_once(org: Org, bite: Bite) -> Any:
    table = naive.Upserts(bite.by)
    table.load(bite.url(org), bite.params())
    return table.total(bite.measure)


def upsert_again_from_mid_day(org: Org, bite: Bite) -> Any:
    table = naive.Upserts(bite.by)
    table.load(bite.url(org), bite.params())
    table.load(bite.url(org), bite.params(start_time=UNTIL - 36 * 3_600))
    return table.total(bite.measure)


def upsert_three_days_later(org: Org, bite: Bite) -> Any:
    table = naive.Upserts(bite.by)
    table.load(bite.url(org), bite.params())
    org.clock.advance(3 * DAY)
    table.load(bite.url(org), bite.params(start_time=UNTIL - 4 * DAY))
    return table.total(bite.measure)


def typed_rows(org: Org, bite: Bite) -> Any:
    buckets = naive.cursor_loop(bite.url(org), bite.params())
    rows = [naive.EmbeddingsRow(**row) for bucket in buckets for row in bucket["results"]]
    return sum(row.input_tokens for row in rows)


def too_small(total: Any, truth: Any) -> bool:
    return 0 < total < truth


def too_large(total: Any, truth: Any) -> bool:
    return total > truth


def text(total: Any, truth: Any) -> bool:
    """The sum of a column of strings is their concatenation."""
    return isinstance(total, str) and "0E-6176" in total


API_SOURCE = (*TOKENS[2], "api_source")
BITES = [
    Bite("string-amounts", example, None, text, *COSTS),
    Bite("faults=7", example, None, too_small, limit=1),
    Bite("storm=7", example, None, too_small, limit=1),
    Bite("restatement", upsert_three_days_later, None, too_large),
    Bite("duplicates", upsert_once, None, too_small),
    Bite("unknown-fields", typed_rows, TypeError, None, "embeddings", "input_tokens", TOKENS[2][:4]),
    Bite("partial-first", upsert_again_from_mid_day, None, too_small, by=("project_id",)),
    Bite("small-pages=2", one_page, None, too_small),
    Bite("missing-buckets", until_short, None, too_small, "audio_transcriptions", "seconds", ()),
    Bite("result-key", example, KeyError),
    Bite("empty-cursor", cursor_loop, requests.HTTPError),
    Bite("lost-cursor", example, None, too_small),
    Bite("repeated-cursor", example, naive.EndlessError),
    Bite("has-more-past-end", example, naive.EndlessError),
    Bite("expired-cursor", example, None, too_small),
    Bite("no-decisions", example, KeyError, None, "decisions"),
    Bite("no-api-source", example, KeyError, by=API_SOURCE),
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
    total = bite.client(clean, bite)
    assert total == pytest.approx(float(bite.truth(clean)), rel=1e-12)
    assert total > 0


@pytest.mark.parametrize("bite", BITES, ids=named)
def test_the_quirk_bites(bite: Bite) -> None:
    with organization(bite.quirk, days=20) as org:
        if bite.crash:
            with pytest.raises(bite.crash):
                bite.client(org, bite)
        else:
            assert bite.wrong is not None
            total = bite.client(org, bite)
            assert bite.wrong(total, bite.truth(org)), (total, bite.truth(org))


def test_every_quirk_has_a_bite() -> None:
    assert {bite.quirk.split("=")[0] for bite in BITES} | GENEROUS == set(QUIRKS)


def test_the_generous_switch_serves_users_by_project_as_the_ledger_has_them() -> None:
    with organization("user-by-project", days=9) as org:
        by = ("project_id", "user_id")
        truth = org.company.ledger(MIDNIGHT - 3 * DAY, MIDNIGHT, "costs", by)["costs"]
        pages = org.walk("/costs", start_time=MIDNIGHT - 3 * DAY, end_time=MIDNIGHT, group_by=by)
        assert sum(r["amount"]["value"] for b in pages for r in b["results"]) == sum(r["amount"] for r in truth)
