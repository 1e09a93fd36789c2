"""A book made again from its own proof is the same book; what is not, is named, and put back where that is asked."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook.collect.rebuild import ALTERED, Rebuilt, rebuild
from tallybook.model.settings import Keep
from tallybook.model.windows import naive
from tallybook.store.duckdb import DuckDBStore
from tests.store.book import FAST
from tests.store.machine import Machine, Step
from tests.store.rollups import rollups_are_right
from tests.store.world import DAY, Mood
from tests.test_exactness import LIVES, both, steps

FACTS = ("usage", "costs", "internal.cost_splits")
REST = tuple(f"internal.{t}" for t in (
    "usage_history", "costs_history", "cost_splits_history", "coverage", "coverage_history", "pages", "fetches",
    "directory", "refusals", "refusals_history", "syncs", "orgs", "notes",
))  # fmt: skip


def lived(folder: Path, life: Iterable[Step], keep: Keep) -> Machine:
    machine = Machine(folder, keep)
    for step in life:
        machine.step(step)
    return machine


def is_the_same(life: Iterable[Step], keep: Keep) -> Rebuilt:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        machine = lived(Path(folder), life, keep)
        out = rebuild(machine.store)
        assert (out.differences, out.damaged, out.is_equal) == ([], [], True)
        assert {path.suffix for path in Path(folder).iterdir()} == {".duckdb", ".lock"}
        return out


NAMES = ["dimensions", "rewritten", "refused", "rivals"]


@pytest.mark.parametrize("life", LIVES, ids=NAMES)
def test_a_book_that_kept_all_is_made_again_with_its_whole_history(life: Iterable[Step]) -> None:
    out = is_the_same(life, "all")
    assert out.days > 7
    assert out.compared > 50
    assert out.unproved <= 1, "only what another organization wrote by hand has no proof"


@pytest.mark.parametrize("life", LIVES[:2], ids=NAMES[:2])
def test_a_book_that_kept_what_is_current_is_made_again(life: Iterable[Step]) -> None:
    out = is_the_same(life, "current")
    assert (out.compared > 50, out.unproved) == (True, 0)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(steps, min_size=2, max_size=5), st.sampled_from(["all", "current", "none"]))
def test_a_book_is_made_again_after_any_life(life: list[Step], keep: Keep) -> None:
    out = is_the_same(life, keep)
    assert keep != "none" or out.compared == 0


SHORT: tuple[Step, ...] = (
    Step(0, (), Mood(), "1d", 0, None),
    Step(60, both("grow", 1, 5, 6, 7) + both("learn", 2), Mood(sparse=True), "1d", 0, None, full=True),
    Step(DAY, both("vanish", 6) + both("appear", 2), Mood(split=True), "1d", 0, None, full=True),
)


@pytest.fixture(scope="module")
def books() -> dict[str, bytes]:
    """The same life in books that keep all, what is current, and none."""
    made = {}
    for keep in ("all", "current", "none"):
        with tempfile.TemporaryDirectory(dir=FAST) as folder:
            made[keep] = lived(Path(folder), SHORT, keep).path.read_bytes()
    return made


class Lived:
    """A book after a life, in which things are then changed behind tallybook's back."""

    def __init__(self, path: Path) -> None:
        self.store = DuckDBStore(path)

    def do(self, *texts: str) -> None:
        with duckdb.connect(self.store.url) as file:
            for text in texts:
                assert file.execute(text).fetchall() != [(0,)], f"nothing was changed: {text}"

    def one(self, text: str) -> Any:
        (row,) = self.store.read(text).to_pylist()
        return row

    def everything(self, *, with_times: bool = True) -> dict[str, list[Any]]:
        names = {t: "* EXCLUDE (recorded_at)" if t in FACTS and not with_times else "*" for t in (*FACTS, *REST)}
        return {t: self.store.read(f"SELECT {what} FROM {t} ORDER BY ALL").to_pylist() for t, what in names.items()}

    def heals(self, cause: str, *tables: str) -> None:
        """See that `rebuild` names what was changed in `tables`, puts it back, and finds nothing more."""
        done = rebuild(self.store, apply=True)
        assert {(d.cause, d.table) for d in done.differences} == {(cause, table) for table in tables}
        assert (done.applied, done.is_equal) == (True, True)
        assert rebuild(self.store).differences == []
        rollups_are_right(self.store)


@pytest.fixture
def kept(request: pytest.FixtureRequest, books: dict[str, bytes]) -> Iterator[Lived]:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        path = Path(folder) / "book.duckdb"
        path.write_bytes(books[getattr(request, "param", "current")])
        yield Lived(path)


BY_HAND = (
    "UPDATE usage SET input_tokens = input_tokens + 1 WHERE batch",
    "UPDATE usage SET extra = NULL WHERE extra IS NOT NULL",
    "DELETE FROM usage WHERE rowid = (SELECT min(rowid) FROM usage)",
    "INSERT INTO usage FROM usage WHERE dataset = 'vector_stores' LIMIT 1",
    "UPDATE costs SET amount = amount + 0.000000000000000001 WHERE line_item IS NULL",
    "INSERT INTO costs SELECT * REPLACE (start_time + INTERVAL 7 HOUR AS start_time) FROM costs LIMIT 1",
    "UPDATE internal.cost_splits SET user_id = 'me' WHERE user_id IS NOT NULL",
)


