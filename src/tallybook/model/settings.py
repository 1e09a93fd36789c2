"""Settings: `tallybook.toml` < environment < arguments."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from tallybook.model.datasets import DATASETS
from tallybook.model.errors import SettingsError, UsageError, suggest
from tallybook.model.saved import WORDS_TEXT, Feed, Panel
from tallybook.model.secret import Variables

FILE = "tallybook.toml"
DEFAULT_BOOK = "tallybook.duckdb"
DEFAULT_BASE_URL = "https://api.openai.com/v1"
_KEY_LIKE = re.compile(r"(?<![\w-])sk-[\w-]{16,}")
_DURATION = re.compile(r"(\d+)\s*(s|m|h|d|w)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

Duration = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}\s*[smhdw]$")]
Directory = Literal["full", "names", "ids", "off"]
"""What is kept of people: names and e-mails, names, ids, or ids without asking for a directory."""
Keep = Literal["current", "all", "none"]
"""Which raw bucket objects are kept as proof."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Day = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")]
LookBack = Annotated[str, msgspec.Meta(pattern=r"^(auto|[0-9]{1,9}\s*[smhdw])$")]
Patience = Annotated[str, msgspec.Meta(pattern=r"^0*[1-9][0-9]{0,8}\s*[smhdw]$")]


KeySource = Literal["key_file", "key_command", "key_keyring", "key_env"]
KEY_SOURCES: tuple[KeySource, ...] = ("key_file", "key_command", "key_keyring", "key_env")


