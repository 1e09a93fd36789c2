"""Rows at rest: the protocol, and one module per kind of store."""
