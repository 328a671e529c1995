"""Level-3 replay against hftbacktest and against two floors: a plain book without checks, and one without branches.

    python tests/bench/replay_peers.py [--messages 4000000] [--profile dense] [--runs 7]

Ours is `tape.new_book().apply(tape.messages)` on a synthetic tape. The peer, hftbacktest 2.4.4, plays the same events
without a strategy, in its fastest level-3 mode: ROI vector depth, L3 FIFO queue model, no latency, one compiled
`elapse` to the end of the data. Conversion and construction are not measured. One message becomes

    ADD                 ADD_ORDER_EVENT
    CANCEL, partial     MODIFY_ORDER_EVENT with the quantity left
    DELETE              CANCEL_ORDER_EVENT
    EXECUTE             FILL_EVENT (which leaves its book alone), then MODIFY or CANCEL as above
    REPLACE             MODIFY_ORDER_EVENT; the order keeps its first id there
    TRADE               TRADE_EVENT
    STATUS              nothing

each for its exchange and its local book (EXCH_EVENT | LOCAL_EVENT). The peer also runs without the FILL and TRADE
events, which do not change its books: `peer_lean`. The better of the two counts. Ticks are 1.0, so that its division by
the tick is exact. The final best bid and ask, every level's quantity and (floor) every queue must be the same.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import hftbacktest as hft
import measure
import numpy as np
from floor import new_floor, replay
from hftbacktest import types as hft_types
from numba import njit
from numpy.typing import NDArray
from plain_floor import new_plain_floor, plain_replay

from core.book.book import Book
from core.tape.tape import Tape

_BOTH = hft_types.EXCH_EVENT | hft_types.LOCAL_EVENT
_BUY, _SELL = hft_types.BUY_EVENT, hft_types.SELL_EVENT
_ADD, _CANCEL = hft_types.ADD_ORDER_EVENT, hft_types.CANCEL_ORDER_EVENT
_MODIFY, _FILL, _TRADE = hft_types.MODIFY_ORDER_EVENT, hft_types.FILL_EVENT, hft_types.TRADE_EVENT


@njit
def _put(out, n, kind, message, qty, order_id):
    event = out[n]
    event["ev"] = kind | _BOTH | (_BUY if message["side"] > 0 else _SELL)
    event["exch_ts"] = event["local_ts"] = message["ts_event"]
    event["px"], event["qty"], event["order_id"] = message["price"], qty, order_id
    return n + 1


@njit
def convert(messages, out, qty, first_id, prints):
    """Messages to peer events; `qty` and `first_id` by slot. Returns how many."""
    n = 0
    for i in range(messages.shape[0]):
        message = messages[i]
        action, slot = message["action"], message["slot"]
        if action == 6:
            if prints:
                n = _put(out, n, _TRADE, message, message["qty"], 0)
            continue
        if action == 9:
            continue
        if action == 1:
            qty[slot], first_id[slot] = message["qty"], message["order_id"]
            n = _put(out, n, _ADD, message, qty[slot], first_id[slot])
            continue
        if action == 4 and prints:
            n = _put(out, n, _FILL, message, message["qty"], first_id[slot])
        if action == 5:
            qty[slot] = message["qty"]
        else:
            qty[slot] = 0 if action == 3 else qty[slot] - message["qty"]
        n = _put(out, n, _MODIFY if qty[slot] > 0 else _CANCEL, message, qty[slot], first_id[slot])
    return n


@njit
def to_the_end(backtest):
    """Play all events; 1 at the end of the data."""
    return backtest.elapse(2**61)


@njit
def touch(backtest):
    """Best bid and ask in ticks."""
    depth = backtest.depth(0)
    return depth.best_bid_tick, depth.best_ask_tick


@njit
def depths(backtest, bids, asks):
    """Lots by tick of the whole range into `bids` and `asks`."""
    depth = backtest.depth(0)
    bids[:] = depth.bid_depth
    asks[:] = depth.ask_depth


def aligned(count: int) -> NDArray[np.void]:
    """Events for the peer, at addresses its 64-byte aligned record allows."""
    raw = np.zeros((count + 1) * 64, np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + count * 64].view(hft_types.event_dtype)


def events_of(tape: Tape, prints: bool) -> NDArray[np.void]:
    """A tape as peer events. Keep the array: the peer holds its bare address."""
    slots = tape.meta.slots
    out = aligned(2 * len(tape.messages))
    return out[: convert(tape.messages, out, np.zeros(slots, np.int64), np.zeros(slots, np.uint64), prints)]


def new_peer(events: NDArray[np.void], low: int, high: int, levels: bool = False, vector: bool = True):
    """A backtest over `events`, prices `low` to `high`."""
    asset = hft.BacktestAsset().linear_asset(1.0).constant_order_latency(0, 0).no_partial_fill_exchange()
    asset = asset.risk_adverse_queue_model() if levels else asset.l3_fifo_queue_model()
    asset = asset.trading_value_fee_model(0.0, 0.0).tick_size(1.0).lot_size(1.0).last_trades_capacity(0)
    asset = asset.roi_lb(float(low)).roi_ub(float(high)).data(events)
    return hft.ROIVectorMarketDepthBacktest([asset]) if vector else hft.HashMapMarketDepthBacktest([asset])


def same_levels(book: Book, bids: NDArray[np.float64], asks: NDArray[np.float64], low: int) -> bool:
    """Whether `bids` and `asks`, lots by tick from `low` on, are the levels of `book`."""
    ask_price, ask_qty, bid_price, bid_qty = book.depth(len(bids))
    mine = np.zeros((2, len(bids)))
    mine[0][bid_price[bid_qty > 0] - low] = bid_qty[bid_qty > 0]
    mine[1][ask_price[ask_qty > 0] - low] = ask_qty[ask_qty > 0]
    return np.array_equal(mine[0], bids) and np.array_equal(mine[1], asks)


def main() -> None:
    """Make the tape, take turns, compare what came out, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=4_000_000)
    parser.add_argument("--profile", default="default", help="market profile: default (thin queues) or dense")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tape = measure.synthetic_tape(Path(folder), arguments.messages, profile=arguments.profile)
        measure.report("level-3 replay", compare(tape, arguments.runs), ["hftbacktest"])


