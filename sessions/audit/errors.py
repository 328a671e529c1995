"""What can go wrong with an audit, by name."""

from sessions.journal.errors import JournalError


class ProjectionBusy(JournalError):
    """Another process reads or projects this journal and does not let go of it."""


class ProjectionNewer(JournalError):
    """`journal.duckdb` was made by a newer program."""
