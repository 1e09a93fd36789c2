"""Teams as text: the rules, what an import changed, and what no rule matches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tallybook.query.own.teams import Rule
from tallybook.show.tables import Column, plain, table_text, terminal_width
from tallybook.show.text import render

_MOST = 20


def rules_text(rules: Sequence[Rule], unmatched: Mapping[str, tuple[int, int]], *, width: int | None = None) -> str:
    """Return a table of rules, without the columns that none of them fills."""
    width = width or terminal_width()
    if not rules:
        return render(
            "No rule says whose anything is. `tallybook teams import teams.csv` brings some, and so does [teams] in "
            "the settings.",
            width=width,
        )
    columns = [
        Column("team", [r.team for r in rules], is_label=True),
        Column("kind", [r.kind for r in rules]),
        Column("id", [r.pattern for r in rules], is_label=True),
        Column("also", [_further(r) for r in rules], is_label=True),
        Column("from", [str(r.valid_from or "") for r in rules]),
        Column("to", [str(r.valid_to or "") for r in rules]),
        Column("said in", [r.place for r in rules], is_label=True),
    ]
    table = table_text([c for c in columns if any(c.cells)], width)
    return "\n\n".join([table, render(_reach(unmatched), width=width)] if unmatched else [table])


def _further(rule: Rule) -> str:
    return ", ".join(f"{name}={value}" for name, value in rule.values.items() if name != "team")


def import_text(
    rules: Sequence[Rule],
    added: Sequence[Rule],
    removed: Sequence[Rule],
    unmatched: Mapping[str, tuple[int, int]],
    *,
    width: int | None = None,
) -> str:
    """Return what an import changed, rule by rule, and how far the rules reach now."""
    lines = [f"+ {rule}" for rule in added] + [f"- {rule}" for rule in removed]
    more = [f"and {len(lines) - _MOST:,} more; --json lists them"] if len(lines) > _MOST else []
    teams = len({rule.team for rule in rules})
    head = f"{len(rules):,} rules for {teams:,} teams; {len(added):,} added, {len(removed):,} removed."
    lines = [head, *map(plain, lines[:_MOST]), *more]
    return render(*lines, *([_reach(unmatched)] if unmatched else []), width=width or terminal_width())


def _reach(unmatched: Mapping[str, tuple[int, int]]) -> str:
    left = [f"{n:,} of {of:,} {_kinds(kind)}" for kind, (n, of) in unmatched.items() if n]
    if left:
        return f"No rule matches {', '.join(left)}."
    return f"Some rule matches each of {', '.join(f'{of:,} {_kinds(kind)}' for kind, (_, of) in unmatched.items())}."


def _kinds(kind: str) -> str:
    return f"{kind.replace('_', ' ')}s"
