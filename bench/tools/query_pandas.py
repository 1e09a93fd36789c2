"""The questions over pandas frames in memory: text as categories, money as floats, as people have it."""

import pandas as pd
from questions import measured

usage = pd.read_parquet("usage.parquet")
for name in ("dataset", "user_id", "api_key_id", "model"):
    usage[name] = usage[name].astype("category")
costs = pd.read_parquet("costs.parquet")
costs["amount"] = costs["amount"].astype(float)
TEXTS = ["completions", "embeddings", "moderations"]


def between(frame, since, until):
    """Return the rows of a range."""
    return frame[(frame["start_time"] >= since) & (frame["start_time"] < until)]


def side(since, until, shift):
    """Return daily sums by model of one of the two ranges, on the days of the asked one."""
    part = between(usage, since, until)
    part = part[part["dataset"].isin(TEXTS)]
    chats = part["dataset"] == "completions"
    summed = (
        pd.DataFrame({
            "day": part["start_time"].dt.floor("D") + pd.Timedelta(days=shift),
            "model": part["model"],
            "tokens": part["input_tokens"] + part["output_tokens"].fillna(0),
            "cached": part["input_cached_tokens"].where(chats),
            "input": part["input_tokens"].where(chats),
        })
        .groupby(["day", "model"], observed=True)
        .sum(min_count=1)
        .reset_index()
    )  # fmt: skip
    summed["model"] = summed["model"].astype(object)
    return summed


def models():
    """Return tokens and cache-hit rate by day of the top 8 models, in both ranges."""
    now, before = side("2026-07-03", "2026-10-01", 0), side("2026-04-03", "2026-07-02", 91)
    top = now.groupby("model")["tokens"].sum().nlargest(8).index
    out = []
    for part in (now, before):
        part["model"] = part["model"].where(part["model"].isin(top), "Other")
        whole = part.groupby(["day", "model"]).sum(min_count=1)
        out.append(pd.DataFrame({"tokens": whole["tokens"], "rate": whole["cached"] / whole["input"]}))
    both = out[0].join(out[1], how="outer", suffixes=("", "_before"))
    return both[["tokens", "tokens_before", "rate", "rate_before"]].reset_index()


def projects():
    """Return the cost by project and month."""
    part = between(costs, "2025-10-01", "2026-10-01")
    months = part["start_time"].dt.to_period("M").dt.start_time.rename("month")
    return part.groupby([months, "project_id"])["amount"].sum().reset_index()


def users():
    """Return active users by week."""
    part = between(usage, "2025-10-06", "2026-09-28")
    weeks = part["start_time"].dt.floor("D") - pd.to_timedelta(part["start_time"].dt.day_of_week, unit="D")
    return part["user_id"].groupby(weeks.rename("week")).nunique().reset_index()


def hours():
    """Return requests by weekday and hour."""
    part = between(usage, "2026-09-03", "2026-10-01")
    keys = [part["start_time"].dt.day_name().rename("weekday"), part["start_time"].dt.strftime("%H").rename("hour")]
    return part["num_model_requests"].groupby(keys).sum().reset_index()


def keys():
    """Return tokens of the top 10 keys."""
    part = between(usage, "2026-09-01", "2026-10-01")
    part = part[part["dataset"].isin(TEXTS)]
    tokens = part["input_tokens"] + part["output_tokens"].fillna(0)
    summed = tokens.groupby(part["api_key_id"].astype(object), dropna=False).sum()
    top = summed[summed.index.notna()].nlargest(10).index
    shown = [("(none)" if pd.isna(k) else k if k in top else "Other") for k in summed.index]
    return summed.groupby(shown).sum().reset_index()


ALL = {f.__name__: f for f in (models, projects, users, hours, keys)}
measured(ALL, lambda _, frame: frame.itertuples(index=False))
