"""Known misbehaviour of the real API, each as a named switch: one row of `QUIRKS`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tallybook.emulator import bends, checks, twists
from tallybook.emulator.behaviour import Behaviour, Quirk, also, put, rule, twist, wrap
from tallybook.emulator.faults import Always, Faults, login, out_of_quota
from tallybook.emulator.problems import denied_as_unknown, denied_barely
from tallybook.emulator.storm import Storm
from tallybook.emulator.throttle import Throttle
from tallybook.model.errors import UsageError, suggest

_MONEY = (
    Quirk(
        "string-amounts",
        "Amounts are JSON strings: plain, with 34 digits, or 0E-6176.",
        "openai-java issue 769; mozilla/bigquery-etl pull request 9739",
        put(amount=bends.string_amount),
    ),
    Quirk(
        "mixed-amounts",
        "Every other amount is a JSON string, the rest are numbers.",
        "strings for some organizations, numbers for others: CodexBar issue 999, langwatch issue 7579",
        put(amount=bends.mixed_amount),
    ),
    Quirk(
        "credits",
        "The bill has negative amounts that belong to no project.",
        "consumers that pass credits and adjustments through",
        twist(twists.credited),
    ),
    Quirk(
        "costs-lag",
        "Everything is billed N hours after it appears as usage.",
        "usage in minutes, costs within about a day: notes of several tools; Coralogix",
        twist(twists.lagging),
        24,
    ),
    Quirk(
        "split-gap",
        "One combination of dimensions in N is missing from costs by API key or by user: less than the bill.",
        "usage and costs are recorded in different ways, by OpenAI's own words",
        twist(twists.gapped),
        10,
    ),
    Quirk(
        "split-digits",
        "Costs by API key or by user differ from the bill in the last digit.",
        "each row is rounded by itself",
        also(bucket_rewrites=bends.last_digit),
    ),
    Quirk(
        "key-floor",
        "Costs by API key are given for the last N days only.",
        "refused before 2025-12-06: langwatch, PostHog pull request 71784; whether that moves is unknown",
        rule(key_days=None),
        60,
    ),
    Quirk(
        "no-user-costs",
        "Grouping costs by user_id is refused.",
        "in the official package, not in the published specification",
        also(checks=checks.NoGroup("user_id", "costs")),
    ),
    Quirk(
        "user-by-project",
        "Costs may be grouped by user and project together.",
        "depends on organization and time range: the official package",
        rule(user_by_project=True),
    ),
)

_TIME = (
    Quirk(
        "late-data",
        "Events are booked late: most within minutes, a tail within 48 hours.",
        "elastic/integrations pull request 19347; PostHog and langwatch re-read one to three days",
        twist(twists.settling),
    ),
    Quirk(
        "restatement",
        "Closed buckets change until 48 hours after their end: rows grow, shrink, vanish and appear.",
        "elastic/integrations pull request 19347; PostHog: buckets are restated as late usage lands",
        twist(twists.restating),
    ),
    Quirk(
        "lookback",
        "History reaches back N days only; older starts are refused.",
        "`reporting_lookback_exceeded`, about a year since October 2026; PostHog tries ever shorter spans",
        rule(reach_days=None),
        90,
    ),
    Quirk(
        "partial-first",
        "An unaligned start gives a first bucket that claims its whole width but holds only the rest of it.",
        "OpenAI's cookbook notebook; a week in eight buckets",
        put(hides_partial_start=True),
    ),
    Quirk(
        "partial-last",
        "An unaligned end gives a last bucket that claims its whole width but holds only the part before it.",
        "the mirror image of the first",
        put(hides_partial_end=True),
    ),
    Quirk(
        "open-ends-now",
        "The bucket that is still open ends now instead of at its full width.",
        "elastic/integrations pull request 12838 leaves it out",
        put(open_ends_now=True),
    ),
)

_ROWS = (
    Quirk(
        "duplicates",
        "Every third row is served as two rows with equal dimensions.",
        "an export of October 2025 (Guardian)",
        also(bucket_rewrites=bends.duplicated),
    ),
    Quirk(
        "null-dimensions",
        "Two rows in five lack their project, key, user or model although grouped by it.",
        "project_id null on costs: mozilla/bigquery-etl; the types allow it everywhere",
        twist(twists.unattributed),
    ),
    Quirk(
        "service-users",
        "Usage of a service account has the account's id as its user instead of none.",
        "what user_id means there is unresolved: langwatch",
        twist(twists.machines),
    ),
    Quirk(
        "unknown-fields",
        "Pages, buckets and rows have fields that no document names.",
        "langwatch, mozilla/bigquery-etl, stackql",
        also(bucket_rewrites=bends.unknown_in_bucket, page_rewrites=bends.unknown_in_page),
    ),
    Quirk(
        "old-fields",
        "Rows of tokens have the fields of early 2025 alone; the newer ones are null or absent.",
        "OpenAI's cookbook notebook",
        also(bucket_rewrites=bends.old_fields),
    ),
    Quirk(
        "zero-rows",
        "Buckets without activity have one row of zeros.",
        "unknown for usage; empty buckets were seen for costs",
        also(bucket_rewrites=bends.zero_row),
    ),
    Quirk(
        "missing-buckets",
        "Buckets without activity are left out.",
        "the API does not promise contiguous buckets",
        put(skips_empty=True),
    ),
    Quirk(
        "result-key",
        "Buckets name their rows `result`.",
        "older published specifications",
        also(bucket_rewrites=bends.result_key),
    ),
)

_PAGES = (
    Quirk(
        "small-pages",
        "A page has at most N buckets, whatever the limit asked for.",
        "langwatch: 31 buckets where 32 were asked for",
        lambda behaves, number: replace(behaves, page_cap=number),
        3,
    ),
    Quirk(
        "clamped-limit",
        "A limit that is too large is lowered without a word.",
        "langwatch, against its own earlier observation of a refusal",
        rule(clamps_limit=True),
    ),
    Quirk(
        "empty-cursor",
        "The last page has an empty string as its cursor.",
        "a third party's fixture",
        also(page_rewrites=bends.empty_cursor),
    ),
    Quirk(
        "lost-cursor",
        "Pages say that there is more, but carry no cursor.",
        "CodexBar pull request 1465",
        also(page_rewrites=bends.lost_cursor),
    ),
    Quirk(
        "repeated-cursor",
        "From the second page on the cursor is the one just used.",
        "CodexBar pull request 1465",
        also(page_rewrites=bends.repeated_cursor),
    ),
    Quirk(
        "has-more-past-end",
        "The pages never end: empty ones follow the last bucket.",
        "OpenAI community topic 1369109",
        also(page_rewrites=bends.endless),
    ),
    Quirk(
        "refused-past-end",
        "The last page says that there is more, and its cursor is refused.",
        "OpenAI community topic 1369109",
        also(page_rewrites=bends.endless, checks=checks.past_end),
    ),
    Quirk(
        "expired-cursor",
        "The first cursor of every query is refused as if it had expired.",
        "OpenAI community topic 1369109",
        lambda behaves, _n: replace(behaves, checks=(*behaves.checks, checks.FirstUse())),
    ),
    Quirk(
        "escaped-cursor",
        "A cursor whose `=` is percent-encoded is refused.",
        "stackql any-sdk; disputed, the official package encodes it",
        also(checks=checks.escaped_cursor),
    ),
)

_ACCESS = (
    Quirk(
        "no-decisions",
        "The server does not know the decisions dataset.",
        "in the official package, not in the published specification",
        put(absent=frozenset({"decisions"})),
    ),
    Quirk(
        "no-api-source",
        "Grouping by api_source is refused.",
        "in the official package, not in the published specification",
        also(checks=checks.NoGroup("api_source")),
    ),
    Quirk(
        "bare-403",
        "A missing scope is refused with a bare string where an object belongs.",
        "project keys on usage and costs, July 2026",
        put(denied=denied_barely),
    ),
    Quirk(
        "scope-401",
        "A missing scope is refused with 401 instead of 403.",
        "OpenAI community topic 1345041",
        put(denied=denied_as_unknown),
    ),
    Quirk(
        "nameless",
        "Names and e-mails in the directory are null.",
        "the types of the published specification allow it",
        also(list_rewrites=bends.nameless),
    ),
    Quirk(
        "rate-limit",
        "After N requests in a minute the rest of it is refused with 429 and Retry-After.",
        "limits are unpublished; elastic/integrations met them in bursts",
        wrap(Throttle),
        60,
    ),
    Quirk(
        "faults",
        "One request in N fails, in turn as 429, 500, 503 with HTML, a cut body or a bare-string error.",
        "Databricks' troubleshooting page and others",
        wrap(Faults),
        3,
    ),
    Quirk(
        "storm",
        "One request in N is hit by a fault of any kind: limits, errors, cut, slow and spoilt bodies, wrong 400s.",
        "all of the above and below at once",
        wrap(Storm),
        3,
    ),
    Quirk(
        "insufficient-quota",
        "Every request is refused for lack of quota.",
        "the API's own error code",
        wrap(Always, answer=out_of_quota),
    ),
    Quirk(
        "html",
        "Every answer is a login page in HTML with status 200.",
        "proxies in front of the API",
        wrap(Always, answer=login),
    ),
)

QUIRKS: Mapping[str, Quirk] = {quirk.name: quirk for quirk in (*_MONEY, *_TIME, *_ROWS, *_PAGES, *_ACCESS)}
"""Every quirk by name."""


def behaviour(names: Iterable[str]) -> Behaviour:
    """Return how a server with these quirks behaves; a quirk with a number may be written `name=N`."""
    numbers = dict(_switch(text) for text in names)
    behaves = Behaviour()
    # In the order of the table, so that it does not matter in which order they are named.
    for quirk in QUIRKS.values():
        if quirk.name in numbers:
            behaves = quirk.apply(behaves, numbers[quirk.name])
    return behaves


def _switch(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    quirk = QUIRKS.get(name)
    if quirk is None:
        raise UsageError(f"Unknown quirk {name!r}. {suggest(name, QUIRKS)}")
    if number and (quirk.number is None or not number.isdigit() or int(number) < 1):
        wanted = "takes no number" if quirk.number is None else "takes a whole number from 1 up"
        raise UsageError(f"The quirk `{name}` {wanted}; it was given {number!r}.")
    return name, int(number) if number else quirk.number or 0
