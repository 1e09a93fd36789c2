"""tallybook: an OpenAI organization's usage and costs as a book you own."""

__version__ = "0.1.0"
