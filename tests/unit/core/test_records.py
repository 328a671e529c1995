"""The records are a file format: sizes, offsets and values are pinned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.enums import Action, Depth, Flag, Result, Side, Status
from core.records import ABSENT, MAX_QTY, MESSAGE, NO_PRICE, NO_RECV, PRINT, ROW, ts_recv

INT32 = np.iinfo(np.int32)


@pytest.mark.parametrize(("dtype", "size"), [(MESSAGE, 40), (ROW, 64), (PRINT, 32)])
def test_records_are_packed_and_of_the_size_they_say(dtype: np.dtype[np.void], size: int) -> None:
    fields = [dtype.fields[name] for name in dtype.names or ()] if dtype.fields else []
    assert dtype.itemsize == size
    assert sum(field[0].itemsize for field in fields) == size  # no hidden padding
    assert all(field[0].byteorder in "<|=" and field[0].kind in "iu" for field in fields)


def test_message_fields_lie_where_tapes_have_them() -> None:
    assert MESSAGE.fields is not None
    assert {name: int(field[1]) for name, field in MESSAGE.fields.items()} == {
        "ts_event": 0,
        "order_id": 8,
        "qty": 16,
        "price": 24,
        "slot": 28,
        "recv_delta": 32,
        "action": 36,
        "side": 37,
        "flags": 38,
    }


def test_codes_on_tapes_are_never_renumbered() -> None:
    assert [a.name for a in sorted(Action)] == (
        ["ADD", "CANCEL", "DELETE", "EXECUTE", "REPLACE", "TRADE", "LEVEL", "CLEAR", "STATUS"]
    )
    assert [int(a) for a in Action] == list(range(1, 10))
    assert (Side.BID, Side.NONE, Side.ASK) == (1, 0, -1)
    assert [(f.name, int(f)) for f in Flag][:5] == (
        [("ROW_END", 1), ("EVENT_END", 2), ("SNAPSHOT", 4), ("BAD", 8), ("WIPE", 16)]
    )
    assert [int(f) for f in Flag] == [1 << bit for bit in range(11)]
    assert [int(s) for s in Status] == list(range(7))
    assert [int(r) for r in Result] == list(range(12))
    assert {d.name: int(d) for d in Depth} == {"ORDERS": 3, "WINDOW": 4, "LEVELS": 2}


def test_flags_fit_their_field() -> None:
    assert sum(Flag) <= np.iinfo(MESSAGE["flags"].type).max
    assert sum(Flag) <= np.iinfo(ROW["flags"].type).max


def test_a_level_of_two_hundred_thousand_largest_orders_stays_in_int64() -> None:
    assert MAX_QTY * 200_000 < 2**63
    assert INT32.min == NO_PRICE


def _received(ts_event: int, delta: int, flags: int) -> int:
    message = np.zeros(1, MESSAGE)
    message["ts_event"], message["recv_delta"], message["flags"] = (ts_event, delta, flags)
    return int(ts_recv(message)[0])


@given(
    ts_event=st.integers(0, 4 * 10**18),
    delta=st.integers(INT32.min + 1, INT32.max),
    micros=st.booleans(),
    other=st.sampled_from([0, 1, 1 | 2, 2047 & ~256]),
)
def test_receive_time_round_trips(ts_event: int, delta: int, micros: bool, other: int) -> None:
    flags = other | (Flag.RECV_US if micros else 0)
    assert _received(ts_event, delta, flags) == ts_event + delta * (1000 if micros else 1)


@pytest.mark.parametrize("flags", [0, int(Flag.RECV_US)])
def test_unknown_receive_time_is_absent(flags: int) -> None:
    assert _received(10**18, NO_RECV, flags) == ABSENT


def test_receive_times_of_a_mixed_run_keep_their_places() -> None:
    messages = np.zeros(4, MESSAGE)
    messages["ts_event"] = [1000, 2000, 3000, 4000]
    messages["recv_delta"] = [5, NO_RECV, 7, -1]
    messages["flags"] = [0, 0, Flag.RECV_US, 0]
    before = messages.copy()
    assert ts_recv(messages).tolist() == [1005, ABSENT, 10_000, 3999]
    assert (messages == before).all()  # nothing is written through
    assert ts_recv(messages[:0]).shape == (0,)