def compare(tape: Tape, runs: int) -> dict[str, object]:
    """Rates and ratios; raises AssertionError when the books differ."""
    messages, count = tape.messages, len(tape.messages)
    low, high = tape.meta.low_price - 1, tape.meta.high_price + 1
    events = {"peer": events_of(tape, True), "peer_lean": events_of(tape, False)}
    last: dict = {}

    def ours() -> Callable[[], object]:
        last["ours"] = book = tape.new_book()
        return lambda: book.apply(messages)

    def floor() -> Callable[[], object]:
        last["floor"] = book = new_floor(tape)
        return lambda: replay(*book, messages)

    def peer(name: str) -> Callable[[], Callable[[], object]]:
        def prepare() -> Callable[[], object]:
            if name in last:
                last.pop(name).close()
            last[name] = backtest = new_peer(events[name], low, high)
            return lambda: to_the_end(backtest)

        return prepare

    def plain() -> Callable[[], object]:
        last["plain_floor"] = book = new_plain_floor(tape)
        return lambda: plain_replay(*book, messages)

    cases = {
        "ours": ours,
        "plain_floor": plain,
        "hard_floor": floor,
        "peer": peer("peer"),
        "peer_lean": peer("peer_lean"),
    }
    seconds = measure.interleaved(runs, cases)
    verify(tape, last, low, high)
    peers = {name: measure.ratio(seconds["ours"], seconds[name]) for name in events}
    return {
        "messages": count,
        "events": {name: len(array) for name, array in events.items()},
        "touch": last["ours"].best(),
        **{name: measure.rates(spent, count) for name, spent in seconds.items()},
        "ours_over_each_peer": peers,
        "ours_over_peer": min(peers.values()),
        "ours_over_plain_floor": measure.ratio(seconds["ours"], seconds["plain_floor"]),
        "ours_over_hard_floor": measure.ratio(seconds["ours"], seconds["hard_floor"]),
        "asked": {"ours_over_peer": 8, "ours_over_plain_floor": 0.6},
    }


def verify(tape: Tape, last: dict, low: int, high: int) -> None:
    """All books must end the same: touch, every level, and in the floor every queue."""
    ours, floor = last["ours"], last["floor"]
    best = ours.best()
    assert floor.touch() == best, (floor.touch(), best)
    assert last["plain_floor"].touch() == best
    for (side, price), queue in floor.queues().items():
        mine = ours.queue(side, price)
        slots = [(int(ours.state.orders[slot]["order_id"]), qty) for slot, qty in queue]
        assert mine == slots, (side, price)
    bids, asks = np.zeros(high - low + 1), np.zeros(high - low + 1)
    for name in ("peer", "peer_lean"):
        assert tuple(touch(last[name])) == best, (name, touch(last[name]), best)
        depths(last[name], bids, asks)
        assert same_levels(ours, bids, asks, low), name


if __name__ == "__main__":
    main()
