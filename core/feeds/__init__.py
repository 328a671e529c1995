"""Feeds: importers that turn a venue's or vendor's files into rows."""
