"""How a server behaves: the documented API, and what quirks may change about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tallybook.emulator.bills import money_text
from tallybook.emulator.company import Company
from tallybook.emulator.problems import Problem, denied
from tallybook.emulator.queries import DOCUMENTED, Question, Rules

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What a quirk may look at: who serves, and what is asked."""

    company: Company
    question: Question
    query: str = ""
    """The query string as it came."""


Rewrite = Callable[[Call, Body], Body]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the server behaves; the defaults are the documented API."""

    amount: Callable[[int, int], str] = lambda atto, _number: money_text(atto)
    """From 10^-18 dollars and the place of the row to JSON text."""
    page_cap: int | None = None
    hides_partial_start: bool = False
    hides_partial_end: bool = False
    open_ends_now: bool = False
    skips_empty: bool = False
    rules: Rules = DOCUMENTED
    """What may be asked."""
    denied: Callable[[str], Problem] = denied
    """From the scope that a key lacks to the refusal."""
    absent: frozenset[str] = frozenset()
    """Datasets that this server does not know."""
    twists: tuple[Callable[[Company], None], ...] = ()
    """Applied to the organization that is served."""
    checks: tuple[Callable[[Call], None], ...] = ()
    """Called before a page is built; may raise a refusal."""
    bucket_rewrites: tuple[Rewrite, ...] = ()
    """Applied to each bucket before it is encoded; amounts are still whole 10^-18 dollars."""
    page_rewrites: tuple[Rewrite, ...] = ()
    """Applied to the page around its encoded buckets."""
    list_rewrites: tuple[Callable[[Body], Body], ...] = ()
    """Applied to the answers of the directory."""
    wrappers: tuple[Callable[..., Any], ...] = ()
    """ASGI middleware."""


Apply = Callable[[Behaviour, int], Behaviour]
"""From a behaviour and the quirk's number to the behaviour with the quirk."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """One switch: `name`, or `name=N` where it has a number."""

    name: str
    description: str
    source: str
    """Where it was reported."""
    apply: Apply
    number: int | None = None
    """The default of `N`; None if the quirk has no number."""


def also(**more: Any) -> Apply:
    """Return what adds one step to some of the tuples of a `Behaviour`."""

    def apply(behaves: Behaviour, _number: int) -> Behaviour:
        longer: dict[str, Any] = {name: (*getattr(behaves, name), step) for name, step in more.items()}
        return replace(behaves, **longer)

    return apply


def put(**changes: Any) -> Apply:
    """Return what sets fields of a `Behaviour`."""
    return lambda behaves, _n: replace(behaves, **changes)


def rule(**changes: Any) -> Apply:
    """Return what changes a rule; one that is given as None becomes the quirk's number."""

    def apply(behaves: Behaviour, number: int) -> Behaviour:
        told: dict[str, Any] = {name: number if value is None else value for name, value in changes.items()}
        return replace(behaves, rules=replace(behaves.rules, **told))

    return apply


def twist(change: Callable[..., None]) -> Apply:
    """Return what changes the organization; the change is told the quirk's number where it has one."""

    def apply(behaves: Behaviour, number: int) -> Behaviour:
        step = partial(change, number=number) if number else change
        return replace(behaves, twists=(*behaves.twists, step))

    return apply


def wrap(wrapper: Callable[..., Any], **more: Any) -> Apply:
    """Return what adds a middleware, which is told the quirk's number where it has one."""

    def apply(behaves: Behaviour, number: int) -> Behaviour:
        told = {"number": number} if number else {}
        return replace(behaves, wrappers=(*behaves.wrappers, partial(wrapper, **told, **more)))

    return apply
