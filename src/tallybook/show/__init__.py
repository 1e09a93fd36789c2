"""Numbers to eyes and files: results, tables, progress."""
