"""Environments, and processes measured from outside, on Unix. Standard library only: a small parent.

A child's peak memory as the kernel reports it is never below its parent's, so the parent must stay small.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jobs import COMPANY, HERE, ROOT

ENVIRONMENTS = HERE / ".envs"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


@dataclass(frozen=True, slots=True)
class Run:
    """One process, from start to end."""

    seconds: float
    cpu: float
    """Seconds of processor time, user and system."""
    peak: int
    """Bytes of memory at the peak."""
    output: str
    code: int
    """The exit code; negative for a process that was killed, as one is that does not end."""


def environment(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment that has `requirements`, made if need be."""
    home = ENVIRONMENTS / name
    python = home / "bin" / "python"
    state = json.dumps([sys.version, *requirements, hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()])
    stamp = home / "stamp.json"
    if not stamp.exists() or stamp.read_text() != state:
        print(f"Making {home.relative_to(ROOT)} …", file=sys.stderr)
        venv.create(home, clear=True, with_pip=True, symlinks=True)
        subprocess.run([python, *PIP, *requirements], check=True)
        stamp.write_text(state)
    return python


def versions(python: Path, packages: Sequence[str]) -> str:
    """Return packages of an environment with their versions."""
    code = "import sys, importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    done = subprocess.run([python, "-c", code, *packages], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def run(
    command: Sequence[str | Path],
    variables: Mapping[str, str] | None = None,
    folder: Path | None = None,
    *,
    patience: float = 600,
    quiet: bool = False,
) -> Run:
    """Run a command in `folder`, else in one of its own that is thrown away, and measure the whole process.

    It is killed after `patience` seconds; `quiet` hides what it says beside its output.
    """
    with tempfile.TemporaryDirectory(prefix="tallybook-bench-") as scratch, tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.DEVNULL if quiet else None,
            cwd=folder or scratch,
            env={**_variables(), **(variables or {})},
            text=True,
        )
        timer = threading.Timer(patience, child.kill)
        timer.start()
        _, status, used = os.wait4(child.pid, 0)
        timer.cancel()
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024
        cpu = used.ru_utime + used.ru_stime
        return Run(seconds, cpu, used.ru_maxrss * unit, output.read(), child.returncode)


def _variables() -> dict[str, str]:
    """Return the environment without what keeps Python from writing bytecode: what pip installs has it already."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def succeeded(
    command: Sequence[str | Path], variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> Run:
    """Run a command that must succeed."""
    done = run(command, variables, folder)
    if done.code:
        raise SystemExit(f"{' '.join(map(str, command[:2]))} ended with {done.code}")
    return done


@contextmanager
def emulator() -> Iterator[str]:
    """Run the emulator in a process of its own and yield its base URL."""
    command = [sys.executable, str(HERE / "server.py"), json.dumps(COMPANY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.stdin.close()


def control(url: str, path: str, **given: object) -> Any:
    """Return what the emulator says at one of its own paths, such as `/_ledger`."""
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}{path}?{urlencode(given)}") as answer:
        return json.load(answer)
