"""What quirks make of amounts, buckets, pages and lists on their way out."""

from __future__ import annotations

import datetime as dt
from decimal import Context, Decimal
from typing import Any

from tallybook.emulator import cursors
from tallybook.emulator.behaviour import Body, Call
from tallybook.emulator.bills import money_text
from tallybook.emulator.prices import ATTO
from tallybook.emulator.served import OLD_TOKEN_MEASURES, TOKEN_MEASURES

SPLITS = frozenset({"api_key_id", "user_id"})
"""Dimensions by which costs are not the bill itself."""


def string_amount(atto: int, number: int) -> str:
    """Spell an amount as a JSON string, in three ways."""
    if atto == 0:
        return '"0E-6176"'
    if number % 3 == 1:
        # Decimal128 text: 34 significant digits.
        exact = Decimal(atto) / ATTO
        padded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 33), context=Context(prec=40))
        return f'"{padded:f}"'
    return f'"{money_text(atto)}"'


def mixed_amount(atto: int, number: int) -> str:
    """Spell every other amount as a JSON string, the rest as numbers."""
    return f'"{money_text(atto)}"' if number % 2 else money_text(atto)


def last_digit(call: Call, bucket: Body) -> Body:
    """Take 10^-18 dollars off every other row of costs by key or by user."""
    if call.question.served.name == "costs" and call.question.group_by & SPLITS:
        for row in bucket["results"][::2]:
            row["amount"]["value"] -= 1
    return bucket


def duplicated(_call: Call, bucket: Body) -> Body:
    """Serve every third row as two."""
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


def zero_row(call: Call, bucket: Body) -> Body:
    """Serve one row of zeros where there was no activity."""
    served = call.question.served
    if bucket["results"]:
        return bucket
    measures: Body = dict.fromkeys(served.measures, 0)
    if served.name == "costs":
        measures = {"amount": {"value": 0, "currency": "usd"}, "quantity": None, "quantity_unit": None}
    row = {"object": served.literal, **measures, **dict.fromkeys(served.dimensions)}
    return {**bucket, "results": [row]}


def old_fields(call: Call, bucket: Body) -> Body:
    """Leave out the token fields that rows of early 2025 do not have; in every other row they are null."""
    if call.question.served.measures == TOKEN_MEASURES:
        newer = [name for name in TOKEN_MEASURES if name not in OLD_TOKEN_MEASURES]
        for row in bucket["results"][::2]:
            row.update(dict.fromkeys(newer))
        for row in bucket["results"][1::2]:
            for name in newer:
                del row[name]
    return bucket


def unknown_in_bucket(call: Call, bucket: Body) -> Body:
    """Add fields that no document names to a bucket and its rows."""
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


def unknown_in_page(_call: Call, body: Body) -> Body:
    """Add a field that no document names to a page."""
    return {**body, "total_buckets": len(body["data"])}


def result_key(_call: Call, bucket: Body) -> Body:
    """Rename the list of rows."""
    bucket["result"] = bucket.pop("results")
    return bucket


def empty_cursor(_call: Call, body: Body) -> Body:
    """Spell no cursor as an empty one."""
    return {**body, "next_page": body["next_page"] or ""}


def lost_cursor(_call: Call, body: Body) -> Body:
    """Drop the cursor."""
    return {**body, "next_page": None}


def repeated_cursor(call: Call, body: Body) -> Body:
    """Give the cursor that was just used."""
    return {**body, "next_page": call.question.page or body["next_page"]}


def endless(call: Call, body: Body) -> Body:
    """Say that there is more, for ever."""
    if body["has_more"]:
        return body
    now = call.company.now()
    # The end differs each time, so that no cursor repeats.
    start = max(call.question.end, cursors.resume(call.question, now)) + call.question.width.seconds
    return {**body, "has_more": True, "next_page": cursors.mint(call.question, start, now)}


def nameless(body: Any) -> Any:
    """Return a list or item of the directory without names and e-mails, however deep."""
    if isinstance(body, list):
        return [nameless(item) for item in body]
    if not isinstance(body, dict):
        return body
    return {name: None if name in ("name", "email") else nameless(value) for name, value in body.items()}
