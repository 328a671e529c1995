"""What trading keys do to the screen: the order line's focus, and clearing the way for a kill's acknowledgements."""

from collections.abc import Callable

from textual.app import App
from textual.widget import Widget

from app.deck.entry import EntryPanel
from app.deck.formats import SECOND
from app.deck.screen import DeckScreen
from app.deck.trader import Trader


class TradingKeys:
    """One method per action that needs the screen; the action table gives them keys."""

    def __init__(
        self,
        app: App[int],
        deck: DeckScreen,
        trader: Trader,
        say: Callable[[str, bool], None],
        relay: Callable[[], None],
    ) -> None:
        self._app, self._deck, self._trader, self._say, self._relay = app, deck, trader, say, relay
        self._board = deck.board
        self._before: Widget | None = None  #: what had the focus before the order line
        self._pressed: int | None = None  #: wall time of the first of two kill presses
        entry = deck.panels["entry"]
        assert isinstance(entry, EntryPanel)
        self._entry = entry
        entry.enter, entry.escape, entry.refuse = self._enter, self._escape, lambda text: say(text, True)

    def kill(self) -> None:
        """Kill first; then clear the screen of whatever was asked, so that the acknowledgements can be seen."""
        self._trader.send_kill()
        if not self._board.desk.trading:
            return
        self._board.notice = ""
        while len(self._app.screen_stack) > 1:
            self._app.pop_screen()
        self._relay()

    def kill_twice(self) -> None:
        """Kill at the second press within a second: some terminals keep F10 for themselves."""
        now = self._board.clock()
        first, self._pressed = self._pressed, now
        if self._board.desk.trading and (first is None or now - first > SECOND):
            self._say(f"{self._board.key('kill_twice')} again within a second KILLS", True)
            return
        self._pressed = None
        self.kill()

    def may_begin(self) -> bool:
        """Whether the key of `order` means an order here, and not a letter of a text."""
        return len(self._app.screen_stack) == 1 and self._deck.focused is not self._entry

    def order(self) -> None:
        """Open the order line and write in it."""
        before = self._deck.focused
        self._trader.write_order()
        if self._board.desk.draft is not None and not self._entry.display:
            self._trader.close()
            self._say("the terminal is too small to preview an order", True)
        if self._board.desk.draft is not None and before is not self._entry:
            self._before = before
            self._deck.set_focus(self._entry)

    def resume(self) -> None:
        """Go on writing: the mouse took the focus to point at a price."""
        self._deck.set_focus(self._entry)
        self._entry.again()

    def _enter(self) -> None:
        if self._trader.send():
            self._refocus()

    def _escape(self) -> None:
        self._trader.close()
        self._refocus()

    def _refocus(self) -> None:
        """Back to the panel that had the focus before the order line took it."""
        if self._before is not None and self._before.display:
            self._deck.set_focus(self._before)
