"""The documentation's examples for testing one's own pipeline, as they are printed there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tallybook
from tests.emulator.wire import DAY, NOW, Org

DOCS = Path(__file__).parents[2] / "docs" / "emulator.md"
BLOCK = re.compile(r"^```(?:python|bash)\n# ([^:\n]+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = dict(BLOCK.findall(DOCS.read_text("utf-8")))
NAMES = ("conftest.py", "pipeline.py", "test_pipeline.py")


def run_pytest(folder: Path, pipeline_test: str, only: str = "") -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(BLOCKS[name] if name != "test_pipeline.py" else pipeline_test)
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(tallybook.__file__).parents[1])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-k", only]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_the_printed_tests_pass_and_fail_where_the_text_says_so(tmp_path: Path) -> None:
    printed = BLOCKS["test_pipeline.py"]
    right = run_pytest(tmp_path / "right", printed)
    assert right.returncode == 0, right.stdout
    assert "7 passed" in right.stdout
    one_day = printed.replace("midnight - 3 * DAY, midnight)", "midnight - DAY, midnight)")
    assert one_day != printed
    wrong = run_pytest(tmp_path / "wrong", one_day, "late or restatement or small")
    failed = re.findall(r"^FAILED .*\[([a-z-]+)\]", wrong.stdout, re.MULTILINE)
    assert (sorted(failed), "1 passed" in wrong.stdout) == (["late-data", "restatement"], True)


def test_the_official_client_is_used_as_printed(org: Org) -> None:
    code = BLOCKS["the official client"].replace("http://127.0.0.1:8787/v1", org.base)
    scope: dict[str, Any] = {"since": int(NOW.timestamp()) - 7 * DAY}
    exec(compile(code, "docs", "exec"), scope)
    assert len(scope["page"].data) == 7
    scope["client"].close()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_commands_of_curl_are_as_printed(org: Org) -> None:
    start, *lines = BLOCKS["curl"].splitlines()
    assert start.startswith("tallybook emulator --port 8787 ")
    script = "\n".join(lines).replace("http://127.0.0.1:8787", org.base.removesuffix("/v1"))
    script = script.replace("$(date +%s)", str(int(NOW.timestamp())))
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert re.findall(r'^{"(\w+)', done.stdout.replace("}{", "}\n{"), re.MULTILINE) == ["object", "start", "count"]
