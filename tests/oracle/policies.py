"""What the built-in policies should want, in plain Python: dicts and Fractions, no arrays, no rounding."""

from fractions import Fraction
from math import floor
from typing import Any

EMPTY_BID, EMPTY_ASK, NO_PRICE = -(2**40), 2**40, -(2**31)
LOWEST, HIGHEST = NO_PRICE + 1, 2**31 - 1
DAY, IOC = 1, 2
LIMIT, PEG = 1, 5
NEW, CANCEL, REPLACE = 1, 2, 3
HAIR = Fraction(1, 10**9)  # a boundary reached but for rounding is reached


def decide(policy: str, view: dict[str, Any], orders: list[dict[str, Any]], settings: dict[str, float],
           curve: list[float], memory: dict[str, Any]) -> list[dict[str, Any]]:  # fmt: skip
    """All intents, however many. `memory` is a dict that the caller keeps."""
    if policy in ("hold", "manual"):
        return []
    with_parent = view["parent"] >= 0
    if not with_parent and policy != "quote":
        return []
    if with_parent and view["now"] >= view["end"]:
        whose = -1 if policy == "quote" else view["parent"]
        return [_cancel(o) for o in orders if o["parent"] == whose and not o["closing"]]
    if (with_parent and view["now"] < view["start"]) or view["status"] not in (0, 2):
        return []
    if policy == "quote":
        return _quote(view, orders, settings, memory, 1) + _quote(view, orders, settings, memory, -1)
    if view["side"] == 0 or view["qty"] <= 0:
        return []
    return _follow(policy, view, orders, settings, curve, memory)


def share_done(curve: list[float], fraction: Fraction, qty: int) -> int:
    """Lots due at a fraction of the window."""
    if fraction >= 1:
        return qty
    if fraction <= 0:
        return 0
    share = fraction
    if len(curve) > 1:
        place = fraction * (len(curve) - 1)
        step = min(floor(place), len(curve) - 2)
        low, high = Fraction(curve[step]), Fraction(curve[step + 1])
        share = low + (high - low) * (place - step)
    return min(floor(min(max(share, Fraction(0)), Fraction(1)) * qty + Fraction(1, 10**6)), qty)


def _due(policy: str, view: dict[str, Any], settings: dict[str, float], curve: list[float], memory: dict[str, Any]):
    """What must be done by now, and what may be done or resting by now."""
    rests, slices = settings["rest"] == 1, int(settings["slices"])
    passed = Fraction(view["now"] - view["start"], view["end"] - view["start"])
    if policy == "pov":
        allowed = min(floor(Fraction(settings["rate"]) * max(0, view["volume"] - view["start_volume"])), view["qty"])
        if not rests:
            return allowed, allowed
        current = min(floor(passed * max(slices, 1) + HAIR), max(slices, 1) - 1)
        if memory.get("slice") != current:
            memory["slice"], memory["goal"] = current, allowed
        late = passed * max(slices, 1) - current >= Fraction(settings["patience"]) - HAIR
        return (allowed, allowed) if late else (min(memory["goal"], allowed), allowed)
    if view["now"] >= view["end"] - int(settings["finish"] * 10**9):
        return view["qty"], view["qty"]
    if not rests:
        if slices > 0:
            passed = Fraction(floor(passed * slices + Fraction(1, 2) + HAIR), slices)
        due = share_done(curve, passed, view["qty"])
        return due, due
    slices = max(slices, 1)
    current = min(floor(passed * slices + HAIR), slices - 1)
    must = share_done(curve, Fraction(current, slices), view["qty"])
    goal = max(must, share_done(curve, Fraction(current + 1, slices), view["qty"]))
    return (goal, goal) if passed * slices - current >= Fraction(settings["patience"]) - HAIR else (must, goal)


