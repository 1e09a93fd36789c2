"""`tallybook plot`: a picture in a file, never over one that is there, and what it says beside it."""

from io import BytesIO
from pathlib import Path

import pytest
from matplotlib.image import imread

from tests.cli.conftest import Run, ago

MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.fixture
def at(folder: Path, synced: Path) -> tuple[str, ...]:
    """The options that name a book, and a range that it has in full."""
    return ("--book", str(synced), "--since", ago(3), "--until", ago(1))


@pytest.mark.parametrize("form", MAGIC)
def test_a_picture_is_what_its_suffix_says(tally: Run, folder: Path, at: tuple[str, ...], form: str) -> None:
    command = ("plot", "cost", "--by", "project", "--grain", "day", "--theme", "dark", "--title", "Ours", *at)
    ended = tally(*command, "-o", f"x.{form}")
    assert (ended.code, ended.out) == (0, f"x.{form}\n")
    first = (folder / f"x.{form}").read_bytes()
    assert first.startswith(MAGIC[form])
    assert tally(*command, "-o", f"x.{form}", "--force").code == 0
    again = (folder / f"x.{form}").read_bytes()
    assert len(again) == len(first)
    assert again == first or form == "svg"  # whose names of clips are drawn by lot
    if form == "svg":
        assert b"#14171f" in first
    assert [path.name for path in folder.iterdir()] == [f"x.{form}"]


def test_a_file_that_is_there_stays_as_it_is(tally: Run, folder: Path, at: tuple[str, ...]) -> None:
    (folder / "x.png").write_text("mine")
    ended = tally("plot", "cost", *at, "-o", "x.png")
    assert ended.code == 2
    assert "x.png is there already, and was left as it is. Overwrite it with --force" in ended.err
    assert (folder / "x.png").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "A picture goes to a file: add -o FILE.png, FILE.svg, FILE.pdf."),
        (["-o", "x.gif"], "A picture is png, svg, pdf; the suffix of x.gif is none of them."),
        (["-o", "nowhere/x.png"], "The folder nowhere does not exist."),
        (["-o", "x.png", "--kind", "pie"], "'pie' is not one of 'stack', 'bars', 'area'"),
        (["-o", "x.png", "--by", "projct"], "Did you mean `project` or"),
        (["-o", "x.png", "--top", "0"], "0 is not in the range x>=1"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_nothing_is_written(
    tally: Run, folder: Path, at: tuple[str, ...], options: list[str], said: str
) -> None:
    ended = tally("plot", "cost", *at, *options)
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
    assert list(folder.iterdir()) == []


def test_groups_beyond_the_top_are_other_and_more_may_be_wanted_than_a_kind_draws(
    tally: Run, folder: Path, at: tuple[str, ...]
) -> None:
    few, many = ((*at, "--by", "line_item", "--grain", "day", "--top", n) for n in ("2", "40"))
    assert tally("plot", "cost", *few, "-o", "few.png").code == 0
    assert tally("plot", "cost", *many, "-o", "many.png").code == 0
    heights = [imread(BytesIO((folder / name).read_bytes())).shape[0] for name in ("few.png", "many.png")]
    assert heights[1] > heights[0] + 300


def test_an_incomplete_picture_is_drawn_and_said_and_strict_makes_it_a_failure(
    tally: Run, folder: Path, synced: Path
) -> None:
    ended = tally("plot", "cost", "--book", str(synced), "--last", "30d", "-o", "x.svg", "--strict")
    assert ended.code == 1
    assert ended.err.startswith("Incomplete: costs ")
    assert (folder / "x.svg").exists()
