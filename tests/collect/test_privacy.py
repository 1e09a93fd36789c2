"""What is dropped before anything is stored: names and e-mails, by mode; every other byte stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.collect.privacy import impersonal, scrub
from tallybook.collect.values import quoted
from tallybook.model.settings import Directory

PLAIN = (
    b'{"object":"bucket", "start_time": 1,"results" :[ {"amount":{"value":0.0036275000000000000000,"currency":"usd"},'
    b'"line_item":"a@b.example, input","user_id":"ada@example.com","project_id":null,"quantity":1E-7} ]}'
)
PERSONAL = (
    b'{"object":"bucket","results":[{"amount":{"value":1.50,"payer_email":"ada@example.com"},"project_id":"proj_a",'
    b'"project_name":"Search","user_email":"ada@example.com","userName":"Ada","team":{"display_names":["Ada"],"size":2},'
    b'"contacts":["bo@example.com","desk 7"],"remark":"ask cleo@example.com","quantity":0E-6176}]}'
)
WITHOUT_EMAILS = (
    b'{"object":"bucket","results":[{"amount":{"value":1.50},"project_id":"proj_a",'
    b'"project_name":"Search","userName":"Ada","team":{"display_names":["Ada"],"size":2},'
    b'"contacts":["desk 7"],"quantity":0E-6176}]}'
)
WITHOUT_NAMES = (
    b'{"object":"bucket","results":[{"amount":{"value":1.50},"project_id":"proj_a","team":{"size":2},'
    b'"contacts":["desk 7"],"quantity":0E-6176}]}'
)


@pytest.mark.parametrize("mode", ["full", "names", "ids", "off"])
def test_a_bucket_without_people_keeps_every_byte(mode: Directory) -> None:
    assert scrub(PLAIN, mode) is PLAIN or scrub(PLAIN, mode) == PLAIN


@pytest.mark.parametrize(
    ("mode", "left"), [("full", PERSONAL), ("names", WITHOUT_EMAILS), ("ids", WITHOUT_NAMES), ("off", WITHOUT_NAMES)]
)
def test_what_the_mode_does_not_allow_is_cut_out_and_the_rest_keeps_its_bytes(mode: Directory, left: bytes) -> None:
    assert scrub(PERSONAL, mode) == left


def test_a_field_cannot_hide_behind_an_escape_or_its_case() -> None:
    hidden = rb'{"u\u0073er_n\u0061me":"Ada","x":{"EMAIL":"a@b.example","\u0040":"ada\u0040example.com"},"y":1}'
    assert scrub(hidden, "ids") == b'{"x":{},"y":1}'
    assert scrub(rb'{"x":"a\nb","y":[]}', "ids") == rb'{"x":"a\nb","y":[]}'
    assert scrub(b'{"ada@example.com":5}', "names") == b"{}"


def test_a_field_that_comes_twice_hides_nothing_in_the_one_that_is_not_read() -> None:
    assert scrub(b'{"a": [{"x": "ada@example.com", "x": 1}], "b": 2}', "ids") == b'{"a":[{"x":1}],"b":2}'
    assert scrub(b'{"name": 1, "name": "Ada", "b":  2}', "ids") == b'{"b":2}'


def test_a_list_in_a_field_that_is_kept_is_searched() -> None:
    assert scrub(b'{"model":["m",{"name":"Ada"},"ada@example.com"],"line_item":"n@me"}', "ids") == (
        b'{"model":["m",{}],"line_item":"n@me"}'
    )


@pytest.mark.parametrize("levels", [60, 500])
def test_what_lies_deeper_than_anything_is_dropped(levels: int) -> None:
    raw = b'{"x":' * levels + b'{"y":5,"name":"Ada"}' + b"}" * levels
    deepest = b'{"x":' * 64 + b"{}" + b"}" * 64
    left = raw.replace(b',"name":"Ada"', b"") if levels < 64 else deepest
    assert scrub(raw, "ids") == left
    assert impersonal(json.loads(raw), depth=0) == json.loads(left)


FIELDS = st.sampled_from(["name", "user_email", "x", "amount", "user_id", "Filename", "deep", "a\\b"])
ADA = st.sampled_from(["ada@example.com", "Ada", "plain", 'quo"te', "é\n"])
VALUES = st.recursive(
    ADA | st.integers() | st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("value", [{"name": "Ada"}, ["Ada"], "ada@example.com"], ids=repr)
def test_an_error_does_not_repeat_what_may_be_a_name(value: Any) -> None:
    told = quoted(value)
    assert "Ada" not in told
    assert "@" not in told


DROPPED = object()


def expected(value: Any, field: str = "") -> Any:
    """Say it once more, in the plainest way."""
    if field in ("amount", "user_id") and not isinstance(value, dict | list):
        return value
    if field in ("name", "user_email", "Filename") or (isinstance(value, str) and "@" in value):
        return DROPPED
    if isinstance(value, dict):
        return {k: e for k, v in value.items() if (e := expected(v, k)) is not DROPPED}
    if isinstance(value, list):
        return [e for v in value if (e := expected(v)) is not DROPPED]
    return value


@given(st.dictionaries(FIELDS, VALUES, max_size=5), st.booleans(), st.sampled_from([None, 1]))
def test_nothing_else_is_lost(value: Any, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    left = scrub(raw, "ids")
    assert json.loads(left) == expected(value)
    assert scrub(left, "ids") == left
    if json.loads(left) == value:
        assert left == raw
