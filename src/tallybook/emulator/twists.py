"""What quirks change about the organization itself, so that the ledger knows it, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tallybook.emulator.arrivals import HOUR, late, restated
from tallybook.emulator.company import Company
from tallybook.emulator.draws import one
from tallybook.emulator.habits import Curve, Profile, source
from tallybook.emulator.prices import flat

_NULLED = ("project_id", "api_key_id", "user_id", "model")


def restating(company: Company) -> None:
    """Book one event in eight late, withdraw one in eight."""
    company.known = (*company.known, restated)


def settling(company: Company) -> None:
    """Book every event after a delay."""
    company.known = (*company.known, late)


def lagging(company: Company, number: int) -> None:
    """Bill everything `number` hours after it happened."""
    company.bill_lag = number * HOUR


def gapped(company: Company, number: int) -> None:
    """Leave one profile in `number` out of costs by key or by user."""
    company.split_gap = number


def credited(company: Company) -> None:
    """Add negative amounts to the bill, which belong to no project."""
    profile = Profile({}, 1.0, (), flat("Credits", 0, "-0.25", None), Curve(company.timeline))
    negative = source("credits", [profile], 0.02, one)
    company.sources = {**company.sources, negative.name: negative}


def _profiles(company: Company, change: Callable[[int, Profile], Profile]) -> None:
    company.sources = {
        name: replace(old, profiles=tuple(change(place, profile) for place, profile in enumerate(old.profiles)))
        for name, old in company.sources.items()
    }


def unattributed(company: Company) -> None:
    """Take the project, key, user or model from two rows in five."""

    def change(place: int, profile: Profile) -> Profile:
        lost = dict(enumerate(_NULLED)).get(place % 10)
        return profile if lost is None else replace(profile, dims={**profile.dims, lost: None})

    _profiles(company, change)


def machines(company: Company) -> None:
    """Give the usage of service accounts their id as its user."""
    accounts = {key.id: key.service_account for key in company.roster.keys if key.service_account}

    def change(_place: int, profile: Profile) -> Profile:
        account = accounts.get(str(profile.dims.get("api_key_id")))
        return profile if account is None else replace(profile, dims={**profile.dims, "user_id": account})

    _profiles(company, change)
