"""The view a Python policy is given: plain names for what it may know, and short ways to say what it wants."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Op, OrderFlag, OrderType, Side, Status, TimeInForce
from core.policies.intent import Intent, OpenOrder
from core.records import NO_PRICE

_NO_FEATURES: NDArray[np.float32] = np.zeros(0, np.float32)


class View:
    """Everything a policy may know now, read-only. Prices are ticks, quantities lots, times ns UTC."""

    __slots__ = ("_names", "_open", "_orders", "_record", "collar", "features")

    def __init__(
        self,
        record: np.void,
        orders: NDArray[np.void],
        features: NDArray[np.float32] = _NO_FEATURES,
        names: Sequence[str] = (),
        collar: int = 5,
    ) -> None:
        """`record` is a VIEW, `orders` OPEN records of which the first `n_open` count, `features` the row of now."""
        self._record, self._open, self._names = record, orders, names
        self._orders: tuple[OpenOrder, ...] | None = None
        self.features = features.view()
        self.features.flags.writeable = False
        self.collar = collar  #: ticks past the opposite touch that `take` may pay

    @property
    def now(self) -> int:
        """Our clock."""
        return int(self._record["now"])

    @property
    def market_time(self) -> int:
        """Time of the newest market event seen."""
        return int(self._record["ts_market"])

    @property
    def bid(self) -> int | None:
        """Best bid, None if nobody bids."""
        price = int(self._record["best_bid"])
        return None if price == EMPTY_BID else price

    @property
    def ask(self) -> int | None:
        """Best ask, None if nobody offers."""
        price = int(self._record["best_ask"])
        return None if price == EMPTY_ASK else price

    @property
    def bid_qty(self) -> int:
        """Lots at the best bid."""
        return int(self._record["bid_qty"])

    @property
    def ask_qty(self) -> int:
        """Lots at the best ask."""
        return int(self._record["ask_qty"])

    @property
    def takable(self) -> int:
        """Lots at the five best prices that an order of the parent's side would trade against, 0 without a parent."""
        return int(self._record["takable"])

    @property
    def mid(self) -> float | None:
        """Middle of the touch, None if a side is empty."""
        bid, ask = self.bid, self.ask
        return None if bid is None or ask is None else (bid + ask) / 2

    @property
    def spread(self) -> int | None:
        """Ask minus bid, None if a side is empty."""
        bid, ask = self.bid, self.ask
        return None if bid is None or ask is None else ask - bid

    @property
    def last(self) -> int | None:
        """Price of the last print, None before the first."""
        price = int(self._record["last_price"])
        return None if price == NO_PRICE else price

    @property
    def volume(self) -> int:
        """Lots traded in the market so far today."""
        return int(self._record["volume"])

    @property
    def traded(self) -> int:
        """Lots traded in the market since the parent order started."""
        return max(0, self.volume - int(self._record["start_volume"]))

    @property
    def trading(self) -> bool:
        """Whether the market trades."""
        return int(self._record["status"]) in (Status.NONE, Status.TRADING)

    @property
    def position(self) -> int:
        """Our position, as known; negative is short."""
        return int(self._record["position"])

    @property
    def parent(self) -> int | None:
        """Number of the parent order worked on, None without one."""
        number = int(self._record["parent"])
        return None if number < 0 else number

    @property
    def side(self) -> int:
        """Side of the parent order: 1 buys, -1 sells, 0 without one."""
        return int(self._record["side"])

    @property
    def qty(self) -> int:
        """Its quantity."""
        return int(self._record["qty"])

    @property
    def filled(self) -> int:
        """What of it is filled."""
        return int(self._record["filled"])

    @property
    def working(self) -> int:
        """What of it is in open orders, those being cancelled included."""
        return int(self._record["working"])

    @property
    def room(self) -> int:
        """What of it may still be sent: quantity less filled less working."""
        return max(0, self.qty - self.filled - self.working)

    @property
    def elapsed(self) -> float:
        """Share of its window that is over, 0 to 1; 0 without one."""
        start, end = int(self._record["start"]), int(self._record["end"])
        return min(max((self.now - start) / (end - start), 0.0), 1.0) if end > start else 0.0

    @property
    def end(self) -> int:
        """When its window ends."""
        return int(self._record["end"])

    @property
    def limit(self) -> int | None:
        """Its limit price, None without one."""
        price = int(self._record["limit"])
        return None if price == NO_PRICE or self.parent is None else price

    @property
    def urgency(self) -> float:
        """0 patient to 1 at once."""
        return float(self._record["urgency"])

    @property
    def signal(self) -> float | None:
        """What the agent's signal says, None if it says nothing."""
        value = float(self._record["signal"])
        return None if math.isnan(value) else value

    @property
    def orders(self) -> tuple[OpenOrder, ...]:
        """The agent's open orders, oldest first."""
        if self._orders is None:
            n = min(int(self._record["n_open"]), len(self._open))
            self._orders = tuple(_order(one) for one in self._open[:n])
        return self._orders

    def feature(self, name: str) -> float:
        """One value of the feature row. Raises `KeyError` for a name that is not in it."""
        try:
            return float(self.features[self._names.index(name)])
        except (ValueError, IndexError):
            raise KeyError(f"no feature {name!r}; there are: {', '.join(self._names) or 'none'}") from None

    def buy(
        self, qty: int, limit: int, tif: TimeInForce = TimeInForce.DAY, *, post: bool = False, why: str = ""
    ) -> Intent:
        """A limit order to buy `qty` lots at `limit` ticks or less."""
        return Intent(Op.NEW, Side.BID, qty, limit, tif=tif, flags=_post(post), why=why)

    def sell(
        self, qty: int, limit: int, tif: TimeInForce = TimeInForce.DAY, *, post: bool = False, why: str = ""
    ) -> Intent:
        """A limit order to sell `qty` lots at `limit` ticks or more."""
        return Intent(Op.NEW, Side.ASK, qty, limit, tif=tif, flags=_post(post), why=why)

    def take(self, qty: int, side: int | None = None, collar: int | None = None, why: str = "") -> Intent | None:
        """Trade at once what can be had within `collar` ticks of the opposite touch; the rest is cancelled.

        The side is the parent order's unless said. None if there is nothing to take, nothing to trade against, or
        the market is beyond the limit.
        """
        side = self.side if side is None else side
        touch = self.ask if side > 0 else self.bid
        if touch is None or side == 0 or qty == 0 or (self.limit is not None and (touch - self.limit) * side > 0):
            return None
        price = self._bounded(touch + side * (self.collar if collar is None else collar), side)
        return Intent(Op.NEW, side, qty, price, tif=TimeInForce.IOC, why=why)

    def rest(self, qty: int, side: int | None = None, offset: int = 0, why: str = "") -> Intent | None:
        """A post-only limit order `offset` ticks behind our own touch. None if there is no touch or nothing to do."""
        side = self.side if side is None else side
        touch = self.bid if side > 0 else self.ask
        if touch is None or side == 0 or qty == 0:
            return None
        price = self._bounded(touch - side * offset, side)
        return Intent(Op.NEW, side, qty, price, flags=OrderFlag.POST_ONLY, why=why)

    def cancel(self, order: OpenOrder, why: str = "") -> Intent | None:
        """Take an open order back. None if a cancel is on its way already."""
        if order.closing:
            return None
        return Intent(
            Op.CANCEL, order.side, order.leaves, order.price, order.type, order.tif, order_id=order.order_id, why=why
        )

    def replace(
        self, order: OpenOrder, limit: int | None = None, qty: int | None = None, why: str = ""
    ) -> Intent | None:
        """Another price or quantity for an open order; `qty` is what is to be left of it. None if it is closing."""
        if order.closing:
            return None
        price, left = order.price if limit is None else limit, order.leaves if qty is None else qty
        return Intent(Op.REPLACE, order.side, left, price, order.type, order.tif, order_id=order.order_id, why=why)

    def _bounded(self, price: int, side: int) -> int:
        if self.limit is None:
            return price
        return min(price, self.limit) if side > 0 else max(price, self.limit)


def _post(post: bool) -> OrderFlag:
    return OrderFlag.POST_ONLY if post else OrderFlag(0)


def _order(one: np.void) -> OpenOrder:
    ahead, parent = int(one["ahead"]), int(one["parent"])
    return OpenOrder(
        int(one["order_id"]),
        int(one["side"]),
        int(one["leaves"]),
        int(one["price"]),
        OrderType(int(one["type"])),
        TimeInForce(int(one["tif"])),
        None if ahead < 0 else ahead,
        int(one["ts_sent"]),
        None if parent < 0 else parent,
        bool(one["closing"]),
    )
