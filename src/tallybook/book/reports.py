"""What a book tells of itself: at a glance, and of what it was told differently since."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tallybook.book.common import Words, words
from tallybook.book.looking_back import look_back
from tallybook.model.clock import Clock
from tallybook.model.datasets import HELD, dataset
from tallybook.model.settings import Settings
from tallybook.model.windows import unix
from tallybook.query.clocks.time import When
from tallybook.query.clocks.time import resolve as resolve_time
from tallybook.store.base import Store

if TYPE_CHECKING:
    from tallybook.query.reports.restatements import Restatement
    from tallybook.query.reports.settling import Settling
    from tallybook.query.vocabulary import Vocabulary
    from tallybook.show.glance import Glance


class Reports:
    """The part of a `Book` that has no words to choose but the range."""

    store: Store
    settings: Settings
    _clock: Clock

    def now(self) -> dt.datetime:
        """Return what time it is by the book's clock, in UTC."""
        return self._clock.now()

    def glance(self) -> Glance:
        """Return the book at a glance: cost this month and what changed most, the last days, how fresh it all is.

        Raises `NotABookError` where nothing was synced yet.
        """
        from tallybook.book.glance import glance

        return glance(self.store, self.settings, self._look_back(), self._clock.now())

    def vocabulary(self) -> Vocabulary:
        """Return every metric and dimension that can be asked for, your own included. Never creates a book."""
        from tallybook.query.own import belonging, business_terms
        from tallybook.query.own.assignments import all_rules
        from tallybook.query.own.business import definitions
        from tallybook.query.vocabulary import vocabulary

        own = business_terms.metrics(definitions(self.store)).values()
        return vocabulary(own, belonging.dimensions(all_rules(self.store, self.settings)))

    def restatements(
        self,
        *,
        period: str | None = None,
        since: When | None = None,
        until: When | None = None,
        last: str | None = None,
        datasets: Words | None = None,
        org: str | None = None,
    ) -> list[Restatement]:
        """Return what OpenAI has said differently of buckets that had ended, the newest first: when, and by how much.

        The range bounds the days that were restated (default: all). Never creates a book.
        """
        from tallybook.query.reports.restatements import restatements

        said = (period, since, until, last) != (None, None, None, None)
        now = self._clock.now()
        span = resolve_time(now, period=period, since=since, until=until, last=last) if said else None
        names = {name if name in HELD else dataset(name).name for name in words(datasets)}
        return restatements(self.store, org or self.settings.only().name, span, names)

    def settling(self, org: str | None = None) -> list[Settling]:
        """Return how long after its end a bucket of each dataset still changes, and the look-back that it suggests."""
        from tallybook.query.reports.settling import settling

        return settling(self.store, org or self.settings.only().name, self._look_back(), unix(self._clock.now()))

    def _look_back(self) -> dict[str, int]:
        return look_back(self.store, self.settings).by_dataset()
