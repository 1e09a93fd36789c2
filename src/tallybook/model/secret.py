"""The admin key, in the one object that knows it."""

from __future__ import annotations

from tallybook.model.errors import SettingsError

_MODEL_KEYS = ("sk-proj-", "sk-svcacct-", "sk-service-")

HOW_TO_GET = (
    "An organization owner creates an admin key at https://platform.openai.com/settings/organization/admin-keys "
    "(restricted to read: usage and organization administration)."
)


class AdminKey:
    """An admin key whose text shows up nowhere but in the Authorization header."""

    __slots__ = ("_value",)

    def __init__(self, value: str, source: str) -> None:
        """Check `value`, which came from `source` (named in errors; the value never is)."""
        value = value.strip()
        if not value:
            raise SettingsError(f"No admin key: {source} is empty or not set. {HOW_TO_GET}")
        if value.startswith(_MODEL_KEYS):
            raise SettingsError(
                f"The key in {source} is a project or service-account key; it can call models but cannot read an "
                f"organization's usage. {HOW_TO_GET}"
            )
        if not value.isascii() or not value.isprintable() or " " in value:
            raise SettingsError(f"The key in {source} has characters that no key has. Copy it again, in one line.")
        self._value = value

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return f"Bearer {self._value}"

    @property
    def looks_like_admin(self) -> bool:
        """Whether the key has the prefix that admin keys have today."""
        return self._value.startswith("sk-admin-")

    def redact(self, text: str) -> str:
        """Return `text` without the key, should a server have echoed it."""
        return text.replace(self._value, "[key]")

    def __repr__(self) -> str:
        return "AdminKey([hidden])"

    def __reduce__(self) -> str:
        raise TypeError("an admin key is not pickled")
