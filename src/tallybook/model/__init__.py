"""The words: datasets, windows, coverage, schema, settings, errors and the clock. Imports nothing of ours."""
