"""Orders, fills and the blotter: one panel with three tabs, of which only the rows in sight are ever built."""

from collections.abc import Sequence
from typing import TypeVar

from rich.segment import Segment

from app.deck import table
from app.deck.board import Board
from app.deck.figures import money
from app.deck.formats import plain, thousands
from app.deck.strip_panel import Key, StripPanel
from app.deck.table import Cell, Column, Line, Said
from core.desk_view import DeskView, FillView, NoteView, OrderView
from core.snapshot import Snapshot

T = TypeVar("T")
TABS = ("orders", "fills", "blotter")
#: Narrow panels drop, in this order: type, symbol, time, quantity asked, reason, order id, agent.
ORDER_COLUMNS = (
    Column("time", "TIME", 12, rank=5),
    Column("id", "ID", 6, rank=2, right=True),
    Column("agent", "AGENT", 9, rank=1),
    Column("symbol", "SYM", 6, rank=6),
    Column("side", "SIDE", 6),
    Column("qty", "QTY", 6, rank=4, right=True),
    Column("left", "LEFT", 6, right=True),
    Column("price", "PRICE", 9, right=True),
    Column("type", "TYPE", 10, rank=7),
    Column("state", "STATE", 8),
    Column("ahead", "AHEAD/ENTRY", 11, right=True),
    Column("reason", "REASON", 12, rank=3, rest=True),
)
#: Narrow panels drop, in this order: trust, fee, symbol, order id.
FILL_COLUMNS = (
    Column("time", "TIME", 12),
    Column("id", "ID", 6, rank=1, right=True),
    Column("agent", "AGENT", 9),
    Column("symbol", "SYM", 6, rank=2),
    Column("side", "SIDE", 6),
    Column("qty", "QTY", 7, right=True),
    Column("price", "PRICE", 10, right=True),
    Column("role", "ROLE", 5),
    Column("fee", "FEE", 9, rank=3, right=True),
    Column("trust", "RESTS ON", 12, rank=4, rest=True),
)
NOTE_COLUMNS = (Column("time", "TIME", 12), Column("sign", "", 1), Column("text", "WHAT HAPPENED", 20, rest=True))
_COLUMNS = {"orders": ORDER_COLUMNS, "fills": FILL_COLUMNS, "blotter": NOTE_COLUMNS}
_OVER = {"CANCELED", "FILLED", "REJECTED", "EXPIRED", "DENIED"}
_ALARMS = {"REJECTED", "DENIED"}


