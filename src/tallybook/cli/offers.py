"""What shells offer for a value that is being typed; each list is loaded where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]


def _metrics() -> Iterable[tuple[str, str]]:
    from tallybook.query.metrics import METRICS

    return ((m.name, m.about) for m in METRICS.values())


def _dimensions() -> Iterable[tuple[str, str]]:
    from tallybook.query.dimensions import DIMENSIONS

    return ((d.name, d.about) for d in DIMENSIONS.values())


def _datasets() -> Iterable[tuple[str, str]]:
    from tallybook.model.datasets import DATASETS

    return ((d.name, "") for d in DATASETS.values())


def _grains() -> Iterable[tuple[str, str]]:
    from tallybook.query.clocks.axis import GRAINS

    return ((name, "") for name in GRAINS)


def _periods() -> Iterable[tuple[str, str]]:
    from tallybook.query.clocks.time import NAMED

    return ((name, "") for name in NAMED)


def _zones() -> Iterable[tuple[str, str]]:
    import zoneinfo

    return ((name, "") for name in sorted(zoneinfo.available_timezones()))


def _of(names: Callable[[], Iterable[tuple[str, str]]], behind: str = "") -> Offer:
    def offer(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem[str]]:
        """Offer what the last of several words with commas between them may become."""
        before, comma, last = typed.rpartition(",")
        return [
            CompletionItem(f"{before}{comma}{name}{behind}", help=about or None)
            for name, about in names()
            if name.startswith(last)
        ]

    return offer


metrics, dimensions, datasets = _of(_metrics), _of(_dimensions), _of(_datasets)
grains, periods, zones = _of(_grains), _of(_periods), _of(_zones)
conditions = _of(_dimensions, "=")
