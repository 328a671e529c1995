"""What the keys of the screen mean: focus, layout, colours, scrolling. Nothing here reaches the engine."""

from collections.abc import Callable, Sequence

from app.config import GLYPHS, PALETTES, THEMES
from app.deck.agents import AgentsPanel
from app.deck.glyphs import SETS
from app.deck.layout import DESK_LAYOUT, LAYOUTS, arrange
from app.deck.orders import OrdersPanel
from app.deck.risk import RiskPanel
from app.deck.screen import DeckScreen
from app.deck.tape import TapePanel

_Scrolled = TapePanel | AgentsPanel | RiskPanel | OrdersPanel


class Viewer:
    """One method per action; the action table gives them keys."""

    def __init__(self, deck: DeckScreen, say: Callable[[str], None], relay: Callable[[], None]) -> None:
        self._deck, self._board, self._say, self._relay = deck, deck.board, say, relay
        tape = deck.panels["tape"]
        assert isinstance(tape, TapePanel)
        self._tape = tape

    # focus and layout

    def focus_ladder(self) -> None:
        """Focus the ladder."""
        self.focus("ladder")

    def focus_heat(self) -> None:
        """Focus the heat map."""
        self.focus("heat")

    def focus_tape(self) -> None:
        """Focus the tape."""
        self.focus("tape")

    def focus_chart(self) -> None:
        """Focus the chart."""
        self.focus("chart")

    def focus_market(self) -> None:
        """Focus the market panel."""
        self.focus("market")

    def focus_day(self) -> None:
        """Focus the day bar."""
        self.focus("day")

    def zoom(self) -> None:
        """Zoom the focused panel (the ladder when none is), or go back."""
        board = self._board
        board.zoomed = None if board.zoomed else board.focus or "ladder"
        self._relay()

    def layout(self) -> None:
        """Next layout."""
        board = self._board
        layouts = (DESK_LAYOUT, *LAYOUTS) if board.desk.trading else LAYOUTS
        board.layout, board.zoomed = _after(layouts, board.layout), None
        self._say(f"layout: {board.layout}")
        self._relay()

    def focus(self, slot: str) -> None:
        """Focus a panel; one that the layout has no place for is zoomed."""
        board, panel = self._board, self._deck.panels[slot]
        if not panel.display or (board.zoomed and board.zoomed != slot):
            size = self._deck.app.size
            board.zoomed = None if slot in arrange(size.width, size.height, board.layout) else slot
            self._relay()
        self._deck.set_focus(panel)

    # colours and glyphs

    def theme(self) -> None:
        """Next theme."""
        self._board.repaint(theme=_after(THEMES, self._board.ink.theme))
        self._say(f"theme: {self._board.ink.theme}")
        self._relay()

    def palette(self) -> None:
        """Next palette."""
        self._board.repaint(palette=_after(PALETTES, self._board.ink.palette))
        self._say(f"palette: {self._board.ink.palette}")
        self._relay()

    def glyphs(self) -> None:
        """The other glyphs."""
        name = _after(GLYPHS, "ascii" if self._board.glyphs.ascii else "unicode")
        self._board.reglyph(SETS[name])
        self._say(f"glyphs: {name}")
        self._relay()

    # price axis, tape, chart

    def centre(self) -> None:
        """Centre the price axis and follow the touch."""
        snapshot = self._deck.panels["ladder"].snapshot
        if snapshot is not None:
            self._board.axis.centre(snapshot)
        self._again("ladder", "heat")

    def scroll_up(self) -> None:
        """One row up."""
        self._scroll(1)

    def scroll_down(self) -> None:
        """One row down."""
        self._scroll(-1)

    def page_up(self) -> None:
        """One page up."""
        self._scroll(max(self._board.axis.lines - 2, 1))

    def page_down(self) -> None:
        """One page down."""
        self._scroll(-max(self._board.axis.lines - 2, 1))

    def _scroll(self, rows: int) -> None:
        panel = self._deck.panels.get(self._board.focus)
        self.scroll(panel.slot if isinstance(panel, _Scrolled) else "ladder", rows)

    def scroll(self, slot: str, rows: int) -> None:
        """Scroll a list, or the price axis of ladder and heat map."""
        panel = self._deck.panels.get(slot)
        if isinstance(panel, _Scrolled):
            panel.scroll_rows(rows)
            self._again(slot)
        elif slot in ("ladder", "heat"):
            self._board.axis.scroll(rows)
            self._again("ladder", "heat")

    def tape_filter(self) -> None:
        """Next smallest size."""
        self._board.smallest = self._tape.next_filter()
        self._again("tape")

    def tape_hold(self) -> None:
        """Hold the tape's view or let it run."""
        self._tape.hold(not self._board.held)
        self._again("tape")

    def chart_span(self) -> None:
        """Window or day."""
        self._board.chart_day = not self._board.chart_day
        self._again("chart")

    def _again(self, *slots: str) -> None:
        for slot in slots:
            if self._deck.panels[slot].display:
                self._deck.panels[slot].again()


def _after(options: Sequence[str], current: str) -> str:
    """The option after `current`, round and round."""
    return options[(options.index(current) + 1) % len(options)]
