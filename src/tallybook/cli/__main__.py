"""`python -m tallybook.cli`."""

from tallybook.cli import main

main()
