"""What can go wrong with a journal, by name."""

from core.errors import TapedeckError


class JournalError(TapedeckError):
    """A journal cannot be written or read: the disk is full or broken, or the folder is none."""

    exit_code = 3

    def __init__(self, place: object, reason: str) -> None:
        self.place, self.reason = str(place), reason
        super().__init__(f"{place}: {reason}")


class SessionLocked(JournalError):
    """Another process writes this session."""


class SessionQuarantined(JournalError):
    """The log contradicts its anchors or its own chain: nothing of it is used until a person has looked."""
