"""The feature row: its names, its identity, its bytes, and its edges."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from core.book.book import Book
from core.enums import Action, Flag
from core.features.batch import batch, rows
from core.features.flow import RING, new_flow
from core.features.observe import observe, octaves
from core.features.spec import LONG, SPEC
from core.feeds.source import Options
from core.records import MESSAGE, VIEW
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.tape.importer import import_tape
from core.tape.tape import Tape

SECOND = 10**9


def test_the_hash_is_of_everything_that_is_said() -> None:
    # A model is bound to this: a change of the row needs a new version of it, and new models.
    assert SPEC.hash == "ab8418d5e701a31ef55b1bc02b811316b89f9856d928a580c4186a4bb5147aec"
    first, *rest = SPEC.features
    for other in (
        replace(SPEC, version=2),
        replace(SPEC, features=(*rest, first)),
        replace(SPEC, features=(replace(first, unit="lots"), *rest)),
        replace(SPEC, preamble=""),
    ):
        assert other.hash != SPEC.hash


def test_names_are_unique_and_found() -> None:
    assert len(set(SPEC.names)) == len(SPEC) == 22
    assert [SPEC.index(name) for name in SPEC.names] == list(range(22))
    assert (SPEC.index("ofi_1s"), SPEC.index("microprice"), SPEC.index("side")) == (4, 6, 17)
    with pytest.raises(ValueError, match="vwap"):
        SPEC.index("vwap")


def test_the_ring_is_longer_than_the_longest_window() -> None:
    assert LONG < RING
    assert RING & (RING - 1) == 0


def test_nothing_at_all_is_a_row_of_defined_numbers() -> None:
    out = np.full(len(SPEC), np.nan, np.float32)
    observe(new_flow(), Book(1).state, np.zeros(1, VIEW)[0], out)
    assert not out.any()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 1023, 1024, 2**40 + 7, 2**46])
def test_octaves_are_within_a_tenth_of_the_logarithm(n: int) -> None:
    assert abs(octaves(np.int64(n)) - np.log2(n)) < 0.0861
    assert octaves(np.int64(n)) < octaves(np.int64(n + 1))


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    folder = tmp_path_factory.mktemp("tapes") / "day.tape"
    import_tape(SyntheticSource(MarketProfile.named("default"), 3, 3_000), folder, Options())
    return Tape(folder)


def times(tape: Tape, step: int) -> NDArray[np.int64]:
    ts = tape.messages["ts_event"]
    return np.arange(int(ts[0]), int(ts[-1]), step, dtype=np.int64)


def test_the_bytes_are_the_same_on_every_machine_compiled_or_not(tape: Tape) -> None:
    out = batch(tape, times(tape, 100 * SECOND))
    assert np.isfinite(out).all()
    assert hashlib.blake2b(out.tobytes(), digest_size=8).hexdigest() == "8fbada63e2176384"


def test_a_parent_order_is_shown(tape: Tape) -> None:
    moments = times(tape, 1000 * SECOND)
    views = np.zeros(len(moments), VIEW)
    views["side"], views["qty"], views["filled"], views["working"] = -1, 200, 50, 100
    views["start"], views["end"] = moments[0], moments[-1]
    out = batch(tape, moments, views)
    plain = batch(tape, moments)
    assert (out[:, 17] == -1).all()
    assert out[0, 18] == 1
    assert out[-1, 18] == 0
    assert (np.diff(out[:, 18]) < 0).all()
    assert (out[:, 19] == 0.75).all()
    assert (out[:, 20] == 0.5).all()
    assert (out[:, 21] == np.float32(7 + 23 / 128)).all()  # 151 lots
    assert np.array_equal(out[:, :17], plain[:, :17])
    assert not plain[:, 17:].any()
    assert not views["now"].any()  # the caller's records stay as they were


def test_times_that_go_back_are_refused(tape: Tape) -> None:
    with pytest.raises(ValueError, match="must not go back"):
        batch(tape, times(tape, 1000 * SECOND)[::-1])


def quotes(*steps: tuple[float, int, int, int]) -> NDArray[np.void]:
    """Level messages: seconds, side, price, lots."""
    out = np.zeros(len(steps), MESSAGE)
    for record, (second, side, price, qty) in zip(out, steps, strict=True):
        record["ts_event"], record["action"], record["side"] = int(second * SECOND), Action.LEVEL, side
        record["price"], record["qty"], record["slot"], record["flags"] = price, qty, -1, Flag.EVENT_END
    return out


def at(messages: NDArray[np.void], second: float) -> dict[str, float]:
    """The features at one moment, by name."""
    view = np.zeros(1, VIEW)
    view["now"] = int(second * SECOND)
    return dict(zip(SPEC.names, rows(messages, Book(1), view)[0].tolist(), strict=True))


def test_what_the_numbers_say() -> None:
    day = quotes((100, 1, 50, 10), (100, -1, 52, 30), (101.05, 1, 51, 20), (101.15, -1, 52, 10))
    row = at(day, 101.2)
    assert (row["imbalance_1"], row["imbalance_3"]) == pytest.approx(((20 - 10) / 30, (30 - 10) / 40))
    assert (row["spread"], row["return_1s"]) == (1.0, 0.5)
    assert row["microprice"] == pytest.approx(0.5 * 10 / 30)
    # 20 new bids at a better price, then 20 of the offers left; touch depths 20 + 30 and 20 + 10 after them.
    assert row["ofi_1s"] == pytest.approx(40 / (80 / 4))
    assert row["volatility_1s"] == pytest.approx(0.5)
    assert at(day, 102.05)["ofi_1s"] == pytest.approx(20 / 15)  # the first of them has left the window of 1 s
    assert at(day, 102.2)["ofi_1s"] == 0
    assert at(day, 110.05)["ofi_10s"] == pytest.approx(2)


def test_one_side_alone() -> None:
    row = at(quotes((100, 1, 50, 10)), 100.5)
    assert (row["imbalance_1"], row["imbalance_10"]) == (1, 1)
    assert (row["spread"], row["microprice"], row["return_10s"]) == (0, 0, 0)


def test_a_snapshot_did_not_happen() -> None:
    day = quotes((100, 1, 50, 10), (100, -1, 52, 30), (100.5, 1, 51, 40), (100.6, -1, 52, 31))
    day["flags"][2] |= Flag.SNAPSHOT
    row = at(day, 101)
    assert row["ofi_10s"] == pytest.approx((-30 - 1) * 2 * 2 / (10 + 30 + 40 + 31))
    assert row["volatility_10s"] == 0
