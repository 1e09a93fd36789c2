"""A browser of this machine that prints a page: Chromium or one of its kind, run once, without a window."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tallybook.model.errors import ExportError, UsageError

VARIABLE = "TALLYBOOK_CHROMIUM"
"""The environment variable that names the browser."""
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars",
    "--force-color-profile=srgb", "--virtual-time-budget=10000",
)  # fmt: skip
_PATIENCE = 120
_WIDE, _HIGH = 1440, 900
_TALLEST = 16_000
"""Beyond, Chromium paints nothing."""
_SIZE = re.compile(r'<html[^>]* data-height="(\d+)"')


def browser() -> str:
    """Return the browser to use; raises `UsageError` where there is none."""
    named = os.environ.get(VARIABLE)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, (*_NAMES, *_PLACES))), None)
    if found is None:
        where = f"{VARIABLE} names {named}, which is no program" if named else "there is none on this machine"
        raise UsageError(
            f"PDF and PNG are made by Chromium, Chrome or Edge, and {where}. Install one, name it in {VARIABLE}, or "
            "write HTML (--format html), which any browser prints."
        )
    return found


def printed(page: bytes, form: str) -> bytes:
    """Return a self-contained page as `pdf` (A4, every tab) or `png` (the first tab, all of its height).

    Raises `UsageError` without a browser, `ExportError` where it fails.
    """
    program = browser()
    with tempfile.TemporaryDirectory(prefix="tallybook-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, target = folder / "report.html", folder / f"report.{form}"
        source.write_bytes(page)
        address, window = source.as_uri(), f"--window-size={_WIDE},{_HIGH}"
        if form == "pdf":
            _run(program, folder, f"--print-to-pdf={target}", "--no-pdf-header-footer", window, f"{address}?tab=all")
        else:
            text = _run(program, folder, "--dump-dom", window, address)
            found = _SIZE.search(text)
            high = min(int(found[1]) if found else _HIGH, _TALLEST)
            _run(program, folder, f"--screenshot={target}", f"--window-size={_WIDE},{high}", address)
        if not target.exists():
            raise ExportError(f"{program} wrote nothing. Try it again, or write HTML (--format html).")
        return target.read_bytes()


def _run(program: str, folder: Path, *arguments: str) -> str:
    command = [program, *_FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - the user's own browser
            command, capture_output=True, timeout=_PATIENCE, check=False, encoding="utf-8", errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ExportError(f"{program} did not print the report: {exc}.") from exc
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ExportError(f"{program} ended with {done.returncode}: {last}")
    return done.stdout
