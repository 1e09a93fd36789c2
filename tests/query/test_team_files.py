"""Rules of teams from what people save, and back."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import QueryError, UsageError
from tallybook.model.settings import Settings, Team
from tallybook.query.own.assignments import unmatched
from tallybook.query.own.csv_text import decoded, read
from tallybook.query.own.team_files import as_sheet, of_groups, of_settings, of_sheet, text_of
from tallybook.query.own.teams import KINDS, Rule, members

DAY = dt.date(2026, 4, 1)
TABLE = [
    ["kind", "id", "team", "cost_center", "unit", "valid_from", "valid_to"],
    ["project", "Search*", "Search; Ads", "R&D", "Core", "", "2026-04-01"],
    ["API key", "key_1", "Ops", "", "", "2026-04-01", ""],
]
RULES = [
    Rule("project", "Search*", "Search; Ads", "R&D", (("unit", "Core"),), None, DAY),
    Rule("api_key", "key_1", "Ops", None, (), DAY, None),
]


def rules(text: str) -> list[Rule]:
    return of_sheet(read(text, "teams.csv"))


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_however_a_spreadsheet_writes_it(delimiter: str, mark: bytes, end: str) -> None:
    quoted = [[f'"{cell}"' if ";" in cell else f" {cell} " for cell in row] for row in TABLE]
    text = end.join(delimiter.join(row) for row in [*quoted, [""] * 7, []])
    found = rules(decoded(mark + text.encode(), "teams.csv"))
    assert found == RULES
    assert [r.place for r in found] == ["line 2 of teams.csv", "line 3 of teams.csv"]


def test_columns_stand_in_any_order_in_any_case_and_may_be_left_out() -> None:
    assert rules("Team,ID,Kind,,\nA,p,project,,\n") == [Rule("project", "p", "A")]
    assert rules('kind,id,team\n\nproject,"two\nlines",A\nuser,u,B\n')[1].place == "line 5 of teams.csv"
    assert rules("kind,id,team\n") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "teams.csv is empty. Its first line must name the columns."),
        ("kind,id\nproject,p\n", "teams.csv has no column 'team'. It needs kind, id and team;"),
        ("kind,id,team\nproject,,A\n", "teams.csv, line 2, column id: it is empty."),
        (
            "kind,id,team\n\nprojet,p,A\n",
            "teams.csv, line 3, column kind: 'projet' is no kind of id. Did you mean",
        ),
        (
            "kind,id,team,valid_from\nproject,p,A,1.4.2026\n",
            "line 2, column valid_from: '1.4.2026' is not a day.",
        ),
        ("kind,id,team\nproject,p,A,B\n", "teams.csv, line 2: 4 cells, where the header has 3 columns."),
        ("kind,id,team,team\n", "teams.csv, line 1: two columns are called 'team'."),
        ("kind,id,team,Team\n", "teams.csv: two columns differ in capitals only."),
        ("kind,id,,team\n", "teams.csv, column 'column 3': a tag has a name of small letters, digits and"),
        ("kind,id,team,Model\nproject,p,A,x\n", "teams.csv, column 'Model': a tag cannot be called 'model'"),
        ("kind,id,team,Cost Object\n", "underscores such as 'cost_object', not 'cost object'."),
        ('kind,id,team\nproject,"p"x,A\n', "teams.csv, line 2: "),
        (
            "kind,id,team\nproject,p,A\nproject,p,B\n",
            "'A' (line 2 of teams.csv), and project 'p' in 'B' (line 3 of t",
        ),
    ],
)
def test_what_is_wrong_is_said_with_line_and_column(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        rules(text)
    assert words in str(caught.value)


@pytest.mark.parametrize("data", ["kind,id\nprojéct".encode("latin-1"), "kind,id".encode("utf-16"), b"a\0b"])
def test_what_is_not_text_in_utf_8_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"^teams\.csv is not text in UTF-8\. In Excel, save it as “CSV UTF-8”\.$"):
        decoded(data, "teams.csv")


WORDS = st.text("ab*?[]'\"=+-@;,\n\té ", min_size=1, max_size=8).map(str.strip).filter(bool)
GIVEN = st.builds(
    Rule,
    st.sampled_from(KINDS),
    WORDS,
    WORDS,
    st.none() | WORDS,
    st.dictionaries(st.sampled_from(["unit", "stage"]), WORDS).map(lambda tags: tuple(sorted(tags.items()))),
    st.none() | st.just(DAY),
    st.none() | st.just(DAY + dt.timedelta(days=1)),
)


@given(st.lists(GIVEN, max_size=4, unique_by=lambda r: (r.kind, r.pattern)))
def test_a_list_is_written_as_the_table_that_gives_it_again(given_rules: list[Rule]) -> None:
    text = text_of(given_rules)
    assert rules(text) == given_rules


def test_no_cell_that_is_written_can_be_run_by_a_spreadsheet() -> None:
    text = text_of([Rule("project", "=1+1", "@x", "-1", (("unit", "'=a"),))])
    assert text.splitlines()[1] == "project,'=1+1,'@x,'-1,''=a,,"
    assert rules(text) == [Rule("project", "=1+1", "@x", "-1", (("unit", "'=a"),))]


def test_rows_of_python_are_rules_too_and_errors_count_them() -> None:
    given_rows: list[Any] = [
        {
            "kind": "project",
            "id": "Search*",
            "team": "Search; Ads",
            "cost_center": "R&D",
            "unit": "Core",
            "valid_to": DAY,
        },
        {"kind": "api_key", "id": "key_1", "team": "Ops", "valid_from": "2026-04-01"},
    ]
    assert of_sheet(as_sheet(given_rows)) == RULES
    assert of_sheet(as_sheet([])) == []
    with pytest.raises(UsageError, match="the rows given, line 1, column team: it is empty"):
        of_sheet(as_sheet([{"kind": "user", "id": "u", "team": None}]))


def test_the_settings_say_teams_too() -> None:
    teams = {
        "Search": Team(("proj_1", "Search*"), ("ada@example.com",), cost_center="R&D", tags={"unit": "Core"}),
        "Ops": Team(api_keys=("key_1",), service_accounts=("svc_1",), valid_from="2026-04-01"),
    }
    found = of_settings(Settings(teams=teams, path="tallybook.toml"))
    assert {(r.kind, r.pattern, r.team) for r in found} == {
        ("project", "proj_1", "Search"),
        ("project", "Search*", "Search"),
        ("user", "ada@example.com", "Search"),
        ("api_key", "key_1", "Ops"),
        ("service_account", "svc_1", "Ops"),
    }
    assert {(r.cost_center, r.tags, r.valid_from) for r in found} == {
        ("R&D", (("unit", "Core"),), None),
        (None, (), DAY),
    }
    with pytest.raises(UsageError, match=r"^\[teams\.A\] in here\.toml: a tag cannot be called 'cost'"):
        of_settings(Settings(teams={"A": Team(("p",), tags={"cost": "x"})}, path="here.toml"))
    both = {"A": Team(("p",)), "B": Team(("p",))}
    with pytest.raises(UsageError, match=r"'A' \(\[teams\.A\] in .*, and project 'p' in 'B' \(\[teams\.B\] in "):
        of_settings(Settings(teams=both, path="here.toml"))


SEEN = dt.datetime(2026, 11, 20)  # noqa: DTZ001


def group(identity: str, name: str | None, *users: str, org: str = "acme", seen: dt.datetime = SEEN) -> list[Any]:
    about = {"org": org, "id": identity, "email": None, "last_seen": seen, "replaced_at": None}
    details = json.dumps({"members": users})
    return [
        about | {"kind": "group", "name": name, "details": None},
        about | {"kind": "group_members", "name": None, "details": details},
    ]


def user(identity: str, name: str) -> Any:
    about = {"org": "acme", "kind": "user", "id": identity, "name": name, "email": None, "details": None}
    return about | {"last_seen": SEEN, "replaced_at": None}


def test_users_belong_to_their_group() -> None:
    rows = [*group("g1", "Search", "u1", "u2"), *group("g2", "Chat", "u3"), *group("g3", None, "u4", org="beta")]
    assert of_groups(rows) == [
        Rule("user", "u1", "Search"),
        Rule("user", "u2", "Search"),
        Rule("user", "u3", "Chat"),
        Rule("user", "u4", "g3"),
    ]
    assert of_groups(rows, ["Chat", "g3"]) == [Rule("user", "u3", "Chat"), Rule("user", "u4", "g3")]


def test_an_earlier_version_of_a_group_and_a_group_that_is_gone_count_for_nothing() -> None:
    old = [row | {"replaced_at": SEEN} for row in group("g1", "Old", "u9", seen=SEEN - dt.timedelta(days=1))]
    gone = group("g2", "Gone", "u8", seen=SEEN - dt.timedelta(days=2))
    assert of_groups([*old, *gone, *group("g1", "New", "u1")]) == [Rule("user", "u1", "New")]


def test_a_user_in_two_groups_is_an_error_that_names_both_until_groups_are_chosen() -> None:
    rows = [user("u2", "Ada"), *group("g1", "Search", "u1", "u2"), *group("g2", "Everybody", "u1", "u2")]
    with pytest.raises(UsageError) as caught:
        of_groups(rows[1:])
    assert str(caught.value) == (
        "u1 (u1) is in the groups 'Search' and 'Everybody', and a user has one team. Choose with --group NAME the "
        "groups that are teams. (2 users are in several.)"
    )
    assert [r.team for r in of_groups(rows, ["Search"])] == ["Search", "Search"]
    with pytest.raises(UsageError, match=r"^Ada \(u2\) is in the groups"):
        of_groups([rows[0], *group("g1", "Search", "u2"), *group("g2", "Everybody", "u2")])


def test_a_group_that_there_is_not_is_named() -> None:
    with pytest.raises(UsageError, match="The book knows no groups"):
        of_groups([])
    with pytest.raises(QueryError, match=r"Unknown group 'Seaarch'\. Did you mean `Search`"):
        of_groups(group("g1", "Search"), ["Seaarch"])


def test_ids_that_no_rule_matches_are_counted_by_kind() -> None:
    ids: Any = {"project": {("acme", "p1"): {"Search"}, ("acme", "p2"): set()}, "user": {("acme", "u1"): set()}}
    found = members([Rule("project", "Sea*", "A")], ids)
    assert unmatched(ids, found, {"project"}) == {"project": (1, 2)}


def test_the_file_is_named_as_people_know_it(tmp_path: Path) -> None:
    assert Rule("project", "p", "A", place="line 2 of teams.csv").place in str(rules("kind,id,team\nproject,p,A\n")[0])
