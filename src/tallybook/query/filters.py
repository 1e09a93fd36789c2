"""What a dimension is restricted to: values, patterns with `*`, and what is left out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tallybook.query.dimensions import Dimension
from tallybook.query.words import NONE, is_word


@dataclass(frozen=True, slots=True)
class Filter:
    """The values wanted of a dimension."""

    dimension: Dimension
    wanted: tuple[str, ...] = ()
    """Alternatives; empty means all. `*` stands for any text."""
    unwanted: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """Every value and pattern named."""
        return (*self.wanted, *self.unwanted)

    def takes(self, value: str) -> bool:
        """Return whether a value is wanted."""
        return (not self.wanted or _any(self.wanted, value)) and not _any(self.unwanted, value)

    def as_list(self) -> list[str]:
        """Return it as people write it, `!` before what is left out."""
        return [*self.wanted, *(f"!{value}" for value in self.unwanted)]


def is_pattern(value: str) -> bool:
    """Return whether a value stands for all texts of its form."""
    return "*" in value


def matcher(pattern: str) -> re.Pattern[str]:
    """Return what matches a whole text of a pattern's form."""
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def like(pattern: str) -> str:
    """Return a pattern as LIKE has it, with `!` as the escape character."""
    escaped = re.sub(r"([!%_])", r"!\1", pattern)
    return escaped.replace("*", "%")


def _any(values: Iterable[str], value: str) -> bool:
    return any(v == value or (is_pattern(v) and not is_word(value) and matcher(v).fullmatch(value)) for v in values)


def matching(where: Mapping[str, Filter]) -> Callable[[Mapping[str, Any]], bool]:
    """Return whether a row, by the names of its columns, has one of the values of every column."""

    def matches(row: Mapping[str, Any]) -> bool:
        return all(known.takes(_text(row.get(column))) for column, known in where.items())

    return matches


def _text(value: Any) -> str:
    return NONE if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def condition(expression: str, bound: Sequence[Any], values: Sequence[str]) -> tuple[str, list[Any]]:
    """Return the condition that `expression`, a text that binds `bound`, is one of `values`, and what it binds.

    A pattern never takes a word in brackets.
    """
    exact = [v for v in values if not is_pattern(v)]
    texts = [f"{expression} IN ({', '.join('?' for _ in exact)})"] if exact else []
    params = [*bound, *exact] if exact else []
    for pattern in (v for v in values if is_pattern(v)):
        texts.append(f"({expression} LIKE ? ESCAPE '!' AND {expression} NOT LIKE '(%')")
        params += [*bound, like(pattern), *bound]
    return f"({' OR '.join(texts)})", params
