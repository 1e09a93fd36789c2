"""Pictures of the page as they were agreed on: shapes, colours and places. Text is left out: fonts differ by machine.

With `TALLYBOOK_WRITE_GOLDEN=1` they are made anew: look at them before you commit them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tallybook.emulator import running
from tallybook.web import create_app
from tests.books import kept_open, synced
from tests.emulator.wire import organization
from tests.web.browser.conftest import DESKTOP, PHONE, TABLET, painted

FOLDER = Path(__file__).parent / "pixels"
VIEWS = {
    "overview-light": ("?last=28d", DESKTOP, "light"),
    "costs-dark": ("?tab=costs&last=28d", DESKTOP, "dark"),
    "tokens-tablet": ("?tab=tokens&last=7d", TABLET, "light"),
    "overview-phone-dark": ("?last=28d", PHONE, "dark"),
}
WITHOUT_TEXT = "* { color: transparent !important; } text { fill: transparent !important; } select { opacity: 0; }"
FAINT = 24
"""Levels of 255 by which a colour may differ, as smoothed edges do."""
MOST = 0.002
"""The share of pixels that may differ by more."""


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of an organization whose clock stands still."""
    folder = tmp_path_factory.mktemp("pixels")
    with (
        organization(days=60) as org,
        kept_open(synced(org, folder / "b.duckdb")) as book,
        running(create_app(book)) as url,
    ):
        yield url.removesuffix("/v1")


def picture(chromium: Browser, url: str, size: tuple[int, int], scheme: str) -> Image.Image:
    page = chromium.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce",
        locale="en-US", timezone_id="UTC", bypass_csp=True,
    )  # fmt: skip
    try:
        page.goto(url)
        painted(page)
        return Image.open(io.BytesIO(page.screenshot(style=WITHOUT_TEXT))).convert("RGB")
    finally:
        page.close()


def different(one: Image.Image, other: Image.Image) -> float:
    """Return the share of pixels that are not alike."""
    if one.size != other.size:
        return 1.0
    distance = np.abs(np.asarray(one, dtype=np.int16) - np.asarray(other, dtype=np.int16)).max(axis=2)
    return float((distance > FAINT).mean())


@pytest.mark.parametrize("name", VIEWS)
def test_the_page_looks_as_it_was_agreed_on(chromium: Browser, still: str, tmp_path: Path, name: str) -> None:
    words, size, scheme = VIEWS[name]
    found = picture(chromium, f"{still}/{words}", size, scheme)
    agreed = FOLDER / f"{name}.png"
    if os.environ.get("TALLYBOOK_WRITE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        found.save(agreed, optimize=True)
    found.save(tmp_path / agreed.name)
    share = different(found, Image.open(agreed).convert("RGB"))
    assert share <= MOST, f"{share:.2%} of {agreed.name} is not as it was; it is now {tmp_path / agreed.name}"


def test_another_colour_or_place_is_seen(chromium: Browser, still: str) -> None:
    light, dark = (picture(chromium, f"{still}/?last=28d", DESKTOP, scheme) for scheme in ("light", "dark"))
    assert different(light, dark) > 0.5
    other = picture(chromium, f"{still}/?last=28d&by=model", DESKTOP, "light")
    assert different(light, other) > MOST
