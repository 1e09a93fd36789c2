"""From rows to numbers: metric definitions, time, one statement per question, and what is missing from the answer."""
