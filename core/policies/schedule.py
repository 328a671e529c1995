"""Follow a schedule: how much must be done by now, how much may rest, and the orders that make it so.

Two numbers drive every decision: `must`, the lots that have to be done now, taken if need be, and
`goal`, the lots that may be done or resting by now. Taking at once has them equal; resting first lets
`goal` be the end of the slice and `must` its beginning until the patience for the slice is used up.
Whatever happens, what is sent is at most `goal - filled - working`: an order whose cancel is on its way
still counts as working.
"""

import numpy as np
from numpy.typing import NDArray

from core.enums import OrderType, TimeInForce
from core.jit import inlined, kernel
from core.policies.codes import (
    COLLAR,
    FINISH,
    LAST_WHY,
    MAX_CHILD,
    MIN_CHILD,
    OFFSET,
    PATIENCE,
    PEG,
    POST_ONLY,
    RATE,
    SLICE,
    SLICE_GOAL,
    SLICES,
    STYLE,
    SWEEP,
    Code,
    Why,
)
from core.policies.place import (
    NONE,
    POST,
    cancel,
    far_touch,
    own_touch,
    put,
    reachable,
    resting_price,
    take,
    whole,
    within,
)
from core.records import NO_PRICE

#: Agents wake on the boundaries of slices: rounding must not make a boundary come one decision late.
_HAIR = 1e-9


@inlined
def done_by(curve: NDArray[np.float64], fraction: float, qty: int) -> int:
    """Lots that a completion curve, given at equal steps from 0 to 1, asks for at `fraction` of the window.

    A curve of fewer than two points is the straight line.
    """
    if fraction >= 1.0:
        return qty
    if not fraction > 0.0:
        return 0
    steps = curve.shape[0] - 1
    share = fraction
    if steps >= 1:
        place = fraction * steps
        step = min(int(place), steps - 1)
        share = curve[step] + (curve[step + 1] - curve[step]) * (place - step)
    if not share > 0.0:
        return 0
    # A hair is added so that a share which is a whole number of lots on paper is one here.
    return min(int(min(share, 1.0) * qty + 1e-6), qty)


@inlined
def volume_share(view: np.void, rate: float) -> int:
    """Lots that are `rate` of what the market traded since the start, rounded down, at most the whole order."""
    traded = max(view["volume"] - view["start_volume"], 0)
    return min(int(min(rate, 1.0) * traded), view["qty"]) if rate > 0.0 else 0


@inlined
def _targets(
    code: int, view: np.void, params: NDArray[np.float64], curve: NDArray[np.float64], memory: NDArray[np.int64]
) -> tuple[int, int, int]:
    """`must`, `goal` and the reason for taking, before the last stretch of the window."""
    qty, span = view["qty"], max(view["end"] - view["start"], 1)
    fraction = (view["now"] - view["start"]) / span
    slices = whole(params[SLICES])
    if params[STYLE] == 0.0:
        if code == Code.POV:
            goal = volume_share(view, params[RATE])
            return goal, goal, Why.SHARE + 0
        if slices > 0:  # a slice is taken in its middle: on average neither early nor late
            fraction = np.floor(fraction * slices + 0.5 + _HAIR) / slices
        goal = done_by(curve, fraction, qty)
        return goal, goal, Why.BEHIND + 0
    slices = max(slices, 1)
    current = min(int(fraction * slices + _HAIR), slices - 1)
    crossing = fraction * slices - current >= params[PATIENCE] - _HAIR
    if code == Code.POV:
        goal = volume_share(view, params[RATE])
        if memory[SLICE] != current + 1:
            memory[SLICE], memory[SLICE_GOAL] = current + 1, goal
        must = min(memory[SLICE_GOAL], goal)
    else:
        must = done_by(curve, current / slices, qty)
        goal = max(done_by(curve, (current + 1) / slices, qty), must)
    if crossing:
        must = goal
    return must, goal, Why.SLICE_END + 0


@inlined
def _rest(out: NDArray[np.void], n: int, view: np.void, params: NDArray[np.float64], qty: int) -> int:
    """Rest `qty` lots at our touch, as a peg or as a limit order."""
    side, offset = view["side"], whole(params[OFFSET])
    price = resting_price(view, side, offset, view["limit"])
    if price == NONE:
        return n
    flags = POST if params[POST_ONLY] != 0.0 else 0
    if params[PEG] == 0.0 or own_touch(view, side) == NONE:
        return put(out, n, view["parent"], side, qty, price, OrderType.LIMIT, TimeInForce.DAY, flags, Why.REST)
    bound = view["limit"]
    if bound == NO_PRICE:
        far = far_touch(view, side)
        bound = (far if far != NONE else price) + side * whole(params[COLLAR])
    bound = within(bound, side, NO_PRICE)
    n = put(out, n, view["parent"], side, qty, bound, OrderType.PEG_TOUCH, TimeInForce.DAY, flags, Why.REST)
    if n > 0:
        out[n - 1]["stop"] = -offset
    return n


@inlined
def _cap(qty: int, params: NDArray[np.float64], last: bool) -> int:
    """A child of at most `qty` lots; 0 where it would be too small to send now."""
    if qty <= 0 or (qty < params[MIN_CHILD] and not last):
        return 0
    most = whole(params[MAX_CHILD])
    return min(qty, most) if most > 0 else qty


