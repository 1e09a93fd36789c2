"""The version of tallybook."""

__version__ = "0.1.0"
