"""What one parent order cost, in parts that sum exactly.

All amounts are integers in half money units: prices count in half ticks, because a mid may lie between two
ticks, and half a tick of one lot times `tick_value` is half a money unit times `tick_value`. Floats appear
only in `Shortfall.bps`.

With signed lots x_i of fill i at price p_i, target X (positive to buy), decision mid D, arrival mid A, end mid E,
m_i the mid just before the fill and c_i the mid at the same place of the same tape without the order:

    delay        X (A - D)                  the market left between the decision and the arrival at the venue
    spread       sum x_i (p_i - m_i)        paid to cross and to walk the levels, negative where earned by resting
    impact       sum x_i (m_i - c_i)        what our presence had moved before the fill
    timing       sum x_i (c_i - A)          what the market did anyway since the arrival
    fees         sum of the fees            negative where the venue pays
    opportunity  (X - sum x_i) (E - A)      what was not done, at the end mid or at the cost of completing it

The total is the implementation shortfall of Perold (1988), paper portfolio less real one, with the whole order at
the decision mid on paper: sum x_i (p_i - D) + (X - sum x_i) (E - D) + fees. Delay apart from the rest is Wagner and
Edwards (1993). Spread against what moved, on the path without the order, is the simulator's privilege: measured
shortfalls cannot tell impact from timing (Kissell 2006 splits them by a model). What one market order eats of a
level is in the mid before its next fill, if the fills are recorded apart, and so in impact; recorded with the mid
before the whole order it is in spread. Either way nothing is counted twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.errors import TapedeckError
from core.records import NO_PRICE


class NoBenchmark(TapedeckError):
    """A parent order has no price that it could be measured against."""


class Leftover(StrEnum):
    """At what the part of a parent order that was not done is marked; named in every result."""

    MID = "end mid"  #: flatters a policy that trades little: a mid is not a price one gets
    COMPLETE = "cost of completing"  #: against the book at the end, levels walked and fees paid


@dataclass(frozen=True, slots=True)
class Marks:
    """The benchmarks of one parent order. Mids are twice the mid in ticks, NO_PRICE where there was none."""

    decision2: int  #: when the parent order was given
    arrival2: int  #: when its first message could reach the venue; NO_PRICE = as the decision
    end2: int  #: the last one known when its window ended; needed only if something is left
    tick_value: int  #: money units of one tick of one lot
    complete2: int | None = None  #: half ticks times lots to complete what is left: marks it there instead of at `end2`
    complete_fee: int = 0  #: money units, the taker fees of completing


class FillCost(NamedTuple):
    """The parts of one fill in half money units; `spread + impact + timing` is its cost against the arrival mid."""

    spread: int
    impact: int
    timing: int
    fee: int


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One parent order, in half money units. Positive = cost. `total` is summed from prices, not from the parts."""

    notional: int  #: the whole order at the decision mid, positive
    delay: int
    spread: int
    impact: int
    timing: int
    fees: int
    opportunity: int
    total: int
    lots: int  #: asked
    filled: int  #: lots done towards it; more than `lots` when the policy overdid it
    unmeasured: int  #: fills for which the mid, or the one without us, was not known
    leftover: Leftover

    @property
    def parts(self) -> tuple[int, int, int, int, int, int]:
        """Delay, spread, impact, timing, fees, opportunity; they sum to `total`."""
        return self.delay, self.spread, self.impact, self.timing, self.fees, self.opportunity

    def bps(self, amount: int) -> float:
        """`amount` in basis points of the notional."""
        return 1e4 * amount / self.notional

    @property
    def fill_rate(self) -> float:
        """Share of the order that was done, 0 to 1."""
        return min(max(self.filled, 0), self.lots) / self.lots


def fill_costs(fills: NDArray[np.void], without2: NDArray[np.int64], marks: Marks) -> list[FillCost]:
    """The parts of each of `fills` (FILL). `without2`: twice the mid without us at each fill, NO_PRICE if none, (n,).

    Where one of the two mids of a fill is unknown the other stands for it, so that its impact is nothing; where
    both are, the arrival mid stands for both and everything is spread.
    """
    arrival, value = _arrival(marks), marks.tick_value
    costs = []
    for signed, price, mid, without, fee in _rows(fills, without2):
        lots = signed * value
        if mid == NO_PRICE:
            mid = without if without != NO_PRICE else arrival
        if without == NO_PRICE:
            without = mid
        costs.append(FillCost(lots * (2 * price - mid), lots * (mid - without), lots * (without - arrival), 2 * fee))
    return costs


def decompose(side: int, qty: int, fills: NDArray[np.void], without2: NDArray[np.int64], marks: Marks) -> Shortfall:
    """The shortfall of a parent order of `qty` lots; arguments as in `fill_costs`, fills of this parent only.

    Raises `NoBenchmark` when there is no decision mid, or something is left and there is no end mid.
    """
    arrival, decision, value = _arrival(marks), marks.decision2, marks.tick_value
    costs = fill_costs(fills, without2, marks)
    target = side * qty
    done = paid = unmeasured = 0
    for signed, price, mid, without, fee in _rows(fills, without2):
        done += signed
        paid += signed * 2 * price * value + 2 * fee
        unmeasured += mid == NO_PRICE or without == NO_PRICE
    left = target - done
    left2, left_fee, leftover = _left(left, marks)
    fees = sum(cost.fee for cost in costs)
    return Shortfall(
        notional=_notional(target * decision * value),
        delay=target * (arrival - decision) * value,
        spread=sum(cost.spread for cost in costs),
        impact=sum(cost.impact for cost in costs),
        timing=sum(cost.timing for cost in costs),
        fees=fees,
        opportunity=(left2 - left * arrival) * value + left_fee,
        total=paid + left2 * value + left_fee - target * decision * value,
        lots=qty,
        filled=side * done,
        unmeasured=unmeasured,
        leftover=leftover,
    )


def _rows(fills: NDArray[np.void], without2: NDArray[np.int64]) -> Iterator[tuple[int, int, int, int, int]]:
    """Python integers, which do not overflow: signed lots, price, mid2, mid2 without us and fee of each fill."""
    qty, side, price, mid2, fee = (fills[name].tolist() for name in ("qty", "side", "price", "mid2", "fee"))
    return zip([s * q for s, q in zip(side, qty, strict=True)], price, mid2, without2.tolist(), fee, strict=True)


def _arrival(marks: Marks) -> int:
    if marks.decision2 == NO_PRICE:
        raise NoBenchmark("a parent order began while one side of the book was empty: there is no mid to measure from")
    return marks.decision2 if marks.arrival2 == NO_PRICE else marks.arrival2


def _left(left: int, marks: Marks) -> tuple[int, int, Leftover]:
    """What completing `left` signed lots is marked at: signed half ticks times lots, fee in half money units."""
    sign = 1 if left > 0 else -1
    if marks.complete2 is not None:
        return sign * marks.complete2, 2 * marks.complete_fee, Leftover.COMPLETE
    if left and marks.end2 == NO_PRICE:
        raise NoBenchmark("a parent order was left unfinished and no mid is known at its end")
    return left * marks.end2 if left else 0, 0, Leftover.MID


def _notional(amount: int) -> int:
    if amount == 0:
        raise NoBenchmark("a parent order of no quantity, or at a mid of zero, has no notional to measure against")
    return abs(amount)
