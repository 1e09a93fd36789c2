"""An answer as one JSON object: query, range, coverage, notes and rows."""

from __future__ import annotations

import json
from typing import BinaryIO

from tallybook.show.export.content import Content
from tallybook.show.export.jsonl_form import encoded


def write(out: BinaryIO, content: Content) -> None:
    """Write the object, one line per row."""
    head = json.dumps(content.about, ensure_ascii=False, indent=2).removesuffix("\n}")
    out.write(f'{head},\n  "rows": ['.encode())
    before = b"\n    "
    for rows in encoded(content):
        for row in rows:
            out.write(before + row)
            before = b",\n    "
    out.write(b"\n  ]\n}\n" if before[:1] == b"," else b"]\n}\n")
