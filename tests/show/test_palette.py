"""Colours: twelve that are told apart, also by eyes that do not tell red from green, and texts that can be read."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.show.plots.palette import THEMES, hues


@given(st.lists(st.text(min_size=1), unique=True, max_size=30))
def test_no_two_of_twelve_have_the_same_hue(keys: list[str]) -> None:
    found = hues(keys, {})
    assert len({found[key] for key in keys[:12]}) == len(keys[:12])
    assert found == hues(keys, {})
    assert set(found.values()) <= set(range(12))


Colours = npt.NDArray[np.float64]


def linear(colours: Sequence[str]) -> Colours:
    """Return colours as the light that they are."""
    parts = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear([colour])[0] @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("theme", THEMES)
def test_every_hue_stands_out_from_its_ground_and_texts_can_be_read(theme: str) -> None:
    known = THEMES[theme]

    def contrast(colour: str) -> float:
        light, dark = sorted([luminance(colour), luminance(known.ground)], reverse=True)
        return (light + 0.05) / (dark + 0.05)

    assert min(map(contrast, known.hues)) >= 3
    assert min(map(contrast, (known.ink, known.soft, known.warning))) > 4.5
    assert len({*known.hues, known.other, known.word}) == 14


EYES = {
    "most": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
"""How light is seen: the matrices of Machado, Oliveira and Fernandes (2009) for the whole deficiency."""
CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
OKLAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


@pytest.mark.parametrize(("eyes", "first", "least"), [("most", 12, 9), ("protanopia", 8, 6.5), ("deuteranopia", 8, 9)])
@pytest.mark.parametrize("theme", THEMES)
def test_hues_are_far_from_each_other_as_eyes_see_them(theme: str, eyes: str, first: int, least: float) -> None:
    seen = np.clip(linear(THEMES[theme].hues[:first]) @ EYES[eyes].T, 0, 1)
    places = 100 * np.cbrt(seen @ CONES.T) @ OKLAB.T
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(places, 2)) >= least