class OrdersPanel(StripPanel):
    """What we sent, what came of it, and everything else that happened."""

    slot, number, label, hertz = "orders", "9", "Desk", 5

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._top = 0
        self._held: DeskView | None = None  #: fills or notes that a person is reading, however many come after

    def caption(self, snapshot: Snapshot) -> str:
        """The tabs, the chosen one enclosed."""
        desk, glyphs = snapshot.desk, self.board.glyphs
        if desk is None:
            return ""
        counts = {"orders": desk.open_orders, "fills": desk.fills_total, "blotter": len(desk.notes)}
        words = []
        for name in TABS:
            word = f"{name.capitalize()} {thousands(counts[name])}"
            here = name == self.board.desk.tab
            words.append(f"{glyphs.open}{word}{glyphs.close}" if here else f" {word} ")
        if self._held is not None:
            new = desk.fills_total - self._held.fills_total
            words.append(f"{glyphs.between} HELD" + (f" +{thousands(new)} new" if self._tab == "fills" else ""))
        return "".join(words)

    def hints(self) -> str:
        """Keys of the tab."""
        tab = ("desk_tab", "tab")
        return self.board.hint(tab, ("cancel_order", "cancel")) if self._tab == "orders" else self.board.hint(tab)

    @property
    def _tab(self) -> str:
        return self.board.desk.tab

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Titles and the rows in sight."""
        desk = snapshot.desk
        if desk is None or height < 1:
            return [Said(())] * height
        columns = _COLUMNS[self._tab]
        keys: list[Line | Said] = [table.header(columns, width)]
        for cells, chosen in self._visible(desk, height - 1):
            line = tuple(cells[column.name] for column, _ in table.shown(columns, width))
            keys.append(Line(chosen, line))
        if len(keys) == 1:
            keys.append(Said((Cell(f" no {'notes' if self._tab == 'blotter' else self._tab} yet", "muted"),)))
        return table.padded(keys, height)

    def _visible(self, desk: DeskView, lines: int) -> list[tuple[dict[str, Cell], bool]]:
        if self._tab == "orders":
            place = self.place(desk)
            self._top = table.window(len(desk.orders), lines, place, self._top)
            picked = desk.orders[self._top : self._top + lines]
            return [(self._order(each), self._top + number == place) for number, each in enumerate(picked)]
        source = self._held or desk
        if self._tab == "fills":
            self._top = table.window(len(source.fills), lines, -1, self._top)
            return [(self._fill(each, desk), False) for each in _newest(source.fills, self._top, lines)]
        self._top = table.window(len(source.notes), lines, -1, self._top)
        return [(self._note(each), False) for each in _newest(source.notes, self._top, lines)]

    def place(self, desk: DeskView) -> int:
        """Row of the chosen order, -1 when none is chosen or it is gone."""
        wanted = self.board.desk.order
        if not wanted:
            return -1
        return next((place for place, each in enumerate(desk.orders) if each.order_id == wanted), -1)

    def _order(self, order: OrderView) -> dict[str, Cell]:
        contracts, status = self.board.desk.contracts, order.status.upper()
        over = status in _OVER
        text = "muted" if over else "text"
        return {
            "time": Cell(self.board.formats.time(order.ts_sent, 3), "muted"),
            "id": Cell(str(order.order_id)[-6:], "muted"),
            "agent": Cell(plain(order.agent), text),
            "symbol": Cell(plain(order.symbol), "muted"),
            "side": table.side_word(order.side, self.board.glyphs),
            "qty": Cell(contracts.quantity(order.symbol, order.qty, 6), "muted"),
            "left": Cell(contracts.quantity(order.symbol, order.leaves, 6), "muted" if over else "strong"),
            "price": Cell(contracts.price(order.symbol, order.price), text),
            "type": Cell(plain(order.type)[:10], "muted"),
            "state": Cell(plain(status), "!alarm" if status in _ALARMS else text),
            "ahead": Cell(self._ahead(order, over), "strong" if order.ahead == 0 and not over else text),
            "reason": Cell(plain(order.reason), "alarm" if status in _ALARMS else "muted"),
        }

    def _ahead(self, order: OrderView, over: bool) -> str:
        """Lots before us now, of those when we joined."""
        if over or order.ahead < 0:
            return ""
        quantity = self.board.desk.contracts.quantity
        entry = quantity(order.symbol, order.ahead_entry, 5) if order.ahead_entry >= 0 else "?"
        return f"{quantity(order.symbol, order.ahead, 5)}/{entry}"

    def _fill(self, fill: FillView, desk: DeskView) -> dict[str, Cell]:
        contracts, minus = self.board.desk.contracts, self.board.glyphs.minus
        exact = fill.trust.lower() == "exact"
        return {
            "time": Cell(self.board.formats.time(fill.ts, 3), "muted"),
            "id": Cell(str(fill.order_id)[-6:], "muted"),
            "agent": Cell(plain(fill.agent)),
            "symbol": Cell(plain(fill.symbol), "muted"),
            "side": table.side_word(fill.side, self.board.glyphs),
            "qty": Cell(contracts.quantity(fill.symbol, fill.qty, 7), "strong"),
            "price": Cell(contracts.price(fill.symbol, fill.price)),
            "role": Cell("MAKER" if fill.maker else "TAKER", "text" if fill.maker else "warn"),
            "fee": Cell(money(fill.fee, desk.money_digits, 9, minus), "muted"),
            "trust": Cell(plain(fill.trust), "muted" if exact else "warn"),
        }

    def _note(self, note: NoteView) -> dict[str, Cell]:
        return {
            "time": Cell(self.board.formats.time(note.ts, 3), "muted"),
            "sign": Cell("!" if note.alarm else "", "!alarm"),
            "text": Cell(plain(note.text), "!alarm" if note.alarm else "text"),
        }

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        return table.paint(key, _COLUMNS[self._tab], width, self.board.ink, self.board.glyphs)

    def pointed(self, row: int) -> None:
        """Choose the order the person points at."""
        view = self.snapshot.desk if self.snapshot is not None else None
        place = self._top + row - 1
        if view is not None and self._tab == "orders" and row >= 1 and place < len(view.orders):
            self.board.desk.order = view.orders[place].order_id

    def scroll_rows(self, rows: int) -> None:
        """Choose the order above (positive) or below; in the other tabs read further back, which holds the view."""
        desk = self.snapshot.desk if self.snapshot is not None else None
        if desk is None:
            return
        if self._tab == "orders":
            if desk.orders:
                here = self.place(desk)
                there = min(max(here - rows, 0), len(desk.orders) - 1) if here >= 0 else 0
                self.board.desk.order = desk.orders[there].order_id
            return
        self._top = max(self._top - rows, 0)
        self._held = None if not self._top else self._held or desk

    def turn(self) -> None:
        """The next tab."""
        self.board.desk.tab = TABS[(TABS.index(self._tab) + 1) % len(TABS)]
        self._top, self._held = 0, None


def is_open(order: OrderView) -> bool:
    """Whether there is still something to cancel."""
    return order.leaves > 0 and order.status.upper() not in _OVER


def _newest(values: Sequence[T], back: int, count: int) -> list[T]:
    """`count` values, newest first, `back` before the newest."""
    stop = max(len(values) - back, 0)
    return list(values[max(stop - count, 0) : stop])[::-1]
