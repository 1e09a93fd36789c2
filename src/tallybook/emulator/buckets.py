"""Buckets of usage: events grouped and summed column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tallybook.emulator.company import Company
from tallybook.emulator.draws import Measures
from tallybook.emulator.habits import Profile
from tallybook.emulator.queries import Question
from tallybook.emulator.timeline import HOUR

Row = dict[str, Any]
Key = tuple[Any, ...]


def starts(question: Question, first: int, most: int, now: int) -> list[int]:
    """Return the aligned starts of a page of up to `most` buckets; none begins after now."""
    seconds = question.width.seconds
    aligned = first - first % seconds
    stop = min(question.end, now + 1)
    return list(range(aligned, stop, seconds))[:most]


def passes(profile: Profile, question: Question) -> bool:
    """Return whether `profile` is within every filter of `question`."""
    return all(profile.dims.get(name) in values for name, values in question.filters if name != "line_item")


def order(key: Key) -> list[tuple[bool, str]]:
    """Return what sorts rows within a bucket: the same whenever it is asked."""
    return [(value is not None, str(value)) for value in key]


def groups(profiles: Sequence[Profile], question: Question) -> tuple[list[int], list[Key]]:
    """Return the group of each profile (-1: filtered out) and the dimension values of each group."""
    names = question.served.dimensions
    asked = [name if name in question.group_by else None for name in names]
    keys = [
        tuple(profile.dims.get(name) if name else None for name in asked) if passes(profile, question) else None
        for profile in profiles
    ]
    found = sorted({key for key in keys if key is not None}, key=order)
    place = {key: number for number, key in enumerate(found)}
    return [-1 if key is None else place[key] for key in keys], found


def usage(company: Company, question: Question, edges: Sequence[int]) -> Iterator[list[Row]]:
    """Yield the rows of each bucket that starts at one of `edges`."""
    if question.served.level:
        yield from _levels(company, question, edges)
        return
    seconds = question.width.seconds
    belongs, keys = groups(company.sources[question.served.name].profiles, question)
    begin, end = max(question.start, edges[0]), min(question.end, edges[-1] + seconds)
    slots: dict[int, dict[int, list[Measures]]] = {}
    for second, profile, measures in company.events(question.served.name, begin, end):
        group = belongs[profile]
        if group >= 0:
            slot = slots.setdefault(second - second % seconds, {})
            if group in slot:
                slot[group].append(measures)
            else:
                slot[group] = [measures]
    fields = ("object", *question.served.measures, *question.served.dimensions)
    # What follows the measures is billed, but not served.
    literal, shown = question.served.literal, len(question.served.measures)
    for edge in edges:
        slot = slots.get(edge, {})
        yield [
            dict(zip(fields, (literal, *_total(slot[group])[:shown], *keys[group]), strict=True))
            for group in sorted(slot)
        ]


def _total(many: list[Measures]) -> tuple[int, ...]:
    return many[0] if len(many) == 1 else tuple(map(sum, zip(*many, strict=True)))


def _levels(company: Company, question: Question, edges: Sequence[int]) -> Iterator[list[Row]]:
    """A bucket holds the level at its last moment, or now if that is earlier."""
    served = question.served
    belongs, keys = groups(company.sources[served.name].profiles, question)
    now = company.now()
    fields = ("object", *served.measures, *served.dimensions)
    at, rows = -1, list[Row]()
    for edge in edges:
        last = min(edge + question.width.seconds, question.end, now + 1) - 1
        hour = last - last % HOUR
        if hour != at:
            at, levels = hour, dict[int, int]()
            for _, profile, measures in company.events(served.name, hour, hour + 1):
                group = belongs[profile]
                if group >= 0:
                    levels[group] = levels.get(group, 0) + measures[0]
            rows = [
                dict(zip(fields, (served.literal, levels[group], *keys[group]), strict=True))
                for group in sorted(levels)
            ]
        yield [dict(row) for row in rows]
