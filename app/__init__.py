"""The terminal: Textual screens and the command line. The only package that draws or parses arguments."""

__version__ = "0.1.0"
