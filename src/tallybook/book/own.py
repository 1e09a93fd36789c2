"""What of a book is the user's own: teams, business metrics, notes, tokens, and questions in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from tallybook.book.common import Words, words
from tallybook.model.clock import Clock
from tallybook.model.settings import Settings
from tallybook.store.base import Store

if TYPE_CHECKING:
    from tallybook.book.business import Added, By, Kept
    from tallybook.book.frames import Frame
    from tallybook.book.notes import OwnNote
    from tallybook.book.teams import Assigned, Imported, Rows
    from tallybook.book.tokens import Token
    from tallybook.query.clocks.time import When
    from tallybook.query.where import Where


class Own:
    """The part of a `Book` that is about what the user brings to it."""

    store: Store
    settings: Settings
    _clock: Clock

    def teams(self) -> Assigned:
        """Return the rules that say whose an id is: those of the settings, then those that were imported.

        Raises `UsageError` where two of them contradict each other. Never creates a book.
        """
        from tallybook.book.teams import assigned

        return assigned(self.store, self.settings)

    def import_teams(
        self, teams: Rows | None = None, *, from_groups: bool = False, groups: Words | None = None
    ) -> Imported:
        """Replace the list of teams that the book holds; return what changed, and how many ids no rule matches.

        `teams` is a CSV file, or rows with its columns: `kind` (project, user, api_key, service_account), `id` (an id,
        a name, an e-mail, or a pattern of one), `team`, and where wanted `cost_center`, `valid_from`, `valid_to` (the
        first day that a rule does not hold any more) and any further column, a tag. With `from_groups`, users belong to
        their OpenAI group, of all or of those called `groups`. Nothing is stored where anything is wrong. Raises
        `UsageError` that names line and column, or both rules where two contradict each other; `NotABookError`.
        """
        from tallybook.book.teams import import_teams

        chosen: Sequence[str] | None = words(groups) if from_groups or groups is not None else None
        return import_teams(self.store, self.settings, teams, chosen)

    def teams_csv(self) -> str:
        """Return the list of teams that the book holds as the CSV that imports it again."""
        from tallybook.query.own.assignments import imported
        from tallybook.query.own.team_files import text_of

        return text_of(imported(self.store))

    def add_metric(
        self,
        name: str,
        frame: Frame,
        *,
        time: str,
        by: By = (),
        amount: str | None = None,
        kind: str | None = None,
        unit: str | None = None,
        currency: str | None = None,
        grain: str | None = None,
    ) -> Added:
        """Put numbers of your own into the book as the metric `name`; return what became of them.

        `frame` is a CSV, Parquet or Arrow file, a pandas or polars DataFrame, an Arrow table, or a list of dicts.
        `time` and `amount` (default: `name`) are its columns, `by` its dimensions: `{"project": "project_id"}`, where
        ids and names are both understood; besides project, user, api_key, service_account, model, org, team and
        cost_center, up to four of your own. `kind` is `flow` (adds up over time, the default) or `level`. `grain` is
        hour, day, week or month, told from the times where it is not given. With a `currency` such as `usd` the unit
        is money. The metric is replaced from the frame's first bucket to its last; a flow is 0 in buckets between
        them that the frame leaves out. Nothing is stored where anything is wrong. Raises `UsageError` that names the
        row; `NotABookError`.
        """
        from tallybook.book.business import Given, add

        now = self._clock.now().replace(tzinfo=None)
        given = Given(kind, unit, currency, grain)
        return add(self.store, self.settings, now, name, frame, time, by, amount, given)

    def own_metrics(self) -> list[Kept]:
        """Return the metrics that were added, with where each is known. Never creates a book."""
        from tallybook.book.business import kept

        return kept(self.store)

    def remove_metric(self, name: str) -> Kept:
        """Remove a metric that was added, with all its numbers; raises `UnknownNameError`, `NotABookError`."""
        from tallybook.book.business import remove

        return remove(self.store, name)

    def notes(self) -> list[OwnNote]:
        """Return your notes on the axis of time, the earliest first. Never creates a book."""
        from tallybook.book.notes import notes

        return notes(self.store)

    def add_note(self, time: When, text: str) -> OwnNote:
        """Write a note on a UTC day, or at an exact moment; charts show it there.

        Raises `UsageError` for what is no date, and for a text of no use; `NotABookError`.
        """
        from tallybook.book.notes import add

        return add(self.store, self._clock.now().replace(tzinfo=None), time, text)

    def remove_note(self, identity: str) -> OwnNote:
        """Remove the note with this id; raises `UnknownNameError`, `NotABookError`."""
        from tallybook.book.notes import remove

        return remove(self.store, identity)

    def tokens(self) -> list[Token]:
        """Return the tokens that show others the dashboard, by name. Never creates a book."""
        from tallybook.book.tokens import tokens

        return tokens(self.store)

    def add_token(
        self,
        name: str,
        *,
        where: Where | None = None,
        orgs: Words | None = None,
        people: bool = True,
        expires: str = "90d",
        feed: str | None = None,
    ) -> tuple[Token, str]:
        """Make a token that shows the dashboard, or a part of it; return it with its text, which is not kept.

        `where` holds for everything that it shows, besides what is asked; `orgs` are the organizations that it shows
        (default: all); without `people`, users, keys and service accounts are not told apart. It is good for `expires`
        (`24h`, `30d`, `never`). With a `feed` it reads that feed of the settings and nothing else. Raises `UsageError`,
        `UnknownNameError`, `NotABookError`.
        """
        from tallybook.book.tokens import add

        now = self._clock.now().replace(tzinfo=None)
        return add(
            self.store, self.settings, now, name,
            where=where or {}, orgs=words(orgs), people=people, expires=expires, feed=feed,
        )  # fmt: skip

    def revoke_token(self, name: str) -> Token:
        """Close at once what a token showed; raises `UnknownNameError`, `NotABookError`."""
        from tallybook.book.tokens import revoke

        return revoke(self.store, name)

    def sql(self, text: str) -> pa.Table:
        """Return the answer to one SELECT of DuckDB's over the public tables and views, as an Arrow table.

        Money is decimal(38, 18), whole numbers int64 where they fit. It is a sum of what was read, whether or not all
        of it was. The statement can write nothing, and see neither the schema `internal` nor another file; nobody else
        in this process uses the book meanwhile. Raises `UsageError` in DuckDB's words, `NotABookError`.
        """
        return self.store.ask(text)
