"""Daily sums answer what they can, and say the same as the facts."""

import pytest

from tallybook.book import Book
from tallybook.query.statement import basis
from tallybook.query.statement.smallest import FACTS

NARROW, DAILY = "internal.usage_daily_narrow", "internal.usage_daily"
SPAN = {"since": "2026-11-01", "until": "2026-11-22"}
QUESTIONS = [
    (NARROW, ["requests", "cache_hit_rate"], {"by": ["project", "model"], "grain": "week"}),
    (NARROW, ["tokens"], {"by": "model_family", "grain": "month", "where": {"project": "!proj_*x"}}),
    (NARROW, ["storage_bytes", "active_models"], {"grain": "day"}),
    (NARROW, ["requests"], {"by": "weekday"}),
    (DAILY, ["active_users", "batch_share"], {"by": "project", "grain": "day"}),
    (DAILY, ["output_tokens"], {"by": ["api_key", "service_tier"], "top": 3}),
    (DAILY, ["images"], {"where": {"size": "1024*"}}),
    (FACTS, ["storage_bytes_max"], {"grain": "day"}),
    (FACTS, ["storage_bytes_last"], {"grain": "day"}),
    (FACTS, ["requests"], {"by": "hour"}),
    (FACTS, ["requests"], {"grain": "hour", "since": "2026-11-20"}),
    (FACTS, ["requests"], {"grain": "day", "tz": "Europe/Berlin", "since": "2026-11-20"}),
    (FACTS, ["requests"], {"since": "2026-11-20T05:00Z"}),
    (FACTS, ["requests"], {"as_of": "2026-11-23"}),
]


@pytest.mark.parametrize(("table", "metrics", "more"), QUESTIONS)
def test_the_smallest_table_that_answers_is_asked_and_says_what_the_facts_say(
    book: Book, monkeypatch: pytest.MonkeyPatch, table: str, metrics: list[str], more: dict[str, object]
) -> None:
    chosen: list[str] = []
    smallest = basis.usage_table
    monkeypatch.setattr(basis, "usage_table", lambda *of: chosen.append(smallest(*of)) or chosen[-1])
    asked = {**SPAN, **more}
    said = book.query(*metrics, **asked)  # type: ignore[arg-type]
    assert chosen == [table]
    monkeypatch.setattr(basis, "usage_table", lambda *_: FACTS)
    facts = book.query(*metrics, **asked)  # type: ignore[arg-type]
    for mine, theirs in ((said.table, facts.table), (said.overall, facts.overall), (said.whole, facts.whole)):
        assert mine == theirs
    assert "as_of" in more or any(v for row in said.rows() for v in row.values() if not isinstance(v, str))
