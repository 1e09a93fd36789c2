"""Answers and whole books as files, written batch by batch: what is exported is never held in memory as a whole."""
