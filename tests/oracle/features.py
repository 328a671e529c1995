"""The features from raw lists: everything that ever happened is kept, every window is looked for anew."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from core.enums import Action, Flag
from core.records import MAX_QTY, MESSAGE
from tests.oracle.book import OracleBook

BUCKET = 100_000_000
Touch = tuple[int | None, int | None, int, int]  # best bid, best ask, lots resting there


@dataclass
class Change:
    """The touch became another one."""

    bucket: int
    flow: int
    depth: int
    move: int
    counts: bool


@dataclass
class OracleFeatures:
    """Follows messages with an oracle book of its own."""

    book: OracleBook
    changes: list[Change] = field(default_factory=list)
    prints: list[tuple[int, int, int]] = field(default_factory=list)  # bucket, aggressor, lots
    mids: list[tuple[int, int]] = field(default_factory=list)  # bucket, half ticks
    touch: Touch = (None, None, 0, 0)
    latest: int = -(2**62)  # bucket of the last change or print

    def apply(self, message: Any) -> None:
        """Apply one MESSAGE record."""
        self.book.apply(message)
        m = {name: int(message[name]) for name in MESSAGE.names or ()}
        bucket = max(self.latest, m["ts_event"] // BUCKET)
        if self._prints(m) and not m["flags"] & Flag.CROSS:
            side = m["side"] if m["action"] == Action.TRADE else -m["side"]
            self.latest = bucket
            self.prints.append((bucket, (side > 0) - (side < 0), min(m["qty"], 2**40)))
        if m["flags"] & Flag.EVENT_END and self._touch() != self.touch:
            self.latest = bucket
            self._change(bucket, bool(m["flags"] & Flag.SNAPSHOT))

    @staticmethod
    def _prints(m: dict[str, int]) -> bool:
        told = m["action"] == Action.TRADE or (m["action"] == Action.EXECUTE and not m["flags"] & Flag.SILENT)
        return told and not m["flags"] & Flag.BAD and 0 < m["qty"] <= MAX_QTY

    def _touch(self) -> Touch:
        asks, bids = self.book.depth(1)
        bid, ask = self.book.best()
        return bid, ask, bids[0][1] if bids else 0, asks[0][1] if asks else 0

    def _change(self, bucket: int, stated: bool) -> None:
        old, new = self.touch, self._touch()
        counts = bool(self.changes) and not stated
        b0, b1 = (-math.inf if t[0] is None else t[0] for t in (old, new))
        a0, a1 = (math.inf if t[1] is None else t[1] for t in (old, new))
        q0, q1, r0, r1 = (min(q, 2**40) for q in (old[2], new[2], old[3], new[3]))
        flow = (b1 >= b0) * q1 - (b1 <= b0) * q0 - (a1 <= a0) * r1 + (a1 >= a0) * r0
        move = 0
        if new[0] is not None and new[1] is not None:
            mid = new[0] + new[1]
            if self.mids:
                move = max(-(2**20), min(2**20, mid - self.mids[-1][1]))
            self.mids.append((bucket, mid))
        self.changes.append(Change(bucket, flow, q1 + r1, move, counts))
        self.touch = new

    def row(self, view: Any) -> list[float]:
        """The features at a VIEW record."""
        now = max(int(view["now"]) // BUCKET, self.latest)
        out = [self._imbalance(depth) for depth in (1, 3, 5, 10)]
        short, long = self._window(now, 10), self._window(now, 100)
        out += [short[0], long[0], *self._shape()]
        out += [value for pair in zip(short[1:], long[1:], strict=True) for value in pair]
        out.append(self._depth())
        return [float(value) for value in out + self._parent(view)]

    def _imbalance(self, depth: int) -> Fraction:
        asks, bids = (sum(qty for _, qty in side) for side in self.book.depth(depth))
        return Fraction(bids - asks, bids + asks) if bids + asks else Fraction(0)

    def _shape(self) -> tuple[Fraction, Fraction]:
        bid, ask, bids, asks = self._touch()
        if bid is None or ask is None:
            return Fraction(0), Fraction(0)
        return Fraction((ask - bid) * (bids - asks), 2 * (bids + asks)), Fraction(ask - bid)

    def _window(self, now: int, width: int) -> list[Fraction | float]:
        first, seconds = now - width + 1, Fraction(width, 10)
        changes = [c for c in self.changes if c.counts and c.bucket >= first]
        prints = [p for p in self.prints if p[0] >= first]
        depth, traded = sum(c.depth for c in changes), sum(p[2] for p in prints)
        older = [mid for bucket, mid in self.mids if bucket < first]
        return [
            Fraction(sum(c.flow for c in changes) * 2 * len(changes), depth) if depth else Fraction(0),
            math.sqrt(sum(c.move**2 for c in changes) / (4 * seconds)),
            Fraction(sum(side * qty for _, side, qty in prints), traded) if traded else Fraction(0),
            len(prints) / seconds,
            Fraction(self.mids[-1][1] - older[-1], 2) if older else Fraction(0),
        ]

    def _depth(self) -> Fraction:
        _, _, bids, asks = self._touch()
        return self._octaves(bids + asks + 1)

    @staticmethod
    def _octaves(lots: int) -> Fraction:
        power = 0
        while 2 ** (power + 1) <= lots:
            power += 1
        return power + Fraction(lots - 2**power, 2**power)

    @staticmethod
    def _parent(view: Any) -> list[Fraction]:
        v = {name: int(view[name]) for name in ("side", "now", "start", "end", "qty", "filled", "working")}
        length = v["end"] - v["start"]
        time = Fraction(v["end"] - v["now"], length) if length > 0 else Fraction(0)
        left = Fraction(v["qty"] - v["filled"], v["qty"]) if v["qty"] > 0 else Fraction(0)
        working = Fraction(v["working"], v["qty"]) if v["qty"] > 0 else Fraction(0)
        shares = [min(max(part, Fraction(0)), Fraction(1)) for part in (time, left, working)]
        lots = min(max(v["qty"] - v["filled"], 0), MAX_QTY)
        return [Fraction(v["side"]), *shares, OracleFeatures._octaves(lots + 1)]


def close(row: np.ndarray[Any, Any], expected: list[float]) -> bool:
    """Equal but for the rounding to float32 and of a few double operations."""
    return np.allclose(row.astype(np.float64), expected, rtol=2e-7, atol=1e-12)
