"""What the page made with other tools shows, as frames: the same SQL by hand over what tallybook keeps.

By day from the daily sums, by hour from the rows; the largest 12 series by name, the rest together.
"""

import duckdb

VIEWS = {
    "A": ("2026-07-03", "2026-10-01", "day", "model", "internal.usage_daily", "day"),
    "B": ("2026-09-01", "2026-10-01", "hour", "project_id", "usage", "start_time"),
}
METRICS = {
    "Tokens": "SUM(input_tokens + COALESCE(output_tokens, 0))",
    "Requests": "SUM(num_model_requests)",
}
TEXTS = "dataset IN ('completions', 'embeddings', 'moderations')"
SERIES = 12


class Page:
    """One connection; asked again whenever somebody looks."""

    def __init__(self, path="bench.duckdb"):
        """Open the book."""
        self.con = duckdb.connect(path, read_only=True)

    def cards(self, view):
        """Return the names and numbers of the five cards."""
        since, until, _, _, place, time = VIEWS[view]
        span = f"{time} >= '{since}' AND {time} < '{until}'"
        found = self.con.cursor().execute(
            f"SELECT {METRICS['Requests']}, {METRICS['Tokens']}, "
            "SUM(input_cached_tokens) / SUM(input_tokens) FILTER (dataset = 'completions'), COUNT(DISTINCT user_id), "
            f"(SELECT SUM(amount) FROM costs WHERE start_time >= '{since}' AND start_time < '{until}') "
            f"FROM {place} WHERE {TEXTS} AND {span}"
        )
        names = ("Requests", "Tokens", "Cache hit rate", "Active users", "Cost")
        return dict(zip(names, map(float, found.fetchone()), strict=True))

    def series(self, view, metric):
        """Return time, group and value, one row per bar."""
        since, until, unit, column, place, time = VIEWS[view]
        return (
            self.con.cursor()
            .sql(f"""
            WITH parts AS (
                SELECT date_trunc('{unit}', {time}) AS time, {column} AS name, {METRICS[metric]} AS value
                FROM {place} WHERE {TEXTS} AND {time} >= '{since}' AND {time} < '{until}' GROUP BY ALL
            ), top AS (SELECT name FROM parts GROUP BY name ORDER BY SUM(value) DESC LIMIT {SERIES})
            SELECT time, CASE WHEN name IN (FROM top) THEN name ELSE 'Other' END AS name, SUM(value)::DOUBLE AS value
            FROM parts GROUP BY ALL ORDER BY time, name
        """)
            .df()
        )

    def rows(self, view, metric):
        """Return 500 rows for the table."""
        return self.series(view, metric).sort_values("value", ascending=False).head(500)
