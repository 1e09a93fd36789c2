"""What of a book is the user's own: teams, and business metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tallybook.book.common import Words, words
from tallybook.model.settings import Settings
from tallybook.store.base import Store

if TYPE_CHECKING:
    from tallybook.book.teams import Assigned, Imported, Rows


class Own:
    """The part of a `Book` that is about what the user adds to it."""

    store: Store
    settings: Settings

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
        from tallybook.query.assignments import imported
        from tallybook.query.team_files import text_of

        return text_of(imported(self.store))
