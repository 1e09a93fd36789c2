"""What every tool of the job *Query* does: answer each question once, then again and again against the clock."""

import json
import sys
import time

task = json.loads(sys.argv[1])
PATIENCE = 2.0
"""Seconds after which a question is not repeated, once that was done `LEAST` times."""
LEAST = 5


def measured(questions, rows):
    """Time questions (name to function) in turn; print seconds, and first answers as `rows` gives them."""
    answers = {name: [[_plain(v) for v in row] for row in rows(name, ask())] for name, ask in questions.items()}
    seconds = {name: [] for name in questions}
    for number in range(task["rounds"]):
        for name, ask in questions.items():
            if number >= LEAST and sum(seconds[name]) > PATIENCE:
                continue
            began = time.perf_counter()
            ask()
            seconds[name].append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "answers": answers}))


def _plain(value):
    if value is None or value != value:  # the last is not a number
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    return value if isinstance(value, str) else str(value)
