"""What texts of facts mean: models of line items, families of models. Read from the book's small tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tallybook.query.question import Query
from tallybook.query.statement.derive import OWNERS, Derivation, looked_up
from tallybook.store.base import Store

MODELS_BILLED = "models"
"""The product of a line of the bill that names a model, or tokens, and nothing else."""
ORDINARY = "default"
"""The service tier of a line of the bill that names none, as usage has it."""
_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{4})$")
_TUNED = re.compile(r"ft[:-](.+)")

_MODELS = "SELECT DISTINCT model FROM internal.usage_daily_narrow WHERE model IS NOT NULL"
_BILLED = ("model", "model_family", "product", "token_kind", "service_tier")


def family(model: str) -> str:
    """Return a model's name without its date, and of a fine-tune that of what it was made from."""
    tuned = _TUNED.fullmatch(model)
    base = tuned[1].split(":")[0] if tuned else model
    return _DATE.sub("", base)


def derivations(store: Store, query: Query) -> dict[tuple[str, str], Derivation]:
    """Return how the question's columns that facts do not have are derived."""
    wanted = {d.column for d in query.dimensions} | {n for t in query.terms for n in t.needs}
    out = {("usage", c): d for c, d in OWNERS.items()} | {("costs", c): d for c, d in OWNERS.items()}
    tables = {t.table for t in query.terms}
    is_billed = "costs" in tables and bool(wanted & set(_BILLED))
    models = _models(store) if "model_family" in wanted or (is_billed and "model" in wanted) else []
    if is_billed:
        items = store.rows("line_items")
        for column in wanted & set(_BILLED):
            out["costs", column] = looked_up(column, "line_item", _of_items(column, items, models), "t.line_item")
    if "usage" in tables and "model_family" in wanted:
        out["usage", "model_family"] = looked_up(
            "model_family", "model", {m: family(m) for m in models if family(m) != m}, "t.model"
        )
    return out


def _models(store: Store) -> list[str]:
    return [str(m) for m in store.read(_MODELS)["model"].to_pylist()]


def _of_items(column: str, items: Iterable[Mapping[str, str]], models: Iterable[str]) -> dict[str, str | None]:
    """Return what each line item that is understood says; the others stand for themselves."""
    tuned = _tuned(models)
    out: dict[str, str | None] = {}
    for item in items:
        parts = [item[c] for c in ("product", "model", "modality", "token_kind", "tier", "qualifier")]
        if not any(parts):
            continue
        model = tuned.get(item["model"], item["model"]) if item["model"] else None
        is_model = model or item["token_kind"]
        out[item["line_item"]] = {
            "model": model,
            "model_family": family(model) if model else None,
            "product": item["product"] or (MODELS_BILLED if is_model else None),
            "token_kind": item["token_kind"],
            "service_tier": item["tier"] or (ORDINARY if is_model else None),
        }[column]
    return out


def _tuned(models: Iterable[str]) -> dict[str, str]:
    """Return, for each way in which the bill may spell a fine-tune, the one model of usage that it can be."""
    found: dict[str, list[str]] = {}
    for model in models:
        if model.startswith("ft:"):
            for spelled in {f"ft-{model.split(':')[1]}", model.replace(":", "-")}:
                found.setdefault(spelled, []).append(model)
    return {spelled: those[0] for spelled, those in found.items() if len(those) == 1}
