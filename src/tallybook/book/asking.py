"""A question in words, asked of a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from tallybook.book.common import Words, words
from tallybook.model.settings import Settings
from tallybook.model.windows import unix
from tallybook.query import answer as answering
from tallybook.query import where as restrict
from tallybook.query.clocks.closed import comparison
from tallybook.query.clocks.time import When, known_at, resolve
from tallybook.query.dimensions import dimension, is_known
from tallybook.query.metrics import is_metric
from tallybook.query.own import belonging, business_terms
from tallybook.query.own.assignments import all_rules, assignments
from tallybook.query.own.business import definitions
from tallybook.query.own.teams import Rule
from tallybook.query.question import question
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
    orgs, rules = settings.orgs, _rules(store, settings, (*words(by), *(where or {}), *(within or {})))
    more = belonging.dimensions(rules or ())
    filters, bounds = restrict.checked(where, more), restrict.checked(within, more)
    known = partial(inventory.orgs, store)
    named = restrict.orgs(words(org), filters.pop("org", None), orgs, known)
    groups = [dimension(d, more) for d in words(by)]
    own_metrics = business_terms.metrics(definitions(store)) if any(not is_metric(m) for m in metrics) else {}
    asked = question(
        named,
        metrics,
        groups,
        grain,
        span,
        filters,
        as_of=then,
        top=top,
        tz=tz,
        compare=compare,
        more=own_metrics,
        within=bounds,
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
    beside = comparison(store, asked, asked.compare) if asked.compare else None
    if beside and beside.now:
        asked, beside = replace(asked, range=beside.now), replace(beside, asked=beside.now)
    elif beside:
        notes = (*notes, f"Nothing of {span} has ended and is read yet, so there is nothing to compare.")
        beside = None
    given = answering.answer(store, asked, look_back, unix(now), beside)
    return Result(
        given.table, asked.range, given.coverage, asked, (*notes, *given.notes), given.rounding, given.overall,
        given.whole, given.spans, beside,
    )  # fmt: skip


def _rules(store: Store, settings: Settings, names: Iterable[str]) -> list[Rule] | None:
    """Return the rules that say whose an id is, where a dimension that is asked for may be theirs."""
    return all_rules(store, settings) if any(not is_known(name) for name in names) else None
