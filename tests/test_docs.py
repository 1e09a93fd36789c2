"""The documentation names what exists."""

import re
import runpy
from pathlib import Path

import pytest

from tallybook.cli import COMMANDS
from tallybook.emulator import QUIRKS
from tallybook.model.schema import COSTS_TABLE, USAGE_TABLE
from tallybook.model.version import __version__
from tallybook.query.dimensions import DIMENSIONS
from tallybook.query.metrics import METRICS
from tallybook.store.migrations import migrations

ROOT = Path(__file__).parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "table", re.findall(r"CREATE (?:TABLE|VIEW) \{\w+\}\.(\w+)", "".join(m[2] for m in migrations()))
)
def test_every_table_and_view_of_a_book_is_documented(table: str) -> None:
    assert f"`{table}`" in text("docs/schema.md")


@pytest.mark.parametrize("column", sorted({*USAGE_TABLE.names, *COSTS_TABLE.names}))
def test_every_public_column_is_documented(column: str) -> None:
    assert f"`{column}`" in text("docs/schema.md")


@pytest.mark.parametrize("quirk", QUIRKS)
def test_every_quirk_is_documented(quirk: str) -> None:
    row = QUIRKS[quirk]
    number = f" or `{quirk}=N` (default {row.number})" if row.number else ""
    assert f"| `{quirk}`{number} | {row.description} | {row.source} |\n" in text("docs/emulator.md")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_or_the_guide(command: str) -> None:
    everything = text("README.md") + text("docs/guide.md") + text("docs/emulator.md")
    assert f"tallybook {command}" in everything


def test_the_page_of_metrics_is_what_its_script_makes() -> None:
    script = runpy.run_path(str(ROOT / "docs/make_metrics.py"))
    assert script["page"]() == text("docs/metrics.md"), "run python docs/make_metrics.py"
    for name in (*METRICS, *DIMENSIONS):
        assert f"| `{name}`" in text("docs/metrics.md")


def test_the_version_has_its_heading_in_the_changelog() -> None:
    assert f"## [{__version__}]" in text("CHANGELOG.md")


PAGES = [
    *("README.md", "CONTRIBUTING.md", "SECURITY.md"),
    *("docs/guide.md", "docs/gallery.md", "docs/emulator.md", "docs/metrics.md"),
]


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", text(page)):
        assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_readme_stays_short() -> None:
    assert len(text("README.md").splitlines()) <= 120
