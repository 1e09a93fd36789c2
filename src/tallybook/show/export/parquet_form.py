"""Rows as Parquet, exact and typed; what they rest on is in the file's metadata, too."""

from __future__ import annotations

import json
from typing import BinaryIO

from tallybook.show.export.content import Content

METADATA = b"tallybook"
"""The key under which a file's metadata has, as JSON, what the rows rest on."""


def write(out: BinaryIO, content: Content) -> None:
    """Write the rows, a row group per batch."""
    from pyarrow import parquet

    about = json.dumps(content.about, ensure_ascii=False).encode()
    schema = content.schema.with_metadata({METADATA: about})
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for batch in content.batches:
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
