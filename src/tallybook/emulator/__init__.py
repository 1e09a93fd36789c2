"""An organization you can run: a fake provider over HTTP, with a ledger that knows the truth.

It shares no code with the rooms that it tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallybook.emulator.company import Company
from tallybook.emulator.virtual import VirtualClock

if TYPE_CHECKING:
    from tallybook.emulator.app import create_app
    from tallybook.emulator.quirks import QUIRKS
    from tallybook.emulator.server import running, serve

__all__ = ["QUIRKS", "Company", "VirtualClock", "create_app", "running", "serve"]

_HOMES = {"create_app": "app", "QUIRKS": "quirks", "running": "server", "serve": "server"}


def __getattr__(name: str) -> Any:
    """Import what needs Starlette only when it is used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
