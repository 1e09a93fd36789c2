"""Line items of the bill: free text, taken apart as far as it can be. Pure; never raises.

    [product | ] model [modality], direction {, qualifier}

is how nearly all of them are written, which no document says. A product that is a service tier (`priority | …`) is a
tier. What does not fit stays whole: every part is None, and so it is counted as not understood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

PARSER_VERSION = 1
"""Grows with every change of what `parse` returns; what a book holds is then taken apart again."""

_TIERS = frozenset({"batch", "flex", "priority", "scale", "fast", "ultrafast"})
_MODALITIES = frozenset({"text", "audio", "image", "video"})
_KINDS = {
    "input": "input",
    "cached input": "cached input",
    "input cached": "cached input",
    "cache write": "cache writes",
    "cache writes": "cache writes",
    "input cache write": "cache writes",
    "output": "output",
    "training": "training",
}
"""How a direction is written, without `tokens` and underscores -> the one word for it, which is the bill's own."""
_CHARGES = {
    "web search tool calls": "web search",
    "file search tool calls": "file search",
    "file search": "file search",
    "vector storage": "vector storage",
    "code interpreter sessions": "code interpreter",
}
"""What is billed without a model, in lower case -> the product."""
_MODEL = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[\w.:/-]+")
"""What may be a model where no direction says so: one word of letters and digits."""


@dataclass(frozen=True, slots=True)
class LineItem:
    """One text of the bill and what it says; the fields are the columns of `line_items`."""

    line_item: str
    """The text as it is."""
    parser_version: int = PARSER_VERSION
    product: str | None = None
    """What it is for, where that is not a model alone: `evals`, `web search`, …; in lower case."""
    model: str | None = None
    """As the bill spells it; fine-tunes begin with `ft-`, where usage has `ft:`."""
    modality: str | None = None
    """`text`, `audio`, `image` or `video`."""
    token_kind: str | None = None
    """`input`, `cached input`, `cache writes`, `output` or `training`."""
    tier: str | None = None
    """`batch`, `flex`, `priority`, …; None is the ordinary one."""
    qualifier: str | None = None
    """The rest: `long context`, `1024x1024`, `characters`, …"""

    @property
    def parsed(self) -> bool:
        """Whether anything of the text was understood."""
        return self != LineItem(self.line_item, self.parser_version)


def parse(text: str) -> LineItem:
    """Return what a line item says; where it says nothing that is known, the text alone."""
    *prefixes, rest = (_plain(part) for part in text.split("|"))
    head, *parts = (part.strip() for part in rest.split(","))
    found = _without_model(LineItem(text), rest) or _with_model(LineItem(text), head, parts)
    if found is None and not all(map(_tier, prefixes)):
        found = LineItem(text, qualifier=rest.lower())
    if found is None or "" in (*prefixes, head, *parts):
        return LineItem(text)
    return _prefixed(found, prefixes)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _kind(text: str) -> str | None:
    return _KINDS.get(text.lower().replace("_", " ").removesuffix(" tokens"))


def _tier(text: str) -> str | None:
    word = re.sub(r" (api|processing|tier)$", "", text.lower())
    return word if word in _TIERS else None


def _without_model(item: LineItem, rest: str) -> LineItem | None:
    """Return what is billed without a model: a tool, storage, or tokens of any."""
    lower = rest.lower()
    if product := _CHARGES.get(lower):
        return replace(item, product=product)
    if kind := _kind(rest):
        return replace(item, token_kind=kind)
    modality = lower.removesuffix(" tokens")
    return replace(item, modality=modality) if modality in _MODALITIES and modality != lower else None


def _with_model(item: LineItem, head: str, parts: list[str]) -> LineItem | None:
    """Return what is billed for a model; the parts behind its name may come in any order."""
    model, modality = _modality(head)
    kind = tier = None
    others = []
    for part in parts:
        if kind is None and (kind := _kind(part)):
            continue
        if tier is None and (tier := _tier(part)):
            continue
        if modality is None and part.lower() in _MODALITIES:
            modality = part.lower()
            continue
        others.append(part.lower())
    if not parts or (kind is None and not (model and _MODEL.fullmatch(model))):
        return None
    return replace(
        item, model=model, modality=modality, token_kind=kind, tier=tier, qualifier=", ".join(others) or None
    )


def _modality(head: str) -> tuple[str | None, str | None]:
    model, _, last = head.rpartition(" ")
    return (model or None, last.lower()) if last.lower() in _MODALITIES else (head, None)


def _prefixed(item: LineItem, prefixes: list[str]) -> LineItem:
    """Return an item with what stands before it: tiers, and products."""
    tiers = [tier for p in prefixes if (tier := _tier(p))]
    products = [p.lower() for p in prefixes if not _tier(p)]
    if item.product and products:  # the tool of a product
        item = replace(item, product=None, qualifier=item.product)
    return replace(
        item, product=" | ".join(products) or item.product, tier=tiers[0] if tiers and not item.tier else item.tier
    )
