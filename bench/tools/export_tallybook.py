"""The rows by tallybook's own exports, batch by batch as they come from the book; `bundle` is the whole of it."""

from pathlib import Path

from exported import BOOK, FILE, ROWS, task

import tallybook
from tallybook.show.export.content import Content
from tallybook.show.export.forms import FORMS
from tallybook.show.export.save import save

with tallybook.open(BOOK) as book:
    if task["form"] == "bundle":
        book.export("bundle", FILE, since="2025-10-01", until="2026-09-30")
    else:
        about = book.query("cost", since="2025-10-01", until="2025-10-01").about()
        with book.store.streaming() as stream:
            reader = stream(ROWS, [])
            known = {"days": frozenset({"time"}), "units": {"cost": "money"}}
            rows = Content(reader.schema, iter(reader), about, ("The bill.",), **known)
            save(rows, Path(FILE), FORMS[task["form"]])
