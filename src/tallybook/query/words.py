"""The words in brackets, and `Other`: groups that are no values of a dimension."""

from __future__ import annotations

NONE = "(none)"
"""Asked for, and the provider names nothing."""
NOT_HELD = "(not held)"
"""Not asked for, or refused: the whole amount, and the answer is incomplete."""
UNATTRIBUTED = "(unattributed)"
"""The bill minus its split, where the split is held."""
UNASSIGNED = "(unassigned)"
"""No rule names a team."""
OTHER = "Other"
"""What is beyond the top."""


def is_word(text: str) -> bool:
    """Return whether a group is one of the words in brackets, and no id."""
    return text.startswith("(")
