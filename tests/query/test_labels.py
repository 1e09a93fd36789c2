"""Labels: the newest name, unique over all ids of a kind."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tallybook.query.labels import labels, resolve


def entry(identity: str, name: str | None, *, seen: int = 1, kind: str = "project", email: str | None = None) -> Any:
    seen_at = dt.datetime(2026, 11, seen)  # noqa: DTZ001
    return {"kind": kind, "id": identity, "name": name, "email": email, "last_seen": seen_at}


def test_the_newest_name_is_the_label() -> None:
    rows = [entry("proj_1", "Search", seen=3), entry("proj_1", "Find", seen=2), entry("proj_1", "Old", seen=1)]
    assert labels(rows) == labels(reversed(rows)) == {"project": {"proj_1": "Search"}}


def test_an_e_mail_stands_for_a_name_and_no_name_is_no_label() -> None:
    rows = [entry("u1", None, kind="user", email="a@example.com"), entry("u2", None, kind="user")]
    assert labels(rows)["user"] == {"u1": "a@example.com"}


def test_equal_names_end_with_as_much_of_the_id_as_tells_them_apart() -> None:
    rows = [entry("proj_aa123456", "Same"), entry("proj_bb123456", "Same"), entry("proj_c", "Other")]
    assert labels(rows)["project"] == {
        "proj_aa123456": "Same (a123456)",
        "proj_bb123456": "Same (b123456)",
        "proj_c": "Other",
    }


def test_names_of_different_kinds_do_not_meet() -> None:
    rows = [entry("a", "Same"), entry("b", "Same", kind="user")]
    assert labels(rows) == {"project": {"a": "Same"}, "user": {"b": "Same"}, "key_owner": {"b": "Same"}}


def test_a_person_and_a_service_account_of_one_name_are_told_apart_as_owners_of_keys() -> None:
    rows = [entry("user-aaaaaa", "Same", kind="user"), entry("svc-bbbbbb", "Same", kind="service_account")]
    found = labels(rows)
    assert found["user"] == {"user-aaaaaa": "Same"}
    assert found["key_owner"] == {"user-aaaaaa": "Same (aaaaaa)", "svc-bbbbbb": "Same (bbbbbb)"}


IDS = st.text("ab1)( ", min_size=1, max_size=9)


@given(st.dictionaries(IDS, st.text("ab1)( ", min_size=1, max_size=12), max_size=12))
def test_labels_are_unique_and_each_finds_its_id(names: dict[str, str]) -> None:
    known = labels([entry(identity, name) for identity, name in names.items()])
    of_kind = known.get("project", {})
    assert set(of_kind) == set(names)
    assert len(set(of_kind.values())) == len(names)
    for identity, label in of_kind.items():
        assert label.startswith(names[identity])
        found, _ = resolve("project", [label], known)
        assert identity in found or label in of_kind
        assert resolve("project", [identity], known)[0] == (identity,)
