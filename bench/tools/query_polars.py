"""The questions over polars frames in memory."""

import datetime as dt

import polars as pl
from polars import col
from questions import measured

usage = pl.read_parquet("usage.parquet").with_columns(
    col("dataset", "user_id", "api_key_id", "model").cast(pl.Categorical)
)
costs = pl.read_parquet("costs.parquet")
TEXTS = ["completions", "embeddings", "moderations"]
TOKENS = col("input_tokens") + col("output_tokens").fill_null(0)
IS_CHAT = col("dataset") == "completions"
TIME = col("start_time")


def between(frame, since, until):
    """Return the rows of a range, not yet computed."""
    low, high = dt.datetime.fromisoformat(since), dt.datetime.fromisoformat(until)
    return frame.lazy().filter(TIME.is_between(low, high, closed="left"))


def side(since, until, shift):
    """Return daily sums by model of one of the two ranges, on the days of the asked one."""
    part = between(usage, since, until).filter(col("dataset").cast(pl.String).is_in(TEXTS))
    return (
        part.group_by((TIME.dt.date() + pl.duration(days=shift)).alias("day"), col("model").cast(pl.String))
        .agg(
            TOKENS.sum().alias("tokens"),
            col("input_cached_tokens").filter(IS_CHAT).sum().alias("cached"),
            col("input_tokens").filter(IS_CHAT).sum().alias("input"),
        )
        .collect()
    )


def models():
    """Return tokens and cache-hit rate by day of the top 8 models, in both ranges."""
    now, before = side("2026-07-03", "2026-10-01", 0), side("2026-04-03", "2026-07-02", 91)
    top = now.group_by("model").agg(col("tokens").sum()).top_k(8, by="tokens")["model"].to_list()
    shown = pl.when(col("model").is_in(top)).then(col("model")).otherwise(pl.lit("Other")).alias("model")
    rate = pl.when(col("input") > 0).then(col("cached") / col("input")).alias("rate")
    out = [
        part.group_by("day", shown).agg(col("tokens", "cached", "input").sum()).select("day", "model", "tokens", rate)
        for part in (now, before)
    ]
    both = out[0].join(out[1], on=["day", "model"], how="full", coalesce=True, suffix="_before")
    return both.select("day", "model", "tokens", "tokens_before", "rate", "rate_before")


def projects():
    """Return the cost by project and month."""
    part = between(costs, "2025-10-01", "2026-10-01")
    return part.group_by(TIME.dt.truncate("1mo"), "project_id").agg(col("amount").sum()).collect()


def users():
    """Return active users by week."""
    part = between(usage, "2025-10-06", "2026-09-28")
    return part.group_by(TIME.dt.truncate("1w")).agg(col("user_id").drop_nulls().n_unique()).collect()


def hours():
    """Return requests by weekday and hour."""
    part = between(usage, "2026-09-03", "2026-10-01")
    keys = (TIME.dt.strftime("%A").alias("weekday"), TIME.dt.strftime("%H").alias("hour"))
    return part.group_by(*keys).agg(col("num_model_requests").sum()).collect()


def keys():
    """Return tokens of the top 10 keys."""
    part = between(usage, "2026-09-01", "2026-10-01").filter(col("dataset").cast(pl.String).is_in(TEXTS))
    summed = part.group_by(col("api_key_id").cast(pl.String)).agg(TOKENS.sum().alias("tokens")).collect()
    top = summed.filter(col("api_key_id").is_not_null()).top_k(10, by="tokens")["api_key_id"].to_list()
    key = col("api_key_id")
    shown = pl.when(key.is_null()).then(pl.lit("(none)")).when(key.is_in(top)).then(key).otherwise(pl.lit("Other"))
    return summed.group_by(shown.alias("shown")).agg(col("tokens").sum())


ALL = {f.__name__: f for f in (models, projects, users, hours, keys)}
measured(ALL, lambda _, frame: frame.rows())
