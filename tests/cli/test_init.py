"""`tallybook init`: settings that load, mention everything that can be set, and show the defaults."""

import re
from pathlib import Path

import msgspec

from tallybook.cli.init import TEMPLATE
from tallybook.model.settings import Org, Pages, Settings, Sync, Team, load
from tests.cli.conftest import Run


def uncommented() -> str:
    return re.sub(r"^# (\w+ = )", r"\1", TEMPLATE, flags=re.MULTILINE)


def test_what_it_writes_loads_as_the_defaults(tally: Run, folder: Path) -> None:
    ended = tally("init")
    assert ended.code == 0
    assert ended.out.startswith("Wrote tallybook.toml. Next: ")
    found = load(folder / "tallybook.toml", {})
    assert msgspec.structs.replace(found, path="", book="tallybook.duckdb") == Settings()


def test_every_commented_line_is_the_default(folder: Path) -> None:
    (folder / "tallybook.toml").write_text(uncommented())
    found = load(folder / "tallybook.toml", {})
    assert msgspec.structs.replace(found, path="", book="tallybook.duckdb") == Settings()


NESTED = {"path", "org", "teams", "panel", "feeds"}


def test_every_setting_is_mentioned() -> None:
    tables = {"": Settings, "[[org]]": Org, "[sync]": Sync, "[pages]": Pages}
    parts = re.split(r"^(\[.*\])$", uncommented(), flags=re.MULTILINE)
    sections = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    assert set(sections) == set(tables)
    for name, struct in tables.items():
        written = re.findall(r"^(\w+) = ", sections[name], re.MULTILINE)
        fields = {f for f in struct.__struct_fields__ if f"[{f}]" not in tables} - NESTED
        assert sorted(written) == sorted(fields)


def test_the_examples_of_a_team_a_panel_and_a_feed_load(folder: Path) -> None:
    text = re.sub(r"^#   ", "", TEMPLATE, flags=re.MULTILINE)
    (folder / "tallybook.toml").write_text(text)
    loaded = load(folder / "tallybook.toml", {})
    assert ([*loaded.teams], [p.tab for p in loaded.panel], [*loaded.feeds]) == (["Search"], ["overview"], ["spend"])
    written = re.findall(r"^(\w+) = ", text.split("[teams.Search]")[1].split("# Panels")[0], re.MULTILINE)
    assert written == list(Team.__struct_fields__)


def test_settings_that_are_there_are_left_alone(tally: Run, folder: Path) -> None:
    (folder / "tallybook.toml").write_text("# mine\n")
    ended = tally("init")
    assert (ended.code, ended.out) == (2, "")
    assert "is there already; it was left as it is. --force overwrites it." in ended.err
    assert (folder / "tallybook.toml").read_text() == "# mine\n"
    assert tally("init", "--force").code == 0
    assert (folder / "tallybook.toml").read_text() == TEMPLATE


def test_a_folder_that_is_not_there_is_said(tally: Run, folder: Path) -> None:
    ended = tally("init", "nowhere")
    assert ended.code == 2
    assert ended.err == "Error: Cannot write nowhere/tallybook.toml: No such file or directory.\n"
    (folder / "sub").mkdir()
    assert tally("init", "sub").code == 0
    assert (folder / "sub" / "tallybook.toml").exists()
