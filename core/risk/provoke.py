"""For each control an order, a market or a state that it must deny: the matter of the self-test."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.account.account import Account
from core.enums import OrderFlag, OrderType, Status
from core.records import ABSENT, MAX_QTY, NO_PRICE
from core.risk.controls import Control
from core.risk.state import ASKED, CANCELS, RING_KINDS, SENT, Gate

#: The calm market that provocations start from: time, best bid and ask.
NOW = 1_000_000_000_000
BID, ASK = 10_000, 10_001
FAR = 2**30


@dataclass(slots=True)
class Scene:
    """One order, its market, and the copies of gate and accounts it is tried on. Provocations change them."""

    gate: Gate
    account: Account
    draft: np.void
    market: np.void

    @property
    def agent(self) -> int:
        """Row of the agent."""
        return int(self.draft["agent"])

    @property
    def instrument(self) -> int:
        """Its instrument."""
        return int(self.draft["instrument"])


def _draft(**values: int) -> Callable[[Scene], None]:
    def provoke(scene: Scene) -> None:
        for name, value in values.items():
            scene.draft[name] = value

    return provoke


def _market(**values: int) -> Callable[[Scene], None]:
    def provoke(scene: Scene) -> None:
        for name, value in values.items():
            scene.market[name] = value

    return provoke


def _rows(name: str, value: int) -> Callable[[Scene], None]:
    def provoke(scene: Scene) -> None:
        scene.gate.rows[name][:] = value

    return provoke


def _full_ring(place: Callable[[Scene], int]) -> Callable[[Scene], None]:
    """Every time the ring can keep lies just before now."""

    def provoke(scene: Scene) -> None:
        ring = scene.gate.rings[place(scene)]
        ring["head"], ring["count"] = 0, ring["size"]
        scene.gate.stamps[ring["offset"] : ring["offset"] + ring["size"]] = NOW

    return provoke


def _poor(scene: Scene) -> None:
    """A loss near the most that money can be."""
    scene.account.cash[:] = -(2**60)


def _twice(scene: Scene) -> None:
    recent = scene.gate.recent[scene.agent]
    for name in ("qty", "price", "instrument", "side", "type"):
        recent[name] = scene.draft[name]
    recent["ts"] = NOW
    scene.gate.rows[scene.agent]["recent"] = len(recent)


def _all_in_one(scene: Scene) -> None:
    scene.gate.working[:, scene.instrument] = MAX_QTY


def _own_ask(scene: Scene) -> None:
    scene.gate.own_touch[scene.instrument, 1] = BID


def _restrict(scene: Scene) -> None:
    scene.gate.restricted[scene.instrument] = 1


def _kill(scene: Scene) -> None:
    scene.gate.top[0]["killed_desk"] = 1


def _row_ring(kind: int, desk: bool = False) -> Callable[[Scene], int]:
    def place(scene: Scene) -> int:
        rows = scene.gate.rows.shape[0]
        return kind * rows + (rows - 1 if desk else scene.agent)

    return place


def _fill_ring(scene: Scene) -> int:
    return RING_KINDS * scene.gate.rows.shape[0] + 2 * (scene.agent * scene.gate.missing.shape[1] + scene.instrument)


def _unset(scene: Scene) -> None:
    scene.gate.missing[scene.agent, scene.instrument] = 1


_HUGE = _draft(qty=MAX_QTY)
_C = Control
#: How each control is provoked. An order of no instrument is denied by all.
PROVOCATIONS: dict[Control, Callable[[Scene], None]] = {
    _C.LIMITS_PRESENT: _unset,
    _C.INSTRUMENT_KNOWN: _draft(instrument=2**20),
    _C.SESSION_OPEN: _market(status=int(Status.HALTED)),
    _C.CODES_VALID: _draft(tif=99),
    _C.QTY_VALID: _draft(qty=0),
    _C.PRICE_VALID: _draft(price=NO_PRICE),
    _C.PERMISSION: _draft(permission=0),
    _C.RESTRICTED: _restrict,
    _C.ORDER_QTY: _HUGE,
    _C.ORDER_NOTIONAL: _HUGE,
    _C.PRICE_TOLERANCE: _draft(price=FAR),
    _C.PRICE_WINDOW: _draft(price=FAR),
    _C.MARKET_COLLARED: _draft(type=int(OrderType.MARKET), price=NO_PRICE),
    _C.DEPTH_SHARE: _draft(qty=MAX_QTY, price=ASK),
    _C.VOLUME_SHARE: _HUGE,
    _C.DUPLICATE: _twice,
    _C.SELF_MATCH: _own_ask,
    _C.REDUCE_ONLY: _draft(flags=int(OrderFlag.REDUCE_ONLY)),
    _C.DATA_AGE: _market(ts_market=ABSENT),
    _C.DATA_JUMP: _market(jump2=FAR),
    _C.DATA_SPREAD: _market(best_bid=-FAR, best_ask=FAR + 1),
    _C.DATA_CROSSED: _market(best_bid=ASK, best_ask=BID),
    _C.DATA_GAP: _market(gap=1),
    _C.MODEL_AGE: _draft(model=1, model_age=-1),
    _C.MODEL_BAD: _draft(model=1, model_bad=1),
    _C.MODEL_LATENCY: _draft(model=1, model_latency=-1),
    _C.CLOCK_SKEW: _market(clock_skew=ABSENT),
    _C.UNANSWERED: _draft(unanswered=-1),
    _C.POSITION: _HUGE,
    _C.DESK_POSITION: _HUGE,
    _C.GROSS_NOTIONAL: _HUGE,
    _C.NET_NOTIONAL: _HUGE,
    _C.DESK_GROSS_NOTIONAL: _HUGE,
    _C.DESK_NET_NOTIONAL: _HUGE,
    _C.INSTRUMENT_NOTIONAL: _HUGE,
    _C.OPEN_ORDERS: _rows("open_orders", 2**40),
    _C.DESK_OPEN_ORDERS: _rows("open_orders", 2**40),
    _C.OPEN_VALUE: _rows("open_value", 2**60),
    _C.DESK_OPEN_VALUE: _rows("open_value", 2**60),
    _C.BUYING_POWER: _HUGE,
    _C.CONCENTRATION: _all_in_one,
    _C.DAY_LOSS: _poor,
    _C.DESK_DAY_LOSS: _poor,
    _C.DRAWDOWN: _poor,
    _C.DESK_DRAWDOWN: _poor,
    _C.DAY_VOLUME: _HUGE,
    _C.DESK_DAY_VOLUME: _HUGE,
    _C.ORDER_TO_TRADE: _rows("messages", 2**40),
    _C.MESSAGE_RATE: _full_ring(_row_ring(SENT)),
    _C.MESSAGE_HALT: _full_ring(_row_ring(ASKED)),
    _C.CANCEL_RATE: _full_ring(_row_ring(CANCELS)),
    _C.DESK_MESSAGE_RATE: _full_ring(_row_ring(SENT, desk=True)),
    _C.REPEATED_EXECUTION: _full_ring(_fill_ring),
    _C.CONSECUTIVE_REJECTS: _rows("rejects", 2**40),
    _C.KILLED: _kill,
    _C.AGENT_HALTED: _rows("halted", 1),
}
