"""The two questions of the trading half: flatten, with what it would send, and the end of a kill."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label

from app.deck.board import Board
from app.deck.dialogs import Dialog
from app.deck.figures import signed
from app.deck.formats import plain
from core.desk_view import DeskView, KillView
from core.snapshot import Snapshot

WORD = "REARM"  #: what must be typed to end a kill
_SHOWN = 12  #: agents listed in a preview
_WIDTH = 66  #: cells of a line in a dialog


class FlattenDialog(Dialog[int | None]):
    """Shows positions and what would be sent; enter sends. Answers an agent's place, -1 for the desk."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "confirm", "Flatten"),
        Binding("tab,a", "scope", "Desk or agent"),
    ]

    def __init__(self, snapshot: Snapshot, board: Board) -> None:
        super().__init__()
        self._snapshot, self._board = snapshot, board
        self._agent: str | None = None  #: None = the whole desk

    def compose(self) -> ComposeResult:
        """The scope, one line for each agent, the keys."""
        with Vertical() as box:
            box.border_title = "Flatten: cancel orders, close positions"
            yield Label(self._scope_line(), id="scope", markup=False)
            yield Label(self._preview(), id="preview", markup=False)
            yield Label("enter sends   tab desk or chosen agent   escape does nothing", markup=False)

    def live(self, snapshot: Snapshot) -> None:
        """Show a newer state."""
        if snapshot.desk is not None and snapshot.desk is not self._snapshot.desk and self.is_mounted:
            self._snapshot = snapshot
            self._show()

    def action_scope(self) -> None:
        """The whole desk, or the chosen agent only."""
        view = self._view()
        place = self._board.desk.place(view)
        self._agent = view.agents[place].name if self._agent is None and place >= 0 else None
        self._show()

    def action_confirm(self) -> None:
        """Flatten."""
        if self._agent is None:
            self.dismiss(-1)
            return
        names = [agent.name for agent in self._view().agents]
        self.dismiss(names.index(self._agent) if self._agent in names else None)

    def _show(self) -> None:
        self.query_one("#scope", Label).update(Text(self._scope_line()))
        self.query_one("#preview", Label).update(Text(self._preview()))

    def _view(self) -> DeskView:
        view = self._snapshot.desk
        assert view is not None
        return view

    def _scope_line(self) -> str:
        return "the whole desk" if self._agent is None else f"only {plain(self._agent)}"

    def _preview(self) -> str:
        lines = []
        contracts, formats, minus = self._board.desk.contracts, self._board.formats, self._board.glyphs.minus
        for agent in self._view().agents:
            if (not agent.position and not agent.orders) or self._agent not in (None, agent.name):
                continue
            parts = [f"cancel {agent.orders} order{'s' * (agent.orders != 1)}"] * bool(agent.orders)
            size = contracts.quantity(agent.symbol, abs(agent.position))
            if agent.position:
                sells = agent.position > 0
                touch = self._snapshot.best_bid if sells else self._snapshot.best_ask
                here = contracts.is_shown(agent.symbol) and touch is not None
                near = f" near {formats.price(touch)}" if here and touch is not None else ""
                parts.append(f"{'SELL' if sells else 'BUY'} {size}{near}")
            position = signed(agent.position, size, minus)
            who = f"{plain(agent.name)[:9]:<9} {plain(agent.symbol)[:6]:<6} {position:>8}"
            lines.append(f"{who}  {', '.join(parts)}"[:_WIDTH])
        more = [f"and {len(lines) - _SHOWN} agents more"] * (len(lines) > _SHOWN)
        return "\n".join(["", *(lines[:_SHOWN] or ["flat already, and no open orders"]), *more, ""])


class RearmDialog(Dialog[tuple[int, str] | None]):
    """Wants the word typed and a reason. Answers the place of the killed agent, -1 for the desk, and the reason."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("up", "turn(-1)"), Binding("down", "turn(1)")]

    def __init__(self, kills: Sequence[KillView], agents: Sequence[str]) -> None:
        super().__init__()
        self._kills, self._agents, self._which = kills, agents, 0

    def compose(self) -> ComposeResult:
        """What was killed, the word, the reason."""
        with Vertical() as box:
            box.border_title = "Re-arm after a kill"
            yield Label(self._question(), id="which", markup=False)
            yield Input(placeholder=f"type {WORD}", id="word", max_length=20)
            yield Input(placeholder="reason, for the journal", id="reason", max_length=200)
            yield Label("", id="answer", markup=False)

    def _question(self) -> str:
        kill = self._kills[self._which]
        more = f"   ({self._which + 1} of {len(self._kills)}: up, down)" if len(self._kills) > 1 else ""
        killed = f"{plain(kill.scope)} was killed: {plain(kill.reason)}{more}"
        return f"{killed}\ntype {WORD}, then why; escape leaves it killed"

    def action_turn(self, step: int) -> None:
        """Another kill."""
        self._which = (self._which + step) % len(self._kills)
        self.query_one("#which", Label).update(Text(self._question()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Re-arm, or say what is missing."""
        word, reason = (self.query_one(f"#{name}", Input) for name in ("word", "reason"))
        if word.value.strip() != WORD:
            self._answer(f"the word is {WORD}, in capitals", word, True)
        elif not reason.value.strip():
            asked = event.input is word
            self._answer("and why?" if asked else "a reason is needed: it goes into the journal", reason, not asked)
        else:
            scope = self._kills[self._which].scope
            place = self._agents.index(scope) if scope in self._agents and scope != "desk" else -1
            self.dismiss((place, reason.value.strip()))

    def _answer(self, text: str, where: Input, wrong: bool) -> None:
        label = self.query_one("#answer", Label)
        label.set_class(wrong, "-wrong")
        label.update(Text(text))
        where.focus()