@pytest.mark.parametrize("kept", ["current", "all"], indirect=True)
def test_what_was_altered_by_hand_is_named_and_put_back(kept: Lived, request: pytest.FixtureRequest) -> None:
    exact = "all" in request.node.name
    before = kept.everything(with_times=exact)
    kept.do(*BY_HAND)
    kept.heals(ALTERED, "usage", "costs", "cost_splits")
    assert kept.everything(with_times=exact) == before


def test_looking_changes_nothing_and_names_the_rows_on_both_sides(kept: Lived) -> None:
    kept.do("UPDATE costs SET amount = amount + 1 WHERE start_time = (SELECT min(start_time) FROM costs)")
    altered = kept.everything()
    out = rebuild(kept.store)
    assert kept.everything() == altered
    (found,) = out.differences
    assert (out.is_equal, out.applied, found.dataset, found.table) == (False, False, "costs", "costs")
    assert [row["amount"] - 1 for row in found.held] == [row["amount"] for row in found.given]
    assert {row["start_time"] for row in found.held} == {naive(found.start)}
    data = json.loads(json.dumps(out.as_dict()))
    assert data["differences"][0]["held"][0]["amount"] == str(found.held[0]["amount"])
    assert (data["is_equal"], data["unproved"], data["differences"][0]["cause"]) == (False, 0, ALTERED)


def test_rows_that_are_all_gone_come_back(kept: Lived) -> None:
    before = kept.everything(with_times=False)
    kept.do("DELETE FROM costs", "DELETE FROM usage", "DELETE FROM internal.cost_splits")
    kept.heals(ALTERED, "usage", "costs", "cost_splits")
    assert kept.everything(with_times=False) == before


def test_what_was_not_altered_keeps_the_time_at_which_it_came(kept: Lived) -> None:
    kept.do("UPDATE usage SET input_tokens = 0 WHERE batch")
    untouched = "SELECT * FROM usage WHERE batch IS DISTINCT FROM true ORDER BY ALL"
    before = kept.store.read(untouched)
    kept.heals(ALTERED, "usage")
    assert kept.store.read(untouched) == before


@pytest.mark.parametrize("kept", ["all"], indirect=True)
def test_where_all_is_kept_history_and_coverage_are_put_back_too(kept: Lived) -> None:
    before = kept.everything()
    kept.do(
        "DELETE FROM internal.usage_history",
        "UPDATE internal.costs_history SET reason = 'rewidened'",
        "UPDATE internal.coverage SET dimensions = 'model' WHERE dataset = 'completions'",
        "DELETE FROM internal.coverage_history WHERE dataset = 'costs'",
    )
    kept.heals(ALTERED, "usage_history", "costs_history", "coverage", "coverage_history")
    assert kept.everything() == before


def test_history_of_what_was_pruned_is_left_as_it_is(kept: Lived) -> None:
    kept.do("UPDATE internal.usage_history SET input_tokens = 0 WHERE reason = 'open'")
    assert rebuild(kept.store, apply=True).differences == []


def test_rows_that_another_version_made_are_named_as_such(kept: Lived) -> None:
    kept.do("UPDATE usage SET num_model_requests = 0 WHERE dataset = 'completions'")
    kept.do("UPDATE internal.fetches SET parsed_by = '0.0.9'")
    kept.heals("tallybook 0.0.9 made other rows of it", "usage")


def test_a_damaged_bucket_is_named_and_what_it_gave_stays(kept: Lived) -> None:
    damaged = "SELECT page FROM internal.pages WHERE dataset = 'costs' AND replaced_at IS NULL ORDER BY page LIMIT 1"
    kept.do(f"UPDATE internal.pages SET body = '{{}}'::BLOB WHERE page = ({damaged})")
    kept.do("UPDATE costs SET amount = amount + 1")
    page = kept.one(f"SELECT * FROM internal.pages WHERE page = ({damaged})")
    before = kept.store.read("SELECT * FROM costs WHERE start_time = ? ORDER BY ALL", [page["start_time"]]).to_pylist()
    out = rebuild(kept.store, apply=True)
    assert [(name, width) for _, name, width, _ in out.damaged] == [("costs", "1d")]
    assert (out.is_equal, out.unproved) == (False, 1)
    assert out.differences, "the other days were put back"
    after = kept.store.read("SELECT * FROM costs WHERE start_time = ? ORDER BY ALL", [page["start_time"]]).to_pylist()
    assert after == before


def test_a_missing_bucket_is_counted_and_what_it_gave_stays(kept: Lived) -> None:
    kept.do("DELETE FROM internal.pages WHERE dataset = 'completions'")
    kept.do("UPDATE usage SET input_tokens = 1 WHERE dataset = 'completions'")
    before = kept.everything()
    out = rebuild(kept.store, apply=True)
    assert (out.differences, out.unproved, out.compared > 5) == ([], 4, True)
    assert kept.everything() == before


@pytest.mark.parametrize("kept", ["none"], indirect=True)
def test_without_proof_nothing_is_said_and_nothing_changed(kept: Lived) -> None:
    before = kept.everything()
    out = rebuild(kept.store, apply=True)
    assert (out.compared, out.days, out.differences) == (0, 0, [])
    assert out.unproved > 9
    assert kept.everything() == before


def test_what_was_read_before_a_book_kept_proof_stays(kept: Lived) -> None:
    kept.do("DELETE FROM internal.pages")
    kept.do("UPDATE internal.fetches SET envelope = NULL, pages = NULL, parsed_by = NULL")
    before = kept.everything()
    out = rebuild(kept.store, apply=True)
    assert (out.commits, out.compared, out.days) == (0, 0, 0)
    assert kept.everything() == before