def _follow(policy: str, view: dict[str, Any], orders: list[dict[str, Any]], settings: dict[str, float],
            curve: list[float], memory: dict[str, Any]) -> list[dict[str, Any]]:  # fmt: skip
    mine = [o for o in orders if o["parent"] == view["parent"]]
    resting = [o for o in mine if o["tif"] == DAY]
    flying = sum(o["leaves"] for o in mine if o["tif"] != DAY)
    leaving = sum(o["leaves"] for o in resting if o["closing"])
    must, goal = _due(policy, view, settings, curve, memory)
    finishing = policy != "pov" and view["now"] >= view["end"] - int(settings["finish"] * 10**9)
    room = goal - view["filled"] - max(view["working"], sum(o["leaves"] for o in mine))
    late = must - view["filled"] - flying
    side, last = view["side"], goal == view["qty"]
    out: list[dict[str, Any]] = []
    far = _touch(view, -side)
    may_cross = far is not None and (
        view["limit"] == NO_PRICE or (far <= view["limit"] if side > 0 else far >= view["limit"])
    )
    if late > 0 and may_cross:
        child = _child(min(late, room), settings, last)
        if settings["sweep"] and view["takable"]:
            shown = floor(Fraction(settings["sweep"]) * view["takable"])
            if finishing:
                shown = max(shown, view["takable"] - 1)
            child = min(child, max(shown, int(settings["min_child"]), 1))
        if child:
            out.append(_new(view, child, _inside(far + side * int(settings["collar"]), view), LIMIT, IOC, 0))
        if last or late >= settings["min_child"]:
            out += _cancel_until(resting, late - max(room, 0) - leaving)
        room -= min(late, room) if child else 0
        if finishing:
            return out
    if settings["rest"] != 1:
        return out
    price = _rest_price(view, int(settings["offset"]))
    excess, gone = -room - leaving, [o["order_id"] for o in out]
    for o in resting:
        if o["closing"] or o["order_id"] in gone:
            continue
        moved = o["type"] == LIMIT and price is not None and o["price"] != price
        if moved or excess > 0:
            out.append(_cancel(o))
            excess -= o["leaves"]
    child = _child(room, settings, last)
    if child and price is not None:
        post = 1 if settings["post_only"] else 0
        if settings["peg"] and _touch(view, side) is not None:
            bound = view["limit"]
            if bound == NO_PRICE:
                bound = (far if far is not None else price) + side * int(settings["collar"])
            bound = min(max(bound, LOWEST), HIGHEST)
            out.append(_new(view, child, bound, PEG, DAY, post, stop=-int(settings["offset"])))
        else:
            out.append(_new(view, child, price, LIMIT, DAY, post))
    return out


def _quote(view: dict[str, Any], orders: list[dict[str, Any]], settings: dict[str, float], memory: dict[str, Any],
           side: int) -> list[dict[str, Any]]:  # fmt: skip
    ours = [o for o in orders if o["side"] == side]
    out_there = sum(o["leaves"] for o in ours)
    allowed = int(settings["max_position"]) - side * view["position"]
    price = _rest_price({**view, "side": side, "parent": -1}, int(settings["offset"]))
    staying = [o for o in ours if not o["closing"]]
    if not staying:
        qty = min(int(settings["size"]), allowed - out_there)
        if qty <= 0 or price is None or out_there > 0:
            return []
        return [_new({**view, "side": side, "parent": -1}, qty, price, LIMIT, DAY, 1)]
    order = staying[0]
    if allowed < out_there:
        return [_cancel(order)]
    if price is None or price == order["price"]:
        return []
    asked = memory.get(side)
    wait = int(settings["retry"] * 10**9)
    unanswered = asked is not None and asked[:2] == (order["order_id"], order["price"])
    if unanswered and view["now"] - asked[2] < wait:
        return []
    memory[side] = (order["order_id"], order["price"], view["now"])
    return [{**_cancel(order), "op": REPLACE, "price": price, "flags": 1}]


def _touch(view: dict[str, Any], side: int) -> int | None:
    price = view["best_bid"] if side > 0 else view["best_ask"]
    return None if price in (EMPTY_BID, EMPTY_ASK) else price


def _inside(price: int, view: dict[str, Any]) -> int:
    if view["parent"] >= 0 and view["limit"] != NO_PRICE:
        price = min(price, view["limit"]) if view["side"] > 0 else max(price, view["limit"])
    return min(max(price, LOWEST), HIGHEST)


def _rest_price(view: dict[str, Any], offset: int) -> int | None:
    side, own, far = view["side"], _touch(view, view["side"]), _touch(view, -view["side"])
    if own is None and far is None:
        return None
    return _inside((own if own is not None else far - side) - side * offset, view)


def _child(qty: int, settings: dict[str, float], last: bool) -> int:
    if qty <= 0 or (qty < settings["min_child"] and not last):
        return 0
    return min(qty, int(settings["max_child"])) if settings["max_child"] else qty


def _cancel_until(resting: list[dict[str, Any]], lots: int) -> list[dict[str, Any]]:
    out = []
    for o in resting:
        if lots <= 0:
            break
        if not o["closing"]:
            out.append(_cancel(o))
            lots -= o["leaves"]
    return out


def _new(view: dict[str, Any], qty: int, price: int, kind: int, tif: int, flags: int, stop: int = 0) -> dict[str, Any]:
    return {
        "op": NEW, "order_id": 0, "side": view["side"], "qty": qty, "price": price, "type": kind, "tif": tif,
        "flags": flags, "stop": stop, "parent": view["parent"],
    }  # fmt: skip


def _cancel(order: dict[str, Any]) -> dict[str, Any]:
    return {
        "op": CANCEL, "order_id": order["order_id"], "side": order["side"], "qty": order["leaves"],
        "price": order["price"], "type": order["type"], "tif": order["tif"], "flags": 0, "stop": 0,
        "parent": order["parent"],
    }  # fmt: skip
