"""Where bookmarks come from: the seam between the deck and whoever keeps them."""

from typing import Protocol

from sessions.bookmarks import Bookmark


class Bookmarks(Protocol):
    """A list of bookmarks that outlives the deck, or does not."""

    problem: str  #: what is wrong with the list, empty if nothing

    def load(self) -> tuple[Bookmark, ...]:
        """All bookmarks by time."""

    def add(self, ts: int, note: str = "") -> tuple[Bookmark, ...]:
        """Add or rename one; all bookmarks. Raises `OSError`."""

    def remove(self, ts: int) -> tuple[Bookmark, ...]:
        """Remove one; all bookmarks. Raises `OSError`."""


class LooseBookmarks:
    """Bookmarks that are forgotten with the deck."""

    def __init__(self, *bookmarks: Bookmark) -> None:
        self.problem = ""
        self._kept = {each.ts: each for each in bookmarks}

    def load(self) -> tuple[Bookmark, ...]:
        """All bookmarks by time."""
        return tuple(sorted(self._kept.values()))

    def add(self, ts: int, note: str = "") -> tuple[Bookmark, ...]:
        """Add or rename one."""
        self._kept[ts] = Bookmark(ts, note)
        return self.load()

    def remove(self, ts: int) -> tuple[Bookmark, ...]:
        """Remove one."""
        self._kept.pop(ts, None)
        return self.load()
