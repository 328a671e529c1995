"""The one screen of the deck: all panels, placed by the layout function."""

from collections.abc import Callable

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

from app.deck.agents import AgentsPanel
from app.deck.bars import KeyFooter, StatsLine, TopBar
from app.deck.board import Board
from app.deck.chart import ChartPanel
from app.deck.day_bar import DayBar
from app.deck.entry import EntryPanel
from app.deck.heat import HeatPanel
from app.deck.kill_board import KillBoard
from app.deck.ladder import LadderPanel
from app.deck.layout import arrange
from app.deck.market import MarketPanel
from app.deck.orders import OrdersPanel
from app.deck.progress import ProgressPanel
from app.deck.risk import RiskPanel
from app.deck.small import SmallNotice
from app.deck.strip_panel import StripPanel
from app.deck.tape import TapePanel
from core.clock import monotonic_ns
from core.snapshot import Snapshot


class DeckScreen(Screen[None]):
    """The panels, placed by the layout function."""

    def __init__(self, board: Board) -> None:
        super().__init__(id="deck")
        kinds: tuple[type[StripPanel], ...] = (
            LadderPanel, HeatPanel, TapePanel, ChartPanel, MarketPanel, DayBar, TopBar, StatsLine, KeyFooter,
            SmallNotice, AgentsPanel, RiskPanel, OrdersPanel, ProgressPanel, EntryPanel, KillBoard,
        )  # fmt: skip
        self.board = board
        self.panels = {kind.slot: kind(board) for kind in kinds}
        self.clock: Callable[[], int] = monotonic_ns
        self.resized: Callable[[], None] = lambda: None
        self.painted: Callable[[int], None] = lambda nanoseconds: None

    def compose(self) -> ComposeResult:
        """All panels, hidden until they are placed."""
        yield from self.panels.values()

    def place(self) -> None:
        """Give every panel its box, or hide it."""
        board = self.board
        desk, size = board.desk, self.app.size
        boxes = arrange(size.width, size.height, board.layout, board.zoomed, desk.kill_lines, desk.draft is not None)
        for slot, panel in self.panels.items():
            box = boxes.get(slot)
            panel.display = box is not None
            if box is not None:
                panel.styles.offset = (box.x, box.y)
                panel.styles.width, panel.styles.height = box.width, box.height

    def on_resize(self, event: events.Resize) -> None:
        """Tell the application, which knows its new size by now."""
        self.resized()

    def shown(self) -> list[StripPanel]:
        """The panels that have a box, ladder first: it moves the shared axis."""
        return [panel for panel in self.panels.values() if panel.display]

    def realign(self, snapshot: Snapshot) -> None:
        """Draw the heat map out of turn when the ladder, which is drawn more often, has moved the shared axis."""
        heat, axis = self.panels["heat"], self.board.axis
        if isinstance(heat, HeatPanel) and heat.display and heat.drawn_at != (axis.top, axis.group):
            heat.push(snapshot)

    def _compositor_refresh(self) -> None:
        """Paint as ever, and tell how long it took."""
        started = self.clock()
        super()._compositor_refresh()
        self.painted(self.clock() - started)
