"""Portable statements in PostgreSQL's words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""(?P<kept>'(?:[^']|'')*'|"(?:[^"]|"")*")"""
    r"|(?P<value>\?)"
    r"|\b(?P<schema>(?:rebuilt\.)?(?:internal|main)\.)"
    r"|(?P<word>::TEXT\b|\b(?:rowid|HUGEINT|VARCHAR)\b)"
)
_WORDS = {"rowid": "ctid", "HUGEINT": "DECIMAL(38, 0)", "VARCHAR": "TEXT", "::TEXT": '::TEXT COLLATE "C"'}
"""Text given to a statement is compared as that of our tables is."""
_EQUAL = re.compile(r"\b(\w+)\.(\w+) IS NOT DISTINCT FROM (\w+)\.\2\b(?: AND \1\.(\w+) IS NOT DISTINCT FROM \3\.\4\b)*")


@dataclass(frozen=True, slots=True)
class Names:
    """The schemas of a book."""

    public: str = "tallybook"

    @property
    def internal(self) -> str:
        """Where what is not public lies."""
        return f"{self.public}_internal"

    @property
    def rebuilt(self) -> Names:
        """Those of a book beside it."""
        return Names(f"{self.public}_rebuilt")


@lru_cache(maxsize=512)
def translated(text: str, names: Names) -> str:
    """Return a portable statement with `$1`, `$2`, … for its values, and schemas by their names."""
    count = 0

    def spelled(token: re.Match[str]) -> str:
        nonlocal count
        if token["kept"]:
            return token["kept"]
        if token["value"]:
            count += 1
            return f"${count}"
        if schema := token["schema"]:
            of = names.rebuilt if schema.startswith("rebuilt.") else names
            return f"{of.internal if schema.endswith('internal.') else of.public}."
        return _WORDS[token["word"]]

    return _EQUAL.sub(_records, _TOKEN.sub(spelled, text))


def _records(chain: re.Match[str]) -> str:
    """Return the comparison of two rows as one of records, in which NULL equals NULL, too.

    PostgreSQL joins by that with a sort; by a chain of `IS NOT DISTINCT FROM` it compares every row with every other.
    """
    a, b = chain[1], chain[3]
    columns = re.findall(rf"\b{a}\.(\w+) IS NOT DISTINCT", chain[0])
    sides = (", ".join(f"{side}.{c}" for c in columns) for side in (a, b))
    return " = ".join(f"CAST(ROW({side}) AS record)" for side in sides)
