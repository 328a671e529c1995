"""The market panel: balance of the touch and of the book, flow, and the health of the replay."""

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from app.deck.formats import short, span, thousands
from app.deck.strip_panel import Key, StripPanel, fit
from core.records import NO_PRICE
from core.snapshot import Snapshot

NEAR = 10  #: price rows on each side that count as near the touch


class MarketPanel(StripPanel):
    """Numbers that a ladder makes one count in the head."""

    slot, number, label, hertz = "market", "5", "Market", 5

    def rows(self, snapshot: Snapshot, width: int, height: int) -> Sequence[Key]:
        """Label, value, and for balances a bar of the two sides."""
        keys = [*self._balances(snapshot, width), *self._words(snapshot)]
        return [*keys, *[("blank",)] * (height - len(keys))][:height]

    def _balances(self, snapshot: Snapshot, width: int) -> list[Key]:
        near_bid, near_ask = _near(snapshot)
        history = snapshot.history
        window = span(history.step * len(history.low))
        bought, sold = int(history.bought.sum()), int(history.sold.sum())
        return [
            self._balance("touch", snapshot.bid_qty, snapshot.ask_qty, width),
            self._balance(f"{NEAR} rows", near_bid, near_ask, width),
            self._balance(f"flow {window}", bought, sold, width),
        ]

    def _balance(self, label: str, left: int, right: int, width: int) -> Key:
        cells = max(width - 29, 0)
        both = left + right
        quantity = self.board.formats.quantity
        return (
            "balance",
            label,
            quantity(left, 7),
            quantity(right, 7),
            round(cells * left / both) if both else -1,
            cells,
        )

    def _words(self, snapshot: Snapshot) -> list[Key]:
        formats, minus = self.board.formats, self.board.glyphs.minus
        keys: list[Key] = []
        bid, ask = snapshot.best_bid, snapshot.best_ask
        size = snapshot.bid_qty + snapshot.ask_qty
        if bid is not None and ask is not None and size:
            micro = (bid * snapshot.ask_qty + ask * snapshot.bid_qty) / size
            lean = micro - (bid + ask) / 2
            keys.append(("words", "micro", formats.price_near(micro), f"{'+' if lean >= 0 else minus}{abs(lean):.2f}t"))
        history = snapshot.history
        known = (history.best_bid != NO_PRICE) & (history.best_ask != NO_PRICE)
        if known.any():
            low, high = int(history.best_bid[known].min()), int(history.best_ask[known].max())
            keys.append(("words", "range", f"{formats.price(low)} to {formats.price(high)}", f"{high - low}t"))
            spread = float((history.best_ask[known] - history.best_bid[known]).mean())
            keys.append(("words", "spread", f"{spread:.2f}t mean", ""))
        keys.append(("words", "prints", thousands(snapshot.prints_total), ""))
        keys.append(("words", "engine", f"{short(snapshot.rate)} msg/s", f"{snapshot.loop_ms:.1f}ms/chunk"))
        for name, count in sorted(snapshot.anomalies, key=lambda anomaly: -anomaly[1]):
            keys.append(("anomaly", name.lower().replace("_", " "), thousands(count)))
        return keys

    def paint(self, key: Key, width: int) -> list[Segment]:
        """One row."""
        ink, paper = self.board.ink, self.board.ink.paper
        kind, *rest = key
        muted, text = ink.text(paper.muted), ink.text(paper.text)
        if kind == "balance":
            return fit(self._balance_row(*rest), width)
        if kind == "words":
            label, value, more = rest
            end = more.rjust(max(width - 12 - len(value) - 1, 0))
            return fit([Segment(f" {label:<10} ", muted), Segment(value, text), Segment(end, muted)], width)
        if kind == "anomaly":
            label, count = rest
            name = f" anomaly    {label}"
            end = count.rjust(max(width - len(name) - 1, 0))
            return fit([Segment(name, muted), Segment(end, ink.text(paper.warn, True))], width)
        return [Segment(" " * width, text)]

    def _balance_row(self, label: str, left: str, right: str, share: int, cells: int) -> list[Segment]:
        ink, paper, glyphs = self.board.ink, self.board.ink.paper, self.board.glyphs
        bid, ask = ink.text(ink.bid), ink.text(ink.ask)
        block = "=" if glyphs.ascii else "▄"
        if share < 0:
            middle = [Segment(" " * cells, bid)]
        else:
            other = "-" if glyphs.ascii else "▄"
            middle = [Segment(block * share, bid), Segment(other * (cells - share), ask)]
        return [
            Segment(f" {label[:10]:<11}", ink.text(paper.muted)),
            Segment(left.rjust(7) + " ", bid),
            *middle,
            Segment(" " + right.ljust(7), ask),
        ]


def _near(snapshot: Snapshot) -> tuple[int, int]:
    """Lots within `NEAR` rows of the touch, bids and asks."""
    view = snapshot.ladder
    totals = []
    for values, best, sign in ((view.bids, snapshot.best_bid, -1), (view.asks, snapshot.best_ask, 1)):
        if best is None:
            totals.append(0)
            continue
        first = best // view.group - view.low
        low, high = (first - NEAR + 1, first + 1) if sign < 0 else (first, first + NEAR)
        totals.append(int(np.sum(values[max(low, 0) : max(high, 0)])))
    return totals[0], totals[1]
