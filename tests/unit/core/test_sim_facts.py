"""Stylised facts: right on tapes counted by hand, as published on real ones, in range on synthetic ones."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enums import Action, Flag, Side
from core.feeds.lobster import LobsterFeed
from core.feeds.source import Options
from core.instrument import Instrument
from core.records import MESSAGE, NO_RECV, NO_SLOT
from core.sim.facts import autocorrelation, facts
from core.sim.profile import MarketProfile
from core.sim.rehearse import rehearse
from core.tape.importer import import_tape
from core.tape.tape import Tape

OPEN = 1_704_205_800 * 10**9  # 2024-01-02 09:30 in New York
SECOND = 10**9
STOCK = Instrument("T", "T", "2024-01-02", Decimal("0.01"), Decimal(1), "America/New_York")
Step = tuple[float, Action, Side, int, int, int]  # seconds after the open, action, side, slot, price, qty


def tape(*steps: Step) -> NDArray[np.void]:
    out = np.zeros(len(steps), MESSAGE)
    for row, (seconds, action, side, slot, price, qty) in zip(out, steps, strict=True):
        row["ts_event"], row["action"], row["side"] = OPEN + int(seconds * SECOND), action, side
        row["slot"], row["order_id"], row["price"], row["qty"] = slot, slot + 1, price, qty
        row["flags"], row["recv_delta"] = Flag.ROW_END | Flag.EVENT_END, NO_RECV
    return out


QUOTES: tuple[Step, ...] = (
    (0, Action.ADD, Side.BID, 0, 9_990, 100),
    (0, Action.ADD, Side.ASK, 1, 10_010, 50),
    (15, Action.ADD, Side.BID, 2, 10_000, 10),
    (45, Action.DELETE, Side.BID, 2, 10_000, 10),
    (59.5, Action.CANCEL, Side.ASK, 1, 10_010, 20),
)


def test_spread_and_depth_by_hand() -> None:
    found = facts(tape(*QUOTES), STOCK)
    # 20 ticks, but 10 for half of the minute; events see 20, 10, 20, 20, the first none at all.
    assert found["spread_time_mean_ticks"] == pytest.approx(15)
    assert found["spread_mean_ticks"] == pytest.approx(17.5)
    assert found["spread_mean_cents"] == pytest.approx(17.5)
    assert found["spread_median_ticks"] == 20
    assert found["bbo_move_share"] == pytest.approx(4 / 5)
    # End of second: bid 100 throughout (10 for 30 of 60), ask 50 for 59 and then 30.
    assert found["depth_1_qty"] == pytest.approx((30 * 100 + 30 * 10 + 59 * 50 + 30) / 120)
    assert found["depth_2_qty"] == pytest.approx(30 * 100 / 120)
    assert found["live_orders"] == pytest.approx(2.5)
    assert found["lifetime_q50_s"] == pytest.approx(30)
    assert found["share_add"] == pytest.approx(3 / 5)


def test_one_sweep_is_one_aggressor() -> None:
    sides = [Side.ASK, Side.ASK, Side.BID, Side.ASK, Side.ASK, Side.BID, Side.BID, Side.BID]
    steps = list(QUOTES[:2])
    for at, side in enumerate(sides):
        for _ in range(3):
            steps.append((1 + at, Action.EXECUTE, side, 0 if side == Side.BID else 1, 10_000, 1))
    found = facts(tape(*steps), STOCK)
    assert found["aggressors"] == 8
    expected = autocorrelation(np.array([-float(side) for side in sides]), 1)
    assert found["sign_ac_1"] == pytest.approx(expected)
    assert found["volume"] == 24


def test_prints_count_by_their_aggressor_and_silent_executions_not_at_all() -> None:
    messages = tape(
        *QUOTES[:2],
        (1, Action.EXECUTE, Side.ASK, 1, 10_010, 5),
        (1, Action.TRADE, Side.BID, NO_SLOT, 10_005, 5),
        (2, Action.TRADE, Side.NONE, NO_SLOT, 10_005, 7),
        (3, Action.TRADE, Side.ASK, NO_SLOT, 10_005, 1_000),
    )
    messages["flags"][2] |= Flag.SILENT
    messages["flags"][5] |= Flag.CROSS
    found = facts(messages, STOCK)
    assert found["volume"] == 12
    assert found["aggressors"] == 1


def test_what_lies_outside_the_session_does_not_count() -> None:
    early = tape((-600, Action.ADD, Side.BID, 3, 9_000, 1), *QUOTES, (23_400, Action.DELETE, Side.BID, 0, 9_990, 100))
    found = facts(early, STOCK)
    assert found["rows"] == len(QUOTES)
    assert found["spread_time_mean_ticks"] == pytest.approx(20, abs=0.1)
    assert facts(tape(*QUOTES), STOCK, (OPEN, OPEN + 15 * SECOND))["spread_time_mean_ticks"] == pytest.approx(20)


def test_an_empty_market_has_no_facts_but_no_trouble() -> None:
    found = facts(tape((1, Action.ADD, Side.BID, 0, 100, 1)), STOCK)
    assert np.isnan(found["spread_mean_ticks"])
    assert np.isnan(found["ofi_r2_10s"])
    assert found["rows"] == 1
    assert facts(np.zeros(0, MESSAGE), STOCK)["rows"] == 0


@pytest.fixture(scope="module")
def default_day() -> dict[str, float]:
    """Facts of the default profile at its own rate."""
    profile = MarketProfile.default()
    return facts(*rehearse(profile, 3, profile.messages_per_day))


@pytest.mark.jit_only
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("spread_time_mean_ticks", 12, 19),
        ("spread_median_ticks", 10, 18),
        ("bbo_move_share", 0.13, 0.22),
        ("live_orders", 5_500, 6_300),
        ("touch_orders", 1, 3),
        ("sign_ac_1", 0.5, 0.65),
        ("sign_ac_10", 0.08, 0.22),
        ("sign_ac_100", -0.05, 0.1),
        ("volatility_5min", 0.005, 0.014),
        ("kurtosis_1s", 6, 90),
        ("kurtosis_1min", 3, 15),
        ("return_ac_1min", -0.15, 0.15),
        ("abs_return_ac_10s_1", 0.08, 0.4),
        ("abs_return_ac_10s_5", 0.03, 0.4),
        ("ofi_r2_10s", 0.35, 0.65),
        ("trade_r2_10s", 0.25, 0.6),
        ("messages_open_over_noon", 1.4, 3),
        ("messages_close_over_noon", 1.4, 6),
        ("lifetime_q50_s", 0.2, 2),
        ("burstiness_1s", 15, 60),
    ],
)
def test_the_default_day_looks_like_a_market(default_day: dict[str, float], name: str, low: float, high: float) -> None:
    assert low < default_day[name] < high


@pytest.mark.jit_only
def test_dense_is_a_market_of_long_queues() -> None:
    found = facts(*rehearse(MarketProfile.named("dense"), 3, 500_000))
    assert found["spread_time_mean_ticks"] < 1.6
    assert found["touch_orders"] > 4
    assert found["live_levels"] < 1_000


@pytest.mark.jit_only
@pytest.mark.parametrize(
    ("name", "levels", "published"),
    [
        ("AMZN", 1, {"sign_ac_1": 0.61, "ofi_r2_10s": 0.53, "volatility_5min": 0.0137}),
        ("AMZN", 5, {"spread_mean_cents": 13.5, "sign_ac_1": 0.61, "volume": 613_248 + 197_507}),
        ("AAPL", 1, {"spread_mean_cents": 15.5, "sign_ac_1": 0.59, "ofi_r2_10s": 0.51, "volatility_5min": 0.0084}),
    ],
)
def test_real_days_have_the_published_facts(
    shared_data: Path, tmp_path: Path, name: str, levels: int, published: dict[str, float]
) -> None:
    source = shared_data / "lobster" / f"LOBSTER_SampleFile_{name}_2012-06-21_{levels}.zip"
    if not source.exists():
        pytest.skip(f"{source.name} is not in the sample data")
    import_tape(LobsterFeed().open([source], Options()), tmp_path / "x.tape", Options())
    real = Tape(tmp_path / "x.tape")
    found = facts(real.messages, real.instrument)
    real.close()
    for fact, value in published.items():
        assert found[fact] == pytest.approx(value, rel=0.025), fact
