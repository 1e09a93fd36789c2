"""Words as people type them, on a command line or in an address: lists and conditions. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tallybook.model.errors import UsageError


def words(texts: Iterable[str]) -> list[str]:
    """Return words given several times or with commas between them."""
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def pairs(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return `D=V` texts as a dict; a dimension given twice has alternatives, and `D!=V` leaves V out."""
    out: dict[str, list[str]] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise UsageError(f"where {text!r} is not DIMENSION=VALUE.")
        unwanted = "!" if name.endswith("!") else ""
        out.setdefault(name.removesuffix("!").strip(), []).append(unwanted + value)
    return out
