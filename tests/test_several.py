"""A book of several organizations: read one after another, told apart, and none stops the others."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tallybook
from tallybook import Book, SettingsError, UsageError
from tallybook.collect.summary import Progress, Summaries
from tallybook.show.text import sync_summary
from tallybook.show.verified import verify_text
from tests.books import KEY, write_settings
from tests.emulator.wire import DAY, MIDNIGHT, Org, organization

SINCE = {"datasets": "costs", "since": "2026-11-13"}


@pytest.fixture(scope="module")
def companies() -> Iterator[tuple[Org, Org]]:
    with organization(days=12) as acme, organization(days=12, seed=8) as beta:
        yield acme, beta


@pytest.fixture
def book(tmp_path: Path, companies: tuple[Org, Org], monkeypatch: pytest.MonkeyPatch) -> Book:
    acme, beta = companies
    write_settings(tmp_path, f"acme {acme.base} ACME", f"broken {acme.base} NOT_SET", f"beta {beta.base} BETA")
    monkeypatch.delenv("TALLYBOOK_BASE_URL", raising=False)
    for name in ("ACME", "BETA"):
        monkeypatch.setenv(name, "sk-admin-test")
    return tallybook.open(config=tmp_path / "tallybook.toml", clock=acme.clock)


def billed(org: Org) -> Any:
    return org.company.ledger(MIDNIGHT - 10 * DAY, int(org.clock.now().timestamp()) + 1, "costs")["costs"][0]["amount"]


def test_every_organization_is_read_and_one_without_a_key_does_not_stop_the_others(
    book: Book, companies: tuple[Org, Org]
) -> None:
    seen: list[Progress] = []
    summary = book.sync(**SINCE, progress=lambda state: seen.append(state))
    assert [one.org for one in summary.each] == ["acme", "broken", "beta"]
    assert [one.ok for one in summary.each] == [True, False, True]
    assert (summary.ok, summary.exit_code) == (False, 2)
    assert "NOT_SET is empty or not set" in (summary.error or "")
    assert summary.windows == sum(one.windows for one in summary.each) > 0
    assert summary.changes.inserted == sum(one.changes.inserted for one in summary.each)
    assert {state.org for state in seen} == {"acme", "beta"}
    for name, company in zip(("acme", "beta"), companies, strict=True):
        assert book.store.totals(name, "costs", 0, 1 << 33) == {"usd": billed(company)}
    told = summary.as_dict()
    assert (told["ok"], [one["org"] for one in told["organizations"]]) == (False, ["acme", "broken", "beta"])
    text = sync_summary(summary, "b.duckdb", width=80)
    assert [line for line in text.split("\n") if line.startswith("Organization")] == [
        "Organization 'acme'",
        "Organization 'broken'",
        "Organization 'beta'",
    ]
    assert "Failed   No admin key" in text
    assert max(map(len, text.split("\n"))) <= 80


def test_a_sync_may_be_of_some_organizations(book: Book) -> None:
    summary = book.sync(**SINCE, orgs="beta")
    assert (summary.org, summary.ok, summary.exit_code, summary.each) == ("beta", True, 0, (summary,))
    assert not isinstance(summary, Summaries)
    assert book.store.totals("acme", "costs", 0, 1 << 33) == {}
    assert [one.org for one in book.sync(**SINCE, orgs=["beta", "acme"]).each] == ["acme", "beta"]
    with pytest.raises(SettingsError, match="NOT_SET is empty or not set"):
        book.sync(**SINCE, orgs="broken")
    with pytest.raises(UsageError, match=r"no .*called 'bta'.*Did you mean `beta`"):
        book.sync(**SINCE, orgs="bta")


def test_a_key_given_by_hand_is_of_one_organization(book: Book) -> None:
    with pytest.raises(UsageError, match=r"A key is of one organization\. Name it: orgs='acme'"):
        book.sync(**SINCE, key=KEY)
    assert book.sync(**SINCE, key=KEY, orgs="broken").org == "broken"


def test_what_is_about_one_organization_asks_which(book: Book, tmp_path: Path) -> None:
    for ask in (book.plan, book.status, lambda: book.org):
        with pytest.raises(UsageError, match="Say which organization with org="):
            ask()
    assert book.orgs == ("acme", "broken", "beta")
    with pytest.raises(UsageError, match="Say which organization"):
        tallybook.fetch("costs", config=tmp_path / "tallybook.toml")
    found = tallybook.fetch("costs", config=tmp_path / "tallybook.toml", org="beta", clock=book._clock, last="2d")
    assert len(found) > 0


def test_plans_and_status_are_of_one_organization_each(book: Book) -> None:
    book.sync(**SINCE, orgs="acme")
    plans = {name: book.plan(org=name, datasets="costs", since=dt.date(2026, 11, 13)) for name in book.orgs}
    assert plans["beta"] == plans["broken"] != plans["acme"]
    held = {name: next(h for h in book.status(name).datasets if h.dataset == "costs").rows for name in book.orgs}
    assert held["acme"] > 0 == held["beta"]


def test_every_organization_is_verified_and_what_one_lacks_does_not_stop_the_others(book: Book) -> None:
    book.sync(**SINCE, orgs=["acme", "beta"])
    summary = book.verify(datasets="costs")
    assert [(one.org, one.control is not None, one.exit_code) for one in summary.each] == [
        ("acme", True, 0),
        ("broken", False, 2),
        ("beta", True, 0),
    ]
    assert all(one.control.count("equal") == 3 for one in summary.each if one.control)
    texts = [verify_text(one, "b.duckdb") for one in summary.each]
    assert texts[1].startswith("Organization 'broken': No admin key")
    assert "organization 'beta'" in texts[2]
