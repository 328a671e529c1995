"""A venue that knows nothing of counters: real queues, in which our orders are entries among the tape's.

Every price has one list, first in first out. A tape's order stands there with the lots that the tape says
(`tape`) and the lots that are really there with us inside (`real`, never more). Rules, in words:

- an aggressor of the tape takes from the head of the list, whoever stands there; better-priced orders of ours first
- the tape then names the order that it saw trade: that order may keep no more than the tape leaves it, what it
  really lost less of stays as lots without a name, which nobody cancels, until the tape's level is empty
- a cancel of the tape takes what is left of the order; a replace brings the tape's full quantity back
- below the ledger rung our orders change nothing: each sees the whole flow, and the tape's lots are all there
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from core.enums import Action, EventKind, OrderFlag, OrderStatus, OrderType, Reason, Rung, TimeInForce

BID, ASK = 0, 1
_OVER = (OrderStatus.CANCELED, OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)


@dataclass(slots=True, eq=False)
class Named:
    """An order of the tape in its queue."""

    half: int
    price: int
    tape: int
    real: int


@dataclass(slots=True, eq=False)
class Nameless:
    """Lots that the tape saw trade and that we absorbed in their place."""

    real: int


@dataclass(slots=True, eq=False)
class Own:
    """An order of ours."""

    order_id: int
    slot: int
    side: int
    type: int
    tif: int
    flags: int
    price: int
    qty: int
    stop: int = 0
    display: int = 0
    leaves: int = 0
    filled: int = 0
    shown: int = 0
    resting: int = 0
    resting_at: tuple[int, int] | None = None
    status: int = int(OrderStatus.SENT)
    reason: int = 0


Entry = Named | Nameless | Own


@dataclass(slots=True)
class OracleVenue:
    """Order-by-order tapes at the rungs QUEUE, LEDGER and LATENCY; the conserving queue."""

    rung: int
    self_match: int = 0
    queues: dict[tuple[int, int], list[Entry]] = field(default_factory=dict)
    tape: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))  # lots by price
    orders: dict[int, Named] = field(default_factory=dict)
    own: dict[int, Own] = field(default_factory=dict)  # alive
    fills: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # ts, order, price, lots, maker
    events: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)  # ts, order, kind, reason, qty, px
    over: dict[int, Own] = field(default_factory=dict)
    prices: tuple[Counter[int], Counter[int]] = field(default_factory=lambda: (Counter(), Counter()))  # where we rest
    special: dict[int, Own] = field(default_factory=dict)  # stops and pegs alive
    clock: int = -(2**62)
    last: int | None = None
    seen: tuple[int | None, int | None] | None = None
    orphans: int = 0
    violations: int = 0

    @property
    def ledger(self) -> bool:
        """Whether what we do changes what is there."""
        return self.rung >= Rung.LEDGER

    # --- what is there -------------------------------------------------------------------------

    def there(self, half: int, price: int) -> int:
        """Lots of others really at a price."""
        return sum(e.real for e in self.queues.get((half, price), ()) if not isinstance(e, Own))

    def market(self, half: int) -> list[int]:
        """Prices where others really are, best first."""
        return [p for p in sorted(self.tape[half], reverse=half == BID) if self.there(half, p) > 0]

    def ahead(self, order: Own) -> int:
        """Lots of others before an order of ours."""
        assert order.resting_at is not None
        total = 0
        for entry in self.queues[order.resting_at]:
            if entry is order:
                return total
            if not isinstance(entry, Own):
                total += entry.real
        raise AssertionError("an order of ours is not in its queue")

    def best_own(self, half: int) -> int | None:
        """Best price at which we rest."""
        prices = self.prices[half]
        return (max(prices) if half == BID else min(prices)) if prices else None

    # --- messages of the tape ------------------------------------------------------------------

    def message(self, ts: int, action: int, side: int, order_id: int, qty: int, price: int, old: int = 0) -> None:
        """Apply a valid message. `old`: the order that a REPLACE replaces."""
        self.clock = max(self.clock, ts)
        half = BID if side > 0 else ASK
        if action == Action.ADD:
            self._add(half, price, order_id, qty)
        elif action in (Action.CANCEL, Action.DELETE):
            order = self.orders[order_id]
            self._shrink(order_id, 0 if action == Action.DELETE else order.tape - qty)
        elif action == Action.EXECUTE:
            self._execute(order_id, qty)
        elif action == Action.REPLACE:
            order = self.orders[old]
            if old == order_id and order.price == price and qty <= order.tape:
                self._shrink(old, qty)
            else:
                self.orders[-1] = self.orders.pop(old)
                self._add(order.half, price, order_id, qty)
                self._shrink(-1, 0)  # last, so that a level is not empty in between
        elif action == Action.TRADE:
            self._meet_better(BID if side < 0 else ASK, price, qty)
        if action in (Action.EXECUTE, Action.TRADE):
            self.last = price
            for order_ in sorted(self.special.values(), key=lambda o: o.slot):
                if order_.status == OrderStatus.WAITING:
                    self._trigger(order_, price)
        pegs = [o for o in self.special.values() if o.type >= OrderType.PEG_TOUCH]
        now = tuple(next(iter(self.market(half)), None) for half in (BID, ASK))
        if pegs and now != self.seen:
            self.seen = now
            for forward in (False, True):
                for peg in sorted(pegs, key=lambda o: o.slot):
                    if peg.resting_at is not None:
                        self._follow(peg, forward)

    def _add(self, half: int, price: int, order_id: int, qty: int) -> None:
        absorbed, better = 0, self.best_own(1 - half)
        if better is not None and (better >= price if half == ASK else better <= price):
            absorbed = self._meet_better(1 - half, price, qty)
            absorbed += self._meet_level(1 - half, price, qty - absorbed if self.ledger else qty)
        order = Named(half, price, qty, qty - min(absorbed, qty) if self.ledger else qty)
        self.orders[order_id] = order
        self.queues.setdefault((half, price), []).append(order)
        self.tape[half][price] = self.tape[half].get(price, 0) + qty

    def _shrink(self, order_id: int, left: int) -> None:
        """The tape's order keeps `left` lots."""
        order = self.orders[order_id]
        booked = order.tape - order.real
        self._keep(order_id, left, left - min(booked, left))

    def _keep(self, order_id: int, left: int, real: int) -> None:
        order = self.orders[order_id]
        key = (order.half, order.price)
        prices = self.tape[order.half]
        prices[order.price] -= order.tape - left
        order.tape, order.real = left, real
        if left == 0:
            del self.orders[order_id]
            queue = self.queues[key]
            del queue[next(i for i, e in enumerate(queue) if e is order)]
        if prices[order.price] == 0:
            del prices[order.price]
            queue = [e for e in self.queues[key] if isinstance(e, Own)]
            if queue:
                self.queues[key] = queue
            else:
                del self.queues[key]

    def _execute(self, order_id: int, qty: int) -> None:
        order = self.orders[order_id]
        lots, booked = min(qty, order.tape), order.tape - order.real
        absorbed = self._meet_better(order.half, order.price, lots)
        left = order.tape - lots
        if not self.ledger:
            self._meet_level(order.half, order.price, lots)
            self._keep(order_id, left, left)
            return
        self._walk(order.half, order.price, lots - absorbed)
        kept = left - min(booked, left)
        assert order.real >= kept
        if order.real > kept:
            queue = self.queues[order.half, order.price]
            queue.insert(next(i for i, e in enumerate(queue) if e is order), Nameless(order.real - kept))
        self._keep(order_id, left, kept)

    def _meet_better(self, half: int, price: int, lots: int) -> int:
        """An aggressor meets our orders at better prices than `price`. Lots it traded with them."""
        start = lots
        while lots > 0:
            best = self.best_own(half)
            if best is None or (best <= price if half == BID else best >= price):
                break
            lots -= self._hit(next(e for e in self.queues[half, best] if isinstance(e, Own)), lots)
        return start - lots

    def _meet_level(self, half: int, price: int, lots: int) -> int:
        """It meets those at `price`. Lots it traded with them."""
        if self.ledger:
            return self._walk(half, price, lots)
        total = 0
        for entry in list(self.queues.get((half, price), ())):
            if isinstance(entry, Own):
                flow = lots - min(lots, self.ahead(entry))
                total += self._hit(entry, flow) if flow > 0 else 0
        return total

    def _walk(self, half: int, price: int, lots: int) -> int:
        """Take lots from the head of a queue. Returns what of it was ours."""
        mine, place, key = 0, 0, (half, price)
        while lots > 0 and place < len(self.queues.get(key, ())):
            entry = self.queues[key][place]
            if isinstance(entry, Own):
                part = self._hit(entry, lots)  # gone, or moved to the tail, unless part of it is left
                mine += part
                if part == lots:
                    return mine
                lots -= part
                continue
            part = min(entry.real, lots)
            entry.real -= part
            lots -= part
            place += 1
        self.orphans += lots
        return mine

    def _hit(self, order: Own, lots: int) -> int:
        part = min(order.shown, lots)
        assert part > 0 and order.resting_at is not None
        order.shown -= part
        self._fill(order, order.resting, part, 1)
        if order.leaves > 0 and order.shown == 0:
            queue = self.queues[order.resting_at]
            queue.remove(order)
            queue.append(order)
            order.shown = min(order.display, order.leaves)
        return part

    # --- our requests --------------------------------------------------------------------------

    def arrive(self, order: Own, ts: int) -> None:
        """A new order reaches the venue."""
        self.clock = max(self.clock, ts)
        order.leaves, order.status, order.resting = order.qty, int(OrderStatus.WORKING), order.price
        self.own[order.order_id] = order
        if order.type >= OrderType.STOP:
            self.special[order.order_id] = order
        if order.type in (OrderType.STOP, OrderType.STOP_LIMIT):
            self._event(order, EventKind.ACK, Reason.NONE, order.qty)
            order.status = int(OrderStatus.WAITING)
            if self.last is not None:
                self._trigger(order, self.last)
            return
        pegged = order.type in (OrderType.PEG_TOUCH, OrderType.PEG_MID)
        if order.flags & OrderFlag.POST_ONLY and not pegged and self._within(order, order.price):
            self._close(order, OrderStatus.REJECTED, Reason.WOULD_TAKE)
            return
        self._event(order, EventKind.ACK, Reason.NONE, order.qty)
        self._enter(order)

    def cancel(self, order_id: int, ts: int) -> None:
        """A cancel reaches the venue."""
        self.clock = max(self.clock, ts)
        if order_id in self.own:
            self._close(self.own[order_id], OrderStatus.CANCELED, Reason.REQUESTED)

    def replace(self, order_id: int, qty: int, price: int, ts: int) -> None:
        """A replace reaches the venue: new leaves, new price."""
        self.clock = max(self.clock, ts)
        order = self.own.get(order_id)
        if order is None or qty < 1:
            return
        waits = order.status == OrderStatus.WAITING
        keeps = waits or (price == order.price and qty <= order.leaves and order.resting_at is not None)
        post = order.flags & OrderFlag.POST_ONLY and order.type == OrderType.LIMIT
        if not keeps and post and self._within(order, price):
            return
        order.qty += qty - order.leaves
        if not keeps:
            self._leave(order)
        order.leaves, order.price = qty, price
        order.shown = min(order.shown, qty) if order.resting_at is not None else order.shown
        self._event(order, EventKind.REPLACED, Reason.REQUESTED, qty)
        if not keeps:
            self._enter(order)

    def _within(self, order: Own, worst: int) -> list[int]:
        """Prices of the market that an order may trade at."""
        half = ASK if order.side > 0 else BID
        return [p for p in self.market(half) if (p <= worst if order.side > 0 else p >= worst)]

    def _enter(self, order: Own) -> None:
        if order.type >= OrderType.PEG_TOUCH:
            price = self._peg(order)
            if price is None:
                self._close(order, OrderStatus.CANCELED, Reason.NO_MARKET)
            else:
                self._rest(order, price)
                self.seen = None
            return
        if order.tif == TimeInForce.FOK and self._reach(order) < order.leaves:
            self._close(order, OrderStatus.CANCELED, Reason.NOT_ENOUGH)
            return
        reason = self._take(order)
        if order.status != OrderStatus.WORKING:
            return
        if reason:
            self._close(order, OrderStatus.CANCELED, Reason.SELF_MATCH)
        elif order.type == OrderType.MARKET or order.tif in (TimeInForce.IOC, TimeInForce.FOK):
            nothing = order.type == OrderType.MARKET and order.filled == 0
            self._close(order, OrderStatus.CANCELED, Reason.NO_MARKET if nothing else Reason.IMMEDIATE)
        else:
            self._rest(order, order.price)

    def _reach(self, order: Own) -> int:
        """Lots that an order could have at once, before an order of ours that would stop it."""
        half = ASK if order.side > 0 else BID
        stop = self.best_own(half) if self.self_match != 1 else None
        prices = [
            p for p in self._within(order, order.price) if stop is None or (p < stop if half == ASK else p > stop)
        ]
        return sum(self.there(half, p) for p in prices)

    def _take(self, order: Own) -> bool:
        """Trade at once. True when an order of ours on the other side stopped it."""
        half, done = (ASK if order.side > 0 else BID), set[int]()
        while order.leaves > 0:
            prices = [p for p in self._within(order, order.price) if p not in done]
            reach, mine = (prices[0] if prices else order.price), self.best_own(half)
            if mine is not None and (mine <= reach if half == ASK else mine >= reach):
                if self.self_match != 0:
                    resting = next(e for e in self.queues[half, mine] if isinstance(e, Own))
                    self._close(resting, OrderStatus.CANCELED, Reason.SELF_MATCH)
                if self.self_match != 1:
                    return True
                continue
            if not prices:
                break
            lots = min(order.leaves, self.there(half, reach))
            self._fill(order, reach, lots, 0)
            if self.ledger:
                self._walk(half, reach, lots)
            else:
                done.add(reach)
        return False

    def _peg(self, order: Own) -> int | None:
        """Where a peg belongs; it never takes."""
        bids, asks = self.market(BID), self.market(ASK)
        if order.type == OrderType.PEG_MID:
            if not bids or not asks:
                return None
            price = (bids[0] + asks[0]) // 2 if order.side > 0 else -((-bids[0] - asks[0]) // 2)
        else:
            touch = bids if order.side > 0 else asks
            if not touch:
                return None
            price = touch[0] + order.side * order.stop
        across = [*(asks if order.side > 0 else bids)[:1], self.best_own(ASK if order.side > 0 else BID)]
        stops = [p - order.side for p in across if p is not None]
        return min(price, order.price, *stops) if order.side > 0 else max(price, order.price, *stops)

    def _follow(self, peg: Own, forward: bool) -> None:
        price = self._peg(peg)
        if price is not None and price != peg.resting and (forward or (price < peg.resting) == (peg.side > 0)):
            self._leave(peg)
            self._rest(peg, price)

    def _trigger(self, order: Own, price: int) -> None:
        if (price < order.stop) if order.side > 0 else (price > order.stop):
            return
        order.status = int(OrderStatus.WORKING)
        order.type = int(OrderType.MARKET if order.type == OrderType.STOP else OrderType.LIMIT)
        self.events.append((self.clock, order.order_id, int(EventKind.TRIGGERED), 0, order.leaves, price))
        self._enter(order)

    def _rest(self, order: Own, price: int) -> None:
        half = BID if order.side > 0 else ASK
        order.resting, order.resting_at = price, (half, price)
        order.shown = min(order.display, order.leaves) if order.display > 0 else order.leaves
        self.queues.setdefault((half, price), []).append(order)
        self.prices[half][price] += 1

    def _leave(self, order: Own) -> None:
        if order.resting_at is None:
            return
        queue = self.queues[order.resting_at]
        del queue[next(i for i, e in enumerate(queue) if e is order)]
        if not queue:
            del self.queues[order.resting_at]
        half, price = order.resting_at
        self.prices[half][price] -= 1
        if self.prices[half][price] == 0:
            del self.prices[half][price]
        order.resting_at = None

    def _fill(self, order: Own, price: int, lots: int, maker: int) -> None:
        order.leaves -= lots
        order.filled += lots
        self.fills.append((self.clock, order.order_id, price, lots, maker))
        if order.leaves == 0:
            self._end(order, OrderStatus.FILLED, Reason.NONE)

    def _close(self, order: Own, status: OrderStatus, reason: Reason) -> None:
        kind = EventKind.REJECT if status == OrderStatus.REJECTED else EventKind.CANCELED
        self._event(order, kind, reason, order.leaves)
        self._end(order, status, reason)

    def _end(self, order: Own, status: OrderStatus, reason: Reason) -> None:
        self._leave(order)
        order.status, order.reason = int(status), int(reason)
        del self.own[order.order_id]
        self.special.pop(order.order_id, None)
        self.over[order.order_id] = order

    def _event(self, order: Own, kind: EventKind, reason: Reason, qty: int) -> None:
        self.events.append((self.clock, order.order_id, int(kind), int(reason), qty, order.price))

    def check(self) -> None:
        """What must hold after every message: queues and sums agree, and nobody is over and in a queue."""
        for (half, price), queue in self.queues.items():
            named: list[Any] = [e for e in queue if isinstance(e, Named)]
            assert sum(e.tape for e in named) == self.tape[half].get(price, 0)
            assert all(0 <= e.real <= e.tape for e in named)
            assert all(e.status not in _OVER for e in queue if isinstance(e, Own))
