"""Notices what a frame changed on the trading half, and draws out of turn what must not wait."""

from collections.abc import Callable

from app.deck import kill_board
from app.deck.board import Board
from app.deck.layout import DESK_LAYOUT
from app.deck.risk import breaches
from app.deck.screen import DeckScreen
from core.desk_view import DeskView
from core.snapshot import Snapshot


class DeskWatch:
    """Called once a frame, after the panels were pushed."""

    def __init__(self, deck: DeckScreen, relay: Callable[[], None], say: Callable[[str, bool], None]) -> None:
        self._deck, self._board, self._relay, self._say = deck, deck.board, relay, say
        self._told: int | None = None  #: answers of the engine seen so far
        self._seconds = 0
        self._breached: frozenset[tuple[str, str]] = frozenset()
        self._chose = False

    def tick(self, snapshot: Snapshot, covered: bool) -> None:
        """Look at a snapshot and at the clock."""
        view, board = snapshot.desk, self._board
        if view is None and not board.desk.trading:
            return
        board.desk.trading = True
        if not self._chose:
            self._choose_layout(board)
        self._watch_kill(snapshot)
        if view is not None:
            self._answer(view)
        if covered or view is None:
            return
        seconds = board.desk.seconds_armed(view)
        if seconds != self._seconds:
            self._seconds = seconds
            for slot in ("top", "entry"):
                if self._deck.panels[slot].display:
                    self._deck.panels[slot].again()
        breached = breaches(view.risks)
        if breached != self._breached:
            self._breached = breached
            for slot in ("risk", "stats"):
                if self._deck.panels[slot].display:
                    self._deck.panels[slot].push(snapshot)

    def _answer(self, view: DeskView) -> None:
        """What the engine could not do for the person, once."""
        if self._told is not None and view.told[0] > self._told:
            self._say(view.told[1], True)
        self._told = view.told[0]

    def _choose_layout(self, board: Board) -> None:
        """A desk is shown in its own layout, unless the person configured another."""
        self._chose = True
        if board.layout == board.config.layout == "deck":
            board.layout = DESK_LAYOUT
        self._relay()

    def _watch_kill(self, snapshot: Snapshot) -> None:
        """Give the kill board its rows, keep its clock going, and forget the key once a kill is re-armed."""
        desk, view = self._board.desk, snapshot.desk
        killed = view is not None and any(kill.scope == "desk" for kill in view.kills)
        if desk.kill_sent is not None:
            if desk.kill_seen and not killed:
                desk.kill_sent = None
            desk.kill_seen = desk.kill_seen or killed
        lines = kill_board.lines(desk, view, self._deck.app.size.width)
        if lines != desk.kill_lines:
            desk.kill_lines = lines
            self._relay()
        elif lines and desk.kill_sent is not None and self._deck.panels["kill"].display:
            self._deck.panels["kill"].again()
