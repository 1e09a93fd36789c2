"""Whether a key can read what tallybook reads: one cheap request each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tallybook.collect.http import Http, Query
from tallybook.model.errors import ProviderError
from tallybook.model.windows import DAY


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    """What to change, where it is not well."""
    required: bool = True
    """Whether a sync fails without it."""


ASK_AN_OWNER = """\
Text to send to an owner of the OpenAI organization:

  Please create an admin key for our usage and cost reporting (tallybook), at
  https://platform.openai.com/settings/organization/admin-keys
  Restrict it to reading: usage (api.usage.read) and organization
  administration (api.management.read). It only ever sends GET requests to
  /v1/organization/usage, /costs, /projects and /users. Let it expire as our
  policy says, and send it to me through our secret store, not by mail."""


def scopes(http: Http, now: int) -> list[Check]:
    """Ask for one bucket of usage and of costs, and for one project."""
    day = now // DAY * DAY
    bucket: Query = [("start_time", str(day - DAY)), ("end_time", str(day)), ("limit", "1")]
    probes: Sequence[tuple[str, str, Query, str, bool]] = (
        ("usage", "organization/usage/completions", bucket, "the scope api.usage.read", True),
        ("costs", "organization/costs", bucket, "the scope api.usage.read", True),
        (
            "directory",
            "organization/projects",
            [("limit", "1")],
            "the scope api.management.read; without it there are ids instead of names",
            False,
        ),
    )
    return [_probe(http, name, path, query, needs, required) for name, path, query, needs, required in probes]


def _probe(http: Http, name: str, path: str, query: Query, needs: str, required: bool) -> Check:
    try:
        http.get(path, query)
    except ProviderError as exc:
        return Check(name, False, str(exc), f"Reading {name} needs {needs}.", required)
    return Check(name, True, "readable")