class Org(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One organization: one admin key's world."""

    name: Name = "default"
    """Your own short name for it; every row carries it."""
    key_env: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "OPENAI_ADMIN_KEY"
    """The environment variable that holds its admin key; at most one of the four sources is set."""
    key_file: str = ""
    """A file that holds nothing else, and that only you may read; a path is relative to the settings file."""
    key_command: str | tuple[str, ...] = ""
    """A command, run without a shell, that prints it."""
    key_keyring: str = ""
    """The service under which the keyring of the operating system has it."""
    base_url: str = DEFAULT_BASE_URL

    @property
    def key_source(self) -> KeySource:
        """Which setting names where the key is."""
        return next((source for source in KEY_SOURCES if getattr(self, source)), "key_env")


class Sync(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How data is collected."""

    since: Day = ""
    """The earliest day to collect, `YYYY-MM-DD`; empty means the year that the API gives."""
    history_width: Literal["1m", "1h", "1d"] = "1h"
    """The bucket width in which usage is kept; costs exist only per day."""
    look_back: LookBack = "3d"
    """How long after its end a usage bucket is read again."""
    costs_look_back: LookBack = "7d"
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=16)] = 4
    """Requests under way at once."""
    timeout: Patience = "30s"
    """For one answer."""
    deadline: Patience = "10m"
    """How long one request is retried, waits that the server asks for included."""
    datasets: tuple[str, ...] = ()
    """Which datasets to collect; empty means all."""
    cost_splits: tuple[Literal["api_key", "user"], ...] = ("api_key", "user")
    """By what the bill is told apart besides project and line item, as far as the API allows."""
    control_totals: bool = True
    """Compare stable days with control totals, once a day: one more request for each dataset."""


class Pages(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is kept of the answers themselves."""

    keep: Keep = "current"
    """Raw buckets: those behind what is held and behind every version that was restated, all ever read, or none."""


class Team(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Who belongs to a team: ids, names, or patterns of them such as `Search*`."""

    projects: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    """E-mails, too."""
    api_keys: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    cost_center: str = ""
    tags: dict[str, str] = {}
    """Further dimensions with the team's values."""
    valid_from: Day = ""
    """The first day, `YYYY-MM-DD`; empty means always."""
    valid_to: Day = ""
    """The first day that it does not hold any more; empty means that it goes on."""


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Everything that can be set in `tallybook.toml`."""

    book: str = DEFAULT_BOOK
    """Path or URL of the book; a path is relative to the settings file."""
    allow_hosts: tuple[str, ...] = ()
    """Further hosts that the key may be sent to."""
    org: tuple[Org, ...] = (Org(),)
    sync: Sync = Sync()
    pages: Pages = Pages()
    directory: Directory = "full"
    """What is kept of people: names and e-mails, names, ids, or ids without asking for a directory."""
    teams: dict[str, Team] = {}
    """Teams by name, besides those that were imported."""
    panel: tuple[Panel, ...] = ()
    """Panels of your own on the dashboard."""
    feeds: dict[Name, Feed] = {}
    """Questions that other programs read at `/feeds/NAME.csv` and `.json`, by name."""
    path: str = ""
    """Where these settings were read; not itself a setting."""

    @property
    def orgs(self) -> tuple[str, ...]:
        """The short names of the organizations."""
        return tuple(org.name for org in self.org)

    def chosen(self, names: Iterable[str] = ()) -> tuple[Org, ...]:
        """Return the organizations called `names`, by default all; raises `UsageError` for one that is not there."""
        wanted = tuple(names)
        for name in wanted:
            if name not in self.orgs:
                raise UsageError(f"There is no [[org]] called {name!r} in the settings. {suggest(name, self.orgs)}")
        return tuple(org for org in self.org if not wanted or org.name in wanted)

    def only(self, name: str | None = None) -> Org:
        """Return the organization called `name`; without a name, the one that there is.

        Raises `UsageError` where there are several.
        """
        found = self.chosen([name] if name is not None else ())
        if len(found) > 1:
            raise UsageError(f"Say which organization with org= (--org NAME). {suggest('', self.orgs)}")
        return found[0]


def checked_name(name: str) -> str:
    """Return `name` where an organization may be called so; raises `UsageError`."""
    try:
        return msgspec.convert(name, Name)
    except msgspec.ValidationError:
        raise UsageError(f"An organization cannot be called {name!r}. Its name is {_NAME}.") from None


def seconds(duration: str) -> int:
    """Return `30s`, `15m`, `6h`, `3d` or `2w` as seconds; raises `SettingsError`."""
    match = _DURATION.fullmatch(duration.strip())
    if not match:
        raise SettingsError(f"{duration!r} is not a duration. Write for example 30s, 15m, 6h, 3d or 2w.")
    return int(match[1]) * _UNITS[match[2]]


def find(start: Path) -> Path | None:
    """Return the nearest `tallybook.toml` in `start` or a folder above it."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    return None


def load(
    config: str | Path | None = None, environ: Mapping[str, str] | None = None, *, cwd: Path | None = None
) -> Settings:
    """Read settings from `config`, else from the nearest `tallybook.toml`, then from `TALLYBOOK_*` variables.

    `environ` is the process's environment where it is not given. Raises `SettingsError` that names the file and the
    key.
    """
    environ = Variables(environ)
    config = config or environ.get("TALLYBOOK_CONFIG") or None
    path = Path(config) if config else find(cwd or Path.cwd())
    settings = _read(path) if path else Settings()
    if book := environ.get("TALLYBOOK_STORE") or environ.get("TALLYBOOK_BOOK"):
        settings = msgspec.structs.replace(settings, book=book)
    if url := environ.get("TALLYBOOK_BASE_URL"):
        orgs = tuple(msgspec.structs.replace(org, base_url=url) for org in settings.org)
        settings = msgspec.structs.replace(settings, org=orgs)
    return settings


def _read(path: Path) -> Settings:
    try:
        data = msgspec.toml.decode(path.read_text("utf-8"))
    except OSError as exc:
        raise SettingsError(f"Cannot read the settings file {path}: {exc.strerror}.") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{path} is not valid TOML: {exc}.") from exc
    if "path" in data:  # a field of the struct, but of what is read, not of what is written
        raise SettingsError(f"{path}: {_explain('unknown field `path`')}")
    try:
        settings = msgspec.convert(data, Settings)
    except msgspec.ValidationError as exc:
        raise SettingsError(f"{path}: {_explain(str(exc))}") from exc
    _check_orgs(path, settings.org, data.get("org", []))
    if unknown := [d for d in settings.sync.datasets if d not in DATASETS]:
        raise SettingsError(f"{path}: sync.datasets: unknown {unknown[0]!r}. {suggest(unknown[0], DATASETS)}")
    days = {"sync.since": [settings.sync.since]}
    days |= {f"teams.{c}": [getattr(t, c) for t in settings.teams.values()] for c in ("valid_from", "valid_to")}
    for key, written in days.items():
        if not all(map(_is_day, written)):
            raise SettingsError(f"{path}: {key} must be {_ALLOWED[key]}; there is no such day.")
    book = settings.book if "://" in settings.book else str(path.parent / settings.book)
    orgs = tuple(msgspec.structs.replace(org, key_file=_beside(path, org.key_file)) for org in settings.org)
    return msgspec.structs.replace(settings, book=book, org=orgs, path=str(path))


def _beside(settings: Path, name: str) -> str:
    """Return a path that is relative to the settings file as one from here; `~` is the home folder."""
    return str(settings.parent / Path(name).expanduser()) if name else ""


def _check_orgs(path: Path, orgs: tuple[Org, ...], written: Iterable[Mapping[str, object]]) -> None:
    """Refuse organizations that could be taken for one another, and keys from several places."""
    if not orgs:
        raise SettingsError(f"{path}: org is empty; write at least one [[org]], or none of it.")
    for org, table in zip(orgs, written, strict=bool(written)):
        for name, value in table.items():
            if _KEY_LIKE.search(str(value)):
                raise SettingsError(f"{path}: org.{name} holds a key itself. It must be {_ALLOWED[f'org.{name}']}.")
        sources = [source for source in KEY_SOURCES if table.get(source)]
        if len(sources) > 1:
            raise SettingsError(f"{path}: org {org.name!r} takes its key from {' and '.join(sources)}. Keep one.")
    for number, org in enumerate(orgs):
        for other in orgs[:number]:
            if org.name.lower() == other.name.lower():  # a lock file has the name, and case may not matter there
                raise SettingsError(f"{path}: two [[org]] are called {org.name!r}. Each needs a name of its own.")
            if _place(org) == _place(other):
                raise SettingsError(
                    f"{path}: {other.name!r} and {org.name!r} have the same key ({org.key_source}). A key is of one "
                    "organization: set key_env, key_file, key_command or key_keyring in each [[org]]."
                )


def _place(org: Org) -> tuple[object, ...]:
    """Return where the key of an organization is, and what it is for."""
    return org.key_source, getattr(org, org.key_source), org.base_url


def _is_day(text: str) -> bool:
    try:
        return not text or bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


_NAME = "1 to 63 letters, digits, dots, dashes and underscores, a letter or digit first"
_DAY_TEXT = "a day in quotes, such as 2026-01-31, or empty"
_IDS_TEXT = "a list of ids, names or patterns in quotes"
_DURATION_TEXT = "a duration in quotes, such as 30s, 15m, 6h, 3d or 2w"
_SAVED = {
    **dict.fromkeys(("metric", "by", "where", "org"), WORDS_TEXT),
    **dict.fromkeys(("grain", "last", "period", "since", "until", "compare", "tz"), "a text in quotes"),
    "top": "a whole number, at least 1",
}
_ALLOWED = {
    "book": "a path or URL in quotes",
    "allow_hosts": 'a list of host names, such as ["gateway.example.com"]',
    "directory": "full, names, ids or off, in quotes",
    "org": f"a table [[org]] with {', '.join(Org.__struct_fields__)}",
    "org.name": _NAME,
    "org.key_env": "the name of an environment variable in quotes",
    "org.key_file": "a path in quotes",
    "org.key_command": 'a command line in quotes, or a list such as ["op", "read", "op://vault/tallybook/key"]',
    "org.key_keyring": "the name of a keyring's service in quotes",
    "org.base_url": "an address in quotes, such as https://api.openai.com/v1",
    "sync": "a table [sync]",
    "sync.since": _DAY_TEXT,
    "sync.history_width": "1m, 1h or 1d, in quotes",
    "sync.look_back": f"{_DURATION_TEXT}, or auto",
    "sync.costs_look_back": f"{_DURATION_TEXT}, or auto",
    "sync.concurrency": "a whole number from 1 to 16",
    "sync.timeout": f"{_DURATION_TEXT}, longer than nothing",
    "sync.deadline": f"{_DURATION_TEXT}, longer than nothing",
    "sync.datasets": f"a list of {', '.join(DATASETS)}",
    "sync.cost_splits": 'a list of "api_key" and "user", or empty',
    "sync.control_totals": "true or false, without quotes",
    "pages": "a table [pages]",
    "pages.keep": "current, all or none, in quotes",
    "teams": "a table for each team, such as [teams.Search]",
    **{f"teams.{kind}": _IDS_TEXT for kind in ("projects", "users", "api_keys", "service_accounts")},
    "teams.cost_center": "a text in quotes",
    "teams.tags": 'a table of texts, such as { business_unit = "Core" }',
    "teams.valid_from": _DAY_TEXT,
    "teams.valid_to": _DAY_TEXT,
    "panel": f"a table [[panel]] with {', '.join(Panel.__struct_fields__)}",
    "feeds": f"a table for each feed, such as [feeds.orders], with {', '.join(Feed.__struct_fields__)}",
    **{f"{table}.{name}": text for table in ("panel", "feeds") for name, text in _SAVED.items()},
    "panel.title": "a text in quotes of 1 to 200 characters",
    "panel.tab": "overview, costs, tokens, people or health, in quotes",
    "panel.mark": "stack, line, donut, rank, table, kpi, heat or waterfall, in quotes",
    "panel.width": "wide, third, half or full, in quotes",
}
"""Setting to the values that it takes, in plain words; the tests see that no setting lacks its line."""


_TABLES = {"sync": Sync, "org": Org, "pages": Pages, "teams": Team, "panel": Panel, "feeds": Feed}


def _explain(message: str) -> str:
    """Name the key, and what it may be or, for a misspelt one, the nearest that exists."""
    match = re.search(r"unknown field `([^`]+)`(?: - at `\$\.?([^`]*)`)?", message)
    if match:
        table = (match[2] or "").split("[")[0]
        struct = _TABLES.get(table, Settings)
        known = [f for f in struct.__struct_fields__ if f != "path"]
        where = f" in [{table}]" if table else ""
        return f"unknown setting {match[1]!r}{where}. {suggest(match[1], known)}"
    place = re.search(r" - at `\$\.?([^`]*)`$", message)
    key = re.sub(r"\[[^]]*\]", "", place[1]) if place else ""
    if key in _ALLOWED:
        return f"{key} must be {_ALLOWED[key]}."
    return message.replace("$.", "") + "."
