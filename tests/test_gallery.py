"""The gallery shows every kind of picture, with the line that draws it, as its script makes it."""

import re

import pytest
from matplotlib.image import imread

from tallybook.show.plots import KINDS
from tests.test_cookbook import ROOT, script

GALLERY = script("make_gallery")


def test_the_page_is_what_the_script_writes() -> None:
    assert (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8") == GALLERY.page()


def test_every_kind_and_the_dark_theme_are_in_it() -> None:
    assert {name.partition("-")[0] for name in GALLERY.PICTURES} == {*KINDS, "dark"}


@pytest.mark.parametrize("name", GALLERY.PICTURES)
def test_every_picture_is_there_and_small(name: str) -> None:
    path = GALLERY.FOLDER / f"{name}.png"
    assert path.stat().st_size <= 60_000
    assert imread(path).shape[1] == 960
    kind = re.search(r'plot\("(\w+)"', GALLERY.PICTURES[name][1])
    assert kind is None or name.startswith(kind[1])


def test_no_picture_is_left_over() -> None:
    assert {path.stem for path in GALLERY.FOLDER.iterdir()} == set(GALLERY.PICTURES)
