"""What the texts of line items mean is kept beside the bill."""

import pytest

from tallybook.model import line_item
from tallybook.store import line_items
from tests.store.book import D0, DAY, StoreUnderTest, cost, read, usage


def texts(book: StoreUnderTest) -> list[tuple[str, int, str | None]]:
    return sorted(book.rows("line_items", "line_item", "parser_version", "model"))


def test_new_texts_are_taken_apart_as_costs_are_written_and_known_ones_once(book: StoreUnderTest) -> None:
    book.write(read("costs", D0, D0 + DAY, cost(D0, line_item="gpt-5, input"), cost(D0, line_item=None)))
    book.write(
        read("costs", D0, D0 + DAY, cost(D0, line_item="gpt-5, input"), cost(D0, line_item="Refund")),
        read("completions", D0, D0 + DAY, usage(D0)),
        org="other",
    )
    version = line_item.PARSER_VERSION
    assert texts(book) == [("Refund", version, None), ("gpt-5, input", version, "gpt-5")]


@pytest.mark.parametrize("lost", ["UPDATE internal.line_items SET parser_version = 0, model = 'x'",
                                  "DELETE FROM internal.line_items"])  # fmt: skip
def test_another_version_of_the_parser_takes_everything_apart_again(
    book: StoreUnderTest, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.write(read("costs", D0, D0 + DAY, cost(D0, line_item="gpt-4, input")))
    book.write(read("costs", D0, D0 + DAY, cost(D0, line_item="gpt-5, input")))  # the other is now history
    before = texts(book)
    assert [model for _, _, model in before] == ["gpt-4", "gpt-5"]
    with book.store._writing() as session:  # type: ignore[attr-defined]
        session.execute(lost)
    book.store.migrate()
    assert texts(book) == before
    monkeypatch.setattr(line_items, "parse", lambda text: line_item.LineItem(text, 99, model="new"))
    book.store.migrate()
    assert texts(book) == before  # the version is the same, so nothing is done
    monkeypatch.setattr(line_items, "PARSER_VERSION", 99)
    book.store.migrate()
    assert texts(book) == [("gpt-4, input", 99, "new"), ("gpt-5, input", 99, "new")]
