"""Known misbehaviour of the real API, each as a named switch: one row of `QUIRKS`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from functools import partial
from typing import Any

from tallybook.emulator import cursors
from tallybook.emulator.bills import money_text
from tallybook.emulator.company import Company
from tallybook.emulator.faults import Always, Faults, login, out_of_quota
from tallybook.emulator.prices import ATTO
from tallybook.emulator.problems import invalid_token, refused
from tallybook.emulator.queries import Question
from tallybook.emulator.storm import Storm
from tallybook.model.errors import UsageError, suggest

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What a quirk may look at: who serves, and what is asked."""

    company: Company
    question: Question


Rewrite = Callable[[Call, Body], Body]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the server behaves; the defaults are the documented API."""

    amount: Callable[[int, int], str] = lambda atto, _number: money_text(atto)
    """From 10^-18 dollars and the place of the row to JSON text."""
    page_cap: int | None = None
    hides_partial_start: bool = False
    skips_empty: bool = False
    refuses_user_by_project: bool = True
    restates: bool = False
    absent: frozenset[str] = frozenset()
    """Datasets that this server does not know."""
    checks: tuple[Callable[[Call], None], ...] = ()
    """Called before a page is built; may raise a refusal."""
    bucket_rewrites: tuple[Rewrite, ...] = ()
    """Applied to each bucket before it is encoded; amounts are still whole 10^-18 dollars."""
    page_rewrites: tuple[Rewrite, ...] = ()
    """Applied to the page around its encoded buckets."""
    wrappers: tuple[Callable[..., Any], ...] = ()
    """ASGI middleware."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """One switch: `name`, or `name=N` where it has a number."""

    name: str
    description: str
    apply: Callable[[Behaviour, int], Behaviour]
    number: int | None = None
    """The default of `N`; None if the quirk has no number."""


def _check(check: Callable[[Call], None]) -> Callable[[Behaviour, int], Behaviour]:
    return lambda behaves, _n: replace(behaves, checks=(*behaves.checks, check))


def _bucket(rewrite: Rewrite) -> Callable[[Behaviour, int], Behaviour]:
    return lambda behaves, _n: replace(behaves, bucket_rewrites=(*behaves.bucket_rewrites, rewrite))


def _page(rewrite: Rewrite) -> Callable[[Behaviour, int], Behaviour]:
    return lambda behaves, _n: replace(behaves, page_rewrites=(*behaves.page_rewrites, rewrite))


def _wrap(wrapper: Callable[..., Any], **more: Any) -> Callable[[Behaviour, int], Behaviour]:
    """Return what adds a middleware, which is told the number of its quirk where it has one."""

    def apply(behaves: Behaviour, number: int) -> Behaviour:
        told = {"number": number} if number else {}
        return replace(behaves, wrappers=(*behaves.wrappers, partial(wrapper, **told, **more)))

    return apply


def _string_amount(atto: int, number: int) -> str:
    if atto == 0:
        return '"0E-6176"'
    if number % 3 == 1:
        # Decimal128 text: 34 significant digits.
        exact = Decimal(atto) / ATTO
        padded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 33), context=Context(prec=40))
        return f'"{padded:f}"'
    return f'"{money_text(atto)}"'


def _split_rows(_call: Call, bucket: Body) -> Body:
    rows: list[Body] = []
    for number, row in enumerate(bucket["results"]):
        rows += _halves(row) if number % 3 == 0 else [row]
    return {**bucket, "results": rows}


def _halves(row: Body) -> list[Body]:
    first, second = dict(row), dict(row)
    for name, value in row.items():
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            first[name], second[name] = value // 2, value - value // 2
    if "amount" in row:
        value = row["amount"]["value"]
        first["amount"] = {**row["amount"], "value": value // 2}
        second["amount"] = {**row["amount"], "value": value - value // 2}
    return [first, second]


def _unknown_in_bucket(call: Call, bucket: Body) -> Body:
    roster = call.company.roster
    projects = {project.id: project.name for project in roster.projects}
    people = {person.id: person.email for person in roster.people}
    for row in bucket["results"]:
        row |= {"organization_id": "org-example", "organization_name": "Example", "input_hologram_tokens": 3}
        if call.question.served.name == "costs":
            row["project_name"] = projects.get(row["project_id"])
            row["user_email"] = people.get(row["user_id"])
    return {
        **bucket,
        "start_time_iso": dt.datetime.fromtimestamp(bucket["start_time"], dt.UTC).isoformat(),
        "end_time_iso": dt.datetime.fromtimestamp(bucket["end_time"], dt.UTC).isoformat(),
    }


def _unknown_in_page(_call: Call, body: Body) -> Body:
    return {**body, "total_buckets": len(body["data"])}


def _unknown_fields(behaves: Behaviour, number: int) -> Behaviour:
    return _page(_unknown_in_page)(_bucket(_unknown_in_bucket)(behaves, number), number)


def _result_key(_call: Call, bucket: Body) -> Body:
    bucket["result"] = bucket.pop("results")
    return bucket


def _empty_cursor(_call: Call, body: Body) -> Body:
    return {**body, "next_page": body["next_page"] or ""}


def _lost_cursor(_call: Call, body: Body) -> Body:
    return {**body, "next_page": None}


def _repeated_cursor(call: Call, body: Body) -> Body:
    return {**body, "next_page": call.question.page or body["next_page"]}


def _endless(call: Call, body: Body) -> Body:
    if body["has_more"]:
        return body
    now = call.company.now()
    # The end differs each time, so that no cursor repeats.
    start = max(call.question.end, cursors.resume(call.question, now)) + call.question.width.seconds
    return {**body, "has_more": True, "next_page": cursors.mint(call.question, start, now)}


class _FirstUse:
    """Refuses the first cursor of every query, once."""

    def __init__(self) -> None:
        self.refused: set[int] = set()

    def __call__(self, call: Call) -> None:
        mark = call.question.mark
        if call.question.page is not None and mark not in self.refused:
            self.refused.add(mark)
            raise invalid_token()


def _no_api_source(call: Call) -> None:
    if "api_source" in call.question.group_by:
        raise refused("Invalid value: 'api_source'.", "group_by", "invalid_value")


def _set(**changes: Any) -> Callable[[Behaviour, int], Behaviour]:
    return lambda behaves, _n: replace(behaves, **changes)


QUIRKS: Mapping[str, Quirk] = {
    quirk.name: quirk
    for quirk in (
        Quirk(
            "string-amounts",
            "Amounts are JSON strings: plain, with 34 digits, or 0E-6176.",
            _set(amount=_string_amount),
        ),
        Quirk(
            "faults",
            "One request in N fails, in turn as 429, 500, 503 with HTML, a cut body or a bare-string error.",
            _wrap(Faults),
            3,
        ),
        Quirk(
            "storm",
            "One request in N is hit by a fault of any kind: limits, errors, cut, slow and spoilt bodies, wrong 400s.",
            _wrap(Storm),
            3,
        ),
        Quirk(
            "restatement",
            "Closed buckets change until 48 hours after their end: rows grow, shrink, vanish and appear.",
            _set(restates=True),
        ),
        Quirk("duplicates", "Every third row is served as two rows with equal dimensions.", _bucket(_split_rows)),
        Quirk("unknown-fields", "Pages, buckets and rows have fields that no document names.", _unknown_fields),
        Quirk(
            "partial-first",
            "An unaligned start gives a first bucket that claims its whole width but holds only the rest of it.",
            _set(hides_partial_start=True),
        ),
        Quirk(
            "small-pages",
            "A page has at most N buckets, whatever the limit asked for.",
            lambda behaves, number: replace(behaves, page_cap=number),
            3,
        ),
        Quirk("missing-buckets", "Buckets without activity are left out.", _set(skips_empty=True)),
        Quirk("result-key", "Buckets name their rows `result`.", _bucket(_result_key)),
        Quirk("empty-cursor", "The last page has an empty string as its cursor.", _page(_empty_cursor)),
        Quirk("lost-cursor", "Pages say that there is more, but carry no cursor.", _page(_lost_cursor)),
        Quirk("repeated-cursor", "From the second page on the cursor is the one just used.", _page(_repeated_cursor)),
        Quirk("has-more-past-end", "The pages never end: empty ones follow the last bucket.", _page(_endless)),
        Quirk(
            "expired-cursor",
            "The first cursor of every query is refused as if it had expired.",
            lambda behaves, _n: replace(behaves, checks=(*behaves.checks, _FirstUse())),
        ),
        Quirk("no-decisions", "The server does not know the decisions dataset.", _set(absent=frozenset({"decisions"}))),
        Quirk("no-api-source", "Grouping by api_source is refused.", _check(_no_api_source)),
        Quirk(
            "user-by-project", "Costs may be grouped by user and project together.", _set(refuses_user_by_project=False)
        ),
        Quirk("insufficient-quota", "Every request is refused for lack of quota.", _wrap(Always, answer=out_of_quota)),
        Quirk("html", "Every answer is a login page in HTML with status 200.", _wrap(Always, answer=login)),
    )
}
"""Every quirk by name."""


def behaviour(names: Iterable[str]) -> Behaviour:
    """Return how a server with these quirks behaves; a quirk with a number may be written `name=N`."""
    numbers = dict(_switch(text) for text in names)
    behaves = Behaviour()
    # In the order of the table, so that it does not matter in which order they are named.
    for quirk in QUIRKS.values():
        if quirk.name in numbers:
            behaves = quirk.apply(behaves, numbers[quirk.name])
    return behaves


def _switch(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    quirk = QUIRKS.get(name)
    if quirk is None:
        raise UsageError(f"Unknown quirk {name!r}. {suggest(name, QUIRKS)}")
    if number and (quirk.number is None or not number.isdigit() or int(number) < 1):
        wanted = "takes no number" if quirk.number is None else "takes a whole number from 1 up"
        raise UsageError(f"The quirk `{name}` {wanted}; it was given {number!r}.")
    return name, int(number) if number else quirk.number or 0
