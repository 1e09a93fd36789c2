"""Lists of numbers as short texts: `17-84,90`. Pure, shared by all stores."""

from __future__ import annotations

from collections.abc import Iterable


def compact(numbers: Iterable[int]) -> str:
    """Return numbers, in their order, as a text in which those that follow each other are one range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(f"{a}-{b}" if a < b else str(a) for a, b in runs)


def expand(text: str) -> list[int]:
    """Return the numbers of a text that `compact` made, in their order."""
    out: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        out += range(int(first), int(last or first) + 1)
    return out
