"""What was compared, as text: a line per dataset, and both numbers of what differs."""

import datetime as dt
from decimal import Decimal

from tallybook.collect.control import Compared, Control, Difference
from tallybook.collect.refusals import Failure
from tallybook.collect.summary import Summary
from tallybook.model.errors import UnreachableError
from tallybook.model.windows import DAY, Window
from tallybook.show.text import sync_summary
from tallybook.show.verified import verify_text

D0 = 20_500 * DAY  # 16 February 2026
NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)


def summary(*days: Compared, failures: tuple[Failure, ...] = ()) -> Summary:
    return Summary("acme", "1", NOW, NOW, requests=7, control=Control(list(days), list(failures)))


def day(n: int, state: str, reason: str = "", dataset: str = "code_interpreter_sessions") -> Compared:
    found = (Difference("num_sessions", None, 1_234, 1_230),) if state in ("healed", "differs") else ()
    return Compared(dataset, D0 + n * DAY, state, reason, found)


def test_every_dataset_has_a_line_and_every_difference_both_numbers_in_80_columns() -> None:
    money = Compared("costs", D0, "differs", "", (Difference("amount", "usd", Decimal("2.50"), Decimal("2.49")),))
    days = [day(0, "equal"), day(1, "healed"), day(2, "not comparable", "not stable yet"), money]
    text = verify_text(summary(*days), "b.duckdb", width=80)
    assert max(map(len, text.split("\n"))) <= 80
    lines = [line.split() for line in text.split("\n")]
    assert ["code_interpreter_sessions", "2026-02-16", "1", "1", "0", "1"] in lines
    assert ["costs", "2026-02-16", "0", "0", "1", "0"] in lines
    words = " ".join(text.split())
    assert "code_interpreter_sessions 2026-02-17: healed by reading the day again in full" in words
    assert "num_sessions held 1,234, control total 1,230" in words
    assert "costs 2026-02-16: still differs; amount usd held 2.5, control total 2.49" in words
    assert "Not compared: 1 day, not stable yet (code_interpreter_sessions)" in words
    assert words.endswith("Some days differ from what OpenAI gives ungrouped, also after they were read again in full.")


def test_what_is_equal_is_said_in_one_line() -> None:
    assert verify_text(summary(day(0, "equal")), "b").endswith("equal to its control total.")
    healed = " ".join(verify_text(summary(day(0, "healed")), "b").split())
    assert healed.endswith("equal to its control total once what differed was read again.")
    assert verify_text(summary(), "b") == "Nothing is held that could be compared."


def test_a_sync_says_in_a_line_what_its_control_totals_found() -> None:
    window = Window(D0, D0 + DAY, "1d")
    failure = Failure("images", window, UnreachableError("no"))
    text = sync_summary(summary(day(0, "equal"), day(1, "healed"), day(2, "differs"), failures=(failure,)), "b")
    assert (
        "Control 1 day equal, 1 healed by reading them again, 1 still differ (see `tallybook status`), "
        "1 control totals not read"
    ) in " ".join(text.split())
    assert "Control" not in sync_summary(Summary("acme", "1", NOW, NOW), "b")
