"""Refusals that quirks add before a page is built."""

from __future__ import annotations

from tallybook.emulator import cursors
from tallybook.emulator.behaviour import Call
from tallybook.emulator.problems import invalid_token, unsupported


class FirstUse:
    """Refuses the first cursor of every query, once."""

    def __init__(self) -> None:
        self.refused: set[int] = set()

    def __call__(self, call: Call) -> None:
        """Refuse a cursor of a query that had none refused yet."""
        mark = call.question.mark
        if call.question.page is not None and mark not in self.refused:
            self.refused.add(mark)
            raise invalid_token()


def past_end(call: Call) -> None:
    """Refuse a cursor that leads past the end."""
    question = call.question
    if question.page is not None and cursors.resume(question, call.company.now()) >= question.end:
        raise invalid_token()


def escaped_cursor(call: Call) -> None:
    """Refuse a cursor whose `=` was percent-encoded."""
    for part in call.query.split("&"):
        if part.startswith("page=") and "%3D" in part:
            raise invalid_token()


class NoGroup:
    """Knows one dimension less."""

    def __init__(self, dimension: str, dataset: str | None = None) -> None:
        self.dimension = dimension
        self.dataset = dataset

    def __call__(self, call: Call) -> None:
        """Refuse to group by the dimension."""
        served = call.question.served
        if self.dataset in (None, served.name) and self.dimension in call.question.group_by:
            others = [name for name in served.dimensions if name != self.dimension]
            raise unsupported("group_by", self.dimension, others)
