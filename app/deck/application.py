"""The deck: one screen, one pump, one table of actions."""

import gc
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar

from textual import events
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from app.config import DeckConfig
from app.deck.actions import ACTIONS, BY_NAME, key_name
from app.deck.bars import WAITING
from app.deck.board import Board
from app.deck.controls import Controls
from app.deck.day_bar import DayBar
from app.deck.desk_dialogs import FlattenDialog
from app.deck.desk_viewer import DeskViewer
from app.deck.desk_watch import DeskWatch
from app.deck.dialogs import DIALOG_CSS, Dialog
from app.deck.help import HelpScreen
from app.deck.journal_desk import JournalDesk
from app.deck.journal_screen import JournalScreen
from app.deck.marks import Bookmarks, LooseBookmarks
from app.deck.pump import SECOND, Pump, frame_rate, writer_queue
from app.deck.questions import Questions
from app.deck.screen import DeckScreen
from app.deck.themes import PREFIX, themes
from app.deck.trader import Trader
from app.deck.trading_keys import TradingKeys
from app.deck.viewer import Viewer
from core.clock import monotonic_ns
from core.desk_view import REPLAYED
from core.snapshot import Snapshot, State
from core.transport import Player

NOTICE_SECONDS = 3.0
WHEEL_ROWS = 3


