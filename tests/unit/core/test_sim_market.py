"""The synthetic source: the same rows everywhere, the promised shape of the day and of the mix."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag, Side, Status
from core.errors import ConfigError
from core.feeds.source import Options
from core.records import ABSENT
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.sim.rehearse import rehearse
from core.tape.importer import import_tape
from core.tape.tape import Tape

DEFAULT = MarketProfile.default()
#: Of the 2,000 rows below, on any machine, compiled or not. A change means: old seeds make other days.
DIGEST = "c2c977c9e3e8cab0"


def rows_of(seed: int = 1, messages: int = 2000, profile: MarketProfile = DEFAULT, **more: int) -> NDArray[np.void]:
    source = SyntheticSource(profile, seed, messages, **more)  # type: ignore[arg-type]
    return np.concatenate([batch.rows for batch in source.batches()])


def digest(rows: NDArray[np.void]) -> str:
    return hashlib.sha256(rows.tobytes()).hexdigest()[:16]


def test_the_rows_are_the_ones_every_machine_makes() -> None:
    assert digest(rows_of()) == DIGEST


@pytest.mark.jit_only
def test_the_interpreter_makes_the_same_rows() -> None:
    code = (
        "import hashlib, numpy as np\n"
        "from core.sim.market import SyntheticSource\nfrom core.sim.profile import MarketProfile\n"
        "source = SyntheticSource(MarketProfile.default(), 1, 2000)\n"
        "rows = np.concatenate([batch.rows for batch in source.batches()])\n"
        "print(hashlib.sha256(rows.tobytes()).hexdigest()[:16])\n"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True)
    assert done.stdout.strip() == DIGEST, done.stderr


@pytest.mark.parametrize("batch", [1, 128, 333, 4096])
def test_the_batch_size_changes_nothing(batch: int) -> None:
    assert np.array_equal(rows_of(batch=batch), rows_of())


def test_a_source_can_be_read_twice_and_another_seed_is_another_day() -> None:
    source = SyntheticSource(DEFAULT, 5, 1000)
    first, again = ([batch.rows for batch in source.batches()] for _ in range(2))
    assert np.array_equal(np.concatenate(first), np.concatenate(again))
    assert source.progress() == 1.0
    assert digest(rows_of(5, 1000)) != digest(rows_of(6, 1000))


@pytest.mark.parametrize("messages", [100, 101, 999])
def test_the_count_is_exact(messages: int) -> None:
    rows = rows_of(3, messages)
    assert len(rows) == messages
    assert np.array_equal(rows["source_row"], np.arange(messages))
    assert (rows["flags"] & Flag.ROW_END).all()


def test_the_day_runs_from_the_open_to_the_close() -> None:
    rows = rows_of()
    opening = int(datetime(2024, 1, 2, 14, 30, tzinfo=UTC).timestamp()) * 10**9
    snapshot = rows["flags"] & Flag.SNAPSHOT > 0
    assert snapshot[:500].all()
    assert not snapshot[500:].any()
    assert (rows["action"][snapshot] == Action.ADD).all()
    assert (rows["ts_event"][snapshot] == opening - 10**9).all()
    assert (np.diff(rows["ts_event"]) >= 0).all()
    states = rows[rows["action"] == Action.STATUS]
    assert list(states["qty"]) == [Status.TRADING, Status.CLOSED]
    assert list(states["ts_event"]) == [opening, opening + 23_400 * 10**9]
    assert rows["ts_event"][-2] > opening + 22_000 * 10**9
    assert (rows["ts_recv"] == ABSENT).all()


def test_daylight_saving_moves_the_open() -> None:
    source = SyntheticSource(DEFAULT, 1, 100, date="2024-07-02")
    opening = next(iter(source.batches())).rows["ts_event"][-1]
    assert opening == int(datetime(2024, 7, 2, 13, 30, tzinfo=UTC).timestamp()) * 10**9


def test_the_source_says_what_it_is() -> None:
    info = SyntheticSource(DEFAULT, 9, 200, symbol="ABC").info
    assert (info.symbol, info.venue, info.date, info.depth) == ("ABC", "SYNTHETIC", "2024-01-02", Depth.ORDERS)
    assert info.price_unit == info.usual_tick == DEFAULT.tick
    digest_of_profile = hashlib.sha256(DEFAULT.to_json().encode()).hexdigest()
    assert info.notes == {
        "profile": "default",
        "profile_sha256": digest_of_profile,
        "seed": "9",
        "messages": "200",
    }


def test_impossible_requests_are_config_errors() -> None:
    with pytest.raises(ConfigError, match="at least 100 messages, not 99"):
        SyntheticSource(DEFAULT, 1, 99)
    with pytest.raises(ConfigError, match="not of the form"):
        SyntheticSource(DEFAULT, 1, 100, date="2024-02-30")


@pytest.mark.jit_only
def test_a_tape_of_it_has_nothing_to_complain_about(tmp_path: Path) -> None:
    meta = import_tape(SyntheticSource(DEFAULT, 1, 30_000), tmp_path / "s.tape", Options())
    assert (meta.messages, meta.source_rows) == (30_000, 30_000)
    assert meta.results == {}
    assert (meta.crossed_events, meta.locked_events, meta.unknown_references) == (0, 0, 0)
    assert (meta.tick_size, meta.lot_size, meta.symbol) == ("0.01", "1", "SYN")
    tape = Tape(tmp_path / "s.tape")
    messages, instrument = rehearse(DEFAULT, 1, 30_000)
    assert np.array_equal(tape.messages, messages)
    assert tape.instrument == instrument
    tape.close()


@pytest.mark.jit_only
def test_the_mix_is_that_of_the_profile() -> None:
    rows = rows_of(2, 60_000)
    rows = rows[rows["flags"] & Flag.SNAPSHOT == 0]
    share = np.bincount(rows["action"], minlength=10) / len(rows)
    assert share[Action.ADD] == pytest.approx(DEFAULT.add, abs=0.02)
    assert share[Action.DELETE] == pytest.approx(DEFAULT.delete, abs=0.02)
    assert share[Action.EXECUTE] == pytest.approx(DEFAULT.execute, rel=0.15)
    assert share[Action.REPLACE] == pytest.approx(DEFAULT.replace, rel=0.15)
    assert share[Action.TRADE] == pytest.approx(DEFAULT.hidden, rel=0.15)
    assert share[Action.CANCEL] == pytest.approx(DEFAULT.cancel, rel=0.3)
    hidden = rows[rows["action"] == Action.TRADE]
    assert (hidden["flags"] & Flag.HIDDEN > 0).all()
    assert np.isin(hidden["side"], (Side.BID, Side.ASK)).all()


@pytest.mark.jit_only
@pytest.mark.parametrize("name", ["default", "dense"])
def test_the_number_of_resting_orders_stays_near_its_target(name: str) -> None:
    profile = replace(MarketProfile.named(name), live_orders=500)
    rows = rows_of(4, 200_000, profile)
    change = np.zeros(len(rows), np.int64)
    change[rows["action"] == Action.ADD] = 1
    change[rows["action"] == Action.DELETE] = -1
    # An execution ends an order when it is the last row that names it.
    _, last = np.unique(rows["order_id"][::-1], return_index=True)
    final = np.zeros(len(rows), np.bool_)
    final[len(rows) - 1 - last] = True
    change[final & (rows["action"] == Action.EXECUTE)] = -1
    live = np.cumsum(change)[1000:]
    assert live.min() > 350
    assert live.max() < 650


@pytest.mark.jit_only
def test_sweeps_are_events_of_several_rows() -> None:
    rows = rows_of(2, 60_000)
    parts = rows["flags"] & Flag.EVENT_END == 0
    parts &= rows["flags"] & Flag.SNAPSHOT == 0
    assert (rows["action"][parts] == Action.EXECUTE).all()
    behind = np.flatnonzero(parts) + 1
    assert (rows["action"][behind] == Action.EXECUTE).all()
    assert np.array_equal(rows["ts_event"][parts], rows["ts_event"][behind])
    assert np.array_equal(rows["side"][parts], rows["side"][behind])
    assert 0.1 < parts.sum() / (rows["action"] == Action.EXECUTE).sum() < 0.5
