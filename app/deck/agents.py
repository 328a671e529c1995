"""The agents panel: who trades, where it stands, what it is doing and why."""

from collections.abc import Sequence

from rich.segment import Segment

from app.deck import table
from app.deck.board import Board
from app.deck.figures import micros, net, reading, signed, signed_money
from app.deck.formats import plain
from app.deck.strip_panel import Key, StripPanel
from app.deck.table import Cell, Column, Line, Said
from core.desk_view import AgentView, DeskView
from core.enums import AgentState
from core.snapshot import Snapshot

#: Narrow panels drop, in this order: why, doing, the signal's reading, realised and open P&L apart, latency,
#: symbol, open orders.
COLUMNS = (
    Column("agent", "AGENT", 9),
    Column("state", "STATE", 8),
    Column("symbol", "SYM", 6, rank=2),
    Column("position", "POS", 6, right=True),
    Column("profit", "P&L", 9, right=True),
    Column("realised", "REALISED", 10, rank=4, right=True),
    Column("open", "OPEN", 10, rank=4, right=True),
    Column("orders", "ORD", 3, rank=1, right=True),
    Column("latency", "LAT", 6, rank=3, right=True),
    Column("signal", "SIGNAL", 8, rank=5, right=True),
    Column("doing", "DOING", 36, rank=6),
    Column("why", "WHY", 14, rank=7, rest=True),
)
DETAIL = 2  #: lines about the chosen agent, where the columns for them are dropped
_WORDS = {
    AgentState.WAITING: ("WAITS", "muted"),
    AgentState.RUNNING: ("RUNS", "text"),
    AgentState.PAUSED: ("PAUSED", "!warn"),
    AgentState.DONE: ("DONE", "muted"),
    AgentState.KILLED: ("KILLED", "!alarm"),
    AgentState.UNHEALTHY: ("UNWELL", "!alarm"),
}


class AgentsPanel(StripPanel):
    """One row for each agent, the chosen one marked."""

    slot, number, label, hertz = "agents", "7", "Agents", 5

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._top, self._lines = 0, 0

    def caption(self, snapshot: Snapshot) -> str:
        """How many, and how many of them run."""
        if snapshot.desk is None:
            return ""
        running = sum(agent.state is AgentState.RUNNING for agent in snapshot.desk.agents)
        return f"{self.board.glyphs.between} {running} of {len(snapshot.desk.agents)} run"

    def hints(self) -> str:
        """Keys of the agents."""
        return self.board.hint(("agent_next", "next"), ("pause_agent", "pause"))

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Titles, agents, and what the chosen one is doing."""
        desk = snapshot.desk
        if desk is None or not desk.agents:
            return table.padded([Said((Cell(" no agents", "muted"),))], height)
        names = {column.name for column, _ in table.shown(COLUMNS, width)}
        detail = DETAIL if height >= 6 and "why" not in names else 0
        self._lines = lines = max(height - 1 - detail, 0)
        place = self.board.desk.place(desk)
        self._top = table.window(len(desk.agents), lines, place, self._top)
        keys: list[Line | Said] = [table.header(COLUMNS, width)]
        for number in range(self._top, min(self._top + lines, len(desk.agents))):
            keys.append(self._line(desk, desk.agents[number], number == place, width))
        keys = table.padded(keys, height - detail)
        return [*keys, *self._detail(desk.agents[place], width)[:detail]][:height]

    def _line(self, desk: DeskView, agent: AgentView, chosen: bool, width: int) -> Line:
        cells = self._cells(desk, agent)
        return Line(chosen, tuple(cells[column.name] for column, _ in table.shown(COLUMNS, width)))

    def _cells(self, desk: DeskView, agent: AgentView) -> dict[str, Cell]:
        glyphs = self.board.glyphs
        word, colour = _WORDS[agent.state]
        total = net(agent.realised, agent.unrealised, agent.fees)
        digits, minus = desk.money_digits, glyphs.minus
        lots = self.board.desk.contracts.quantity(agent.symbol, abs(agent.position), 5)
        return {
            "agent": Cell(plain(agent.name), "strong" if agent.state is AgentState.RUNNING else "text"),
            "state": Cell(f"{self._glyph(agent.state)} {word}", colour),
            "symbol": Cell(plain(agent.symbol), "muted"),
            "position": Cell(signed(agent.position, lots, minus), "text" if agent.position else "muted"),
            "profit": Cell(signed_money(total, digits, 9, minus), "!" + table.sign_colour(total)),
            "realised": Cell(signed_money(agent.realised, digits, 10, minus), table.sign_colour(agent.realised)),
            "open": Cell(signed_money(agent.unrealised, digits, 10, minus), table.sign_colour(agent.unrealised)),
            "orders": Cell(str(agent.orders) if agent.orders < 1000 else "###", "text" if agent.orders else "muted"),
            "latency": Cell(micros(agent.latency_us), "muted"),
            "signal": Cell(reading(agent.reading, minus) if agent.signal else "", "text"),
            "doing": Cell(plain(agent.doing), "text"),
            "why": Cell(plain(agent.why), "muted"),
        }

    def _detail(self, agent: AgentView, width: int) -> list[Said]:
        """Two lines: doing, and why with the signal behind it. The name, marked above, gives way to the rest."""
        behind = f"  {plain(agent.signal)} {reading(agent.reading, self.board.glyphs.minus)}" if agent.signal else ""
        name, doing = f" {plain(agent.name)} ", plain(agent.doing) or "nothing to do"
        name = name if len(name) + len(doing) <= width else " "
        return [
            Said((Cell(name, "!accent"), Cell(doing, "text"))),
            Said((Cell(" why ", "muted"), Cell(plain(agent.why) or "--", "text"), Cell(behind, "muted"))),
        ]

    def _glyph(self, state: AgentState) -> str:
        glyphs = self.board.glyphs
        return {
            AgentState.WAITING: glyphs.waiting, AgentState.RUNNING: glyphs.running, AgentState.PAUSED: glyphs.pause,
            AgentState.DONE: glyphs.ended, AgentState.KILLED: glyphs.fault, AgentState.UNHEALTHY: "!",
        }[state]  # fmt: skip

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        return table.paint(key, COLUMNS, width, self.board.ink, self.board.glyphs)

    def pointed(self, row: int) -> None:
        """Choose the agent the person points at."""
        view = self.snapshot.desk if self.snapshot is not None else None
        place = self._top + row - 1
        if view is not None and 1 <= row <= self._lines and place < len(view.agents):
            self.board.desk.agent = view.agents[place].name

    def scroll_rows(self, rows: int) -> None:
        """Choose the agent above (positive) or below."""
        if self.snapshot is None or self.snapshot.desk is None or not self.snapshot.desk.agents:
            return
        agents, desk = self.snapshot.desk.agents, self.board.desk
        place = min(max(desk.place(self.snapshot.desk) - rows, 0), len(agents) - 1)
        desk.agent = agents[place].name
