"""A deterministic player to develop and test the deck against: same protocol, no engine, no tape.

The market is a function of the message index, so seeking needs no replay: mid prices and prints are drawn
once from a seeded generator, resting quantities come from a hash of price row and time. Wall time does not
exist here: a test calls `advance`, a demo sets `live` and every `latest()` is one frame.
"""

from dataclasses import replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from core.enums import Status
from core.instrument import Instrument
from core.records import NO_PRICE, PRINT
from core.snapshot import HistoryView, LadderView, Mode, Snapshot, State
from core.transport import Command, Overview, Verb

SECOND = 1_000_000_000
START = 1_340_285_400 * SECOND  #: 2012-06-21 09:30:00 in New York
LENGTH = 23_400 * SECOND
INSTRUMENT = Instrument("AMZN", "NASDAQ", "2012-06-21", Decimal("0.01"), Decimal("1"), "America/New_York")


class FakePlayer:
    """Plays an invented day. `live` makes every `latest()` advance by one frame."""

    def __init__(
        self,
        seed: int = 7,
        messages: int = 200_000,
        *,
        live: bool = False,
        instrument: Instrument = INSTRUMENT,
        base: int = 22_345,
        columns: int = 480,
        rows: int = 160,
        frame: float = 1 / 30,
    ) -> None:
        self.instrument, self.title, self.live, self.frame = instrument, "fake-day", live, frame
        self.messages, self.columns, self.rows = messages, columns, rows
        self.first_ts, self.last_ts = START, START + LENGTH
        self.sent: list[Command] = []
        self.closed = False
        rng = np.random.default_rng(seed)
        pace = rng.exponential(1.0, messages) * (1.0 + 2.0 * np.cos(np.linspace(0, 2 * np.pi, messages)) ** 2)
        stamps = np.cumsum(pace)
        self._ts = START + (stamps / stamps[-1] * LENGTH).astype(np.int64)
        steps = rng.choice([-1, 0, 0, 0, 0, 0, 0, 0, 1], messages)
        wave = 40 * np.sin(np.linspace(0, 14, messages)) + 25 * np.sin(np.linspace(0, 61, messages))
        self._bid = base + np.cumsum(steps) // 3 + wave.astype(np.int64)
        self._spread = 1 + (rng.random(messages // 40 + 1) < 0.25).astype(np.int64).repeat(40)[:messages]
        self._make_prints(rng)
        self._index, self._clock = 0, self.first_ts
        self._state, self._failure = State.PAUSED, ""
        self._speed, self._group, self._step = 1.0, 1, SECOND
        self._in: int | None = None
        self._out: int | None = None
        self._sequence, self._dirty, self._cached = 0, True, None

    def _make_prints(self, rng: np.random.Generator) -> None:
        at = np.flatnonzero(rng.random(self.messages) < 0.06)
        run = np.repeat(rng.choice([-1, 1], len(at) // 5 + 1), 5)[: len(at)]
        side = np.where(rng.random(len(at)) < 0.85, run, -run)
        prints = np.zeros(len(at), PRINT)
        prints["ts_event"], prints["index"] = self._ts[at], at
        prints["qty"] = np.maximum(1, rng.lognormal(3.6, 1.3, len(at)).astype(np.int64))
        prints["price"] = np.where(side > 0, self._bid[at] + self._spread[at], self._bid[at])
        prints["side"] = side
        self._prints = prints

    # the Player protocol

    def latest(self) -> Snapshot:
        """The newest snapshot."""
        if self.live:
            self.advance(self.frame)
        if self._dirty or self._cached is None:
            self._sequence += 1
            self._cached, self._dirty = self._snapshot(), False
        return self._cached

    def send(self, command: Command) -> None:
        """Apply `command` at once and remember it."""
        self.sent.append(command)
        value, verb = command.value, command.verb
        if verb in (Verb.PLAY, Verb.PAUSE, Verb.TOGGLE):
            paused = self._state is not State.PLAYING
            self._state = State.PLAYING if verb is Verb.PLAY or (verb is Verb.TOGGLE and paused) else State.PAUSED
        elif verb is Verb.SPEED:
            self._speed = float(value)
        elif verb is Verb.GOTO:
            self._seek(int(value))
        elif verb is Verb.GOTO_INDEX:
            self._place(int(value))
        elif verb is Verb.STEP_MESSAGE:
            self._place(self._index + int(value))
        elif verb is Verb.STEP_SECOND:
            self._seek(self._clock + int(value) * SECOND)
        elif verb is Verb.STEP_TRADE:
            self._step_trade(int(value))
        elif verb is Verb.GROUP:
            self._group = int(value)
        elif verb is Verb.COLUMN:
            self._step = int(value)
        else:
            self._set_loop(verb, int(value))
        self._dirty = True

    def overview(self) -> Overview:
        """Outline of the day in 400 buckets."""
        edges = np.linspace(0, self.messages - 1, 401).astype(np.int64)
        mid = (self._bid + self._spread / 2)[edges[1:]]
        cumulative = np.concatenate([[0], np.cumsum(self._prints["qty"])])
        volume = np.diff(cumulative[np.searchsorted(self._prints["index"], edges)])
        return Overview(self.first_ts, self.last_ts, tuple(mid.tolist()), tuple(volume.tolist()))

    def close(self) -> None:
        """Nothing to stop."""
        self.closed = True

    # what tests drive

    def advance(self, seconds: float) -> None:
        """Let `seconds` of wall time pass."""
        if self._state is not State.PLAYING:
            return
        speed = 4000.0 if self._speed == float("inf") else self._speed
        self._seek(self._clock + round(seconds * speed * SECOND))
        if self._out is not None and self._in is not None and self._clock >= self._out:
            self._seek(self._in)
        if self._clock >= self.last_ts:
            self._state = State.ENDED

    def fault(self, failure: str) -> None:
        """Die, as an engine might."""
        self._state, self._failure, self._dirty = State.FAULTED, failure, True

    # how it is made up

    def _seek(self, ts: int) -> None:
        self._clock = min(max(ts, self.first_ts), self.last_ts)
        self._index = int(np.searchsorted(self._ts, self._clock, "right"))
        self._dirty = True
        if self._state is State.ENDED and self._clock < self.last_ts:
            self._state = State.PAUSED

    def _place(self, index: int) -> None:
        self._index = min(max(index, 0), self.messages)
        self._clock = int(self._ts[self._index - 1]) if self._index else self.first_ts

    def _step_trade(self, count: int) -> None:
        done = int(np.searchsorted(self._prints["index"], self._index))
        target = done + count - (1 if count > 0 else 0)
        if 0 <= target < len(self._prints):
            self._place(int(self._prints["index"][target]) + 1)

    def _set_loop(self, verb: Verb, value: int) -> None:
        if verb is Verb.LOOP_IN:
            self._in, self._out = value, None
        elif verb is Verb.LOOP_OUT:
            self._out = value
        else:
            self._in = self._out = None

    def _depth(self, index: NDArray[np.int64], row: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Bids and asks resting at price `row`s after message `index`, broadcast; 0 off the side."""
        index = np.clip(index, 0, self.messages - 1)
        bid = self._bid[index]
        ask = bid + self._spread[index]
        low = row * self._group
        high = low + self._group - 1
        gap = np.maximum(np.maximum(bid - high, low - ask), 0)
        noise = _hash(row * 7919 + (index + row * 131) // 90) % 1000 / 1000.0
        wall = np.where(_hash(row * 31 // self._group) % 19 == 0, 5.0, 1.0) * np.where(low % 50 == 0, 2.2, 1.0)
        shape = 90 + 420 * np.exp(-(((gap - 9) / 14.0) ** 2)) + 160 * np.exp(-gap / 60.0)
        size = (shape * (0.45 + 1.1 * noise) * wall * self._group**0.9).astype(np.int64) + 1
        size = np.where(gap > 300, 0, size)
        return np.where(low <= bid, size, 0), np.where(high >= ask, size, 0)

    def _snapshot(self) -> Snapshot:
        index = self._index
        now = max(index - 1, 0)
        bid = int(self._bid[now])
        ask = bid + int(self._spread[now])
        done = int(np.searchsorted(self._prints["index"], index))
        prints = self._prints[:done]
        last = prints[-1] if done else None
        ladder = self._ladder(now, bid, prints)
        at_bid, at_ask = bid // self._group - ladder.low, ask // self._group - ladder.low
        return Snapshot(
            sequence=self._sequence, mode=Mode.REPLAY, state=self._state, failure=self._failure, index=index,
            messages=self.messages, clock=self._clock, first_ts=self.first_ts, last_ts=self.last_ts, speed=self._speed,
            achieved=min(self._speed, 2_750.0) if self._state is State.PLAYING else 0.0,
            rate=412_000.0 if self._state is State.PLAYING else 0.0, status=int(Status.TRADING),
            best_bid=bid, best_ask=ask, bid_qty=int(ladder.bids[at_bid]), ask_qty=int(ladder.asks[at_ask]),
            last_price=int(last["price"]) if last is not None else None,
            last_qty=int(last["qty"]) if last is not None else 0,
            last_side=int(last["side"]) if last is not None else 0,
            volume=int(prints["qty"].sum()), orders=3_000 + index % 977, ladder=ladder, history=self._history(now),
            prints=prints[-256:], prints_total=done, mark_in=self._in, mark_out=self._out,
            anomalies=(("UNKNOWN_ORDER", 3), ("OVERFILL", 1)) if index > 1000 else (), loop_ms=0.42,
        )  # fmt: skip

    def _ladder(self, now: int, bid: int, prints: NDArray[np.void]) -> LadderView:
        low = bid // self._group - self.rows // 2
        rows = np.arange(low, low + self.rows)
        bids, asks = self._depth(np.full(self.rows, now), rows)
        at = prints["price"].astype(np.int64) // self._group - low
        inside = (at >= 0) & (at < self.rows)
        buys = inside & (prints["side"] > 0)
        sells = inside & (prints["side"] < 0)
        bought = np.bincount(at[buys], prints["qty"][buys], self.rows).astype(np.int64)
        sold = np.bincount(at[sells], prints["qty"][sells], self.rows).astype(np.int64)
        counts = [np.ceil(side / 60).astype(np.int32) for side in (bids, asks)]
        return LadderView(self._group, low, bids, asks, sold, bought, counts[0], counts[1])

    def _history(self, now: int) -> HistoryView:
        end = -(-(self._clock + 1) // self._step) * self._step
        closes = np.minimum(end - self._step * np.arange(self.columns - 1, -1, -1), self._clock)
        closes = closes[closes >= self.first_ts]
        at = np.maximum(np.searchsorted(self._ts, closes, "right") - 1, 0)
        low = self._bid[at] // self._group - self.rows // 2
        rows = low[:, None] + np.arange(self.rows)[None, :]
        bids, asks = self._depth(at[:, None], rows)
        edges = np.searchsorted(self._prints["ts_event"], np.concatenate([closes[:1] - self._step, closes]), "right")
        signed = self._prints["qty"] * self._prints["side"]
        bought, sold, trade_row, trade_qty = [], [], [], []
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            part = signed[first:last]
            bought.append(int(part[part > 0].sum()))
            sold.append(int(-part[part < 0].sum()))
            top = first + int(np.argmax(np.abs(part))) if len(part) else -1
            trade_row.append(int(self._prints["price"][top]) // self._group if len(part) else NO_PRICE)
            trade_qty.append(int(signed[top]) if len(part) else 0)
        return HistoryView(
            step=self._step, group=self._group, end=end, low=low, bids=bids.astype(np.float32),
            asks=asks.astype(np.float32), best_bid=self._bid[at], best_ask=self._bid[at] + self._spread[at],
            bought=np.array(bought, np.int64), sold=np.array(sold, np.int64),
            trade_row=np.array(trade_row, np.int64), trade_qty=np.array(trade_qty, np.int64),
        )  # fmt: skip


class CannedPlayer(FakePlayer):
    """Shows prepared snapshots one after the other, so that measuring does not measure the making up."""

    def __init__(self, source: FakePlayer, count: int, seconds: float) -> None:
        self.__dict__.update(source.__dict__)
        self._frames: list[Snapshot] = []
        for _ in range(count):
            source.advance(seconds)
            self._frames.append(source.latest())
        self._shown = -1

    def latest(self) -> Snapshot:
        """The next prepared snapshot, round and round, always newer than the one before."""
        self._shown += 1
        return replace(self._frames[self._shown % len(self._frames)], sequence=self._shown + 1)


def _hash(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fixed scrambling of integers, non-negative."""
    mixed = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return (mixed >> np.uint64(1)).astype(np.int64)
