"""What users install: the built wheel, in an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "TALLYBOOK_", "PYTEST_", "COVERAGE_"))}
    result = subprocess.run(list(map(str, command)), cwd=cwd, env=clean | environ, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of executables of a fresh environment with `tallybook[demo]` from the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    run(folder / "venv/bin/python", "-m", "pip", "install", "-q", f"{wheel}[demo]", cwd=folder)
    return folder / "venv" / "bin"


def test_the_demo_runs_from_the_wheel_without_a_key(installed: Path, tmp_path: Path) -> None:
    result = run(installed / "tallybook", "demo", "--days", "20", cwd=tmp_path)
    assert "Missing  nothing" in result.stdout
    assert "Data complete" in result.stdout
    assert (tmp_path / "tallybook-demo.duckdb").exists()


def test_the_demo_can_be_asked_again_afterwards(installed: Path, tmp_path: Path) -> None:
    run(installed / "tallybook", "demo", "--days", "3", cwd=tmp_path)
    result = run(installed / "tallybook", "query", "cost", "--book", "tallybook-demo.duckdb", "--json", cwd=tmp_path)
    assert '"complete": ' in result.stdout


def test_the_wheel_holds_types_migrations_and_licence(installed: Path) -> None:
    code = (
        "import importlib.resources as r, importlib.metadata as m, tallybook;"
        "print((r.files('tallybook') / 'py.typed').is_file(), tallybook.__version__ == m.version('tallybook'));"
        "from tallybook.store.migrations import migrations; print(len(migrations()) > 0);"
        "print(any('LICENSE' in str(f) for f in m.files('tallybook')))"
    )
    assert run(installed / "python", "-c", code, cwd=installed).stdout.split() == ["True"] * 4
