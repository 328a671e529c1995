"""Level-2 replay against hftbacktest.

    python tests/bench/level2_peers.py [--messages 4000000] [--runs 7]

A level-2 tape is derived from a level-3 one: after each message a LEVEL message with the new quantity of the level that
it changed, two for a REPLACE that moves. Ours is `tape.new_book().apply(tape.messages)` on that tape; the peer,
hftbacktest 2.4.4, plays one DEPTH_EVENT (EXCH_EVENT | LOCAL_EVENT) for each LEVEL message without a strategy, with its
hash map depth and with its ROI vector depth: the faster counts. Conversion and construction are not measured. The final
best bid and ask and (ROI vector) every level must be the same.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import measure
import numpy as np
from hftbacktest import types as hft_types
from numba import njit
from numpy.typing import NDArray
from replay_peers import aligned, depths, new_peer, same_levels, to_the_end, touch

from core.enums import Action, Depth, Flag
from core.feeds.source import Batch, SourceFacts
from core.records import ABSENT, ROW
from core.tape.tape import Tape

_EVENT = hft_types.DEPTH_EVENT | hft_types.EXCH_EVENT | hft_types.LOCAL_EVENT
_BUY, _SELL = hft_types.BUY_EVENT, hft_types.SELL_EVENT
_LEVEL, _END = int(Action.LEVEL), int(Flag.ROW_END | Flag.EVENT_END)
_BATCH = 1 << 17


@njit
def _change(rows, n, message, side, price, by, total, low):
    half = 0 if side > 0 else 1
    total[half, price - low] += by
    row = rows[n]
    row["ts_event"], row["ts_recv"], row["source_row"] = message["ts_event"], ABSENT, n
    row["action"], row["side"], row["flags"] = _LEVEL, side, _END
    row["price"], row["qty"] = price, total[half, price - low]
    return n + 1


@njit
def derive(messages, rows, low, total, qty, price):
    """LEVEL rows (ROW) of a level-3 tape. `total` lots by side and tick - `low`; `qty`, `price` by slot."""
    n = 0
    for i in range(messages.shape[0]):
        message = messages[i]
        action, slot, side = message["action"], message["slot"], message["side"]
        if action == 6 or action == 9:
            continue
        if action == 5 and price[slot] == message["price"]:
            n = _change(rows, n, message, side, price[slot], message["qty"] - qty[slot], total, low)
            qty[slot] = message["qty"]
            continue
        if action != 1:
            gone = message["qty"] if action == 2 or action == 4 else qty[slot]
            n = _change(rows, n, message, side, price[slot], -gone, total, low)
            qty[slot] -= gone
        if action == 1 or action == 5:
            qty[slot], price[slot] = message["qty"], message["price"]
            n = _change(rows, n, message, side, price[slot], qty[slot], total, low)
    return n


class LevelSource:
    """Rows that are there already, as a source."""

    def __init__(self, rows: NDArray[np.void], tape: Tape) -> None:
        self.paths: Sequence[Path] = ()
        self.skipped: Counter[str] = Counter()
        instrument = tape.instrument
        self.info = SourceFacts(
            symbol=instrument.symbol,
            venue=instrument.venue,
            date=instrument.date,
            depth=Depth.LEVELS,
            price_unit=instrument.tick,
            qty_unit=Decimal(1),
            usual_tick=instrument.tick,
            usual_lot=Decimal(1),
        )
        self._rows = rows

    def batches(self) -> Iterator[Batch]:
        """All rows in order."""
        for start in range(0, len(self._rows), _BATCH):
            yield Batch(self._rows[start : start + _BATCH])

    def progress(self) -> float:
        """Nothing is read."""
        return 1.0


def level_tape(tape: Tape, target: Path) -> Tape:
    """The level-2 tape of a level-3 one."""
    low, high, slots = tape.meta.low_price, tape.meta.high_price, tape.meta.slots
    rows = np.zeros(2 * len(tape.messages), ROW)
    total, qty, price = np.zeros((2, high - low + 1), np.int64), np.zeros(slots, np.int64), np.zeros(slots, np.int64)
    return measure.imported(LevelSource(rows[: derive(tape.messages, rows, low, total, qty, price)], tape), target)


def events_of(tape: Tape) -> NDArray[np.void]:
    """A level-2 tape as peer events. Keep the array: the peer holds its bare address."""
    messages = tape.messages
    events = aligned(len(messages))
    events["ev"] = np.where(messages["side"] > 0, _EVENT | _BUY, _EVENT | _SELL)
    events["exch_ts"] = events["local_ts"] = messages["ts_event"]
    events["px"], events["qty"] = messages["price"], messages["qty"]
    return events


def main() -> None:
    """Make both tapes, take turns, compare what came out, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=4_000_000)
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        orders = measure.synthetic_tape(Path(folder), arguments.messages)
        tape = level_tape(orders, Path(folder) / "levels.tape")
        book = orders.new_book()
        book.apply(orders.messages)
        measure.report("level-2 replay", compare(tape, arguments.runs, book.best()), ["hftbacktest"])


def compare(tape: Tape, runs: int, expected: tuple[int | None, int | None]) -> dict[str, object]:
    """Rates and ratios; raises AssertionError when the books differ."""
    messages, count = tape.messages, len(tape.messages)
    low, high = tape.meta.low_price - 1, tape.meta.high_price + 1
    events = events_of(tape)
    last: dict = {}

    def ours() -> Callable[[], object]:
        last["ours"] = book = tape.new_book()
        return lambda: book.apply(messages)

    def peer(name: str, vector: bool) -> Callable[[], Callable[[], object]]:
        def prepare() -> Callable[[], object]:
            if name in last:
                last.pop(name).close()
            last[name] = backtest = new_peer(events, low, high, levels=True, vector=vector)
            return lambda: to_the_end(backtest)

        return prepare

    cases = {"ours": ours, "peer_vector": peer("peer_vector", True), "peer_hash": peer("peer_hash", False)}
    seconds = measure.interleaved(runs, cases)
    assert last["ours"].best() == expected == tuple(touch(last["peer_vector"])) == tuple(touch(last["peer_hash"]))
    bids, asks = np.zeros(high - low + 1), np.zeros(high - low + 1)
    depths(last["peer_vector"], bids, asks)
    assert same_levels(last["ours"], bids, asks, low)
    peers = {name: measure.ratio(seconds["ours"], seconds[name]) for name in ("peer_vector", "peer_hash")}
    return {
        "messages": count,
        "touch": expected,
        **{name: measure.rates(spent, count) for name, spent in seconds.items()},
        "ours_over_each_peer": peers,
        "ours_over_peer": min(peers.values()),
        "asked": {"ours_over_peer": 3},
    }


if __name__ == "__main__":
    main()
