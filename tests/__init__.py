"""The specification of tallybook."""
