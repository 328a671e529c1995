"""The fit: what a synthetic day was made from is found in it again, and a day made from the fit is like the first."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from core.enums import Depth, Flag
from core.errors import TapeError
from core.instrument import Instrument
from core.records import MESSAGE
from core.sim.facts import autocorrelation, facts
from core.sim.fit import fit, fit_messages
from core.sim.profile import SHARES, MarketProfile
from core.sim.rehearse import rehearse
from core.sim.signs import fit_signs, run_memory
from core.tape.tape import Tape

#: Unlike the default in every respect that the fit should notice.
ORIGINAL = replace(
    MarketProfile.default(),
    name="original",
    open_price=Decimal("300.00"),
    messages_per_day=250_000,
    live_orders=1_500,
    **dict(zip(SHARES, (0.46, 0.02, 0.40, 0.06, 0.04, 0.02), strict=True)),
    sizes=(7, 300),
    size_weights=(0.75, 0.25),
    fills=(0.6, 0.3, 0.1),
    full_fill=0.9,
    spread=8.0,
    sign_tail=3.0,
    sign_shift=3.0,
    sign_noise=0.3,
    daily_volatility=0.012,
    activity_curve=(3.0, 1.0, 1.0, 1.0, 1.0, 2.0),
)


@pytest.fixture(scope="module")
def day() -> tuple[NDArray[np.void], Instrument]:
    return rehearse(ORIGINAL, 8, ORIGINAL.messages_per_day)


@pytest.fixture(scope="module")
def fitted(day: tuple[NDArray[np.void], Instrument]) -> MarketProfile:
    return fit_messages(*day, rounds=6)


@pytest.mark.jit_only
def test_what_can_be_counted_is_found_again(fitted: MarketProfile) -> None:
    for name in SHARES:
        assert getattr(fitted, name) == pytest.approx(getattr(ORIGINAL, name), abs=0.01), name
    sizes = dict(zip(fitted.sizes, fitted.size_weights, strict=True))
    assert sizes == pytest.approx({7: 0.75, 300: 0.25}, abs=0.01)
    assert fitted.fills[:3] == pytest.approx(ORIGINAL.fills, abs=0.03)
    assert fitted.full_fill == pytest.approx(0.9, abs=0.03)
    assert fitted.live_orders == pytest.approx(1_500, rel=0.05)
    assert fitted.tick == ORIGINAL.tick
    assert float(fitted.open_price) == pytest.approx(300, abs=0.2)
    assert fitted.activity_curve[0] > 1.5 * fitted.activity_curve[6]
    assert fitted.activity_curve[-1] > 1.2 * fitted.activity_curve[6]


@pytest.mark.jit_only
def test_where_orders_go_is_found_again(fitted: MarketProfile) -> None:
    def within(profile: MarketProfile, ticks: int, table: tuple[float, ...]) -> float:
        at = profile.distance_edges.index(ticks)
        return sum(table[:at]) / sum(table)

    for ticks in (1, 5, 21, 89):
        assert within(fitted, ticks, fitted.placement) == pytest.approx(
            within(ORIGINAL, ticks, ORIGINAL.placement), abs=0.03
        )
    near, far = fitted.cancel_distance[0], fitted.cancel_distance[fitted.distance_edges.index(987)]
    assert far < near / 10
    assert fitted.cancel_age[0] > 10 * fitted.cancel_age[12]


@pytest.mark.jit_only
def test_a_day_of_the_fit_has_the_facts_of_the_day(
    day: tuple[NDArray[np.void], Instrument], fitted: MarketProfile
) -> None:
    real, made = facts(*day), facts(*rehearse(fitted, 99, fitted.messages_per_day))
    for name in ("spread_time_mean_ticks", "volatility_10s", "bbo_move_share"):
        assert made[name] == pytest.approx(real[name], rel=0.2), name
    assert made["depth_5_ticks"] == pytest.approx(real["depth_5_ticks"], rel=0.4)
    assert made["sign_ac_1"] == pytest.approx(real["sign_ac_1"], abs=0.05)
    assert made["live_levels"] == pytest.approx(real["live_levels"], rel=0.35)


@pytest.mark.jit_only
def test_rehearsal_brings_the_day_nearer(day: tuple[NDArray[np.void], Instrument], fitted: MarketProfile) -> None:
    real = facts(*day)["spread_time_mean_ticks"]
    wrong = replace(fitted, spread=3 * fitted.spread)
    assert abs(facts(*rehearse(wrong, 5, 100_000))["spread_time_mean_ticks"] - real) > 0.4 * real
    assert MarketProfile.from_json(fitted.to_json()) == fitted


@pytest.mark.parametrize(("tail", "shift"), [(1.5, 0.6), (2.5, 5.5), (4.0, 12.0)])
def test_the_memory_of_signs_is_that_of_its_model(tail: float, shift: float) -> None:
    rng, signs, memory = np.random.default_rng(5), [], run_memory(tail, shift)
    while len(signs) < 60_000:
        length = 1
        while rng.random() >= tail / (length + shift):
            length += 1
        signs += [rng.choice((-1.0, 1.0))] * length
    series = np.array(signs)
    for lag in (1, 2, 5):
        assert autocorrelation(series, lag) == pytest.approx(memory[lag], abs=0.05)
    found = fit_signs(series)
    back = (1 - found[2]) ** 2 * run_memory(found[0], found[1])
    assert back[1:6] == pytest.approx(memory[1:6], abs=0.05)


def test_a_level_2_tape_is_refused_by_name() -> None:
    tape = SimpleNamespace(meta=SimpleNamespace(depth=Depth.LEVELS), folder=Path("btc.tape"))
    with pytest.raises(TapeError, match=r"btc\.tape: is a level-2 tape"):
        fit(cast(Any, tape))


def test_too_little_to_count_is_said() -> None:
    messages = np.zeros(10, MESSAGE)
    messages["action"], messages["slot"], messages["ts_event"] = 1, np.arange(10), np.arange(10) * 10**9
    messages["side"], messages["qty"], messages["price"] = 1, 1, 100
    messages["flags"] = Flag.ROW_END | Flag.EVENT_END
    tape: Tape = cast(
        Any,
        SimpleNamespace(
            meta=SimpleNamespace(depth=Depth.ORDERS),
            folder=Path("tiny.tape"),
            messages=messages,
            instrument=Instrument("T", "T", "2024-01-02", Decimal("0.01"), Decimal(1)),
        ),
    )
    with pytest.raises(TapeError, match=r"tiny\.tape: cannot be fitted: 10 adds and 0 trades, it takes 1000 and 100"):
        fit(tape)
