"""A deterministic desk on the invented market: agents, limits, orders, fills, kills, made up from a seed and the clock.

`FakeDeskPlayer` answers the commands of a desk as an engine would, at once. What a test wants to look at it sets:
`agents`, `breach`, `orders`, `hang` (an engine that does not answer), `stuck` (orders that a kill cannot cancel).
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from fake import INSTRUMENT, SECOND, START, FakePlayer

from app.deck.contracts import Contract
from core.desk_view import (
    AgentView,
    DeskView,
    FillView,
    KillPart,
    KillView,
    NoteView,
    OrderView,
    ParentView,
    RiskView,
)
from core.enums import AgentState
from core.snapshot import Snapshot
from core.transport import Command, Verb

NAMES = ("twap-1", "vwap-1", "pov-2", "cj-1", "model-a", "manual", "ac-3", "hold-1")
POLICIES = ("twap", "vwap", "pov", "cartea-jaimungal", "onnx:fair.onnx", "manual", "almgren-chriss", "hold")
DOINGS = (
    "buy 1,200 of 5,000 left, 3:41 to go", "sell 800 of 2,000 left, 11:02 to go", "buy 300 of 900 left, 0:48 to go",
    "quotes both sides, inventory +300", "waits for an edge of 0.5 ticks", "what the person says",
    "buy 4,000 of 4,000 left, starts in 2m", "holds",
)  # fmt: skip
WHYS = (
    "slice 14 of 24 is due", "behind the volume curve", "8% of the last minute's volume", "spread is wide enough",
    "edge +0.4 ticks is below its threshold", "no order", "window has not begun", "it was told to",
)  # fmt: skip
STATES = (
    AgentState.RUNNING, AgentState.RUNNING, AgentState.PAUSED, AgentState.RUNNING, AgentState.UNHEALTHY,
    AgentState.RUNNING, AgentState.WAITING, AgentState.DONE,
)  # fmt: skip
POSITIONS = (300, -1200, 0, 45, -3, 0, 0, 20)
RISKS = (
    ("desk", "order rate 1s", 412.0, 500.0), ("desk", "gross notional", 1_640_000.0, 4_000_000.0),
    ("desk", "open orders", 46.0, 50.0), ("twap-1", "position", 300.0, 2_000.0), ("desk", "day loss", 0.0, 10_000.0),
    ("desk", "drawdown", 1_130.5, 3_000.0), ("model-a", "staleness ms", float("nan"), 50.0),
    ("AMZN", "share of volume", 0.061, 0.10), ("cj-1", "cancels 1m", 17.0, 100.0), ("desk", "price band", 6.0, 40.0),
)  # fmt: skip
PARTS = (
    ("gate", "denies every order"), ("agents", "8 latched"), ("cancels", "sent for {open}"), ("venue", "{open} gone"),
)  # fmt: skip


class FakeDeskPlayer(FakePlayer):
    """A player that trades."""

    contracts = (
        Contract("AMZN", INSTRUMENT),
        Contract("ES", replace(INSTRUMENT, symbol="ESM2", tick=Decimal("0.25")), Decimal(50)),
    )
    shown = 0

    def __init__(
        self, seed: int = 7, *, agents: int = 6, orders: int = 14, breach: bool = False, **options: Any
    ) -> None:
        super().__init__(seed, **options)
        self.agents, self.orders, self.breach = agents, orders, breach
        self.changes: dict[str, Any] = {}  #: fields of the desk view that a test wants so
        self.now = SECOND  #: wall time, monotonic ns; a test's clock
        self.hang = False  #: the engine takes commands and does nothing
        self.stuck = 0  #: orders a kill cannot cancel
        self.late_ms = 12.4
        self._states = [STATES[place % len(STATES)] for place in range(agents)]
        self._armed_until = 0
        self._kills: tuple[KillView, ...] = ()
        self._cancelled: set[int] = set()
        self._rng_seed = seed

    def send(self, command: Command) -> None:
        """The desk's own commands; the others go to the tape."""
        verb, value = command.verb, int(command.value) if command.value == command.value else 0
        if verb not in _DESK_VERBS:
            super().send(command)
            return
        self.sent.append(command)
        self._dirty = True
        if self.hang:
            return
        if verb is Verb.ARM:
            self._armed_until = self.now + value * SECOND
        elif verb is Verb.DISARM:
            self._armed_until = 0
        elif verb in (Verb.PAUSE_AGENT, Verb.RESUME_AGENT):
            self._states[value] = AgentState.PAUSED if verb is Verb.PAUSE_AGENT else AgentState.RUNNING
        elif verb is Verb.KILL:
            self.kill()
        elif verb is Verb.REARM:
            self._kills = ()
        elif verb is Verb.CANCEL:
            self._cancelled.add(value)
        elif verb in (Verb.CANCEL_ALL, Verb.FLATTEN):
            self._cancelled |= set(range(1, 100_000))

    def kill(self, scope: str = "desk", done: int = len(PARTS)) -> None:
        """Latch a kill of which `done` parts are acknowledged."""
        count = self.orders
        self._cancelled |= set(range(self.stuck + 1, 100_000))
        parts = tuple(
            KillPart(name, place < done, detail.format(open=count)) for place, (name, detail) in enumerate(PARTS)
        )
        kill = KillView(scope, "KILL key", self._clock, self.late_ms, self.stuck, parts)
        self._kills = (*(each for each in self._kills if each.scope != scope), kill)
        self._armed_until = 0
        self._dirty = True

    def _snapshot(self) -> Snapshot:
        snapshot = super()._snapshot()
        return replace(snapshot, desk=self._desk(snapshot))

    def _desk(self, snapshot: Snapshot) -> DeskView:
        rng = np.random.default_rng(self._rng_seed)
        pulse = (self._clock - START) // SECOND
        agents = tuple(self._agent(place, rng, pulse) for place in range(self.agents))
        orders = self._orders(snapshot, rng)
        fills = self._fills(rng)
        view = DeskView(
            session="amzn-afternoon", rung="R4 latency", queue="conserving", money_digits=2, currency="USD",
            armed=self._armed_until > 0, armed_until=self._armed_until, kills=self._kills, agents=agents,
            risks=self._risks(pulse), orders=orders, fills=fills, fills_total=len(fills) + 40,
            notes=self._notes(pulse), parents=self._parents(), realised=433_900 + pulse % 97 * 100,
            unrealised=-12_500 + pulse % 13 * 50, fees=31_840,
            open_orders=sum(order.leaves > 0 for order in orders), diverged_lots=1_204,
            **self._own(snapshot, orders), own_fills=self._own_fills(fills),
        )  # fmt: skip
        return replace(view, **self.changes)

    def _agent(self, place: int, rng: np.random.Generator, pulse: int) -> AgentView:
        turn = place % len(NAMES)
        name = NAMES[turn] if place < len(NAMES) else f"{NAMES[turn][:5]}-{place}"
        state = AgentState.KILLED if self._kills else self._states[place]
        return AgentView(
            name=name, symbol="AMZN" if place % 5 != 4 else "ES", policy=POLICIES[turn],
            signal="fair-v3" if turn in (3, 4) else "", state=state, position=POSITIONS[turn], average=22_350.5,
            realised=int(rng.integers(-90_000, 260_000)),
            unrealised=int(rng.integers(-30_000, 30_000)) + pulse % 7 * 100, fees=int(rng.integers(0, 9_000)),
            drawdown=12_000, orders=(4, 3, 0, 6, 1, 0, 0, 0)[turn],
            doing=DOINGS[turn], why=WHYS[turn], reading=0.41 if turn == 3 else float("nan"),
            latency_us=float("nan") if turn == 7 else 8.0 + 31 * turn, decisions=4_812, denied=turn,
        )  # fmt: skip

    def _risks(self, pulse: int) -> tuple[RiskView, ...]:
        risks = []
        for scope, control, value, limit in RISKS:
            value = value + pulse % 5 if control == "order rate 1s" else value
            used = value / limit
            risks.append(RiskView(scope, control, value, limit, used, _stage(used), ""))
        if self.breach:
            risks.append(
                RiskView("pov-2", "message rate 1s", 207.0, 200.0, 1.035, 4, "207 messages a second, 200 allowed")
            )
        return tuple(sorted(risks, key=lambda risk: -risk.used if risk.used == risk.used else 0.0))

    def _orders(self, snapshot: Snapshot, rng: np.random.Generator) -> tuple[OrderView, ...]:
        bid, ask = snapshot.best_bid or 0, snapshot.best_ask or 0
        orders = []
        for number in range(self.orders, 0, -1):
            side = 1 if number % 2 else -1
            price = bid - number % 9 if side > 0 else ask + number % 9
            over = number in self._cancelled
            qty, entry = 100 + number % 7 * 50, int(rng.integers(40, 4_000))
            leaves = 0 if over else qty - (number % 3) * 25
            status = "CANCELED" if over else "SENT" if number % 11 == 10 else "WORKING"
            orders.append(
                OrderView(
                    number, NAMES[number % 5], "AMZN", side, "LIMIT", status, price, qty, leaves, qty - leaves,
                    int(entry * 0.6), entry, self._clock - number * 137_000_000, "kill" if over else WHYS[number % 5],
                )
            )  # fmt: skip
        done = [
            OrderView(900 + number, NAMES[number], "AMZN", -1 if number % 2 else 1, "LIMIT", status, bid, 200, 0,
                      200 if status == "FILLED" else 0, -1, 120, self._clock - 9_000_000_000 - number, reason)
            for number, (status, reason) in enumerate(
                (("FILLED", "filled 200"), ("DENIED", "price band: 42 ticks from the reference, 40 allowed"),
                 ("REJECTED", "post-only would take"), ("CANCELED", "slice is over"))
            )
        ]  # fmt: skip
        return (*[order for order in orders if order.leaves], *[order for order in orders if not order.leaves], *done)

    def _fills(self, rng: np.random.Generator) -> tuple[FillView, ...]:
        """One of our fills for every 6th print so far."""
        done = int(np.searchsorted(self._prints["index"], self._index))
        fills = []
        for number in range(max(done // 6 - 60, 0), done // 6):
            record = self._prints[number * 6]
            trust = "exact" if number % 4 else "the queue model"
            fills.append(
                FillView(int(record["ts_event"]), 100 + number, NAMES[number % 5], "AMZN", -int(record["side"]),
                         int(record["price"]), int(record["qty"]), number % 3 > 0, number % 5 * 31 - 40, trust)
            )  # fmt: skip
        return tuple(fills)

    def _own_fills(self, fills: tuple[FillView, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
        rows = [(fill.ts, fill.price, fill.side * fill.qty, int(fill.maker)) for fill in fills]
        return np.array(rows, np.int64).reshape(-1, 4)

    def _notes(self, pulse: int) -> tuple[NoteView, ...]:
        lines = (
            "session started, limits version 3",
            "canary order was denied, as it must be",
            "vwap-1 resumed",
            "pov-2: message rate at 90 % of its limit",
            "model-a unwell: answered after 61 ms, 50 allowed",
        )
        return tuple(NoteView(START + number * 60 * SECOND, text, number >= 3) for number, text in enumerate(lines * 4))

    def _parents(self) -> tuple[ParentView, ...]:
        at = np.linspace(0.0, 1.0, 121)
        share = min(max((self._clock - START - 3_000 * SECOND) / (1_800 * SECOND), 0.0), 1.0)
        done = np.where(at <= share, at**1.15 * 0.93, np.nan)
        filled = int(5_000 * (done[~np.isnan(done)][-1] if share > 0 else 0))
        start, end = START + 3_000 * SECOND, START + 4_800 * SECOND
        return (
            ParentView("twap-1", "AMZN", "twap", 1, 5_000, filled, start, end, 22_400, 22_351.5, 22_356.25, 22_355.1,
                       2.13, at, done),
            ParentView("vwap-1", "AMZN", "vwap", -1, 2_000, 0, START + 5_000 * SECOND, end + 900 * SECOND, None,
                       float("nan"), float("nan"), float("nan"), float("nan"), at**0.7, np.full(121, np.nan)),
        )  # fmt: skip

    def _own(self, snapshot: Snapshot, orders: tuple[OrderView, ...]) -> dict[str, Any]:
        view = snapshot.ladder
        arrays = {name: np.zeros(self.rows, np.int64) for name in ("own_bids", "own_asks")}
        arrays |= {name: np.full(self.rows, -1, np.int64) for name in ("own_bid_ahead", "own_ask_ahead")}
        for order in orders:
            row = order.price // view.group - view.low
            if order.leaves and 0 <= row < self.rows:
                side = "bid" if order.side > 0 else "ask"
                arrays[f"own_{side}s"][row] += order.leaves
                arrays[f"own_{side}_ahead"][row] = order.ahead
        return arrays


_DESK_VERBS = {
    Verb.ARM, Verb.DISARM, Verb.PAUSE_AGENT, Verb.RESUME_AGENT, Verb.CANCEL_ALL, Verb.FLATTEN, Verb.KILL, Verb.REARM,
    Verb.ORDER, Verb.CANCEL, Verb.LIMIT, Verb.OWN_EVENT, Verb.STEP_FILL,
}  # fmt: skip


def _stage(used: float) -> int:
    return 0 if used != used else sum(used >= share for share in (0.5, 0.75, 0.9))
