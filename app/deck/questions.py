"""The questions of the tape: where to, which note, which bookmark; and what the answers do."""

from collections.abc import Callable
from typing import Any

from app.deck.board import Board
from app.deck.controls import Controls
from app.deck.dialogs import BookmarkDialog, Dialog, GotoDialog, NoteDialog
from app.places import Target
from core.transport import Player


class Questions:
    """One method per action that asks something; the action table gives them keys."""

    def __init__(
        self,
        player: Player,
        board: Board,
        controls: Controls,
        ask: Callable[[Dialog[Any], Callable[[Any], None]], None],
    ) -> None:
        self._player, self._board, self._controls, self._ask = player, board, controls, ask

    def go_to(self) -> None:
        """Ask where to go."""

        def answer(target: Target | None) -> None:
            if target is not None:
                self._player.send(target.command)

        self._ask(GotoDialog(self._player.latest(), self._board.formats), answer)

    def bookmark(self) -> None:
        """Bookmark the moment of the key press."""
        ts = self._player.latest().clock

        def answer(note: str | None) -> None:
            if note is not None:
                self._controls.keep(ts, note)

        self._ask(NoteDialog(f"{self._board.formats.day(ts)} {self._board.formats.time(ts, 6)}"), answer)

    def bookmarks(self) -> None:
        """List them."""

        def answer(choice: tuple[str, int] | None) -> None:
            if choice is None:
                return
            if choice[0] == "go":
                self._controls.go(choice[1])
            else:
                self._controls.forget(choice[1])
                self.bookmarks()

        self._ask(BookmarkDialog(self._board.bookmarks, self._board.formats), answer)
