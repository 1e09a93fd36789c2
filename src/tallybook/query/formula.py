"""Metrics made of metrics: `cost / orders`, `name=cost/orders`. Pure; nothing of the user's is ever run as code."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction

from tallybook.model.errors import UsageError

Values = Mapping[str, Decimal | int | Fraction | None]
"""By name of a metric; None is not known."""

_DIGITS = Context(prec=50)
_LONGEST = 200
"""Tokens of an expression; a longer one is a mistake, or meant to do harm."""
_LARGEST = 38
"""Digits of a number before or after the point, as money has."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOKEN = re.compile(
    r"\s*(?:([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+)|([A-Za-z_][A-Za-z0-9_]*)|([-+*/()])|(\S))"
)
_CALCULATE: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}
_TIGHTEST = 3

Unit = tuple[tuple[str, int], ...]
"""Names of units with their exponents, in order; empty for a mere number."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that is written out."""

    value: Decimal
    binds = _TIGHTEST + 1

    def __str__(self) -> str:
        return f"{self.value:f}"

    def walk(self) -> Iterator[Name]:
        """Yield the names, from left to right."""
        yield from ()

    def exactly(self, values: Values) -> Fraction | None:  # noqa: ARG002 - as every node has it
        """Return the value without any rounding; None where it is not known."""
        return Fraction(self.value)

    def measured_in(self, units: Mapping[str, str]) -> Unit | None:  # noqa: ARG002
        """Return the unit; None fits any, as a number that is written out does."""
        return None


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a metric."""

    name: str
    at: int = field(default=0, compare=False)
    """Where it stands in the text."""
    binds = _TIGHTEST + 1

    def __str__(self) -> str:
        return self.name

    def walk(self) -> Iterator[Name]:
        """Yield the names, from left to right."""
        yield self

    def exactly(self, values: Values) -> Fraction | None:
        """Return the value without any rounding; None where it is not known."""
        value = values.get(self.name)
        return None if value is None else Fraction(value)

    def measured_in(self, units: Mapping[str, str]) -> Unit | None:
        """Return the unit; None fits any."""
        return unit_of(units[self.name])


@dataclass(frozen=True, slots=True)
class Negative:
    """Something with the other sign."""

    of: Node
    binds = _TIGHTEST

    def __str__(self) -> str:
        return f"-{_within(self.of, _TIGHTEST)}"

    def walk(self) -> Iterator[Name]:
        """Yield the names, from left to right."""
        yield from self.of.walk()

    def exactly(self, values: Values) -> Fraction | None:
        """Return the value without any rounding; None where it is not known."""
        value = self.of.exactly(values)
        return None if value is None else -value

    def measured_in(self, units: Mapping[str, str]) -> Unit | None:
        """Return the unit; None fits any."""
        return self.of.measured_in(units)


@dataclass(frozen=True, slots=True)
class Operation:
    """Two things added, subtracted, multiplied or divided."""

    sign: str
    left: Node
    right: Node
    at: int = field(default=0, compare=False)
    """Where the sign stands in the text."""

    @property
    def binds(self) -> int:
        """How tightly it holds its parts together."""
        return _BINDS[self.sign]

    def __str__(self) -> str:
        return f"{_within(self.left, self.binds)} {self.sign} {_within(self.right, self.binds + 1)}"

    def walk(self) -> Iterator[Name]:
        """Yield the names, from left to right."""
        yield from self.left.walk()
        yield from self.right.walk()

    def exactly(self, values: Values) -> Fraction | None:
        """Return the value without any rounding; None where a part is not known, or the divisor is 0."""
        left, right = self.left.exactly(values), self.right.exactly(values)
        if left is None or right is None or (self.sign == "/" and not right):
            return None
        return _CALCULATE[self.sign](left, right)

    def measured_in(self, units: Mapping[str, str]) -> Unit | None:
        """Return the unit; None fits any. Raises `_MixedError` where money and something else are added."""
        left, right = self.left.measured_in(units), self.right.measured_in(units)
        if self.sign in "*/":
            if left is None and right is None:
                return None
            return _multiplied(left or (), right or (), 1 if self.sign == "*" else -1)
        if left is None or right is None or left == right:
            return right if left is None else left
        if dict(left).get("money", 0) != dict(right).get("money", 0):
            raise _MixedError(self.at, left, right)
        return (("count", 1),)


Node = Number | Name | Negative | Operation


class _MixedError(Exception):
    """Two units that cannot be added, and where."""

    def __init__(self, at: int, left: Unit, right: Unit) -> None:
        super().__init__(at)
        self.at, self.left, self.right = at, left, right


@dataclass(frozen=True, slots=True)
class Expression:
    """What is computed of metrics, and what it is called."""

    name: str
    """As it was given, else the text itself."""
    body: Node
    text: str
    """As it was written."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the name of a metric and nothing else."""
        return isinstance(self.body, Name) and self.name == self.body.name

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that it is made of, each once, in the order of the text."""
        return tuple(dict.fromkeys(name.name for name in self.body.walk()))

    def evaluate(self, values: Values) -> Decimal | None:
        """Return the value, computed exactly and rounded once, to 50 digits.

        None where a metric is not known, or a divisor is 0.
        """
        value = self.body.exactly(values)
        return None if value is None else _DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))

    def unit(self, units: Mapping[str, str]) -> str:
        """Return the unit, such as `money/orders`, from the units of all `names`.

        It is empty for a mere number, such as a share. Raises `UsageError` where money and something else are added.
        """
        try:
            return unit_text(self.body.measured_in(units) or ())
        except _MixedError as exc:
            sides = f"{unit_text(exc.left) or 'a number'} and {unit_text(exc.right) or 'a number'}"
            raise wrong(self.text, exc.at, f"{sides} cannot be added or subtracted") from None


def parse(text: str) -> Expression:
    """Return the expression that `text` is: metrics, numbers, `+ - * /` and parentheses, after `name=` if need be.

    Raises `UsageError` that points at the place.
    """
    named, equals, rest = text.partition("=")
    name = named.strip()
    if equals and not _NAME.fullmatch(name):
        raise wrong(text, 0, f"a name is small letters, digits and underscores, a letter first, not {name!r}")
    start = len(text) - len(rest) if equals else 0
    tokens = list(_tokens(text, start))
    reader = _Reader(text, tokens)
    body = reader.sum_of(0)
    reader.must_end()
    return Expression(name if equals else text.strip(), body, text.strip())


def wrong(text: str, at: int, why: str) -> UsageError:
    """Return the error that says what is wrong with an expression, and where."""
    place = f"at {text[at:].strip()!r} (character {at + 1})" if text[at:].strip() else "at its end"
    return UsageError(f"In the metric {text.strip()!r}, {place}: {why}.")


def unit_of(text: str) -> Unit:
    """Return what `unit_text` writes as a unit; a share is a mere number."""
    over, _, under = text.partition("/")
    found: Unit = ()
    for side, power in ((over, 1), (under, -1)):
        for part in side.split("*"):
            name, _, exponent = part.partition("^")
            if name not in ("", "1", "share"):
                found = _multiplied(found, ((name, int(exponent or 1)),), power)
    return found


def unit_text(unit: Unit) -> str:
    """Return a unit as it is written: `money/orders`, `1/orders`, `money*tokens`, `money^2`."""
    above = [(name, n) for name, n in unit if n > 0]
    below = [(name, -n) for name, n in unit if n < 0]
    top, bottom = ("*".join(name if n == 1 else f"{name}^{n}" for name, n in side) for side in (above, below))
    return f"{top or 1}/{bottom}" if bottom else top


def _multiplied(left: Unit, right: Unit, power: int) -> Unit:
    found = dict(left)
    for name, n in right:
        found[name] = found.get(name, 0) + n * power
    return tuple(sorted((name, n) for name, n in found.items() if n))


def _within(node: Node, binds: int) -> str:
    return str(node) if node.binds >= binds else f"({node})"


_Token = tuple[str, str, int]
"""Its kind (`number`, `name`, `sign`), its text and where it stands."""


def _tokens(text: str, start: int) -> Iterator[_Token]:
    """Yield the tokens of a text from `start` on; raises `UsageError` for what is none."""
    count = 0
    while match := _TOKEN.match(text, start):
        kind = ("number", "name", "sign", "")[(match.lastindex or 1) - 1]
        found, at = match[match.lastindex or 0], match.start(match.lastindex or 0)
        if not kind:
            raise wrong(text, at, f"{found!r} has no meaning here; there are + - * / ( ), numbers and metrics")
        count += 1
        if count > _LONGEST:
            raise UsageError(f"A metric of more than {_LONGEST} names, numbers and signs is too long.")
        yield kind, found, at
        start = match.end()


class _Reader:
    """Reads tokens by precedence climbing."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text, self.tokens, self.next = text, tokens, 0

    def sum_of(self, least: int) -> Node:
        """Return the longest expression whose signs all bind tighter than `least`."""
        left = self._operand()
        while (token := self._peek())[1] in _BINDS and _BINDS[token[1]] > least:
            self.next += 1
            left = Operation(token[1], left, self.sum_of(_BINDS[token[1]]), token[2])
        return left

    def must_end(self) -> None:
        """Raise `UsageError` where anything is left."""
        _, text, at = self._peek()
        if text == ")":
            raise wrong(self.text, at, "there is no ( for this )")
        if text:
            raise wrong(self.text, at, "+ - * or / is missing before it")

    def _operand(self) -> Node:
        kind, text, at = self._peek()
        self.next += 1
        if kind == "number":
            return Number(self._number(text, at))
        if kind == "name":
            return Name(text, at)
        if text == "-":
            return Negative(self._operand())
        if text == "(":
            inner = self.sum_of(0)
            if self._peek()[1] != ")":
                raise wrong(self.text, at, "there is no ) for this (")
            self.next += 1
            return inner
        raise wrong(self.text, at, "a metric, a number or ( is missing here")

    def _number(self, text: str, at: int) -> Decimal:
        value = Decimal(text)
        if abs(value.adjusted()) > _LARGEST or len(value.as_tuple().digits) > _LARGEST:
            raise wrong(self.text, at, f"a number has at most {_LARGEST} digits")
        return value

    def _peek(self) -> _Token:
        return self.tokens[self.next] if self.next < len(self.tokens) else ("", "", len(self.text))
