"""Many lives of our orders in one long market: every place in every queue, every fill, every end, exact."""

import numpy as np
import pytest

from core.enums import Rung
from tests.oracle.venue import Named, OracleVenue, Own
from tests.oracle.venue_cases import ORDER_CODE, TAPE_CODE, Request, requests_of, tape_of
from tests.oracle.venue_drive import Driven, serve, working

_BATCH = 200


def _lives(lives: int, seed: int, rung: Rung) -> tuple[int, int]:
    """Live that many orders. Returns fills, and resting orders whose place was compared."""
    fills = compared = done = block = 0
    while done < lives:
        rng = np.random.default_rng([seed, int(rung), block])
        tape = tape_of(rng.integers(0, TAPE_CODE, (1500, len(TAPE_CODE))).tolist())
        driven, oracle = Driven(tape, rung, block % 3, orders=1024), OracleVenue(int(rung), block % 3)
        requests = requests_of(rng.integers(0, ORDER_CODE, (_BATCH * 5, len(ORDER_CODE))).tolist(), tape)
        driven.send(requests)
        compared += _block(driven, oracle, requests)
        ours, events = driven.told()
        assert ours == oracle.fills
        assert events == oracle.events
        ends = {int(o["order_id"]): (int(o["filled"]), int(o["status"])) for part in driven.done for o in part}
        assert ends == {k: (o.filled, o.status) for k, o in oracle.over.items()}
        fills += len(ours)
        done += sum(r.op == "new" for r in requests)
        block += 1
    return fills, compared


def _block(driven: Driven, oracle: OracleVenue, requests: list[Request]) -> int:
    """Play a tape on both sides, comparing all places 30 times."""
    messages, compared, sent = driven.tape.messages, 0, 0
    waiting = sorted(requests, key=lambda r: r.ts)
    rows = messages[["ts_event", "action", "side", "order_id", "qty", "price"]].tolist()
    for i, (ts, action, side, number, qty, price) in enumerate(rows):
        while sent < len(waiting) and waiting[sent].ts < ts:
            serve(oracle, waiting[sent])
            sent += 1
        oracle.message(ts, action, side, number, qty, price, driven.tape.old[i])
        if i % 50 == 49 and i + 1 < len(rows):
            driven.play(i + 1)
            places = working(oracle)
            assert driven.working() == places
            compared += len(places)
    for request in waiting[sent:]:
        serve(oracle, request)
    driven.play(len(messages))
    _no_priority_violations(oracle)
    return compared


def _no_priority_violations(oracle: OracleVenue) -> None:
    """Nobody stands before one who came earlier: orders of the tape keep the order of the tape."""
    for queue in oracle.queues.values():
        assert all(e.real <= e.tape for e in queue if isinstance(e, Named))
        ours = [e for e in queue if isinstance(e, Own)]
        assert len({e.order_id for e in ours}) == len(ours)


@pytest.mark.parametrize("rung", [Rung.QUEUE, Rung.LEDGER])
def test_ten_thousand_lives(rung: Rung) -> None:
    fills, compared = _lives(10_000, 1, rung)
    assert fills > 1_500
    assert compared > 20_000


@pytest.mark.nightly
def test_a_million_lives() -> None:
    fills, _ = _lives(1_000_000, 2, Rung.LATENCY)
    assert fills > 200_000
