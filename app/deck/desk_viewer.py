"""What the keys of the trading panels mean that only look: choosing, turning tabs. Nothing here reaches the engine."""

from collections.abc import Callable

from app.deck.board import Board
from app.deck.controls import NO_DESK
from app.deck.orders import OrdersPanel
from app.deck.screen import DeckScreen
from app.deck.strip_panel import StripPanel
from core.snapshot import Snapshot


class DeskViewer:
    """One method per action; the action table gives them keys."""

    def __init__(
        self,
        deck: DeckScreen,
        latest: Callable[[], Snapshot],
        say: Callable[[str], None],
        focus: Callable[[str], None],
    ) -> None:
        self._deck, self._latest, self._say, self._focus = deck, latest, say, focus
        self._board: Board = deck.board

    def focus_agents(self) -> None:
        """Focus the agents."""
        self._show("agents")

    def focus_risk(self) -> None:
        """Focus the risk panel."""
        self._show("risk")

    def focus_orders(self) -> None:
        """Focus orders, fills and blotter."""
        self._show("orders")

    def focus_progress(self) -> None:
        """Focus the execution progress."""
        self._show("progress")

    def desk_tab(self) -> None:
        """The next of orders, fills and blotter."""
        orders = self._deck.panels["orders"]
        if self._trades() and isinstance(orders, OrdersPanel):
            orders.turn()
            if not orders.display:
                self._focus("orders")
            orders.again()

    def agent_next(self) -> None:
        """Choose the next agent, round and round."""
        self._turn_agent(1)

    def agent_previous(self) -> None:
        """Choose the agent before."""
        self._turn_agent(-1)

    def parent_next(self) -> None:
        """Show the next parent order, round and round."""
        self._turn_parent(1)

    def parent_previous(self) -> None:
        """Show the parent order before."""
        self._turn_parent(-1)

    def _show(self, slot: str) -> None:
        if self._trades():
            self._focus(slot)

    def _turn_agent(self, step: int) -> None:
        view = self._view()
        if view is None or view.desk is None or not view.desk.agents:
            return
        agents, desk = view.desk.agents, self._board.desk
        desk.agent = agents[(desk.place(view.desk) + step) % len(agents)].name
        if self._deck.panels["agents"].display:
            self._deck.panels["agents"].again()
        else:
            self._say(f"agent {desk.agent}")

    def _turn_parent(self, step: int) -> None:
        view = self._view()
        if view is None or view.desk is None or not view.desk.parents:
            return
        desk, count = self._board.desk, len(view.desk.parents)
        desk.parent = (min(max(desk.parent, 0), count - 1) + step) % count
        panel: StripPanel = self._deck.panels["progress"]
        if panel.display:
            panel.again()
        else:
            self._focus("progress")

    def _view(self) -> Snapshot | None:
        return self._latest() if self._trades() else None

    def _trades(self) -> bool:
        if not self._board.desk.trading:
            self._say(NO_DESK)
        return self._board.desk.trading
