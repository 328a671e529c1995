"""The compiled venue against real first-in first-out lists: fills, places in the queue, ends of orders, all exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.enums import Action, Rung
from tests.oracle.venue_cases import ORDER_CODE, TAPE_CODE, Tape, requests_of, tape_of
from tests.oracle.venue_drive import Driven, side_by_side

_MESSAGES = st.lists(st.tuples(*(st.integers(0, bound - 1) for bound in TAPE_CODE)), min_size=8, max_size=60)
_ORDERS = st.lists(st.tuples(*(st.integers(0, bound - 1) for bound in ORDER_CODE)), min_size=1, max_size=12)


@settings(max_examples=120)
@given(_MESSAGES, _ORDERS, st.sampled_from([Rung.QUEUE, Rung.LEDGER, Rung.LATENCY]), st.integers(0, 2))
def test_orders_meet_the_tape_as_in_a_real_queue(
    messages: list[tuple[int, ...]], orders: list[tuple[int, ...]], rung: Rung, self_match: int
) -> None:
    tape = tape_of(messages)
    side_by_side(tape, requests_of(orders, tape), rung, self_match)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("rung", [Rung.QUEUE, Rung.LEDGER])
def test_long_random_markets_agree_message_by_message(seed: int, rung: Rung) -> None:
    rng = np.random.default_rng([seed, int(rung)])
    tape = tape_of(rng.integers(0, TAPE_CODE, (300, len(TAPE_CODE))).tolist())
    requests = requests_of(rng.integers(0, ORDER_CODE, (60, len(ORDER_CODE))).tolist(), tape)
    driven, _ = side_by_side(tape, requests, rung, seed % 3)
    assert len(driven.told()[0]) > 0


@pytest.mark.parametrize("seed", range(6))
def test_messages_that_the_book_refuses_change_no_place_in_a_queue(seed: int) -> None:
    """New orders in slots that are taken, on no side, of no lots: whoever stands there keeps its place before us."""
    rng = np.random.default_rng([seed, 99])
    tape = tape_of(rng.integers(0, TAPE_CODE, (400, len(TAPE_CODE))).tolist())
    codes = rng.integers(0, ORDER_CODE, (60, len(ORDER_CODE))).tolist()
    pure = _places(tape, codes, tape)
    assert any(pure)
    assert _places(tape, codes, _spoilt(tape, rng)) == pure


def _spoilt(tape: Tape, rng: np.random.Generator) -> Tape:
    """The tape with a message that is refused before each of its own."""
    rows, old, live = [], [], dict[int, np.void]()
    for k, row in enumerate(tape.messages):
        lie = row.copy()
        lie["action"], lie["order_id"] = Action.ADD, 10**9 + k
        kind = int(rng.integers(3)) if live else 1
        if kind == 0:
            lie["slot"] = list(live)[int(rng.integers(len(live)))]
            lie["price"], lie["side"] = live[int(lie["slot"])]["price"], live[int(lie["slot"])]["side"]
        elif kind == 1:
            lie["side"] = 0
        else:
            lie["qty"] = 0
        rows += [lie, row]
        old += [0, tape.old[k]]
        slot, qty = int(row["slot"]), int(row["qty"])
        if row["action"] in (Action.ADD, Action.REPLACE):
            live[slot] = row.copy()
        elif slot in live:
            live[slot]["qty"] -= qty
            if row["action"] == Action.DELETE or live[slot]["qty"] <= 0:
                del live[slot]
    return Tape(np.array(rows, tape.messages.dtype), old)


def _places(whole: Tape, codes: list[list[int]], tape: Tape) -> list[dict[int, tuple[int, ...]]]:
    """Where our orders stand after each tenth message of the whole tape."""
    driven = Driven(tape, Rung.LEDGER)
    driven.send(requests_of(codes, whole))
    times, found = len(tape.messages) // len(whole.messages), []
    for end in range(10, len(whole.messages) + 1, 10):
        driven.play(end * times)
        found.append(driven.working())
    return found
