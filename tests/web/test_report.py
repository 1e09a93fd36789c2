"""A report as a file: everything inside, nothing of people unless asked for, names as harmless as anywhere."""

import base64
import gzip
import hashlib
import json
import re
from decimal import Decimal
from typing import Any

import pytest

from tallybook.book import Book
from tallybook.model.errors import QueryError, UsageError
from tallybook.web.chromium import browser
from tallybook.web.report import Report, report
from tests.web.conftest import NAMES

TIME = {"since": "2026-11-08", "until": "2026-11-21"}
PEOPLE = ("user-1", "user-2", "user-3", "key_1", "key_2", "key_3")


@pytest.fixture(scope="module")
def alone(small: Book) -> bytes:
    """A report that names nobody."""
    return report(small, time=TIME).page


@pytest.fixture(scope="module")
def full(book: Book) -> Report:
    """A report of two weeks of everything."""
    return report(book, time={"since": "2026-11-10", "until": "2026-11-23"})


def embedded(page: bytes) -> str:
    """Return the JSON of a report."""
    (packed,) = re.findall(rb'<script type="application/gzip" id="report">([^<]*)</script>', page)
    return gzip.decompress(base64.b64decode(packed)).decode()


def data(page: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(embedded(page))
    return found


def test_a_report_is_one_file_that_may_reach_nothing(alone: bytes) -> None:
    text = alone.decode()
    (policy,) = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    for tag, rule in ((r'<script type="module">(.*?)</script>', "script-src"), ("<style>(.*?)</style>", "style-src")):
        (inside,) = re.findall(tag, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index('<script type="module">')


def test_hostile_names_are_data_and_never_markup(alone: bytes) -> None:
    hostile = NAMES["proj_2"]
    assert hostile in {p["label"] for p in data(alone)["cubes"][0]["dims"]["project"]}
    assert hostile.encode() not in alone
    assert b"alert(" not in alone
    assert alone.count(b"</script>") == 2


def test_nobody_is_in_a_report_without_being_asked_for(small: Book, alone: bytes) -> None:
    text = alone.decode() + embedded(alone)
    assert [name for name in PEOPLE if name in text] == []
    named = data(report(small, time=TIME, people=True).page)
    assert [name for name in PEOPLE if f'"{name}"' not in json.dumps(named)] == []
    assert [*named["boards"]] == ["overview", "costs", "tokens", "people"]


def test_a_report_of_one_person_has_to_name_people(small: Book) -> None:
    with pytest.raises(UsageError, match=r"names nobody, so it is not of one user\. Add --with-people"):
        report(small, time=TIME, where=["user_id=user-1"])
    found = data(report(small, time=TIME, where=["user_id=user-1"], people=True).page)
    assert found["only"] == "user_id=user-1"
    assert {e["key"] for e in found["cubes"][-1]["dims"]["project"]} == {"proj_1"}


def test_the_sums_of_a_report_are_those_of_the_book_to_the_last_digit(book: Book, full: Report) -> None:
    found = data(full.page)
    start = found["range"]["start"]
    for metric, dims in (("cost", ("project", "line_item")), ("requests", ("model",)), ("input_tokens", ("batch",))):
        cube = next(c for c in found["cubes"] if metric in c["values"])
        rows = cube["rows"]
        sums: dict[tuple[str, ...], Decimal] = {}
        for i, value in enumerate(cube["values"][metric]):
            if value is None or cube["days"][rows["day"][i]] < start:
                continue
            group = tuple(cube["dims"][d][rows["dims"][d][i]]["label"] for d in dims)
            sums[group] = sums.get(group, Decimal(0)) + Decimal(value)
        asked = book.query(metric, by=dims, since="2026-11-10", until="2026-11-23").rows()
        want = {tuple(row[d] for d in dims): Decimal(row[metric]) for row in asked if row[metric]}
        assert want
        assert {k: v for k, v in sums.items() if v} == want


def test_a_report_says_what_is_missing_and_what_it_is_restricted_to(small: Book, full: Report) -> None:
    assert (full.lacks, str(full.span)) == ("", "10-23 Nov 2026, 14 days, UTC")
    part = report(small, time=TIME, where=["project=Website"])
    assert part.lacks.startswith("embeddings 2026-11-08 to 2026-11-21: not read")
    found = data(part.page)
    assert found["only"] == "project=Website"
    assert "api_source" not in found["dims"]  # nothing is told apart by it
    assert "model" in found["dims"]
    assert {p["label"] for cube in found["cubes"] for p in cube["dims"].get("project", [])} == {"Website"}


@pytest.mark.parametrize(
    ("asked", "error", "text"),
    [
        ({"time": {"last": "24h"}}, UsageError, "whole UTC days"),
        ({"time": {"period": "lsat-month"}}, UsageError, "last-month"),
        ({"where": ["projct=Website"]}, QueryError, "project"),
        ({"where": ["Website"]}, UsageError, "DIMENSION=VALUE"),
    ],
)
def test_what_makes_no_report_says_why(small: Book, asked: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        report(small, **({"time": TIME} | asked))


def test_without_a_browser_there_is_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TALLYBOOK_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(UsageError, match=r"/nowhere/chromium, which is no program. .*--format html"):
        browser()
