"""The compiled line driven order by order, beside the slow venue: the same tape, the same requests, the same times."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.book.book import grown
from core.book.state import new_state
from core.desk.build import build
from core.enums import EventKind, Op, OrderStatus, Rung
from core.jit_states import Several
from core.line.coast import GROW
from core.line.run import DRAIN
from core.line.state import NEVER, Line
from core.line.together import Track, play
from core.plan import SessionPlan, TapePlan
from core.records import ORDER
from core.risk.limits import default_limits
from core.tape.tape import Tape as StoredTape
from core.venue.state import new_venue
from tests.oracle.venue import OracleVenue
from tests.oracle.venue_cases import MIDDLE, Request, Tape
from tests.small_tapes import small_tape

_OPS = {"new": Op.NEW, "cancel": Op.CANCEL, "replace": Op.REPLACE}
#: Events that both sides report.
_TOLD = (EventKind.ACK, EventKind.REJECT, EventKind.CANCELED, EventKind.REPLACED, EventKind.TRIGGERED)


@cache
def _template() -> Line:
    with TemporaryDirectory() as folder:
        tape = StoredTape(small_tape(Path(folder) / "seed.tape", count=40))
        plan = SessionPlan("oracle", (TapePlan("t", tape.folder),), (), default_limits())
        return build(plan, [tape], {}).lines[0]


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    return type(value)(*map(_copied, value))


class Driven:
    """A line whose venue is told directly what arrives, and what it wrote down."""

    def __init__(self, tape: Tape, rung: Rung, self_match: int = 0, orders: int = 256) -> None:
        slots = max(int(tape.messages["slot"].max()) + 1, 1)
        old = _template()
        venue = new_venue(slots, orders)
        venue.rules[0] = old.venue.rules[0]
        venue = venue._replace(fees=old.venue.fees.copy(), latency=old.venue.latency.copy())
        rules = venue.rules[0]
        rules["rung"], rules["self_match"], rules["end"], rules["queue"] = int(rung), self_match, NEVER, 1
        fresh = [_copied(getattr(old, name)) for name in Line._fields[2:]]
        self.line = Line(new_state(slots, MIDDLE - 128, MIDDLE + 128, pages=16), venue, *fresh)
        self.tape, self.index = tape, 0
        self.messages = tape.messages.view()
        self.messages.flags.writeable = False  # as those of a tape on disk: the kernels of the product serve
        self.fills: list[NDArray[np.void]] = []
        self.events: list[NDArray[np.void]] = []
        self.done: list[NDArray[np.void]] = []

    def free_slots(self, count: int) -> list[int]:
        """Slots that the next orders will have."""
        venue = self.line.venue
        free = int(venue.top[0]["free"])
        return [int(s) for s in venue.free[free - count : free][::-1]]

    def send(self, requests: Sequence[Request]) -> None:
        """Put requests on their way; none may be under way already."""
        line, venue = self.line, self.line.venue
        top = venue.top[0]
        assert top["requests"] == 0
        new = [r.order for r in requests if r.order is not None]
        rows = np.zeros(len(new), ORDER)
        columns = (
            ("order_id", "order_id"), ("qty", "qty"), ("leaves", "qty"), ("known_leaves", "qty"), ("price", "price"),
            ("known_price", "price"), ("resting", "price"), ("stop", "stop"), ("display", "display"),
            ("flags", "flags"), ("side", "side"), ("type", "type"), ("tif", "tif"),
        )  # fmt: skip
        for name, source in columns:
            rows[name] = [getattr(o, source) for o in new]
        rows["status"] = rows["known_status"] = int(OrderStatus.SENT)
        rows["parent"] = rows["next"] = rows["prev"] = rows["node"] = -1
        slots = np.array([o.slot for o in new], np.int64)
        if new:
            assert list(slots) == self.free_slots(len(new))
            who = line.agents[0]
            assert who["n_open"] == 0
            rows["mine_next"] = [*slots[1:], -1]
            rows["mine_prev"] = [-1, *slots[:-1]]
            venue.orders[slots] = rows
            top["free"] -= len(new)
            who["open_head"], who["open_tail"], who["n_open"] = slots[0], slots[-1], len(new)
        place = {o.order_id: o.slot for o in new}
        ordered = sorted(range(len(requests)), key=lambda k: (requests[k].ts, k))
        box = venue.requests[: len(ordered)]
        chosen = [requests[k] for k in ordered]
        ids = [r.order.order_id if r.order is not None else r.order_id for r in chosen]
        box["ts"] = [r.ts for r in chosen]
        box["seq"] = ordered
        box["order_id"], box["slot"] = ids, [place[i] for i in ids]
        box["qty"], box["price"] = [r.qty for r in chosen], [r.price for r in chosen]
        box["op"], box["reason"] = [int(_OPS[r.op]) for r in chosen], 1
        top["requests"], top["request_seq"] = len(ordered), len(ordered)
        top["next_due"] = min(int(top["next_due"]), int(box["ts"][0])) if len(box) else top["next_due"]

    def play(self, stop: int, until: int = NEVER - 1) -> None:
        """Play up to message `stop`."""
        while True:
            index = np.array([self.index])
            _, reason, _ = play(Several([Track(self.line, self.messages)]), index, np.array([stop]), until)
            self.index = int(index[0])
            self.drain()
            if reason == GROW:
                price = int(self.messages["price"][self.index])
                self.line = self.line._replace(book=grown(self.line.book, price))
            elif reason != DRAIN:
                return

    def drain(self) -> None:
        """Take the records out."""
        line, top = self.line, self.line.venue.top[0]
        for kept, array, name in (
            (self.fills, line.venue.fills, "fills"),
            (self.events, line.venue.events, "events"),
            (self.done, line.venue.done, "done"),
        ):
            if top[name]:
                kept.append(array[: int(top[name])].copy())
                top[name] = 0
        line.top[0]["decisions"] = line.top[0]["verdicts"] = top["drain"] = 0

    def told(self) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        """Fills and events as the slow venue writes them."""
        fills = [
            tuple(int(f[n]) for n in ("ts", "order_id", "price", "qty", "maker")) for part in self.fills for f in part
        ]
        events = [
            tuple(int(e[n]) for n in ("ts", "order_id", "kind", "reason", "qty", "price"))
            for part in self.events
            for e in part
            if e["kind"] in _TOLD
        ]
        return fills, events

    def working(self) -> dict[int, tuple[int, int, int, int, int]]:
        """Resting orders: price, leaves, shown, filled and lots before them, by order."""
        return {
            int(o["order_id"]): (
                int(o["resting"]), int(o["leaves"]), int(o["shown"]), int(o["filled"]), int(o["ahead"]),
            )
            for o in self.line.venue.orders[self.line.venue.orders["status"] == OrderStatus.WORKING]
            if o["node"] >= 0
        }  # fmt: skip


def working(oracle: OracleVenue) -> dict[int, tuple[int, int, int, int, int]]:
    """The slow venue's resting orders, in the same words."""
    return {
        o.order_id: (o.resting, o.leaves, o.shown, o.filled, oracle.ahead(o))
        for o in oracle.own.values()
        if o.resting_at is not None
    }


