"""What is public: the names, their documentation, and a start that loads nothing heavy."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tallybook
from tallybook.cli import COMMANDS

NAMES = {
    "Book", "ExportError", "Fetched", "IncompleteError", "ProviderError", "QueryError", "Result", "SettingsError",
    "StoreError", "TallybookError", "UsageError", "__version__", "fetch", "open",
}  # fmt: skip
HEAVY = ("pandas", "pyarrow", "duckdb", "httpx2", "starlette", "matplotlib", "msgspec", "click", "rich", "polars")


def test_the_public_names_are_these() -> None:
    assert set(tallybook.__all__) == NAMES
    assert dir(tallybook) == sorted(NAMES)
    assert tallybook.__all__ == sorted(NAMES)
    with pytest.raises(AttributeError, match="no attribute 'sync'"):
        _ = tallybook.sync


@pytest.mark.parametrize("name", sorted(NAMES - {"__version__"}))
def test_every_public_name_and_method_is_documented(name: str) -> None:
    value = getattr(tallybook, name)
    assert inspect.getdoc(value)
    assert value.__doc__, f"{name} has only the docstring of its base"
    if inspect.isclass(value):
        for member, method in vars(value).items():
            if not member.startswith("_") and callable(method):
                assert method.__doc__, f"{name}.{member}"


@pytest.mark.parametrize("function", [tallybook.Book.query, tallybook.Book.sync, tallybook.fetch])
def test_every_word_that_a_question_takes_is_explained(function: object) -> None:
    text = inspect.getdoc(function) or ""
    plumbing = {"self", "key", "progress", "transport", "clock", "config", "filters"}
    for name in set(inspect.signature(function).parameters) - plumbing:  # type: ignore[arg-type]
        assert f"`{name}" in text or f"/{name}`" in text, name


def test_every_error_is_a_tallybook_error() -> None:
    for name in NAMES:
        if name.endswith("Error"):
            assert issubclass(getattr(tallybook, name), tallybook.TallybookError)


def loaded(code: str, modules: tuple[str, ...] = HEAVY) -> set[str]:
    """Return which modules a fresh interpreter has after `code`."""
    report = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint('LOADED', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {module.partition(".")[0] for module in done.stdout.partition("LOADED")[2].split()} & set(modules)


def test_importing_loads_nothing_heavy() -> None:
    assert loaded("import tallybook") == set()


@pytest.mark.parametrize("arguments", [[], ["--help"], ["--version"]], ids=str)
def test_the_overview_loads_nothing_heavy(arguments: list[str]) -> None:
    line = f"import sys; sys.argv = {['tallybook', *arguments]!r}; import tallybook.cli; tallybook.cli.main()"
    assert loaded(line) == set()


def test_a_question_loads_no_client_no_server_and_no_frames(tmp_path: Path) -> None:
    words = ["tallybook", "query", "cost", "--book", str(tmp_path / "none.duckdb")]
    line = f"import sys; sys.argv = {words!r}; import tallybook.cli; tallybook.cli.main()"
    assert loaded(line, ("pandas", "polars", "httpx2", "starlette", "uvicorn", "matplotlib")) == set()
    assert loaded(line, ("duckdb",)) == {"duckdb"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_verb_loads_no_store_no_client_and_no_frames(name: str) -> None:
    line = f"import sys; sys.argv = ['tallybook', {name!r}, '--help']; import tallybook.cli; tallybook.cli.main()"
    assert loaded(line, ("pandas", "pyarrow", "duckdb", "httpx2", "starlette", "matplotlib", "polars")) == set()
