"""A question in words, asked of a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tallybook.book.common import Words, words
from tallybook.model.settings import Settings
from tallybook.model.windows import unix
from tallybook.query import answer as answering
from tallybook.query import where as restrict
from tallybook.query.clocks.closed import comparison
from tallybook.query.clocks.time import Range, When, known_at, resolve
from tallybook.query.dimensions import dimension, is_known
from tallybook.query.metrics import is_metric
from tallybook.query.own import belonging, business_terms
from tallybook.query.own.assignments import all_rules, assignments
from tallybook.query.own.business import definitions
from tallybook.query.own.teams import Rule
from tallybook.query.question import Query, question
from tallybook.query.reports import inventory
from tallybook.query.where import Where
from tallybook.show.result import Result
from tallybook.store.base import Store


def ask(
    store: Store, settings: Settings, look_back: Mapping[str, int], now: dt.datetime, metrics: tuple[str, ...], *,
    by: Words, grain: str, period: str | None, since: When | None, until: When | None, last: str | None,
    where: Where | None, top: int | None, compare: str | None, tz: str, org: Words | None, as_of: When | None,
    within: Where | None = None,
) -> Result:  # fmt: skip
    """Return the answer; see `Book.query`."""
    then = known_at(as_of, now) if as_of is not None else None
    now = then.replace(tzinfo=dt.UTC) if then else now
    span = resolve(now, period=period, since=since, until=until, last=last, tz=tz)
    with store.opened(still=True):
        asked, notes = _question(
            store, settings, span, then, metrics, by=words(by), grain=grain, where=where, within=within, top=top,
            compare=compare, tz=tz, org=words(org),
        )  # fmt: skip
        return _answered(store, asked, notes, look_back, unix(now))


def _question(
    store: Store, settings: Settings, span: Range, then: dt.datetime | None, metrics: tuple[str, ...], *,
    by: Sequence[str], where: Where | None, within: Where | None, org: Sequence[str], **said: Any,
) -> tuple[Query, tuple[str, ...]]:  # fmt: skip
    """Return what is asked, in ids, and remarks on how it was understood."""
    orgs, rules = settings.orgs, _rules(store, settings, (*by, *(where or {}), *(within or {})))
    more = belonging.dimensions(rules or ())
    filters, bounds = restrict.checked(where, more), restrict.checked(within, more)
    named = restrict.orgs(org, filters.pop("org", None), orgs, partial(inventory.orgs, store))
    groups = [dimension(d, more) for d in by]
    own_metrics = business_terms.metrics(definitions(store)) if any(not is_metric(m) for m in metrics) else {}
    asked = question(
        named, metrics, groups, said.pop("grain"), span, filters, as_of=then, more=own_metrics, within=bounds, **said
    )
    notes: tuple[str, ...] = ()
    if restrict.has_names((*asked.where, *asked.within)):
        directory = store.rows("directory")
        chosen, notes = restrict.ids(asked.where, directory, named)
        asked = replace(asked, where=chosen, within=restrict.ids(asked.within, directory, named)[0])
    if own := [d for d in asked.dimensions if d in more]:
        belonging.check_values((f for f in asked.filters if f.dimension in own), rules or ())
        members = assignments(store, settings) if rules else []
        asked = replace(asked, own=belonging.derivations(own, members, store.rows("directory")))
    return asked, notes


def _answered(store: Store, asked: Query, notes: tuple[str, ...], look_back: Mapping[str, int], now: int) -> Result:
    """Return the answer to what is asked, beside what it is compared with."""
    beside = comparison(store, asked, asked.compare) if asked.compare else None
    if beside and beside.now:
        asked, beside = replace(asked, range=beside.now), replace(beside, asked=beside.now)
    elif beside:
        notes = (*notes, f"Nothing of {asked.range} has ended and is read yet, so there is nothing to compare.")
        beside = None
    given = answering.answer(store, asked, look_back, now, beside)
    return Result(
        given.table, asked.range, given.coverage, asked, (*notes, *given.notes), given.rounding, given.overall,
        given.whole, given.spans, beside,
    )  # fmt: skip


def _rules(store: Store, settings: Settings, names: Iterable[str]) -> list[Rule] | None:
    """Return the rules that say whose an id is, where a dimension that is asked for may be theirs."""
    return all_rules(store, settings) if any(not is_known(name) for name in names) else None
