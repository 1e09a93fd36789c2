"""Handing over a book as a whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tallybook.book.common import Words, wanted, words
from tallybook.book.looking_back import look_back
from tallybook.model.clock import Clock
from tallybook.model.settings import Settings
from tallybook.model.windows import unix
from tallybook.query.clocks.time import When, resolve
from tallybook.query.reports import inventory
from tallybook.query.where import orgs
from tallybook.store.base import Store

if TYPE_CHECKING:
    from tallybook.show.export.products import Exported


class Exporting:
    """The part of a `Book` that hands it over as a whole."""

    store: Store
    settings: Settings
    _clock: Clock

    def export(
        self,
        kind: str,
        target: str | Path,
        *,
        period: str | None = None,
        since: When | None = None,
        until: When | None = None,
        last: str | None = None,
        org: Words | None = None,
        force: bool = False,
    ) -> Exported:
        """Write usage, costs and their splits, with names and status, to be opened without tallybook.

        `kind` is `bundle` (a folder of Parquet files by month, with README, schema and coverage) or `duckdb` (a file
        with tables and views). The time is said in whole days, in one way: `period`, `since`/`until` or `last`; by
        default it is all that is held. `org` names the organizations (default: all of the settings). `target` is
        written whole or not at all; what is there already is replaced only with `force`. Others wait for the book
        meanwhile. Raises `UsageError`, `ExportError` where it cannot be written, `NotABookError`.
        """
        from tallybook.query.reports.products import opened
        from tallybook.show.export.products import Exported, product

        known, path, now = product(kind), Path(target).expanduser(), self._clock.now()
        known.refuse(path, force=force)
        said = (period, since, until, last) != (None, None, None, None)
        span = resolve(now, period=period, since=since, until=until, last=last) if said else None
        named = orgs(words(org), None, self.settings.orgs, partial(inventory.orgs, self.store))
        back = look_back(self.store, self.settings).by_dataset()
        with opened(self.store, named, span, wanted(self.settings), back, unix(now)) as whole:
            known.write(path, whole, force=force)
            return Exported(path, whole.range, whole.coverage)
