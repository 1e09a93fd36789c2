"""The schema of a book as ordered SQL files; a file that was released never changes."""

from __future__ import annotations

from functools import cache
from importlib import resources

UNFINISHED = 0
"""The number that stands among those of migrations while a book is being copied into this one."""


def unfinished(where: str) -> str:
    """Return what is said of a book that is not whole yet."""
    again = "Type the same `tallybook copy FROM TO` again; it goes on where it was."
    return f"The copy into {where} is not finished. {again}"


@cache
def migrations() -> tuple[tuple[int, str, str], ...]:
    """Return (number, name, SQL with words in braces that each store spells its way) of every migration, in order."""
    files = [f for f in resources.files(__package__).iterdir() if f.name.endswith(".sql")]
    out = []
    for file in sorted(files, key=lambda f: f.name):
        number, _, name = file.name.removesuffix(".sql").partition("_")
        out.append((int(number), name, file.read_text(encoding="utf-8")))
    return tuple(out)
