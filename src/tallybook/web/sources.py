"""What the page shows besides answers to questions: how complete, fresh and large a book is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tallybook.web.view import View

Source = Callable[[View], Any]
SOURCES: Mapping[str, Source] = {}
