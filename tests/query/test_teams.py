"""Teams: which rule decides on which day, and rules that contradict each other."""

import datetime as dt
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import UsageError
from tallybook.query.own.teams import ALWAYS, KINDS, Member, Rule, called, checked, members, values

ACME = "acme"


def day(text: str | int) -> dt.date:
    return dt.date(2026, 1, text) if isinstance(text, int) else dt.date.fromisoformat(text)


def rule(pattern: str, team: str, *days: int | None, kind: str = "project", **more: Any) -> Rule:
    start, end = (*days, None, None)[:2]
    return Rule(kind, pattern, team, valid_from=start and day(start), valid_to=end and day(end), **more)


def teams_of(rules: list[Rule], identity: str = "proj_1", *names: str) -> list[tuple[dt.date, dt.date, str]]:
    found = members(rules, {"project": {(ACME, identity): set(names)}})
    assert {(m.org, m.kind, m.id) for m in found} <= {(ACME, "project", identity)}
    return [(m.valid_from.date(), m.valid_to.date(), m.values["team"]) for m in found]


def always(team: str) -> list[tuple[dt.date, dt.date, str]]:
    return [(*ALWAYS, team)]


def test_an_id_stands_before_a_name_a_name_before_a_pattern_a_longer_pattern_before_a_shorter() -> None:
    rules = [rule("proj_1", "id"), rule("Search", "name"), rule("Sea*", "long"), rule("S*", "short")]
    for strongest in range(4):
        assert teams_of(rules[strongest:], "proj_1", "Search") == always(rules[strongest].team)
        assert teams_of(rules[strongest:][::-1], "proj_1", "Search") == always(rules[strongest].team)
    assert teams_of(rules, "proj_2", "Chat") == []


def test_a_pattern_matches_the_id_or_anything_that_it_is_called_and_case_matters() -> None:
    rules = [rule("*@search.example", "Search")]
    assert teams_of(rules, "user_1", "Ada", "ada@search.example") == always("Search")
    assert teams_of([rule("proj_[12]", "T")], "proj_2") == always("T")
    assert teams_of([rule("proj_?", "T")], "proj_12") == []
    assert teams_of([rule("search*", "T")], "proj_1", "Search") == []
    assert teams_of([rule("Search [old]", "T")], "proj_1", "Search [old]") == always("T")


def test_days_are_half_open_and_the_next_best_rule_fills_what_the_best_leaves() -> None:
    rules = [rule("proj_1", "A", 10, 20), rule("proj_*", "B", 5, 15), rule("*", "C", None, 12)]
    assert teams_of(rules) == [
        (ALWAYS[0], day(5), "C"),
        (day(5), day(10), "B"),
        (day(10), day(20), "A"),
    ]
    assert teams_of([rule("proj_1", "A", 1, 5), rule("proj_1", "B", 5)]) == [
        (day(1), day(5), "A"),
        (day(5), ALWAYS[1], "B"),
    ]


def test_neighbours_that_say_the_same_are_one_stretch() -> None:
    assert teams_of([rule("proj_1", "A", 1, 5), rule("proj_1", "A", 5, 9)]) == [(day(1), day(9), "A")]
    assert teams_of([rule("proj_1", "A", 1, 5), rule("proj_1", "A", 6, 9)]) == [
        (day(1), day(5), "A"),
        (day(6), day(9), "A"),
    ]


def test_the_same_id_in_two_organizations_is_two_with_names_of_their_own() -> None:
    ids = {"project": {(ACME, "proj_1"): {"Search"}, ("beta", "proj_1"): {"Chat"}}}
    found = members([rule("Search", "S"), rule("C*", "C")], ids)
    assert [(m.org, m.values) for m in found] == [(ACME, {"team": "S"}), ("beta", {"team": "C"})]


def test_a_rule_is_about_ids_of_its_kind_alone() -> None:
    ids = {kind: {(ACME, "x"): set[str]()} for kind in KINDS}
    for kind in KINDS:
        (found,) = members([rule("x", "T", kind=kind)], ids)
        assert (found.kind, found.id) == (kind, "x")


