"""From the API to rows: HTTP, fetching, parsing, planning and running a sync. GET only."""
