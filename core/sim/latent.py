"""The clock and the latent price that quotes return to."""
# mypy: disable-error-code="arg-type, no-any-return"
# Kernels: numpy scalars stand for int.

import numpy as np

from core.enums import Side
from core.jit import inlined
from core.sim.day import CELL, HALF, NOISE, PUSH, UPTO
from core.sim.state import Market, quantile
from core.sim.stream import draw
from core.sim.tables import (
    BURSTS,
    CEILING,
    EXPECTED,
    FINE,
    FLOOR,
    GAP,
    GAPS,
    GOES_ON,
    IMPACT,
    JUMP,
    JUMP_STEP,
    LONGEST_RUN,
    NOISE_SIGN,
    NUMBERS,
    STEP,
)

#: Messages ahead at which the clock aims.
_AHEAD = 256
#: A mood that has held for r events ends with chance 3 / (2 * (r + 3)): its length has a power-law tail.
_MOOD_TAIL, _MOOD_SHIFT = 3 << 31, 3
#: Bits of the mean gap that are given up so that its product with a gap fits in int64.
_COARSE = 8
_BID = np.int64(Side.BID)


@inlined
def advance(m: Market) -> None:
    """Clock and latent price of the next event."""
    flow, day, done = m.flow[0], m.day, m.flow[0]["done"]
    while day[UPTO, flow["cell"]] <= done:
        flow["cell"] += 1
    goal = min(done + _AHEAD, flow["total"])
    while day[UPTO, flow["ahead"]] < goal:
        flow["ahead"] += 1
    cell = flow["ahead"]
    before = day[UPTO, cell - 1] if cell > 0 else 0
    aim = flow["open"] + cell * CELL + CELL * (goal - before) // (day[UPTO, cell] - before)
    mean = max(aim - flow["ts"], 0) // (goal - done)
    gap = quantile(m.tables, GAPS, _gap_word(m)) * (mean >> _COARSE) >> GAP - _COARSE
    flow["ts"] = min(flow["ts"] + gap, aim)
    one, two = draw(m.stream), draw(m.stream)
    noise = (one & 0xFFFF) + (one >> 16) + (two & 0xFFFF) + (two >> 16) - 131070
    step = noise * day[NOISE, flow["cell"]] >> FINE
    size = STEP
    if draw(m.stream) < m.tables[NUMBERS, JUMP]:
        size = JUMP_STEP
        flow["mood"] = 0  # news: the market reacts in a burst
        flow["mood_age"] = 0
    _shift(m, step * m.tables[NUMBERS, size] >> FINE)


@inlined
def _gap_word(m: Market) -> int:
    """A uniform 32-bit word for the next gap; with some memory, so that gaps of a kind come together."""
    flow, word = m.flow[0], draw(m.stream)
    flow["mood_age"] += 1
    if draw(m.stream) < _MOOD_TAIL // (flow["mood_age"] + _MOOD_SHIFT):
        flow["mood"] = draw(m.stream) >> 28
        flow["mood_age"] = 0
    if draw(m.stream) < m.tables[NUMBERS, BURSTS]:
        return flow["mood"] << 28 | word >> 4
    return word


@inlined
def _shift(m: Market, by: int) -> None:
    """Move the latent price; it is reflected far away from where the day began."""
    price = m.flow[0]["price"] + by
    low, high = m.tables[NUMBERS, FLOOR] << FINE, m.tables[NUMBERS, CEILING] << FINE
    if price < low:
        price = 2 * low - price
    elif price > high:
        price = 2 * high - price
    m.flow[0]["price"] = min(max(price, low), high)


@inlined
def next_sign(m: Market) -> int:
    """Side of the next aggressor; moves the latent price by as much as it was not expected."""
    flow, tables = m.flow[0], m.tables
    expected = tables[EXPECTED, flow["run"]] * flow["sign"]
    if draw(m.stream) < tables[NUMBERS, NOISE_SIGN]:
        sign = 1 - 2 * (draw(m.stream) & 1)
    else:
        if draw(m.stream) < tables[GOES_ON, flow["run"]]:
            flow["run"] = min(flow["run"] + 1, LONGEST_RUN - 1)
        else:
            flow["run"] = 0
            flow["sign"] = 1 - 2 * (draw(m.stream) & 1)
        sign = flow["sign"]
    surprise = (sign << FINE) - expected
    push = m.day[PUSH, flow["cell"]] * tables[NUMBERS, IMPACT] >> FINE
    _shift(m, surprise * push >> FINE)
    return sign


@inlined
def behind(m: Market, side: int) -> int:
    """How far the touch lies behind the quote the latent price asks for, ticks << FINE; below 0: too aggressive."""
    half = m.day[HALF, m.flow[0]["cell"]]
    if side == _BID:
        return m.flow[0]["price"] - half - (m.book.top[0]["best_bid"] << FINE)
    return (m.book.top[0]["best_ask"] << FINE) - m.flow[0]["price"] - half
