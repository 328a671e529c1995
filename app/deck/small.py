"""What is shown in a terminal too small for a deck."""

from collections.abc import Sequence

from rich.segment import Segment

from app.deck.desk_bars import state_items
from app.deck.layout import FULL, SMALLEST
from app.deck.strip_panel import Key, StripPanel, fit
from core.snapshot import Snapshot


class SmallNotice(StripPanel, can_focus=False):
    """A plain message in the middle."""

    slot, framed, hertz = "small", False, 5

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Size now, size needed."""
        lines = [
            f"{width}x{height} is too small",
            f"at least {SMALLEST[0]}x{SMALLEST[1]}, better {FULL[0]}x{FULL[1]}",
            f"{self.board.key('quit')} quits",
        ]
        if snapshot.desk is not None:
            state = "".join(item.text for item in state_items(self.board, snapshot.desk))
            lines += ["", " ".join(state.split()), f"{self.board.key('kill')} KILLS"]
        above = max((height - len(lines)) // 2, 0)
        return [*[""] * above, *lines, *[""] * height][:height]

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One line."""
        ink = self.board.ink
        return fit([Segment(str(key).center(width), ink.text(ink.paper.text))], width)
