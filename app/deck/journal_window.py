"""Which lines of a journal are at hand, which of them are in sight, and which must be asked for next."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sessions.audit.lines import Line

CHUNK, KEPT = 300, 1_500


class Wish(NamedTuple):
    """Lines that are wanted: before a key (behind it if not `older`), from the end (the beginning) without one."""

    key: tuple[int, int] | None
    older: bool


@dataclass(slots=True)
class Window:
    """At most `KEPT` lines in order of time, one of them chosen. Following means: the newest stays in sight."""

    lines: list["Line"] = field(default_factory=list)
    chosen: int = 0
    top: int = 0
    follow: bool = True
    before: bool = True  #: there are older lines than these
    behind: bool = False  #: there are newer ones
    begun: bool = False  #: something was answered

    @property
    def line(self) -> "Line | None":
        """The chosen one."""
        return self.lines[self.chosen] if 0 <= self.chosen < len(self.lines) else None

    def wish(self, height: int) -> Wish | None:
        """What to ask for next: a page from either end before the person gets there."""
        if not self.begun:
            return Wish(None, True)
        if self.before and self.top < height and self.lines:
            return Wish((self.lines[0].ts, self.lines[0].record), True)
        if self.behind and self.top + 2 * height > len(self.lines) and self.lines:
            return Wish((self.lines[-1].ts, self.lines[-1].record), False)
        return None

    def take(self, wish: Wish, lines: Sequence["Line"], more: bool) -> None:
        """What was answered to a wish."""
        self.begun = True
        if wish.key is None:
            self.lines, self.before, self.behind = list(lines), wish.older and more, not wish.older and more
            self.chosen = max(len(lines) - 1, 0) if wish.older else 0
            self.top = self.chosen
        elif wish.older:
            self.lines[:0] = lines
            self.chosen, self.top, self.before = self.chosen + len(lines), self.top + len(lines), more
            self.behind = self.behind or len(self.lines) > KEPT
            del self.lines[KEPT:]
        else:
            self.lines += lines
            self.behind = more
            gone = max(len(self.lines) - KEPT, 0)
            del self.lines[:gone]
            self.chosen, self.top, self.before = self.chosen - gone, self.top - gone, self.before or gone > 0

    def move(self, rows: int) -> None:
        """Choose a line further down (negative: up). Going up ends following; the very last line resumes it."""
        wanted = self.chosen + rows
        self.chosen = min(max(wanted, 0), max(len(self.lines) - 1, 0))
        if rows < 0:
            self.follow = False
        elif rows > 0 and not self.behind and wanted >= len(self.lines) - 1:
            self.follow = True

    def fit(self, height: int) -> None:
        """Keep the chosen line in sight."""
        self.top = min(max(self.top, self.chosen - height + 1), self.chosen)
        self.top = max(min(self.top, len(self.lines) - height), 0)
