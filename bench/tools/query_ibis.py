"""The questions as Ibis expressions over the book's public tables, compiled anew each time, as a page would."""

import ibis
from ibis import _
from questions import measured

con = ibis.duckdb.connect("bench.duckdb", read_only=True)
usage, costs = con.table("usage"), con.table("costs")
TEXTS = ["completions", "embeddings", "moderations"]
TOKENS = _.input_tokens + _.output_tokens.fill_null(0)


def between(table, since, until):
    """Return the rows of a range."""
    return table.filter(_.start_time >= ibis.timestamp(since), _.start_time < ibis.timestamp(until))


def models():
    """Return tokens and cache-hit rate by day of the top 8 models, in both ranges."""
    start = ibis.timestamp("2026-07-03")
    now, before = between(usage, "2026-07-03", "2026-10-01"), between(usage, "2026-04-03", "2026-07-02")
    rows = now.union(before).filter(_.dataset.isin(TEXTS))
    is_chat = _.dataset == "completions"
    parts = rows.group_by(
        before=_.start_time < start,
        day=_.start_time.date() + ibis.ifelse(_.start_time < start, ibis.interval(days=91), ibis.interval(days=0)),
        model=_.model,
    ).agg(
        tokens=TOKENS.sum(),
        cached=_.input_cached_tokens.sum(where=is_chat),
        input=_.input_tokens.sum(where=is_chat),
    )
    sizes = parts.filter(~_.before).group_by("model").agg(size=_.tokens.sum())
    top = sizes.order_by(ibis.desc("size")).limit(8)
    shown = parts.mutate(model=ibis.ifelse(_.model.isin(top.model), _.model, "Other"))
    return shown.group_by("day", "model").agg(
        tokens=_.tokens.sum(where=~_.before),
        tokens_before=_.tokens.sum(where=_.before),
        rate=_.cached.sum(where=~_.before) / _.input.sum(where=~_.before),
        rate_before=_.cached.sum(where=_.before) / _.input.sum(where=_.before),
    )


def projects():
    """Return the cost by project and month."""
    part = between(costs, "2025-10-01", "2026-10-01")
    return part.group_by(_.start_time.truncate("M").name("month"), "project_id").agg(amount=_.amount.sum())


def users():
    """Return active users by week."""
    part = between(usage, "2025-10-06", "2026-09-28")
    return part.group_by(_.start_time.truncate("W").name("week")).agg(users=_.user_id.nunique())


def hours():
    """Return requests by weekday and hour."""
    part = between(usage, "2026-09-03", "2026-10-01")
    keys = {"weekday": _.start_time.day_of_week.full_name(), "hour": _.start_time.strftime("%H")}
    return part.group_by(**keys).agg(requests=_.num_model_requests.sum())


def keys():
    """Return tokens of the top 10 keys."""
    part = between(usage, "2026-09-01", "2026-10-01").filter(_.dataset.isin(TEXTS))
    summed = part.group_by("api_key_id").agg(tokens=TOKENS.sum())
    top = summed.filter(_.api_key_id.notnull()).order_by(ibis.desc("tokens")).limit(10)
    key = _.api_key_id
    shown = ibis.cases((key.isnull(), "(none)"), (key.isin(top.api_key_id), key), else_="Other")
    return summed.group_by(shown=shown).agg(tokens=_.tokens.sum())


ALL = {f.__name__: f for f in (models, projects, users, hours, keys)}
measured(
    {name: lambda ask=ask: ask().to_pyarrow() for name, ask in ALL.items()},
    lambda _name, table: zip(*table.to_pydict().values(), strict=True),
)