def serve(oracle: OracleVenue, request: Request) -> None:
    """One request reaches the slow venue."""
    if request.order is not None:
        oracle.arrive(request.order, request.ts)
    elif request.op == "cancel":
        oracle.cancel(request.order_id, request.ts)
    else:
        oracle.replace(request.order_id, request.qty, request.price, request.ts)


def side_by_side(
    tape: Tape, requests: Sequence[Request], rung: Rung, self_match: int = 0
) -> tuple[Driven, OracleVenue]:
    """Play both, comparing every resting order of ours after every message. Raises `AssertionError`."""
    driven, oracle = Driven(tape, rung, self_match), OracleVenue(int(rung), self_match)
    driven.send(requests)
    waiting = sorted(range(len(requests)), key=lambda k: (requests[k].ts, k))
    done = 0
    for i in range(len(tape.messages) + 1):
        ts = int(tape.messages["ts_event"][i]) if i < len(tape.messages) else NEVER
        while done < len(waiting) and requests[waiting[done]].ts < ts:
            serve(oracle, requests[waiting[done]])
            done += 1
        if i < len(tape.messages):
            m = tape.messages[i]
            oracle.message(
                ts, int(m["action"]), int(m["side"]), int(m["order_id"]), int(m["qty"]), int(m["price"]), tape.old[i]
            )
            driven.play(i + 1)
            if i == len(tape.messages) - 1:
                continue  # what is due after the last message has happened already
        else:
            driven.play(i)
        oracle.check()
        assert driven.working() == working(oracle), f"resting orders differ after message {i}"
    fills, events = driven.told()
    assert fills == oracle.fills
    assert events == oracle.events
    return driven, oracle
