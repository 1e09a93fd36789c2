"""Make `docs/page/light.png` and `dark.png`: the dashboard of the emulator's organization, as Chromium shows it.

`make pictures` calls it. The organization's clock stands still.
"""

from __future__ import annotations

import io
import tempfile

from make_gallery import NOW, ROOT, synced
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tallybook import web
from tallybook.emulator import Company, VirtualClock, create_app, running
from tallybook.web.chromium import browser as program

FOLDER = ROOT / "docs" / "page"
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
WORDS = "?last=28d&metric=cost&by=project"
READY = "() => document.querySelector('.panel') && !document.querySelector('.skeleton')"


def shot(browser: Browser, url: str, scheme: str) -> bytes:
    """Return the page in 256 colours."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(url)
    page.wait_for_function(READY)
    page.evaluate("() => document.fonts.ready")
    small = io.BytesIO()
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").quantize(256).save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> None:
    """Make both pictures."""
    FOLDER.mkdir(exist_ok=True)
    clock = VirtualClock(NOW)
    company = create_app(Company(days=200, requests_per_day=100, clock=clock))
    with (
        tempfile.TemporaryDirectory() as folder,
        running(company) as url,
        synced(folder, url, clock) as book,
        running(web.create_app(book)) as served,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        for scheme in ("light", "dark"):
            address = f"{served.removesuffix('/v1')}/{WORDS}"
            (FOLDER / f"{scheme}.png").write_bytes(shot(browser, address, scheme))
        browser.close()


if __name__ == "__main__":
    main()
