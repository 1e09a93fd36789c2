"""The page that people leave open, beside the same page made with other tools, in the same browser on the same book."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import report
from jobs import GROUPS, HERE, TALLYBOOK
from measure import environment, succeeded

ROWS, WIDTH = 10_000_000, "1m"
USERS, SECONDS = 20, 30
THINKS = (0.5, 1.5)
VIEWS = {
    "A": ("90 days by day, 12 models", "metric=requests&by=model&grain=day&since=2026-07-03&until=2026-09-30"),
    "B": ("30 days by hour, 20 projects", "metric=requests&by=project&grain=hour&since=2026-09-01&until=2026-09-30"),
}
_PAINTED = "() => document.querySelector('.panel') && !document.querySelector('.skeleton, [aria-busy=\"true\"]')"
Click = tuple[str, str]
"""What is clicked, and what is true once it is answered."""


def _says(metric: str) -> str:
    return f"() => document.body?.textContent.includes('shown: {metric}')"


def _card(title: str) -> str:
    return f'button.card:has(.card-title:text-is("{title}"))'


@dataclass(frozen=True, slots=True)
class Site:
    """One way to make the page."""

    name: str
    environment: str
    requirements: Sequence[str]
    command: Callable[[Path, int], list[str]]
    """How it is served, by its Python, on a port."""
    path: Callable[[str], str]
    """Where a view is."""
    ready: str
    clicks: Sequence[Click]
    packages: Sequence[str]


def _script(python: Path, name: str, *more: str) -> list[str]:
    return [str(python), str(HERE / "tools" / name), *more]


OURS = Site(
    "tallybook",
    "tallybook-page",
    (f"{TALLYBOOK[1]}[dashboard]",),
    lambda python, port: [
        str(python), "-m", "tallybook.cli", "dashboard", "--no-open", "--port", str(port), "--book", "bench.duckdb",
    ],
    lambda view: f"/?tab=overview&compare=previous&{VIEWS[view][1]}",
    _PAINTED,
    ((_card("Tokens"), _PAINTED), (_card("Requests"), _PAINTED)),
    ("tallybook",),
)  # fmt: skip
SITES = (
    OURS,
    Site(
        "Streamlit",
        "streamlit",
        GROUPS["bench-streamlit"],
        lambda python, port: [
            str(python), "-m", "streamlit", "run", str(HERE / "tools" / "page_streamlit.py"),
            "--server.port", str(port),
            "--server.headless", "true", "--browser.gatherUsageStats", "false",
        ],
        lambda view: f"/?view={view}",
        _says("Requests"),
        (('button:has-text("Tokens")', _says("Tokens")), ('button:has-text("Requests")', _says("Requests"))),
        ("streamlit", "plotly"),
    ),
    Site(
        "Dash",
        "dash",
        GROUPS["bench-dash"],
        lambda python, port: _script(python, "page_dash.py", str(port)),
        lambda view: f"/?view={view}",
        _says("Requests"),
        (('label:has-text("Tokens")', _says("Tokens")), ('label:has-text("Requests")', _says("Requests"))),
        ("dash", "plotly"),
    ),
)  # fmt: skip


def section(rounds: int) -> str:
    """Measure all sites; return the section."""
    browser = environment("browser", GROUPS["bench-browser"])
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as name:
        folder = Path(name)
        python = environment("tallybook", TALLYBOOK)
        made = succeeded(_script(python, "query_book.py", json.dumps({"rows": ROWS, "width": WIDTH})), folder=folder)
        rows = json.loads(made.output)["rows"]
        lines, crowd = [], ""
        for site in SITES:
            print(f"Page: {site.name}", file=sys.stderr)
            with served(site, folder) as url:
                lines += [_row(site, v, _opened(browser, site, f"{url}{site.path(v)}", rounds)) for v in VIEWS]
                if site is OURS:
                    crowd = _crowd(url)
    head = ("Page", "View", "kB on the wire", "Requests", "Painted, ms", "Click to painted, ms")
    text = (
        f"{rows:,} rows of usage of a year at {WIDTH}; {'; '.join(f'{v}: {what}' for v, (what, _) in VIEWS.items())}; "
        "five cards, stacked series, a donut, a table. A browser with an empty profile each time"
    )
    return f"### Page\n\n{text}.\n\n{report.table(head, lines, left=2)}\n\n{crowd}"


def _opened(browser: Path, site: Site, url: str, rounds: int) -> list[dict[str, Any]]:
    task = {"url": url, "ready": site.ready, "clicks": site.clicks, "rounds": rounds}
    runs: list[dict[str, Any]] = json.loads(succeeded(_script(browser, "page_browser.py", json.dumps(task))).output)
    return runs


def _row(site: Site, view: str, runs: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    clicks = [ms for run in runs for ms in run["clicks"]]
    return (
        site.name, view, f"{median(run['bytes'] for run in runs) / 1000:,.0f}",
        f"{median(run['requests'] for run in runs):.0f}", f"{median(run['painted'] for run in runs):,.0f}",
        f"{median(clicks):,.0f}",
    )  # fmt: skip


@contextmanager
def served(site: Site, folder: Path) -> Iterator[str]:
    """Serve a site in `folder`; yield its address once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = site.command(environment(site.environment, site.requirements), port)
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url)
            yield url
        finally:
            process.kill()


def _await(url: str, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(url, timeout=patience):
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _crowd(url: str) -> str:
    """Let users ask for boards at random for a while; return what their answers took."""
    taken: list[float] = []
    until = time.monotonic() + SECONDS

    def user(seed: int) -> None:
        draw = random.Random(seed)
        while time.monotonic() < until:
            words = VIEWS[draw.choice([*VIEWS])][1]
            words += f"&where=project=proj_{draw.randrange(20)}&tab={draw.choice(['overview', 'tokens', 'people'])}"
            began = time.perf_counter()
            with urllib.request.urlopen(f"{url}/api/board?{words}", timeout=60) as answer:
                answer.read()
            taken.append(time.perf_counter() - began)
            time.sleep(draw.uniform(*THINKS))

    users = [threading.Thread(target=user, args=(seed,)) for seed in range(USERS)]
    for each in users:
        each.start()
    for each in users:
        each.join()
    p50, p95 = median(taken), quantiles(taken, n=20)[-1]
    return (
        f"{USERS} users who each ask for a board filtered at random and then think for {THINKS[0]} to {THINKS[1]} "
        f"seconds, for {SECONDS} seconds: {len(taken)} answers, p50 {p50 * 1000:,.0f} ms, p95 {p95 * 1000:,.0f} ms."
    )
