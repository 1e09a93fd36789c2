"""The rows by pandas, from a frame in memory with money as floats, as people have it."""

import pandas as pd
from exported import FILE, FRAME, task

frame = pd.read_parquet(FRAME)
WAYS = {
    "csv": lambda: frame.to_csv(FILE, index=False),
    "jsonl": lambda: frame.to_json(FILE, orient="records", lines=True, date_format="iso", double_precision=15),
    "parquet": lambda: frame.to_parquet(FILE, compression="zstd", index=False),
}
WAYS[task["form"]]()