@inlined
def _gently(child: int, view: np.void, params: NDArray[np.float64], why: int) -> int:
    """At most a share of what the book shows: who fell behind catches up in steps, not by sweeping the book.

    In the last stretch, when what is not taken is lost, all of it but one lot.
    """
    shown = view["takable"]
    if params[SWEEP] > 0.0 and shown > 0:
        most = int(min(params[SWEEP] * shown, 1e15))
        if why == Why.FINISH:
            most = max(most, shown - 1)
        return min(child, max(most, whole(params[MIN_CHILD]), 1))
    return child


@kernel
def follow(
    code: int,
    view: np.void,
    orders: NDArray[np.void],
    n_open: int,
    params: NDArray[np.float64],
    curve: NDArray[np.float64],
    memory: NDArray[np.int64],
    out: NDArray[np.void],
) -> int:
    """Work a parent order along its schedule; arguments and result as `core.policies.work.decide`."""
    side, qty, filled, parent = view["side"], view["qty"], view["filled"], view["parent"]
    flying, resting, leaving = 0, 0, 0
    for i in range(n_open):
        one = orders[i]
        if one["parent"] == parent:
            if one["tif"] == TimeInForce.DAY:
                resting += one["leaves"]
                if one["closing"] != 0:
                    leaving += one["leaves"]
            else:
                flying += one["leaves"]
    must, goal, why = _targets(code, view, params, curve, memory)
    if code != Code.POV and view["now"] >= view["end"] - whole(params[FINISH]):
        must, goal, why = qty, qty, Why.FINISH + 0
    working = max(view["working"], flying + resting)
    room = goal - filled - working
    late = must - filled - flying
    memory[LAST_WHY] = Why.ON_SCHEDULE if filled < qty else Why.COMPLETE
    n = 0
    if late > 0:
        touch = far_touch(view, side)
        if touch == NONE:
            memory[LAST_WHY] = Why.NO_MARKET
        elif not reachable(touch, side, view["limit"]):
            memory[LAST_WHY] = Why.LIMIT
        else:
            child = _gently(_cap(min(late, room), params, goal == qty), view, params, why)
            if child > 0:
                n = take(out, n, view, side, child, whole(params[COLLAR]), why)
                memory[LAST_WHY] = why
            elif room > 0:
                memory[LAST_WHY] = Why.TOO_SMALL
            if late >= params[MIN_CHILD] or goal == qty:
                n = _make_room(parent, orders, n_open, late - max(room, 0) - leaving, out, n, memory)
            if child > 0:
                room -= min(late, room)  # what has to be taken does not rest, also where only a part of it is taken now
            if why == Why.FINISH:
                return n
    if params[STYLE] != 0.0:
        n = _tend(view, orders, n_open, params, -room - leaving, out, n, memory)
        child = _cap(room, params, goal == qty)
        if child > 0:
            before = n
            n = _rest(out, n, view, params, child)
            if n > before and n == 1:
                memory[LAST_WHY] = Why.REST
    return n


@inlined
def _make_room(
    parent: int,
    orders: NDArray[np.void],
    n_open: int,
    needed: int,
    out: NDArray[np.void],
    n: int,
    memory: NDArray[np.int64],
) -> int:
    """Cancel resting orders, oldest first, until `needed` lots are free to be taken."""
    for i in range(n_open):
        one = orders[i]
        if needed <= 0:
            break
        if one["parent"] == parent and one["tif"] == TimeInForce.DAY and one["closing"] == 0:
            before = n
            n = cancel(out, n, one, Why.MAKE_ROOM)
            if n > before:
                needed -= one["leaves"]
                if n == 1:
                    memory[LAST_WHY] = Why.MAKE_ROOM
    return n


@inlined
def _tend(
    view: np.void,
    orders: NDArray[np.void],
    n_open: int,
    params: NDArray[np.float64],
    excess: int,
    out: NDArray[np.void],
    n: int,
    memory: NDArray[np.int64],
) -> int:
    """Cancel limit orders that the touch has left, and what rests beyond the goal (`excess` lots)."""
    parent, side = view["parent"], view["side"]
    price = resting_price(view, side, whole(params[OFFSET]), view["limit"])
    for i in range(n_open):
        one = orders[i]
        if one["parent"] != parent or one["tif"] != TimeInForce.DAY or one["closing"] != 0:
            continue
        already = False
        for k in range(n):
            already = already or out[k]["order_id"] == one["order_id"]
        if already:
            continue
        moved = one["type"] == OrderType.LIMIT and price != NONE and one["price"] != price
        if moved or excess > 0:
            before = n
            n = cancel(out, n, one, Why.MOVED if moved else Why.AHEAD)
            if n > before:
                excess -= one["leaves"]
                if n == 1:
                    memory[LAST_WHY] = Why.MOVED if moved else Why.AHEAD
    return n


@inlined
def withdraw(
    parent: int, orders: NDArray[np.void], n_open: int, memory: NDArray[np.int64], out: NDArray[np.void], why: int
) -> int:
    """Cancel every open order of the parent that is not being cancelled yet."""
    memory[LAST_WHY] = why
    n = 0
    for i in range(n_open):
        one = orders[i]
        if one["parent"] == parent and one["closing"] == 0:
            n = cancel(out, n, one, why)
    return n
