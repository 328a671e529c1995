"""Small tapes of a market without manners: silences, times that step back, far prices, every action."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import core.tape.marks
from core.enums import Action, Flag, Side
from core.feeds.source import Options
from core.records import ABSENT, ROW
from core.tape.importer import import_tape
from tests.oracle.tape import RowSource

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
_ACTIONS = {
    Action.ADD: 50, Action.CANCEL: 8, Action.DELETE: 12, Action.EXECUTE: 12, Action.REPLACE: 8, Action.TRADE: 6,
    Action.LEVEL: 3, Action.STATUS: 2, Action.CLEAR: 0.2,
}  # fmt: skip


def market_rows(seed: int, count: int) -> NDArray[np.void]:
    """ROW records; prices are ticks and quantities lots."""
    rng, rows = np.random.default_rng(seed), np.zeros(count, ROW)
    weights = np.array(list(_ACTIONS.values()))
    rows["action"] = rng.choice([int(action) for action in _ACTIONS], count, p=weights / weights.sum())
    rows["side"] = rng.choice([1, -1], count)
    crosses = (rows["action"] == Action.TRADE) & (rng.random(count) < 0.3)
    rows["side"][crosses] = Side.NONE
    rows["order_id"], rows["new_order_id"] = rng.integers(1, 80, count), rng.integers(1, 80, count)
    middle = 1000 + np.cumsum(rng.integers(-1, 2, count))
    rows["price"] = middle - rows["side"] * rng.integers(-1, 40, count)
    far = rng.random(count) < 0.01
    rows["price"][far] = rng.choice([-300, 7, 5_000_000], far.sum())
    rows["qty"] = rng.integers(1, 60, count)
    rows["qty"][rows["action"] == Action.STATUS] = rng.integers(0, 7, int((rows["action"] == Action.STATUS).sum()))
    steps = rng.exponential(0.2 * SECOND, count).astype(np.int64)
    steps[rng.random(count) < 0.4] = 0
    steps[rng.random(count) < 0.01] = 90 * SECOND  # silence
    steps[rng.random(count) < 0.03] *= -4
    rows["ts_event"], rows["ts_recv"] = START + np.maximum(np.cumsum(steps), 0), ABSENT
    rows["flags"] = np.where(rng.random(count) < 0.8, Flag.ROW_END | Flag.EVENT_END, Flag.ROW_END)
    rows["source_row"] = np.arange(count)
    return rows


def small_tape(folder: Path, seed: int = 1, count: int = 600, spacing: int = 50) -> Path:
    """Those rows as the tape `folder`, with a checkpoint every `spacing` messages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.tape.marks, "SPACING", spacing)
        patch.setattr(core.tape.marks, "PER_ORDER", 0)
        import_tape(RowSource([market_rows(seed, count)]), folder, Options())
    return folder
