"""The ladder: what rests at each price, and what traded there. The axis stands still, the touch walks."""

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from textual.message import Message

from app.deck import own_orders
from app.deck.axis import descending, round_up, typical_top
from app.deck.glyphs import bar
from app.deck.ink import mix
from app.deck.ladder_rows import Columns, Row, columns_for
from app.deck.strip_panel import Key, StripPanel, fit
from core.snapshot import Snapshot

HEADER_LINES = 1


class LadderPanel(StripPanel):
    """BID | PRICE | ASK | SOLD | BOUGHT | volume at price."""

    slot, number, label = "ladder", "1", "Ladder"

    class Priced(Message):
        """The person pointed at a price for the order being written."""

    def caption(self, snapshot: Snapshot) -> str:
        """Group, spread and whether the axis follows."""
        group = f"{snapshot.ladder.group}t/row"
        if not self.board.axis.following:
            group += " held"
        bid, ask = snapshot.best_bid, snapshot.best_ask
        between = self.board.glyphs.between
        own = own_orders.away(self.board, snapshot)
        if bid is None or ask is None:
            return f"{between} {group}{own}"
        spread = ask - bid
        word = "crossed" if spread < 0 else "locked" if spread == 0 else f"spread {spread}t"
        return f"{between} {group} {between} {word}{own}"

    def hints(self) -> str:
        """Keys of the ladder, or where the touch went."""
        away = self.board.axis.off_screen(self.snapshot) if self.snapshot else 0
        if away:
            glyphs = self.board.glyphs
            where = (
                f"{glyphs.above} touch {away} rows above" if away > 0 else f"{glyphs.below} touch {-away} rows below"
            )
            return f"{where}  {self.board.key('centre')} centre"
        return self.board.hint(("centre", "centre"), ("group_more group_less", "ticks"))

    def pointed(self, row: int) -> None:
        """Put the price of the order being written where the person points."""
        draft, axis = self.board.desk.draft, self.board.axis
        if draft is not None and row >= HEADER_LINES:
            ticks = (axis.top - (row - HEADER_LINES)) * axis.group
            self.board.desk.draft = draft.put("price", self.board.formats.price(ticks))
            self.post_message(self.Priced())

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """A header and one row per price."""
        lines = max(height - HEADER_LINES, 0)
        axis, view = self.board.axis, snapshot.ladder
        axis.follow(snapshot, lines, self.board.steady(snapshot))
        price = len(self.board.formats.price(snapshot.best_ask or snapshot.last_price or 0))
        columns = columns_for(width, price, snapshot.desk is not None)
        picked = [
            descending(values, view.low, axis.top, lines)
            for values in (view.bids, view.asks, view.bid_orders, view.ask_orders, view.sold, view.bought)
        ]
        keys = self._prices(snapshot, columns, lines, picked)
        if snapshot.desk is not None:
            keys = own_orders.added(self.board, keys, snapshot, columns)
        return [("header", columns), *keys]

    def _prices(self, snapshot: Snapshot, columns: Columns, lines: int, picked: list[list[int]]) -> list[Row]:
        bids, asks, bid_orders, ask_orders, sold, bought = picked
        axis, formats, group = self.board.axis, self.board.formats, snapshot.ladder.group
        size_top = round_up(typical_top(bids + asks))
        traded_top = max(max(map(int.__add__, sold, bought), default=0), 1)
        best_bid = _row(snapshot.best_bid, group)
        best_ask = _row(snapshot.best_ask, group)
        last_row = _row(snapshot.last_price, group)
        cells, volume = columns.size - 1, columns.volume * 8
        keys: list[Row] = []
        quantity, width, narrow = formats.quantity, columns.size - 1, columns.traded - 1
        for line in range(lines):
            row = axis.top - line
            bid, ask, down, up = bids[line], asks[line], sold[line], bought[line]
            is_last = row == last_row
            keys.append(
                Row(
                    formats.price(row * group),
                    quantity(bid, width) if bid else "",
                    quantity(ask, width) if ask else "",
                    str(bid_orders[line]) if columns.orders and bid_orders[line] else "",
                    str(ask_orders[line]) if columns.orders and ask_orders[line] else "",
                    quantity(down, narrow) if columns.traded and down else "",
                    quantity(up, narrow) if columns.traded and up else "",
                    min(-(-bid * cells // size_top), cells),
                    min(-(-ask * cells // size_top), cells),
                    down * volume // traded_top,
                    up * volume // traded_top,
                    1
                    if best_bid is not None and row <= best_bid
                    else -1
                    if best_ask is not None and row >= best_ask
                    else 0,
                    row in (best_bid, best_ask),
                    (snapshot.last_side or 2) if is_last else 0,
                    quantity(snapshot.last_qty, width - 2) if is_last else "",
                    down + up == traded_top and traded_top > 1,
                )
            )
        return keys

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        if isinstance(key, Row):
            length = len(key.price)
            return fit(self._price_row(key, columns_for(width, length, key.desk), width), width)
        return fit(self._header(key[1]), width)

    def _header(self, columns: Columns) -> list[Segment]:
        ink = self.board.ink
        style = ink.text(ink.paper.muted)
        parts = [
            ("MY" + "(ahead)" * (columns.mine >= 10)).rjust(columns.mine - 1) + " " if columns.mine else "",
            "ORD".rjust(columns.orders) if columns.orders else "",
            "BID".rjust(columns.size - 1) + " ",
            "PRICE".rjust(columns.price - 1) + " ",
            "ASK".rjust(columns.size - 1) + " ",
            "ORD".ljust(columns.orders) if columns.orders else "",
            ("MY" + "(ahead)" * (columns.mine >= 10)).ljust(columns.mine) if columns.mine else "",
            ("SOLD".rjust(columns.traded - 1) + " " + "BGHT".rjust(columns.traded - 1) + " ") if columns.traded else "",
            "VOLUME" if columns.volume >= 6 else "VOL" if columns.volume else "",
        ]
        return [Segment("".join(parts), style)]

    def _price_row(self, row: Row, columns: Columns, width: int) -> list[Segment]:
        ink = self.board.ink
        paper = ink.paper
        parts: list[Segment] = []
        faint = ink.text(paper.faint)
        if columns.mine:
            parts.append(own_orders.painted(self.board, row, columns.mine, 1))
        if columns.orders:
            parts.append(Segment(row.bid_orders.rjust(columns.orders), faint))
        parts += self._bid(row, columns.size)
        parts += self._price(row, columns.price)
        parts += self._ask(row, columns.size)
        if columns.orders:
            parts.append(Segment(row.ask_orders.ljust(columns.orders), faint))
        if columns.mine:
            parts.append(own_orders.painted(self.board, row, columns.mine, -1))
        if columns.traded:
            here = paper.strong if row.last else ""
            sold = ink.text(here if row.last == -1 else ink.ask_dim, row.last == -1)
            bought = ink.text(here if row.last == 1 else ink.bid_dim, row.last == 1)
            parts.append(Segment(row.sold.rjust(columns.traded - 1) + " ", sold))
            parts.append(Segment(row.bought.rjust(columns.traded - 1) + " ", bought))
        if columns.volume:
            parts += self._volume(row, columns.volume)
        return parts

    def _bid(self, row: Row, size: int) -> list[Segment]:
        """A bid fills from the price outward, so its bar ends at the right."""
        ink = self.board.ink
        if not row.bid:
            return [self._last_print(row, size, row.ask != "" or row.last == 1)]
        colour = ink.paper.strong if row.best else ink.bid
        text = row.bid.rjust(size - 1) + " "
        cut = size - row.bid_bar
        return [
            Segment(text[:cut], ink.text(colour, row.best)),
            Segment(text[cut:], ink.on(colour, ink.bid_fill, row.best)),
        ]

    def _ask(self, row: Row, size: int) -> list[Segment]:
        ink = self.board.ink
        if not row.ask:
            return [self._last_print(row, size, row.bid != "" or row.last == -1)]
        colour = ink.paper.strong if row.best else ink.ask
        text = row.ask.rjust(size - 1) + " "
        return [
            Segment(text[: row.ask_bar], ink.on(colour, ink.ask_fill, row.best)),
            Segment(text[row.ask_bar :], ink.text(colour, row.best)),
        ]

    def _last_print(self, row: Row, size: int, here: bool) -> Segment:
        """The last print's size, written where nothing rests beside its price."""
        ink = self.board.ink
        if not row.last or not here:
            return Segment(" " * size, ink.text(ink.paper.text))
        glyph = self.board.glyphs.up if row.last == 1 else self.board.glyphs.downward if row.last == -1 else ""
        side = 0 if row.last == 2 else row.last
        return Segment(f"{row.last_size}{glyph} ".rjust(size), ink.text(ink.side(side), True))

    def _price(self, row: Row, size: int) -> list[Segment]:
        ink, paper = self.board.ink, self.board.ink.paper
        if row.last:
            style = ink.on(paper.accent, paper.raised, True)
            return [Segment(f" {self.board.glyphs.last}{row.price.rjust(size - 3)} ", style)]
        tint = ink.bid_dim if row.side > 0 else ink.ask_dim if row.side < 0 else paper.faint
        colour = (ink.bid if row.side > 0 else ink.ask) if row.best else tint
        return [Segment(row.price.rjust(size - 1) + " ", ink.on(colour, paper.raised, row.best))]

    def _volume(self, row: Row, size: int) -> list[Segment]:
        """Volume at price: bought, then sold; the busiest price stronger."""
        ink, glyphs = self.board.ink, self.board.glyphs
        whole = row.bought_bar // 8
        rest = row.bought_bar + row.sold_bar - whole * 8
        first = ink.text(ink.bid if row.busiest else mixed(ink.paper.panel, ink.bid))
        second = ink.text(ink.ask if row.busiest else mixed(ink.paper.panel, ink.ask))
        tail = bar(glyphs, rest)[: size - whole]
        blank = " " * (size - whole - len(tail))
        return [Segment(glyphs.eighths[7] * whole, first), Segment(tail, second), Segment(blank, second)]


@lru_cache(64)
def mixed(paper: str, hue: str) -> str:
    """A hue calm enough for a bar of solid blocks."""
    return mix(paper, hue, 0.42)


def _row(ticks: int | None, group: int) -> int | None:
    return None if ticks is None else ticks // group
