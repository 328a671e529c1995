"""The keys of the journal, and the report when a session comes to its end."""

from collections.abc import Callable
from typing import Any

from app.deck.board import Board
from app.deck.journal_screen import JournalScreen
from core.snapshot import Snapshot, State
from core.transport import Player

_SETTLES = 15  #: frames until the last records of a session are in its log


class JournalDesk:
    """One method per action; the action table gives them keys."""

    def __init__(
        self,
        player: Player,
        board: Board,
        push: Callable[[Any], object],
        act: Callable[[str], None],
        go: Callable[[int], None],
        say: Callable[[str, bool], None],
    ) -> None:
        self._journal: Any = getattr(player, "journal", None)
        self._board, self._push, self._act, self._go, self._say = board, push, act, go, say
        self._ended = False

    def journal(self) -> None:
        """The journal, all of it in order of time."""
        self._push(JournalScreen(self._board, self._journal, self._go, self._act))

    def report(self) -> None:
        """What came of the session so far."""
        if self._journal is None:
            self._say("there is no journal to report of: this is a tape", False)
        else:
            self._report(1)

    def _report(self, frames: int) -> None:
        screen = JournalScreen(self._board, self._journal, self._go, self._act)
        screen.want_report(frames)
        self._push(screen)

    def tick(self, snapshot: Snapshot, covered: bool) -> None:
        """Show the report when a session that is written down comes to the end of its tapes."""
        ended = snapshot.state is State.ENDED
        if ended and not self._ended and self._journal is not None and not covered:
            self._report(_SETTLES)
        self._ended = ended
