"""Where an organization's admin key comes from: the environment, a file, a command or the keyring.

What a source gives goes straight into an `AdminKey`. It is never a local variable of a frame that raises, and no
foreign exception that may hold it is carried along, so that a traceback with variables does not show it.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tallybook.model.errors import MissingExtraError, SettingsError
from tallybook.model.secret import AdminKey, Variables
from tallybook.model.settings import Org

log = logging.getLogger(__name__)

COMMAND_SECONDS = 60.0
"""How long a command may take: somebody may have to touch a sensor."""
KEYRING_USER = "admin-key"
"""The user name under which a keyring has the key; the service is in the settings."""

_LONGEST = 4096
_LONGEST_QUOTE = 300
_KEY_LIKE = re.compile(r"sk-[\w-]{6,}")


def admin_key(org: Org, environ: Mapping[str, str] | None = None) -> AdminKey:
    """Return the admin key of `org`; raises `SettingsError` where there is none or it is of the wrong kind.

    `environ` is the process's environment where it is not given.
    """
    environ = Variables(environ)
    return AdminKey(_read(org, environ), named(org))


def _read(org: Org, environ: Mapping[str, str]) -> str:
    read = _READERS.get(org.key_source)
    return read(org) if read else environ.get(org.key_env, "")


def named(org: Org) -> str:
    """Return what the source of a key is called in a sentence."""
    return _NAMES[org.key_source].format(org=org, program=_program(org), user=KEYRING_USER)


def described(org: Org) -> str:
    """Return the same with what is to be known of a source that was found good."""
    if org.key_source == "key_file" and os.name == "posix":
        return f"{named(org)} (mode {stat.S_IMODE(Path(org.key_file).stat().st_mode):03o}, yours)"
    return named(org)


_NAMES = {
    "key_env": "the environment variable {org.key_env}",
    "key_file": "the file {org.key_file}",
    "key_command": "the output of {program}",
    "key_keyring": "the keyring's entry {org.key_keyring} (`keyring set {org.key_keyring} {user}` stores it)",
}


def _file(org: Org) -> str:
    path = org.key_file
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or "this is no path"
        raise SettingsError(f"Cannot read the key file {path}: {why}. key_file in [[org]] names it.") from None
    try:
        if problem := unsafe(path, os.fstat(handle)):
            raise SettingsError(problem)
        return os.read(handle, _LONGEST).decode("utf-8", "replace")
    finally:
        os.close(handle)


def unsafe(path: str, status: os.stat_result) -> str:
    """Return why a key file is not to be trusted, with the line that mends it; empty where it is."""
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is not a file, so it is not used as one that holds the key. Set key_file in [[org]]."
    if os.name != "posix":  # elsewhere the mode says nothing
        return ""
    if status.st_uid != os.geteuid():
        return (
            f"The key file {path} belongs to another user (number {status.st_uid}), so it is not used. "
            f"Type: sudo chown {os.geteuid()} {shlex.quote(path)}"
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        return (
            f"The key file {path} is open to other users (mode {mode:03o}), so it is not used. "
            f"Type: chmod 600 {shlex.quote(path)}"
        )
    return ""


def _words(command: str | Sequence[str]) -> tuple[str, ...]:
    """Return a command line as a shell would cut it; no shell ever sees it."""
    try:
        return tuple(shlex.split(command)) if isinstance(command, str) else tuple(command)
    except ValueError as exc:
        raise SettingsError(f"key_command in [[org]] is not a command line: {exc}.") from None


def _program(org: Org) -> str:
    """Return the command without its arguments, which may be secret, too."""
    return f"`{next(iter(_words(org.key_command)), '')}`"


@dataclass(frozen=True, slots=True)
class _Ended:
    """What became of a command."""

    problem: str
    """Empty where it ended with 0."""
    said: str
    """What it wrote to stderr, in one line."""
    output: str = field(default="", repr=False)


def _command(org: Org) -> str:
    ended = _ended(_words(org.key_command))
    if ended.problem:
        said = f" It says: {ended.said}" if ended.said else ""
        raise SettingsError(f"key_command in [[org]]: {_program(org)} {ended.problem}.{said}")
    if ended.said:
        log.info("%s, which gives the key of %s, says: %s", _program(org), org.name, ended.said)
    return ended.output


def _ended(command: tuple[str, ...]) -> _Ended:
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, and no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as exc:
        return _Ended(f"did not end within {COMMAND_SECONDS:g} s", _quoted(exc.stderr, exc.stdout))
    except (OSError, ValueError) as exc:
        return _Ended(f"cannot be run ({getattr(exc, 'strerror', None) or exc})", "")
    said = _quoted(done.stderr, done.stdout)
    if done.returncode:
        return _Ended(f"ended with exit code {done.returncode}", said)
    return _Ended("", said, done.stdout.decode("utf-8", "replace"))


def _quoted(said: bytes | None, output: bytes | None) -> str:
    """Return what a command wrote to stderr, without the key should it have written that, too."""
    text, secret = ((b or b"").decode("utf-8", "replace") for b in (said, output))
    for line in filter(None, map(str.strip, secret.splitlines())):
        text = text.replace(line, "[key]")
    return _KEY_LIKE.sub("[key]", " ".join(text.split()))[-_LONGEST_QUOTE:]


def _keyring(org: Org) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise MissingExtraError("key_keyring in [[org]]", "keyring") from None
    try:
        return keyring.get_password(org.key_keyring, KEYRING_USER) or ""
    except (KeyringError, OSError, RuntimeError) as exc:
        problem = type(exc).__name__
    raise SettingsError(f"The keyring cannot be read ({problem}). Unlock it, or take the key from elsewhere.")


_READERS: Mapping[str, Callable[[Org], str]] = {
    "key_file": _file,
    "key_command": _command,
    "key_keyring": _keyring,
}
