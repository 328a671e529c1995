"""What the trading keys mean: actions turned into commands of a desk. No widget is known here but the dialogs.

Whatever lowers risk works at any time: pause, cancel all, kill, a stricter limit, and flatten behind its
confirmation. Whatever may raise it, an order, a single cancel, a resume or a wider limit, does nothing unless the
deck is armed.
"""

from collections.abc import Callable
from typing import Any

from app.deck import draft as drafts
from app.deck.board import Board
from app.deck.controls import NO_DESK
from app.deck.desk_dialogs import FlattenDialog, RearmDialog
from app.deck.dialogs import Dialog
from app.deck.draft import Draft
from app.deck.limit_dialog import LimitDialog
from app.deck.limit_draft import LimitDraft, LimitReading
from app.deck.orders import is_open
from core.desk_view import DeskView
from core.enums import AgentState
from core.snapshot import State
from core.transport import Command, Player, Verb


class Trader:
    """One method per action; the action table gives them keys."""

    def __init__(
        self,
        player: Player,
        board: Board,
        say: Callable[[str, bool], None],
        ask: Callable[[Dialog[Any], Callable[[Any], None]], None],
        relay: Callable[[], None],
    ) -> None:
        self._player, self._board, self._say, self._ask, self._relay = player, board, say, ask, relay
        self._desk = board.desk
        self._last = Draft()
        self._limit = LimitDraft()  #: typed last, and not sent

    def view(self) -> DeskView | None:
        """The newest state of the desk; says so when there is none."""
        snapshot = self._player.latest()
        if snapshot.desk is None:
            failed = snapshot.state is State.FAULTED
            loading = "the engine has failed: nothing was sent" if failed else "the desk is still loading"
            self._say(loading if self._desk.trading else NO_DESK, True)
        return snapshot.desk

    # what lowers risk

    def send_kill(self) -> None:
        """Stop everything. Sent before anything is asked, looked up or drawn."""
        if not self._desk.trading:
            self._say(NO_DESK, True)
            return
        self._player.send(Command(Verb.KILL, -1))
        self._desk.kill_sent, self._desk.kill_seen = self._board.clock(), False
        self._desk.now = self._desk.kill_sent
        self._desk.draft = None

    def cancel_all(self) -> None:
        """Cancel every open order of everybody."""
        if not self._desk.trading:
            self._say(NO_DESK, True)
            return
        self._player.send(Command(Verb.CANCEL_ALL, -1))
        self._say("cancel all: sent for every open order", False)

    def pause_agent(self) -> None:
        """Pause the chosen agent at once; resume it only while armed."""
        view = self.view()
        if view is None:
            return
        place = self._desk.place(view)
        if place < 0:
            self._say("there is no agent to pause", True)
            return
        agent = view.agents[place]
        if agent.state in (AgentState.RUNNING, AgentState.WAITING):
            self._player.send(Command(Verb.PAUSE_AGENT, place))
            self._say(f"pause {agent.name}: sent", False)
        elif agent.state in (AgentState.PAUSED, AgentState.UNHEALTHY):
            if self._may_trade(view, f"resuming {agent.name}"):
                self._player.send(Command(Verb.RESUME_AGENT, place))
                self._say(f"resume {agent.name}: sent", False)
        elif agent.state is AgentState.KILLED:
            self._say(f"{agent.name} is killed: {self._board.key('rearm')} re-arms it", True)
        else:
            self._say(f"{agent.name} has nothing left to do", False)

    def flatten(self) -> None:
        """Ask, with a preview, and then cancel orders and close positions."""
        view = self.view()
        if view is None:
            return

        def answer(place: int | None) -> None:
            if place is not None:
                self._player.send(Command(Verb.FLATTEN, place))
                self._say("flatten: sent", False)

        self._ask(FlattenDialog(self._player.latest(), self._board), answer)

    # arming

    def arm(self) -> None:
        """Arm for a while; disarm when armed."""
        view = self.view()
        if view is None:
            return
        if self._desk.seconds_armed(view):
            self._player.send(Command(Verb.DISARM))
            self._say("disarmed", False)
        elif any(kill.scope == "desk" for kill in view.kills):
            self._say(f"the desk is killed: {self._board.key('rearm')} re-arms it", True)
        else:
            seconds = self._board.config.arm
            self._player.send(Command(Verb.ARM, seconds))
            self._say(f"armed for {seconds} seconds: {self._board.key('arm')} again disarms", False)

    def rearm(self) -> None:
        """Ask for the word and a reason, and then end a kill."""
        view = self.view()
        if view is None:
            return
        if not view.kills:
            self._say("nothing is killed", False)
            return

        def answer(found: tuple[int, str] | None) -> None:
            if found is not None:
                self._player.send(Command(Verb.REARM, found[0], found[1]))
                self._say("re-arm: sent", False)

        names = [agent.name for agent in view.agents]
        self._ask(RearmDialog(view.kills, names), answer)

    def limit(self) -> None:
        """Ask for a new limit. One that allows more is an act of risk: it needs the deck armed."""
        view = self.view()
        if view is None:
            return
        if view.limits is None:
            self._say("the limits are not known yet", True)
            return

        def answer(found: tuple[LimitDraft, LimitReading] | None) -> None:
            if found is None:
                return
            self._limit, reading = found
            newest = self.view()
            if newest is not None and (not reading.wider or self._may_trade(newest, "the wider limit")):
                self._player.send(Command(Verb.LIMIT, limit=reading.limit))
                self._limit = LimitDraft(person=self._limit.person)
                self._say(f"limit sent: {reading.words}", False)

        clock, arrow = self._player.latest().clock, self._board.glyphs.arrow
        self._ask(LimitDialog(view, clock, self._limit, arrow), answer)

    # orders

    def write_order(self) -> None:
        """Begin an order, or return to the one being written."""
        view = self.view()
        if view is None:
            return
        if self._desk.draft is None:
            snapshot = self._player.latest()
            touch = snapshot.best_bid if self._last.side > 0 else snapshot.best_ask
            ticks = touch if touch is not None else snapshot.last_price
            price = "" if ticks is None else self._board.formats.price(ticks)
            self._desk.draft = Draft(side=self._last.side, qty=self._last.qty, price=price)
        self._relay()

    def close(self) -> None:
        """Forget the order being written."""
        self._desk.draft = None
        self._relay()

    def send(self) -> bool:
        """Send the order as its preview says it, or say why not. The line closes, so that it is sent once."""
        view, draft = self.view(), self._desk.draft
        if view is None or draft is None:
            return False
        ticket = drafts.read(draft, self._desk.contracts.contract, self._desk.contracts.shown)
        if isinstance(ticket, str):
            self._say(f"nothing was sent: {ticket}", True)
            return False
        if not self._may_trade(view, "the order"):
            return False
        self._player.send(Command(Verb.ORDER, ticket=ticket))
        self._say(f"sent: {drafts.words(ticket, self._desk.contracts.contract)}", False)
        self._last = draft
        self.close()
        return True

    def cancel_order(self) -> None:
        """Cancel the order that is chosen in the orders tab."""
        view = self.view()
        if view is None:
            return
        chosen = next((order for order in view.orders if order.order_id == self._desk.order), None)
        if chosen is None:
            keys = f"{self._board.key('focus_orders')}, then up and down"
            self._say(f"no order is chosen: {keys}", True)
        elif not is_open(chosen):
            self._say(f"order {chosen.order_id} is over: {chosen.status.lower()}", False)
        elif self._may_trade(view, "the cancel"):
            self._player.send(Command(Verb.CANCEL, chosen.order_id))
            self._say(f"cancel order {chosen.order_id}: sent", False)

    def _may_trade(self, view: DeskView, what: str) -> bool:
        """Whether the deck is armed; says how to arm when it is not."""
        if any(kill.scope == "desk" for kill in view.kills):
            self._say(f"KILLED: {what} was not sent; {self._board.key('rearm')} re-arms", True)
            return False
        self._desk.now = self._board.clock()
        if not self._desk.seconds_armed(view):
            self._say(f"DISARMED: {what} was not sent; {self._board.key('arm')} arms", True)
            return False
        return True
