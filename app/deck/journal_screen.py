"""The journal on the screen: all that happened, in order of time, while the session goes on.

Questions are answered in a thread (`sessions.audit.follow`); the screen looks once a frame for what has come.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from app.deck.answer_screen import AnswerScreen
from app.deck.bars import TopBar
from app.deck.board import Board
from app.deck.contracts import Written
from app.deck.journal_dialog import FilterDialog
from app.deck.journal_filter import filter_text
from app.deck.journal_panel import JournalPanel, Shown
from app.deck.journal_questions import Pages, note, report, why
from app.deck.journal_window import Window, Wish
from app.deck.screen import DeckScreen
from core.snapshot import Snapshot
from sessions.audit.follow import Follower
from sessions.audit.lines import USUAL, Kind, Wanted

_LEAST_SIZE = 4
WHEEL = 3


class JournalScreen(ModalScreen[None]):
    """Pages through a journal. `go` is told a time that the transport is to jump to."""

    CSS = "JournalScreen { overflow: hidden; background: $background; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Close"),
        *(Binding(key, f"move({rows}, {pages})") for key, rows, pages in (
            ("up", -1, 0), ("down", 1, 0), ("pageup", 0, -1), ("pagedown", 0, 1),
        )),
        Binding("home", "begin", "The first line"),
        Binding("end,f", "follow", "The newest line, and follow"),
        *(Binding(str(int(kind)), f"kind({int(kind)})") for kind in Kind),
        Binding("slash", "filter", "Filter"),
        Binding("o", "only('order')", "Only the order of this line"),
        Binding("a", "only('agent')", "Only its agent"),
        Binding("c", "only('control')", "Only its control"),
        Binding("x", "all", "No filter"),
        Binding("enter", "why", "The chain behind it"),
        Binding("g", "go", "Go there"),
        Binding("r", "report", "Report"),
        Binding("space", "play", "Play or pause"),
    ]  # fmt: skip

    def __init__(
        self,
        board: Board,
        journal: Written | None,
        go: Callable[[int], None],
        act: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._board, self._journal, self._go, self._act = board, journal, go, act
        self.shown = Shown(coming=journal is not None)
        self.follower: Follower | None = None
        self._pages = Pages()
        self._asked: tuple[int, Wish] | None = None
        self._seen = -1  #: records when the newest lines were asked for
        self.bar, self.panel = TopBar(board), JournalPanel(board, self.shown)
        self._snapshot: Snapshot | None = None
        self._report_in = 0  #: frames until the report is asked for, 0 = it is not wanted
        self._only_report = False

    def want_report(self, frames: int = 1) -> None:
        """Show the report and nothing else, `frames` from now: what was just done is written by then."""
        self._report_in, self._only_report = frames, True

    def compose(self) -> ComposeResult:
        """The bar of the deck, and the lines."""
        yield self.bar
        yield self.panel

    def on_mount(self) -> None:
        """Place both."""
        self._place()
        self.set_focus(self.panel)

    def on_resize(self, event: events.Resize) -> None:
        """Place both anew."""
        self._place()

    def on_unmount(self) -> None:
        """Let go of the journal."""
        if self.follower is not None:
            self.follower.close(0.0)

    def _place(self) -> None:
        width, height = self.app.size
        for widget, row, rows in ((self.bar, 0, 1), (self.panel, 1, max(height - 1, _LEAST_SIZE))):
            widget.display = True
            widget.styles.offset = (0, row)
            widget.styles.width, widget.styles.height = width, rows

    # --- once a frame -------------------------------------------------------------------------

    def live(self, snapshot: Snapshot) -> None:
        """Take what was answered, ask for what is missing, draw."""
        started = self._board.clock()
        self._turn(snapshot)
        self._spend(self._board.clock() - started)

    def _compositor_refresh(self) -> None:
        """Paint as ever, and tell how long it took."""
        started = self._board.clock()
        super()._compositor_refresh()
        self._spend(self._board.clock() - started)

    def _spend(self, nanoseconds: int) -> None:
        """What the deck's meter counts as painting goes on below it."""
        deck = self.app.screen_stack[0]
        if isinstance(deck, DeckScreen):
            deck.painted(nanoseconds)

    def _turn(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._meet()
        follower, shown = self.follower, self.shown
        if follower is not None:
            shown.standing = follower.standing
            shown.written = self._journal.records if self._journal is not None else None
            shown.failure = self._journal.failure if self._journal is not None else ""
            self._take(follower)
            self._wish(follower)
            if self._report_in:
                self._report_in -= 1
                if not self._report_in:
                    self.action_report()
            shown.asking = self._asked is not None and not shown.window.begun
        self.bar.push(snapshot)
        self.panel.push(snapshot)

    def _meet(self) -> None:
        """The journal that is written now; going back begins another."""
        folder = self._journal.latest if self._journal is not None else None
        if folder is None or (self.follower is not None and self.follower.folder == folder):
            return
        if self.follower is not None:
            self.follower.close(0.0)
        self.follower, self._pages = Follower(folder), Pages()
        self.shown.session = folder.name
        self._anew()

    def _take(self, follower: Follower) -> None:
        found = follower.taken("page")
        if found is not None and self._asked is not None and found.number == self._asked[0]:
            wish, self._asked = self._asked[1], None
            self.shown.problem = found.problem
            if found.value is not None:
                self.shown.window.take(wish, found.value.lines, found.value.more)
            else:
                self.shown.window.begun = True
        told = follower.taken("answer")
        if told is not None and told.problem:
            self.shown.problem, self._only_report = told.problem, False
        elif told is not None:
            answer = AnswerScreen(told.value, self._board, self.shown.standing, self._live())
            self.app.push_screen(answer, self._answered)

    def _answered(self, nothing: None) -> None:
        """An answer was closed; a report that was asked for from the deck leads back there."""
        if self._only_report:
            self.dismiss(None)

    def _live(self) -> dict[str, str]:
        """What only the running session can say."""
        desk = self._snapshot.desk if self._snapshot is not None else None
        diverged = "" if desk is None else f"{desk.diverged_lots:,} lots"
        return {"digest": self._journal.digest if self._journal is not None else "", "divergence": diverged}

    def _wish(self, follower: Follower) -> None:
        """Ask for the next lines, one question at a time; newer ones first while following."""
        window, standing = self.shown.window, self.shown.standing
        if self._asked is not None or standing.records < 0:
            return
        wish = window.wish(self.shown.height)
        if window.follow and standing.records != self._seen:
            wish = Wish(None, True)
        if wish is not None:
            if wish == Wish(None, True):
                self._seen = standing.records
            self._asked = (follower.ask("page", self._pages.ask(self.shown.wanted, wish)), wish)

    def _anew(self, follow: bool = True) -> None:
        """Other lines are wanted: those at hand are of no use."""
        self.shown.window = Window(follow=follow)
        self.shown.problem, self._asked, self._seen = "", None, -1

    # --- keys ---------------------------------------------------------------------------------

    def action_move(self, rows: int, pages: int) -> None:
        """Another line, or another page of them."""
        self.shown.window.move(rows + pages * max(self.shown.height - 1, 1))
        self.panel.again()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Older lines."""
        event.stop()
        self.action_move(-WHEEL, 0)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Newer lines."""
        event.stop()
        self.action_move(WHEEL, 0)

    def action_begin(self) -> None:
        """The first line there is."""
        self._anew(follow=False)
        if self.follower is not None:
            wish = Wish(None, False)
            self._asked = (self.follower.ask("page", self._pages.ask(self.shown.wanted, wish)), wish)

    def action_follow(self) -> None:
        """The newest line, and what comes behind it."""
        self._anew()

    def action_kind(self, number: int) -> None:
        """Show a kind, or leave it out."""
        self._want(replace(self.shown.wanted, kinds=self.shown.wanted.kinds ^ {Kind(number)}))

    def action_all(self) -> None:
        """Everything that is shown as a rule."""
        self._want(Wanted(USUAL))

    def action_only(self, what: str) -> None:
        """Only what has the order, the agent or the control of the chosen line."""
        line, wanted = self.shown.window.line, self.shown.wanted
        if line is None:
            return
        if what == "order" and line.order_id:
            self._want(replace(wanted, order=line.order_id))
        elif what == "agent" and line.agent:
            self._want(replace(wanted, agent=line.agent))
        elif what == "control" and line.control:
            self._want(replace(wanted, control=line.control))

    def _want(self, wanted: Wanted) -> None:
        self.shown.wanted = wanted
        self.shown.filtered = filter_text(wanted, self._board.formats)
        self._anew()
        self.panel.again()

    def action_filter(self) -> None:
        """Type a filter."""
        if self._snapshot is not None:
            agents = self.shown.standing.agents
            dialog = FilterDialog(self.shown.wanted, agents, self._snapshot, self._board.formats)
            self.app.push_screen(dialog, self._filtered)

    def _filtered(self, wanted: Wanted | None) -> None:
        if wanted is not None:
            self._want(wanted)

    def action_why(self) -> None:
        """The chain behind the chosen line."""
        line = self.shown.window.line
        if line is None or self.follower is None:
            return
        self.follower.ask("answer", why(line) if line.asked else note(line))

    def action_report(self) -> None:
        """What came of the session so far."""
        if self.follower is not None:
            self.follower.ask("answer", report(), fresh=True)

    def action_go(self) -> None:
        """The transport goes to the moment of the chosen line."""
        line = self.shown.window.line
        if line is None:
            return
        if self._board.read_only:
            self.shown.problem = "read-only: this deck cannot be operated"
            return
        self.dismiss(None)
        self._go(line.ts)

    def action_play(self) -> None:
        """Play or pause."""
        self._act("play")
