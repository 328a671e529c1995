"""The kill board: what a kill had to do, and whether it is done. Red when orders are still open after 250 ms."""

import math
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from app.deck import table
from app.deck.board import Desk
from app.deck.figures import millis
from app.deck.formats import plain
from app.deck.strip_panel import Key, StripPanel, fit
from app.deck.table import Cell, Said
from core.desk_view import DeskView, KillPart, KillView
from core.snapshot import Snapshot

LIMIT_MS = 250.0  #: from the key to the last cancel
_PART = 38  #: cells of one acknowledgement
_MOST = 10  #: rows of the board, frame included


class KillBoard(StripPanel, can_focus=False):
    """One header for each kill, its acknowledgements below."""

    slot, number, label, of_engine = "kill", "", "KILL", False

    def caption(self, snapshot: Snapshot) -> str:
        """Latched, and how it ends."""
        kills = snapshot.desk.kills if snapshot.desk else ()
        return "latched: nothing new leaves" if kills else ""

    def hints(self) -> str:
        """The way back."""
        return self.board.hint(("rearm", "re-arm with a reason"))

    def _rule(self, focused: bool) -> Style:
        return self.board.ink.text(self.board.ink.paper.alarm)

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Headers and parts."""
        desk = self.board.desk
        kills = snapshot.desk.kills if snapshot.desk else ()
        keys: list[Key] = []
        if desk.kill_sent is not None and not any(kill.scope == "desk" for kill in kills):
            keys.append(self._unanswered((desk.now - desk.kill_sent) / 1e6))
        for kill in kills:
            late = is_late(kill, waited(desk, kill))
            keys.append(self._header(kill, late))
            across = max(width // _PART, 1)
            for first in range(0, len(kill.parts), across):
                keys.append(self._parts(kill.parts[first : first + across], width // across, late))
        return [*keys, *[Said(())] * (height - len(keys))][:height]

    def _unanswered(self, waited_ms: float) -> Key:
        if waited_ms < LIMIT_MS:
            return Said((Cell(" KILL sent, waiting for the engine", "!warn"),))
        text = (
            f" {self.board.glyphs.fault} KILL sent, NO ANSWER after {millis(waited_ms // 100 * 100)}: act at the venue"
        )
        return "alarm", text

    def _header(self, kill: KillView, late: bool) -> Key:
        took = f"{millis(kill.elapsed_ms)}"
        when = self.board.formats.time(kill.ts, 3)
        if kill.open_orders and late:
            fault = self.board.glyphs.fault
            text = f" {fault} KILLED {plain(kill.scope)}: {_orders(kill.open_orders).upper()} STILL OPEN after {took}"
            return "alarm", f"{text}   {plain(kill.reason)} {when}"
        if late:
            return (
                "alarm",
                f" ! KILLED {plain(kill.scope)}: all cancelled, but LATE: {took}   {plain(kill.reason)} {when}",
            )
        state = "open orders 0" if not kill.open_orders else f"{_orders(kill.open_orders)} still open"
        return Said(
            (
                Cell(f" {self.board.glyphs.fault} KILLED {plain(kill.scope)} ", "!alarm"),
                Cell(f"{state} after {took}", "!strong"),
                Cell(f"   {plain(kill.reason)} {when}", "muted"),
            )
        )

    def _parts(self, parts: Sequence[KillPart], cells: int, late: bool) -> Said:
        pieces: list[Cell] = []
        for part in parts:
            word, colour = ("done", "text") if part.done else ("LATE", "!alarm") if late else ("wait", "!warn")
            text = f"{plain(part.name)}: {plain(part.detail)}"[: cells - 8]
            pieces += [Cell(f"   {word} ", colour), Cell(text.ljust(cells - 8), "muted" if part.done else "text")]
        return Said(tuple(pieces))

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row; an alarm fills it."""
        ink = self.board.ink
        if isinstance(key, Said):
            return table.paint(key, (), width, ink, self.board.glyphs)
        style = table.look(ink, "on-alarm")
        return fit([Segment(str(key[1]).ljust(width), style)], width)


def lines(desk: Desk, view: DeskView | None, width: int) -> int:
    """Rows the board needs, frame included; 0 while nothing is killed."""
    kills = view.kills if view else ()
    unanswered = desk.kill_sent is not None and not any(kill.scope == "desk" for kill in kills)
    if not kills and not unanswered:
        return 0
    across = max((width - 2) // _PART, 1)
    return min(2 + unanswered + sum(1 + -(-len(kill.parts) // across) for kill in kills), _MOST)


def waited(desk: Desk, kill: KillView) -> float:
    """Wall ms since the key, where this deck sent the kill; 0 for kills it did not send."""
    return (desk.now - desk.kill_sent) / 1e6 if desk.kill_sent is not None and kill.scope == "desk" else 0.0


def is_late(kill: KillView, waited_ms: float) -> bool:
    """Whether the kill took, or has been taking, longer than it may."""
    took = 0.0 if math.isnan(kill.elapsed_ms) else kill.elapsed_ms
    unfinished = kill.open_orders > 0 or not all(part.done for part in kill.parts)
    return took > LIMIT_MS or (unfinished and waited_ms > LIMIT_MS)


def _orders(count: int) -> str:
    return f"{count} order{'s' * (count != 1)}"
