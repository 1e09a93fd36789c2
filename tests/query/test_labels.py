"""Labels: the newest name, unique over all ids of a kind."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.errors import UnknownNameError
from tallybook.query.labels import identity_of, labels, qualified, resolve


def entry(
    identity: str,
    name: str | None,
    *,
    seen: int = 1,
    kind: str = "project",
    email: str | None = None,
    org: str = "acme",
) -> Any:
    seen_at = dt.datetime(2026, 11, seen)  # noqa: DTZ001
    return {"org": org, "kind": kind, "id": identity, "name": name, "email": email, "last_seen": seen_at}


def of_acme(rows: Any) -> dict[str, dict[str, str]]:
    """Return the labels of one organization by id."""
    found = labels(rows)
    assert {org for of_kind in found.values() for org, _ in of_kind} <= {"acme"}
    return {kind: {i: label for (_, i), label in of_kind.items()} for kind, of_kind in found.items()}


def test_the_newest_name_is_the_label() -> None:
    rows = [entry("proj_1", "Search", seen=3), entry("proj_1", "Find", seen=2), entry("proj_1", "Old", seen=1)]
    assert of_acme(rows) == of_acme(reversed(rows)) == {"project": {"proj_1": "Search"}}


def test_an_e_mail_stands_for_a_name_and_no_name_is_no_label() -> None:
    rows = [entry("u1", None, kind="user", email="a@example.com"), entry("u2", None, kind="user")]
    assert of_acme(rows)["user"] == {"u1": "a@example.com"}


def test_equal_names_end_with_as_much_of_the_id_as_tells_them_apart() -> None:
    rows = [entry("proj_aa123456", "Same"), entry("proj_bb123456", "Same"), entry("proj_c", "Other")]
    assert of_acme(rows)["project"] == {
        "proj_aa123456": "Same (a123456)",
        "proj_bb123456": "Same (b123456)",
        "proj_c": "Other",
    }


def test_names_of_different_kinds_do_not_meet() -> None:
    rows = [entry("a", "Same"), entry("b", "Same", kind="user")]
    assert of_acme(rows) == {"project": {"a": "Same"}, "user": {"b": "Same"}, "key_owner": {"b": "Same"}}


def test_a_person_and_a_service_account_of_one_name_are_told_apart_as_owners_of_keys() -> None:
    rows = [entry("user-aaaaaa", "Same", kind="user"), entry("svc-bbbbbb", "Same", kind="service_account")]
    found = of_acme(rows)
    assert found["user"] == {"user-aaaaaa": "Same"}
    assert found["key_owner"] == {"user-aaaaaa": "Same (aaaaaa)", "svc-bbbbbb": "Same (bbbbbb)"}


def test_one_id_in_two_organizations_is_two_with_a_name_each() -> None:
    rows = [entry("proj_1", "Search"), entry("proj_1", "Chat", org="beta")]
    assert labels(rows)["project"] == {("acme", "proj_1"): "Search", ("beta", "proj_1"): "Chat"}


def test_a_label_is_unique_over_all_organizations() -> None:
    rows = [entry("proj_aa123456", "Same"), entry("proj_bb123456", "Same", org="beta")]
    assert list(labels(rows)["project"].values()) == ["Same (a123456)", "Same (b123456)"]
    rows = [entry("proj_1", "Same"), entry("proj_1", "Same", org="beta"), entry("proj_2", "Same", org="beta")]
    assert list(labels(rows)["project"].values()) == [
        "Same (acme:proj_1)",
        "Same (beta:proj_1)",
        "Same (beta:proj_2)",
    ]


def test_an_id_is_qualified_where_there_are_several_organizations() -> None:
    assert qualified(("acme", "a:b")) == "acme:a:b"
    assert identity_of("acme:a:b", ["acme", "beta"]) == ("acme", "a:b")
    assert identity_of("a:b", ["acme"]) == ("acme", "a:b")


def test_a_name_means_what_bears_it_in_the_organizations_asked() -> None:
    rows = [
        entry("proj_1", "Search"),
        entry("proj_2", "Chat"),
        entry("proj_1", "Chat", org="beta"),
        entry("proj_3", None, org="beta"),
    ]
    known, listed = labels(rows), {(row["org"], row["id"]) for row in rows}

    def meant(text: str, *orgs: str) -> tuple[Any, ...]:
        return resolve("project", [text], known, listed, orgs)[0]

    assert meant("Search", "acme", "beta") == (("acme", "proj_1"),)
    assert meant("Chat", "acme", "beta") == (("acme", "proj_2"), ("beta", "proj_1"))
    assert meant("Chat", "beta") == (("beta", "proj_1"),)
    assert meant("proj_1", "acme", "beta") == (("acme", "proj_1"), ("beta", "proj_1"))
    assert meant("proj_2", "acme", "beta") == (("acme", "proj_2"), ("beta", "proj_2"))
    assert meant("proj_3", "acme", "beta") == (("acme", "proj_3"), ("beta", "proj_3"))
    with pytest.raises(UnknownNameError, match=r"Unknown project 'Search'\. Known: Chat"):
        meant("Search", "beta")
    remarks = resolve("project", ["Chat"], known, listed, ["acme", "beta"])[1]
    assert remarks == ["2 projects are called 'Chat'; all are in: Chat (proj_1), Chat (proj_2)."]


IDS = st.tuples(st.sampled_from(["acme", "beta"]), st.text("ab1)(: ", min_size=1, max_size=9))


@given(st.dictionaries(IDS, st.text("ab1)(: ", min_size=1, max_size=12), max_size=12))
def test_labels_are_unique_and_each_finds_its_id(names: dict[tuple[str, str], str]) -> None:
    known = labels([entry(identity, name, org=org) for (org, identity), name in names.items()])
    of_kind = known.get("project", {})
    assert set(of_kind) == set(names)
    assert len(set(of_kind.values())) == len(names)
    ids = {identity for _, identity in names}
    for identity, label in of_kind.items():
        assert label.startswith(names[identity])
        found, _ = resolve("project", [label], known, (), ["acme", "beta"])
        assert identity in found or label in ids
        assert resolve("project", [identity[1]], known, (), [identity[0]])[0] == (identity,)
