"""`tallybook init`."""

from __future__ import annotations

from pathlib import Path

import click

from tallybook.model.errors import UsageError

TEMPLATE = """\
# Settings of tallybook. Every line that is commented out shows the default.
# The admin key is not kept here: [[org]] says where it is.

# Where the book is kept: a path, relative to this file, or postgresql://USER@HOST/DATABASE.
# book = "tallybook.duckdb"

# Hosts that the key may be sent to, besides api.openai.com, its regions, and this machine.
# allow_hosts = []

# What is kept of people: "full" (names and e-mails), "names" (no e-mail), "ids" (neither), or "off" (neither, and the
# API is not asked for them). A stricter one than before removes what is held already, at the next sync.
# directory = "full"

# One table [[org]] for each organization; they share the book.
[[org]]
# Your own short name for the organization; every row carries it. `tallybook org rename` changes it later.
name = "default"
# Where its admin key is: one of these. The name of an environment variable,
# key_env = "OPENAI_ADMIN_KEY"
# a file that holds nothing else, with mode 600 (relative to this file),
# key_file = ""
# a command that prints it, such as ["op", "read", "op://vault/tallybook/key"]; no shell is used,
# key_command = ""
# or the service of an entry in the system's keyring (`keyring set SERVICE admin-key` stores it).
# key_keyring = ""
# base_url = "https://api.openai.com/v1"

[sync]
# The earliest day to collect; empty means the year that the API gives.
# since = ""
# The width in which usage is kept: "1m", "1h" or "1d". Hours not taken within a year are lost for ever.
# history_width = "1h"
# How long after its end a bucket is read again.
# "auto" measures it (see `tallybook settling`), within 1 to 14 days, for costs 2 to 14.
# look_back = "3d"
# costs_look_back = "7d"
# Requests under way at once (1 to 16), the time-out of one answer, and how long one request is retried.
# concurrency = 4
# timeout = "30s"
# deadline = "10m"
# Only these datasets; empty means all.
# datasets = []
# By what the bill is told apart besides project and line item, as far as the API allows; [] reads the bill alone.
# cost_splits = ["api_key", "user"]
# Once a day, read each dataset ungrouped, too, and compare: proves what is held, for one request more per dataset.
# control_totals = true

[pages]
# The raw buckets that are kept as proof: "current" keeps those behind the numbers held and behind every version that
# was restated, "all" whatever was ever read, "none" nothing. The next write deletes what is no longer to be kept.
# keep = "current"

# Whose usage is whose: a table for each team, with ids, names, e-mails, or patterns of them, such as this. Tags are
# dimensions of your own; valid_to is the first day after it. `tallybook teams import` reads a list from a file.
#   [teams.Search]
#   projects = ["proj_123", "Search*"]
#   users = ["*@search.example.com"]
#   api_keys = ["key_123"]
#   service_accounts = ["ci-*"]
#   cost_center = "R&D"
#   tags = { business_unit = "Core" }
#   valid_from = "2026-01-01"
#   valid_to = "2027-01-01"

# Panels of your own on the dashboard, and feeds that other programs read at /feeds/NAME.csv and .json, in the words of
# `tallybook query`. Without a range, and a grain, a panel has those of the page.
#   [[panel]]
#   title = "Cost per request"
#   tab = "overview"
#   metric = "cost / requests"
#   by = "project"
#   grain = "week"
#   mark = "line"
#
#   [feeds.spend]
#   metric = "cost"
#   by = ["project", "model"]
#   grain = "day"
#   last = "90d"
"""


@click.command(
    epilog="""\b
Example:
  tallybook init
"""
)
@click.argument("folder", default=".", type=click.Path(file_okay=False))
@click.option("--force", is_flag=True, help="Overwrite the settings that are there.")
@click.help_option("-h", "--help")
def init(folder: str, force: bool) -> None:
    """Write a commented tallybook.toml into FOLDER (default: this one)."""
    path = Path(folder) / "tallybook.toml"
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; it was left as it is. --force overwrites it.")
    try:
        path.write_text(TEMPLATE, encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"Cannot write {path}: {exc.strerror}.") from exc
    click.echo(f"Wrote {path}. Next: export OPENAI_ADMIN_KEY=…, then `tallybook doctor` and `tallybook sync`.")
