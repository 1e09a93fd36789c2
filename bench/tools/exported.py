"""What every tool of the job *Export* writes: rows of the shape that an answer has, from the bill of the book."""

import json
import sys

task = json.loads(sys.argv[1])
BOOK, FRAME = "export.duckdb", "export.parquet"
DAYS = 365
FILE = f"{task.get('who', 'made')}.{task.get('form', '')}"
ROWS = f"""
SELECT c.start_time AS time, n.name AS project, c.project_id, c.line_item, c.currency, c.amount AS cost,
    c.quantity, 'stable' AS status
FROM costs AS c JOIN internal.directory AS n ON n.kind = 'project' AND n.id = c.project_id
WHERE c.start_time < TIMESTAMP '2025-10-01' + INTERVAL {task["days"]} day
"""