class DeckApp(App[int], inherit_bindings=False):
    """The screen of the tape player. `timed=False` leaves it to a test to call `frame`."""

    TITLE = "tapedeck"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                ",".join(key_name(key) for key in action.keys),
                f"act('{action.name}')",
                action.description,
                id=action.name,
                show=False,
                priority=action.anywhere or action.name == "order",
            )
            for action in ACTIONS
        ),
        Binding("ctrl+c", "how_to_quit", show=False),
    ]
    CSS = (
        """
    DeckScreen { overflow: hidden; background: $background; }
    StripPanel { position: absolute; display: none; width: 1; height: 1; }
    """
        + DIALOG_CSS
    )

    def __init__(
        self,
        player: Player,
        config: DeckConfig | None = None,
        *,
        bookmarks: Bookmarks | None = None,
        read_only: bool = False,
        timed: bool = True,
        clock: Callable[[], int] = monotonic_ns,
        painted: Callable[[], None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        config = config or DeckConfig()
        self.player = player
        self.board = Board(player.instrument, player.title, config, read_only, player, clock)
        self.bookmarks = bookmarks or LooseBookmarks()
        self.controls = Controls(player, self.board, self.bookmarks, self.say)
        self.use_command_palette = True
        self.animation_level = "none"
        self._clock, self._timed, self._painted = clock, timed, painted
        self._previous: Snapshot | None = None
        self._sought: int | None = None
        self._quiet_at = 0
        self.board.meter.asked = frame_rate(config)
        self.pump = Pump(self._latest, self.board.meter, clock, lambda: writer_queue(self._driver))
        if self.no_color:
            self.board.repaint(palette="mono")
        for theme in themes():
            self.register_theme(theme)
        self.theme = PREFIX + config.theme
        self.set_keymap({name: ",".join(keys) for name, keys in self.board.keys.items() if name in config.keys})

    def get_default_screen(self) -> Screen[None]:
        """The deck itself."""
        self.deck = DeckScreen(self.board)
        self.deck.clock, self.deck.painted, self.deck.resized = self._clock, self.pump.spend, self.relay
        self.viewer = Viewer(self.deck, self.say, self.relay)
        self.questions = Questions(self.player, self.board, self.controls, self.ask)
        self.desk_viewer = DeskViewer(self.deck, self.player.latest, self.say, self.viewer.focus)
        self.trader = Trader(self.player, self.board, self.say, self.ask, self.relay)
        self.trading_keys = TradingKeys(self, self.deck, self.trader, self.say, self.relay)
        self.watch_desk = DeskWatch(self.deck, self.relay, self.say)
        self.journal_desk = JournalDesk(
            self.player, self.board, self.push_screen, self.action_act, self.controls.go, self.say
        )  # fmt: skip
        return self.deck

    def on_mount(self) -> None:
        """Load bookmarks, place the panels, start the pump."""
        self.board.bookmarks = self.bookmarks.load()
        if self.bookmarks.problem:
            self.say(self.bookmarks.problem, True)
        self.deck.place()
        if self._timed:
            self.set_interval(1 / self.board.meter.asked, self.frame)
            self.set_timer(0.5, self._settle)
        if self._painted is not None:
            self.call_after_refresh(self._painted)

    def _settle(self) -> None:
        """Take everything that is here to stay out of the collector's sight; its pauses are the worst frames."""
        gc.collect()
        gc.freeze()

    def relay(self) -> None:
        """Apply layout and theme, and draw everything at once."""
        if self.theme != PREFIX + self.board.ink.theme:
            self.theme = PREFIX + self.board.ink.theme
        self.deck.place()
        focused = self.deck.focused
        if focused is not None and not focused.display:
            self.deck.set_focus(None)
        self.call_after_refresh(self.frame, True)

    # the frame

    def frame(self, force: bool = False) -> None:
        """One turn of the pump."""
        if self._sought is not None:
            self.controls.go(self._sought)
            self._sought = None
        board = self.board
        if board.notice and self._clock() >= self._quiet_at:
            board.notice, board.alarm = "", False
            self._bars_again()
        board.desk.now = self._clock()
        self._wait_for_engine()
        if board.overview is None and board.meter.ticks % 15 == 0:
            board.overview = self.player.overview()
        covered = len(self.screen_stack) > 1
        snapshot = self.pump.tick(() if covered else self.deck.shown(), force)
        if snapshot is not None:
            if not covered:
                self.deck.realign(snapshot)
            self._watch(snapshot)
            self.watch_desk.tick(snapshot, covered)
            self.journal_desk.tick(snapshot, covered)
            screen = self.screen
            if isinstance(screen, JournalScreen) or (isinstance(screen, FlattenDialog) and board.meter.ticks % 6 == 0):
                screen.live(snapshot)

    def _latest(self) -> Snapshot:
        """The newest snapshot. A failed engine has no market to show: the last one stays, and says so."""
        snapshot, last = self.player.latest(), self._previous
        if snapshot.state is State.FAULTED and not len(snapshot.ladder.bids) and last is not None:
            return replace(last, state=snapshot.state, failure=snapshot.failure, sequence=snapshot.sequence)
        return snapshot

    def _wait_for_engine(self) -> None:
        """Count the seconds while the engine loads or compiles: the picture itself stands still then."""
        board, previous = self.board, self._previous
        if previous is None or previous.state not in WAITING:
            board.waiting = None
            return
        shown = board.waited()
        board.waiting = board.desk.now if board.waiting is None else board.waiting
        if board.waited() != shown:
            for slot in ("top", "stats"):
                self.deck.panels[slot].again()

    def _watch(self, snapshot: Snapshot) -> None:
        """Notice a step back and a failure."""
        previous, self._previous = self._previous, snapshot
        if previous is not None and snapshot.index < previous.index:
            where = self.board.formats.time(snapshot.clock, 3)
            self.say(f"{self.board.glyphs.back} back to {where}: {_how_back(snapshot)}")
        failed = snapshot.state is State.FAULTED
        if failed != self.board.ink.fault:
            self.board.repaint(fault=failed)
            while failed and len(self.screen_stack) > 1:
                self.pop_screen()
            self.call_after_refresh(self.frame, True)

    def say(self, text: str, alarm: bool = False) -> None:
        """Show a notice for a few seconds, in place of the statistics."""
        self.board.notice, self.board.alarm = text, alarm
        self._quiet_at = self._clock() + int(NOTICE_SECONDS * (3 if alarm else 1) * SECOND)
        self._bars_again()

    def _bars_again(self) -> None:
        if self.is_running and self.screen_stack:
            self.deck.panels["stats"].again()

    def on_day_bar_sought(self, event: DayBar.Sought) -> None:
        """Seek with the next frame; a drag asks far more often than that."""
        self._sought = event.ts

    def on_ladder_panel_priced(self) -> None:
        """Write on at the price that was pointed at."""
        self.trading_keys.resume()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll what is under the pointer."""
        self._wheel(event, WHEEL_ROWS)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll what is under the pointer."""
        self._wheel(event, -WHEEL_ROWS)

    def _wheel(self, event: events.MouseEvent, rows: int) -> None:
        if self.screen is self.deck:
            panel, _ = self.deck.get_widget_at(event.screen_x, event.screen_y)
            self.viewer.scroll(panel.id or "", rows)

    # actions

    def action_act(self, name: str) -> None:
        """Do the action `name` of the table."""
        if self.board.read_only and not BY_NAME[name].viewer:
            self.say("read-only: this deck cannot be operated")
            return
        owners = (self, f"do_{name}"), *((each, name) for each in self._owners())
        next(getattr(owner, method) for owner, method in owners if hasattr(owner, method))()
        for slot in ("stats", "day", "keys"):
            self.deck.panels[slot].again()

    def _owners(self) -> tuple[object, ...]:
        """Who has methods for actions."""
        return (
            self.viewer, self.controls, self.questions, self.desk_viewer, self.trader, self.trading_keys,
            self.journal_desk,
        )  # fmt: skip

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`order` is done in the key's own turn, so that digits typed right after it are the order's; not in a text."""
        if parameters == ("order",):
            return self.trading_keys.may_begin()
        return super().check_action(action, parameters)

    def action_how_to_quit(self) -> None:
        """ctrl+c may be meant for copying; it does not end a session."""
        self.say(f"{self.board.key('quit')} quits")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The table of actions, for the command palette."""
        for action in ACTIONS:
            allowed = (action.viewer or not self.board.read_only) and (self.board.desk.trading or not action.desk)
            if action.name != "command_palette" and allowed:
                keys = self.board.key(action.name)
                yield SystemCommand(
                    f"{action.description}",
                    f"{action.group}   key {keys}",
                    lambda name=action.name: self.action_act(name),
                )

    def do_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def do_help(self) -> None:
        """Show the keys."""
        board = self.board
        self.push_screen(HelpScreen(board.keys, board.ink, board.read_only, board.desk.trading))

    def ask(self, dialog: Dialog[Any], answer: Callable[[Any], None]) -> None:
        """Show a dialog, once; `answer` gets what it is closed with."""
        if not isinstance(self.screen, type(dialog)):
            self.push_screen(dialog, answer)

    def do_command_palette(self) -> None:
        """Show the palette."""
        self.action_command_palette()


def _how_back(snapshot: Snapshot) -> str:
    """What going back did to the book, and to agents where there are any."""
    if snapshot.desk is None:
        return "the book was rebuilt from a checkpoint"
    told = (note.text for note in reversed(snapshot.desk.notes) if note.text.startswith(REPLAYED))
    return next(told, f"{REPLAYED}, agents and all")
