"""The admin key, in the one object that knows it, and the environment, which knows it, too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from tallybook.model.errors import NotAnAdminKeyError

_SHOWN = re.compile(r"(sk-[\w-]*|)[*.…•]+([\w-]{3,})")
"""How the API shows a key: its beginning and its end."""

_MODEL_KEYS = ("sk-proj-", "sk-svcacct-", "sk-service-")

HOW_TO_GET = (
    "An organization owner creates an admin key at https://platform.openai.com/settings/organization/admin-keys "
    "(restricted to read: usage and organization administration)."
)


def _problem(value: str, source: str) -> str:
    if not value:
        return f"No admin key: {source} is empty or not set. {HOW_TO_GET}"
    if value.startswith(_MODEL_KEYS):
        return (
            f"The key in {source} is a project or service-account key; it can call models but cannot read an "
            f"organization's usage. {HOW_TO_GET}"
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        return f"The key in {source} has characters that no key has. Copy it again, in one line."
    return ""


class AdminKey:
    """An admin key whose text shows up nowhere but in the Authorization header."""

    __slots__ = ("_value",)

    def __init__(self, value: str, source: str) -> None:
        """Check `value`, which came from `source` (named in errors; the value never is)."""
        self._value = value.strip()
        del value  # so that a traceback that prints local variables does not show it
        if problem := _problem(self._value, source):
            raise NotAnAdminKeyError(problem)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    @property
    def looks_like_admin(self) -> bool:
        """Whether the key has the prefix that admin keys have today."""
        return self._value.startswith("sk-admin-")

    def is_shown_as(self, redacted: str) -> bool:
        """Return whether this may be the key that the API shows as `redacted`, such as `sk-admin-…xyz`."""
        shown = _SHOWN.fullmatch(redacted)
        return shown is not None and self._value.startswith(shown[1]) and self._value.endswith(shown[2])

    def redact(self, text: str) -> str:
        """Return `text` without the key, should a server have echoed it."""
        return text.replace(self._value, "[key]")

    def __repr__(self) -> str:
        return "AdminKey([hidden])"

    def __reduce__(self) -> str:
        raise TypeError("an admin key is not pickled")

    def __getstate__(self) -> object:
        raise TypeError("an admin key is not copied")


class Variables(Mapping[str, str]):
    """The environment, whose values show up in no text: a traceback with variables has it in many frames."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """Take `values`, or the environment of this process."""
        self._values = os.environ if values is None else values

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "Variables([hidden])"
