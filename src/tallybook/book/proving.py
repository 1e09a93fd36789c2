"""What proves a number, asked for in the words of a question; and a whole book made again from its proof."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tallybook.collect.evidence import Proof
from tallybook.collect.proof import prove
from tallybook.model.datasets import HELD
from tallybook.model.errors import UnknownNameError, UsageError
from tallybook.model.windows import DAY, iso
from tallybook.query import where as restrict
from tallybook.query.clocks.time import When, moment
from tallybook.query.filters import matching
from tallybook.query.where import Where
from tallybook.store.base import Store

if TYPE_CHECKING:
    from tallybook.collect.rebuild import Rebuilt
    from tallybook.collect.summary import Watch


def proof(store: Store, org: str, name: str, day: When, where: Where) -> Proof:
    """Return what is behind the numbers of the dataset `name` of `org` on a UTC day; see `Book.proof`."""
    known = HELD.get(name)
    if known is None:
        raise UnknownNameError("dataset", name, HELD)
    start = moment(day)
    if start % DAY:
        raise UsageError(f"{iso(start)} is not a day. Write for example 2026-11-20.")
    chosen = restrict.checked({restrict.choose(known, n, known.asked, "dimension"): v for n, v in where.items()})
    ids, _ = restrict.ids(chosen, store.rows("directory"), [org])
    told = {column: f.as_list() for column, f in ids.items()}
    return prove(store, org, known, start, told, matching(ids))


def rebuilt(store: Store, watch: Watch | None, *, apply: bool) -> Rebuilt:
    """Return what came of making a book again, while no sync may run; see `Book.rebuild`."""
    from tallybook.collect.rebuild import rebuild

    with ExitStack() as locks:
        for org in sorted({row["org"] for row in store.rows("orgs")}):
            locks.enter_context(store.syncing(org))
        return rebuild(store, watch, apply=apply)
