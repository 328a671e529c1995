"""Rows and stated books that no venue should send: a tape that reads back, or one clear refusal."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from core.enums import Action, Flag, Result
from core.errors import FeedError, TapeError
from core.feeds.source import Options
from core.records import ABSENT, MAX_QTY, NO_SLOT, ROW
from core.tape.check import verify
from core.tape.export import write_messages
from core.tape.importer import import_tape
from core.tape.tape import Tape
from tests.oracle.tape import RowSource

NOON = 1_700_000_000_000_000_000


def rows(*wanted: dict[str, int]) -> NDArray[np.void]:
    """Bids of 5 lots at 100 in the order of their ids, save for what is wanted otherwise."""
    out = np.zeros(len(wanted), ROW)
    out["action"], out["side"], out["price"], out["qty"], out["flags"] = Action.ADD, 1, 100, 5, 3
    out["ts_event"], out["ts_recv"] = NOON + np.arange(len(out)), ABSENT
    out["order_id"] = out["new_order_id"] = np.arange(1, len(out) + 1)
    out["source_row"] = np.arange(len(out))
    for row, changes in zip(out, wanted, strict=True):
        for name, value in changes.items():
            row[name] = value
    return out


def tape_of(folder: Path, made: NDArray[np.void], window: NDArray[np.int64] | None = None) -> Tape:
    """A checked tape of the rows."""
    import_tape(RowSource([made], [window] if window is not None else []), folder / "odd.tape", Options())
    tape = Tape(folder / "odd.tape")
    assert not verify(tape).problems
    return tape


@pytest.mark.parametrize("action", [10, 77, 255])
def test_an_unknown_action_is_kept_and_counted(tmp_path: Path, action: int) -> None:
    tape = tape_of(tmp_path, rows({}, {"action": action}, {}))
    assert tape.meta.results == {"bad_action": 1}
    assert tape.meta.actions == {"add": 2, f"unknown_{action}": 1}
    write_messages(tape, tmp_path / "odd.parquet")
    assert pl.read_parquet(tmp_path / "odd.parquet")["action"].to_list() == ["add", f"unknown_{action}", "add"]


@pytest.mark.parametrize("ts", [2**63 - 1, -(2**63), 0, -1, 2**62 + 1])
@pytest.mark.parametrize("place", [0, 1])
def test_any_time_can_stand_on_a_tape(tmp_path: Path, ts: int, place: int) -> None:
    wanted = [{"ts_event": ts} if i == place else {} for i in range(3)]
    tape = tape_of(tmp_path, rows(*wanted))
    times = [ts if i == place else NOON + i for i in range(3)]
    assert tape.messages["ts_event"].tolist() == times
    assert (tape.meta.first_ts, tape.meta.last_ts) == (times[0], max(times))
    late = sum(time < max(times[:i], default=time) for i, time in enumerate(times))
    assert tape.meta.repaired == ({"time_backwards": late} if late else {})


@pytest.mark.parametrize("side", [0, 2, -7])
def test_a_replace_of_a_stranger_without_side_adds_nothing(tmp_path: Path, side: int) -> None:
    stranger = {"action": Action.REPLACE, "side": side, "order_id": 50, "new_order_id": 51}
    tape = tape_of(tmp_path, rows(stranger, {}, stranger))
    assert tape.meta.results == {"unknown_order": 2}
    assert tape.messages["slot"].tolist() == [NO_SLOT, 0, NO_SLOT]


def test_no_two_orders_share_an_id(tmp_path: Path) -> None:
    known = {"action": Action.REPLACE, "order_id": 1, "new_order_id": 2}
    stranger = {"action": Action.REPLACE, "order_id": 50, "new_order_id": 2}
    tape = tape_of(tmp_path, rows({}, {}, known, stranger, {"action": Action.DELETE, "order_id": 2}))
    assert tape.meta.results == {"bad_row": 2}
    assert tape.at(5).book.queue(1, 100) == [(1, 5)]


@pytest.mark.parametrize(
    ("refused", "result"),
    [
        ({"action": Action.CLEAR, "side": 0, "flags": 3 | Flag.BAD}, Result.BAD_ROW),
        ({"action": Action.CLEAR, "side": 2}, Result.BAD_SIDE),
        ({"action": Action.LEVEL, "flags": 3 | Flag.WIPE | Flag.BAD}, Result.BAD_ROW),
        ({"action": Action.LEVEL, "flags": 3 | Flag.WIPE, "qty": 2**62}, Result.BAD_QTY),
        ({"action": Action.LEVEL, "flags": 3 | Flag.WIPE, "side": 0}, Result.BAD_SIDE),
    ],
)
def test_orders_outlive_what_was_refused(tmp_path: Path, refused: dict[str, int], result: Result) -> None:
    tape = tape_of(tmp_path, rows({}, refused, {}, {"action": Action.CANCEL, "order_id": 1, "qty": 2}))
    assert tape.meta.results == {result.name.lower(): 1}
    assert tape.at(4).book.queue(1, 100) == [(1, 3), (3, 5)]


@pytest.mark.parametrize(
    "wipe",
    [
        {"action": Action.CLEAR, "side": 0},
        {"action": Action.CLEAR, "side": 1},
        {"action": Action.LEVEL, "flags": 3 | Flag.WIPE, "qty": 0},
        {"action": Action.LEVEL, "flags": 3 | Flag.WIPE, "qty": 9},
    ],
)
def test_what_was_wiped_is_forgotten(tmp_path: Path, wipe: dict[str, int]) -> None:
    again = {"order_id": 1, "qty": 7}
    tape = tape_of(tmp_path, rows({}, {}, wipe, {"action": Action.CANCEL, "order_id": 2}, again, {}, {}))
    assert tape.messages["slot"][3] == NO_SLOT
    assert sorted(tape.messages["slot"][4:].tolist()) == [0, 1, 2]  # the slots of the two are used again
    assert tape.meta.slots == 3
    assert tape.at(7).book.queue(1, 100) == [(1, 7), (6, 5), (7, 5)]


def test_an_execution_between_ticks_prints_where_it_was(tmp_path: Path) -> None:
    source = RowSource(
        [
            rows(
                {"price": 10_100},
                {"action": Action.EXECUTE, "order_id": 1, "price": 10_033, "qty": 2},
                {"price": 10_000},
            )
        ]
    )
    source.info.price_unit, source.info.usual_tick = Decimal("0.0001"), Decimal("0.01")
    import_tape(source, tmp_path / "odd.tape", Options())
    tape = Tape(tmp_path / "odd.tape")
    assert not verify(tape).problems
    assert tape.instrument.tick == Decimal("0.01")
    effect, print_ = tape.messages[1], tape.messages[2]
    assert (effect["action"], effect["flags"] & Flag.SILENT, effect["price"]) == (Action.EXECUTE, Flag.SILENT, 100)
    assert (print_["action"], print_["side"], print_["qty"]) == (Action.TRADE, -1, 2)
    assert (print_["price"], print_["slot"]) == (100, 330_000)  # a third of a tick above
    assert [int(flags) & Flag.ROW_END for flags in tape.messages["flags"]] == [1, 0, 1, 1]
    assert (tape.meta.source_rows, tape.meta.messages) == (3, 4)
    assert (tape.meta.prints, tape.meta.volume) == (1, 2)
    assert tape.at(4).book.queue(1, 101) == [(1, 3)]


def test_impossible_prints_are_no_volume(tmp_path: Path) -> None:
    prints = [{"action": Action.TRADE, "qty": qty} for qty in (-5, 0, 2**62, 4)]
    tape = tape_of(tmp_path, rows({}, *prints, {"action": Action.TRADE, "flags": 3 | Flag.BAD}))
    assert (tape.meta.prints, tape.meta.volume) == (1, 4)


def test_a_row_that_must_be_tried_twice_is_counted_once(tmp_path: Path) -> None:
    late = {"ts_recv": NOON + 10**17}
    tape = tape_of(tmp_path, rows(*({"price": 1_000_000 * n, **late} for n in range(5))))
    assert tape.meta.repaired == {"recv_clamped": 5}


@pytest.mark.parametrize("stated", [[100, MAX_QTY + 1], [100, 2**62], [2**40, 5], [-(2**63), 5], [2**62, 5]])
@pytest.mark.parametrize("before", [0, 5])
def test_a_stated_book_that_no_book_can_be_is_refused(tmp_path: Path, stated: list[int], before: int) -> None:
    window = np.zeros((2, 4), np.int64)
    window[0, :2], window[1, :2] = (100, before), stated
    with pytest.raises(FeedError, match="book file does not fit"):
        tape_of(tmp_path, rows({"action": Action.STATUS, "qty": 0}, {"action": Action.STATUS, "qty": 0}), window)
    assert list(tmp_path.iterdir()) == []


def test_nothing_half_made_is_left(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no usable row"):
        tape_of(tmp_path, rows())
    assert list(tmp_path.iterdir()) == []
    tape_of(tmp_path, rows({})).close()
    with pytest.raises(TapeError, match="exists already"):
        tape_of(tmp_path, rows({}))
    assert [path.name for path in tmp_path.iterdir()] == ["odd.tape"]
