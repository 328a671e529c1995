"""What looks like a mistake in a plan is said when its session starts; what is sound is not."""

from pathlib import Path

import pytest

from core.enums import Action
from core.errors import ConfigError
from core.plan import AgentPlan, LimitPlan
from tests.oracle.venue_sessions import BUY, SELL, by_hand, session, stored, unlimited

ADD = Action.ADD
#: Prices from 90 to 103.
MARKET = ((0.0, ADD, BUY, 1, 5, 100), (0.0, ADD, SELL, 3, 4, 103), (60.0, ADD, BUY, 99, 1, 90))
AGENTS = [AgentPlan("a", "t0", "quote"), AgentPlan("b", "t0", "hold")]


def said(tmp_path: Path, limits: LimitPlan) -> list[tuple[int, str]]:
    """What a session of two agents says at its start."""
    desk = session([stored(by_hand(*MARKET), tmp_path / "m.tape")], AGENTS, limits=limits)
    desk.close()
    assert desk.answers.troubles == desk.parts.doubts
    return desk.answers.troubles


def narrowed(**limits: float) -> LimitPlan:
    """No limit but these binds."""
    return LimitPlan(scopes={"desk": {**unlimited().scopes["desk"], **limits}})


def worth(tmp_path: Path) -> float:
    """What a lot at the lowest price of the tape is worth."""
    tape = stored(by_hand(*MARKET), tmp_path / "worth.tape")
    return 90 * float(tape.instrument.tick * tape.instrument.lot)


def test_a_sound_session_says_nothing(tmp_path: Path) -> None:
    assert said(tmp_path, narrowed(order_qty=2, order_notional=1.01 * worth(tmp_path))) == []


def test_no_limits_are_told_once(tmp_path: Path) -> None:
    words = 'no limits are set, so every order will be denied; [limits] preset = "demo" is a complete set'
    assert said(tmp_path, LimitPlan()) == [(-1, words)]


def test_limits_that_nobody_set_are_named(tmp_path: Path) -> None:
    scopes = dict(unlimited().scopes["desk"])
    del scopes["order_qty"], scopes["position"]
    assert said(tmp_path, LimitPlan(scopes={"desk": scopes})) == [
        (0, "every order will be denied: nobody set order_qty, position")
    ]
    ((agent, words),) = said(tmp_path / "two", LimitPlan(scopes={"desk": {"order_qty": 5}}))
    assert agent == 0 and words.startswith("every order will be denied: nobody set ") and words.endswith(" more")


@pytest.mark.parametrize(("name", "share", "words"), [
    ("order_qty", 0, "order_qty must stay below 1, one lot"),
    ("position", 0, "position must stay below 1, one lot"),
    ("order_notional", 1, "order_notional must stay below {0:,.10g}, one lot is worth {0:,.10g} or more"),
    ("buying_power", 1, "buying_power must stay below {0:,.10g}, one lot is worth {0:,.10g} or more"),
])  # fmt: skip
def test_a_limit_that_one_lot_passes(tmp_path: Path, name: str, share: int, words: str) -> None:
    least = worth(tmp_path)
    plan = narrowed(**{name: share * least if share else 1.0})
    assert said(tmp_path, plan) == [(0, f"every order will be denied: {words.format(least)}")]


def test_a_signal_that_nobody_loaded_is_named(tmp_path: Path) -> None:
    tape = stored(by_hand(*MARKET), tmp_path / "m.tape")
    with pytest.raises(ConfigError, match="agent a: no signal 'touch_signal'"):
        session([tape], [AgentPlan("a", "t0", "twap", "touch_signal")])
