"""What the actions of a policy model mean as orders. A model chooses among names; here they become intents."""

from collections.abc import Callable, Mapping

from core.policies.intent import Intent
from core.policies.shown import View

#: Parts that a parent order is worked in: one action moves at most one of them.
SLICES = 20


def slice_of(view: View) -> int:
    """Lots of one slice of the parent order, at least 1."""
    return max(1, -(-view.qty // SLICES))


def _wait(view: View) -> list[Intent | None]:
    """Leaves everything as it is."""
    return []


def _rest(view: View) -> list[Intent | None]:
    """Has one slice at our own touch: what rests elsewhere moves there."""
    return _resting(view, 0)


def _improve(view: View) -> list[Intent | None]:
    """Has one slice a tick inside the spread; at our own touch where there is no room."""
    return _resting(view, 1 if (view.spread or 0) > 1 else 0)


def _resting(view: View, inside: int) -> list[Intent | None]:
    wanted = view.rest(slice_of(view), offset=-inside)
    if wanted is None:
        return []
    kept = False
    out: list[Intent | None] = []
    for order in view.orders:
        if order.closing or order.parent != view.parent:
            continue
        if kept:
            out.append(view.cancel(order))
        elif order.price != wanted.price and not _is_own_inside(view, order.price, inside):
            out.append(view.replace(order, limit=wanted.price))
        kept = True
    if not kept:
        out.append(view.rest(min(slice_of(view), view.room), offset=-inside))
    return out


def _is_own_inside(view: View, price: int, inside: int) -> bool:
    """Whether we are the touch ourselves: an order that improved it must not chase itself through the spread."""
    touch = view.bid if view.side > 0 else view.ask
    return inside > 0 and touch is not None and price == touch


def _take(view: View) -> list[Intent | None]:
    """Crosses the spread for one slice; what rests leaves first when there is nothing else left."""
    out: list[Intent | None] = []
    if view.room < slice_of(view):
        out += [view.cancel(order) for order in view.orders if order.parent == view.parent]
    return [*out, view.take(min(slice_of(view), view.room))]


#: Every action there is, by the name that a card uses.
ACTIONS: Mapping[str, Callable[[View], list[Intent | None]]] = {
    "wait": _wait,
    "rest": _rest,
    "improve": _improve,
    "take": _take,
}
#: Why an action's orders were sent, as the screen says it.
WORDS: Mapping[str, str] = {
    "wait": "the model waits",
    "rest": "the model rests a slice at the touch",
    "improve": "the model rests a slice inside the spread",
    "take": "the model crosses for a slice",
}


def finish(view: View) -> list[Intent | None]:
    """Crosses everything that is left: the end of a window is no matter of opinion."""
    return [*(view.cancel(order) for order in view.orders if order.parent == view.parent), view.take(view.room)]
