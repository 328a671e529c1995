"""The compiled venue against real first-in first-out lists: fills, places in the queue, ends of orders, all exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.enums import Rung
from tests.oracle.venue_cases import ORDER_CODE, TAPE_CODE, requests_of, tape_of
from tests.oracle.venue_drive import side_by_side

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
