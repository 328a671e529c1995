"""What it would have cost to complete a parent order at the end of its window, against the book of that moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.account.money import fee
from core.tape.tape import Tape
from core.tca.shortfall import Marks


@dataclass(frozen=True, slots=True)
class Ladder:
    """The visible book at one moment, best level first; quantities of levels that do not exist are 0."""

    ask_price: NDArray[np.int64]  #: ticks, shape (levels,)
    ask_qty: NDArray[np.int64]  #: lots
    bid_price: NDArray[np.int64]
    bid_qty: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Completion:
    """Taking what is left at once."""

    paid2: int  #: twice ticks times lots, without the sign of the side
    fee: int  #: money units
    beyond: int  #: lots that the visible book does not hold, at its last price; all of them where it is empty


def ladders(tape: Tape, times: NDArray[np.int64], levels: int = 200) -> list[Ladder]:
    """The book of the tape after all messages up to and including each of `times` (ns UTC); one replay for all."""
    order = np.argsort(times, kind="stable")
    found: list[Ladder | None] = [None] * len(times)
    if not len(times):
        return []
    at = tape.index_at(int(times[order[0]]))
    book = tape.at(at).book
    for number in order.tolist():
        index = max(at, tape.index_at(int(times[number])))
        book.apply(tape.messages, at, index)
        at = index
        found[number] = Ladder(*book.depth(levels))
    return [each for each in found if each is not None]


def complete(
    ladder: Ladder, side: int, lots: int, *, fees: NDArray[np.int64], instrument: int, tick_value: int, shift: int = 0
) -> Completion:
    """Take `lots` on behalf of `side`, walking the levels and paying taker fees (`core.account.money.fee`) at each.

    What the visible book cannot fill pays its last price, and is told in `beyond`. `shift`: ticks by which our own
    impact still moves the market.
    """
    prices, quantities = (ladder.ask_price, ladder.ask_qty) if side > 0 else (ladder.bid_price, ladder.bid_qty)
    taken = sweep(prices.tolist(), quantities.tolist(), lots)
    beyond = lots - sum(qty for _, qty in taken)
    if taken and beyond:
        taken.append((taken[-1][0], beyond))
    paid = sum(2 * (price + shift) * qty for price, qty in taken)
    charged = sum(int(fee(fees, instrument, 0, price + shift, qty, tick_value)) for price, qty in taken)
    return Completion(paid, charged, beyond)


def completed(
    marks: Marks,
    side: int,
    qty: int,
    fills: NDArray[np.void],
    ladder: Ladder,
    *,
    fees: NDArray[np.int64],
    instrument: int = 0,
    shift: int = 0,
) -> tuple[Marks, int]:
    """`marks` of a parent order of `qty` lots with what its `fills` (FILL) left marked at the cost of completing.

    Also the lots that the visible book does not hold. Where that is all of them there is nothing to take from, and
    the marks stay as they were: at the end mid. Lots done beyond the order are given back at the other side.
    """
    left = side * qty - sum(s * q for s, q in zip(fills["side"].tolist(), fills["qty"].tolist(), strict=True))
    value = marks.tick_value
    done = complete(
        ladder, 1 if left > 0 else -1, abs(left), fees=fees, instrument=instrument, tick_value=value, shift=shift
    )
    if left and done.beyond == abs(left):
        return marks, done.beyond
    return replace(marks, complete2=done.paid2, complete_fee=done.fee), done.beyond


def sweep(prices: Sequence[int], quantities: Sequence[int], lots: int) -> list[tuple[int, int]]:
    """(price, lots) taken from the levels of one side, best first; fewer than `lots` where they run out."""
    taken, left = [], lots
    for price, quantity in zip(prices, quantities, strict=True):
        if left > 0 and quantity > 0:
            taken.append((price, min(left, quantity)))
            left -= taken[-1][1]
    return taken
