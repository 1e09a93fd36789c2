"""What a sync writes down of what it was refused, and when it asks again."""

from pathlib import Path

from tallybook.collect.sync import Policy
from tallybook.model.windows import DAY, Span, subtract, unix
from tests.clock import FakeClock
from tests.collect.server import Answer, Asked, page, refusal
from tests.collect.test_sync import NOW, TODAY, answering, scripted


def test_an_unknown_dataset_is_asked_once_and_recorded_for_its_whole_range(tmp_path: Path, clock: FakeClock) -> None:
    def script(asked: Asked) -> Answer:
        known = "decisions" not in asked.path
        return answering(Answer(200, page([])))(asked) if known else refusal("?", status=404)  # type: ignore[no-any-return]

    policy = Policy(("decisions", "embeddings"), TODAY - 90 * DAY, TODAY, history_width="1d", concurrency=1)
    store, summary, asked = scripted(tmp_path, clock, script, policy)
    assert summary.ok
    assert [(r.span.start, r.span.end) for r in summary.refusals] == [(TODAY - 90 * DAY, TODAY)]
    assert sum("decisions" in a.path for a in asked) < 4
    assert store.rows("refusals")[0]["reason"] == "the server does not know this dataset (HTTP 404)"


def test_the_rest_of_a_day_that_is_held_in_part_is_refused_with_what_was_not_given(tmp_path: Path) -> None:
    lost = False

    def script(asked: Asked) -> Answer:
        known = not lost or "embeddings" not in asked.path
        return answering(Answer(200, page([])))(asked) if known else refusal("?", status=404)  # type: ignore[no-any-return]

    clock = FakeClock(NOW)
    names = ("embeddings", "moderations")
    days, hours = (Policy(names, TODAY - 2 * DAY, history_width=width, concurrency=1) for width in ("1d", "1h"))
    scripted(tmp_path, clock, script, days)
    lost = True
    clock.advance(60)
    scripted(tmp_path, clock, script, hours)
    lost = False
    clock.advance(DAY - 3_600)
    store, summary, _ = scripted(tmp_path, clock, script, hours)
    assert summary.ok
    held = [run.span for run in store.coverage("acme", ["embeddings"])["embeddings"]]
    (refused,) = (Span(unix(r["start_time"]), unix(r["end_time"])) for r in store.rows("refusals"))
    assert refused.end == TODAY + DAY
    assert subtract([Span(TODAY - 2 * DAY, unix(clock.now()))], [*held, refused]) == []
