"""Whole products: what is handed over of a book, to be opened without tallybook. This module loads little."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tallybook.model.errors import UnknownNameError

if TYPE_CHECKING:
    from tallybook.query.clocks.time import Range
    from tallybook.query.coverage import Coverage
    from tallybook.query.reports.products import Whole


@dataclass(frozen=True, slots=True)
class Product:
    """A kind of product; the module of that name in this package has `refuse(path, force)` and `write(path, …)`."""

    name: str
    module: str
    about: str

    def refuse(self, path: Path, *, force: bool) -> None:
        """Raise `UsageError` where it may not be written, before the book is read."""
        importlib.import_module(f"tallybook.show.export.{self.module}").refuse(path, force=force)

    def write(self, path: Path, whole: Whole, *, force: bool) -> None:
        """Write it; it appears whole or not at all."""
        importlib.import_module(f"tallybook.show.export.{self.module}").write(path, whole, force=force)


PRODUCTS: dict[str, Product] = {
    product.name: product
    for product in (
        Product("bundle", "bundle", "a folder of Parquet files by month, with README, schema and coverage"),
        Product("duckdb", "snapshot", "a DuckDB file with tables, names and views"),
    )
}
"""Every product by name."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    path: Path
    range: Range
    coverage: Coverage


def product(name: str) -> Product:
    """Return the product called `name`; raises `UnknownNameError`."""
    if name not in PRODUCTS:
        raise UnknownNameError("kind of export", name, PRODUCTS)
    return PRODUCTS[name]