def test_a_member_has_what_its_rule_sets_and_a_list_of_rules_says_which_dimensions_there_are() -> None:
    rules = [
        rule("a", "T", cost_center="R&D", tags=(("unit", "Core"),)),
        rule("b", "T", tags=(("stage", "prod"),)),
    ]
    found = members(rules, {"project": {(ACME, "a"): (), (ACME, "b"): ()}})
    midnights = tuple(dt.datetime.combine(edge, dt.time()) for edge in ALWAYS)
    assert found == [
        Member(ACME, "project", "a", *midnights, {"team": "T", "cost_center": "R&D", "unit": "Core"}),
        Member(ACME, "project", "b", *midnights, {"team": "T", "stage": "prod"}),
    ]
    assert values(rules) == ("team", "cost_center", "stage", "unit")
    assert values([]) == ("team", "cost_center")


OVERLAP = (
    "Two rules overlap: project 'p' in 'A' from 2026-01-01 to 2026-01-05 (line 2), and project 'p' in 'B' from "
    "2026-01-04 to now on (line 9). Give them days (valid_from, valid_to) apart."
)
ALIKE = (
    "Two rules are as good for project 'proj_1': project 'proj_?*' in 'A', and project 'proj_1*' in 'B'. Write a "
    "longer pattern, the id itself, or days that do not overlap."
)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([rule("p", "A", 1, 5, place="line 2"), rule("p", "B", 4, place="line 9")], OVERLAP),
        ([rule("p", "A", None, 3), rule("p", "A", cost_center="x")], "from ever to 2026-01-03, and project 'p' in"),
        ([rule("p", "A", tags=(("unit", "x"),)), rule("p", "A")], "Two rules overlap"),
        ([rule("proj_?*", "A"), rule("proj_1*", "B")], ALIKE),
        ([rule("proj_?*", "A"), rule("proj_1*", "B", 4)], "as good for project 'proj_1' on 2026-01-04: project 'pr"),
        ([rule("p", "A", 5, 5)], "it ends before it begins. valid_to is the first day that it does not hold."),
        ([rule("p", " ")], "a rule has an id and a team, neither of them empty."),
        ([rule("", "A")], "a rule has an id and a team, neither of them empty."),
        ([rule("p", "A", kind="projct")], "'projct' is no kind of id. Did you mean `project`?"),
        ([rule("p", "A", tags=(("model", "x"),), place="line 1")], "line 1: a tag cannot be called 'model': that is a"),
        ([rule("p", "A", tags=(("project_id", "x"),))], "a tag cannot be called 'project_id'"),
        ([rule("p", "A", tags=(("cost", "x"),))], "a tag cannot be called 'cost'"),
        ([rule("p", "A", tags=(("requests", "x"),))], "a tag cannot be called 'requests'"),
        ([rule("p", "A", tags=(("Business Unit", "x"),))], "underscores such as 'business_unit', not 'Business Unit'."),
        ([rule("p", "A", tags=(("€", "x"),))], "letters, digits and underscores, not '€'."),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_name(rules: list[Rule], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        members(rules, {"project": {(ACME, "proj_1"): set()}})
    assert words in str(caught.value)


def test_what_does_not_decide_contradicts_nothing() -> None:
    rules = [rule("proj_?*", "A"), rule("proj_1*", "B")]
    assert teams_of([*rules, rule("proj_1", "C")]) == always("C")
    assert teams_of([rule("proj_?*", "A", 1, 5), rule("proj_1*", "B", 5, 9)]) == [
        (day(1), day(5), "A"),
        (day(5), day(9), "B"),
    ]
    assert teams_of([rule("p*1", "A"), rule("p?*", "A")], "p1") == always("A")
    assert members(rules, {"project": {(ACME, "other"): set()}}) == []


def entry(identity: str, name: str | None, seen: int, kind: str = "project", email: str | None = None) -> Any:
    seen_at = dt.datetime(2026, 11, seen)  # noqa: DTZ001
    return {"org": ACME, "kind": kind, "id": identity, "name": name, "email": email, "last_seen": seen_at}


def test_an_id_is_called_by_its_newest_name_its_e_mail_and_its_label() -> None:
    rows = [
        entry("proj_aa123456", "Same", 2),
        entry("proj_aa123456", "Old", 1),
        entry("proj_bb123456", "Same", 1),
        entry("u1", "Ada", 1, "user", "ada@example.com"),
        entry("k1", None, 1, "api_key"),
        entry("g1", "Group", 1, "group"),
    ]
    found = called(rows, [rule("proj_new", "A"), rule("proj_x*", "A")], [ACME, "beta"])
    assert found == {
        "project": {
            (ACME, "proj_aa123456"): {"Same", "Same (a123456)"},
            (ACME, "proj_bb123456"): {"Same", "Same (b123456)"},
            (ACME, "proj_new"): set(),
            ("beta", "proj_new"): set(),
        },
        "user": {(ACME, "u1"): {"Ada", "ada@example.com"}},
        "api_key": {(ACME, "k1"): set()},
        "service_account": {},
    }


PATTERNS = st.one_of(st.sampled_from(["a", "ab", "b", "A", "a*", "*b", "?b", "*", "[ab]"]))
DAYS = st.one_of(st.none(), st.integers(1, 9).map(day))
RULES = st.builds(
    Rule,
    st.just("project"),
    PATTERNS,
    st.sampled_from("XYZ"),
    st.just(None),
    st.just(()),
    DAYS,
    DAYS,
).filter(lambda r: r.days[0] < r.days[1])
WORLD: Any = {("acme", "a"): {"A"}, ("acme", "ab"): set(), ("acme", "b"): {"ab"}}


EVERY = [day(1) + dt.timedelta(days=n) for n in range(-1, 10)]


def deciding(rules: list[Rule], identity: str, names: set[str], at: dt.date) -> set[str]:
    """Return the teams of the strongest rules of an id on a day, found rule by rule."""
    strong: dict[tuple[int, int], set[str]] = {}
    for r in rules:
        exact = 2 if r.pattern == identity else 1 if r.pattern in names else 0
        like = any(fnmatchcase(text, r.pattern) for text in (identity, *names))
        if (exact or like) and r.days[0] <= at < r.days[1]:
            strong.setdefault((exact, 0 if exact else len(r.pattern)), set()).add(r.team)
    return strong[max(strong)] if strong else set()


@given(st.lists(RULES, max_size=7))
def test_on_every_day_the_strongest_rule_decides_or_two_are_named(rules: list[Rule]) -> None:
    expected = {(i, at): deciding(rules, i, names, at) for (_, i), names in WORLD.items() for at in EVERY}
    try:
        checked(rules)
    except UsageError:
        return
    if any(len(teams) > 1 for teams in expected.values()):
        with pytest.raises(UsageError, match="Two rules are as good"):
            members(rules, {"project": WORLD})
        return
    got: dict[tuple[str, dt.date], set[str]] = {key: set() for key in expected}
    for m in members(rules, {"project": WORLD}):
        for at in EVERY:
            if m.valid_from.date() <= at < m.valid_to.date():
                assert not got[m.id, at]
                got[m.id, at] = {m.values["team"]}
    assert got == expected


@given(st.lists(RULES, max_size=5))
def test_rules_of_one_pattern_contradict_each_other_where_days_are_shared(rules: list[Rule]) -> None:
    shared = any(
        a.pattern == b.pattern and a.team != b.team and {*days_of(a)} & {*days_of(b)} for a in rules for b in rules
    )
    if shared:
        with pytest.raises(UsageError, match="Two rules overlap"):
            checked(rules)
    else:
        assert checked(rules) == rules


def days_of(r: Rule) -> list[dt.date]:
    return [at for at in EVERY if r.days[0] <= at < r.days[1]]
