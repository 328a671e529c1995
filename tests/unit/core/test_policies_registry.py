"""Every installed policy, by name: made, asked about any market, never asking for what it may not."""

import math
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.policies
import core.policies.registry as registry
from core.book.state import EMPTY_ASK, EMPTY_BID
from core.enums import Op, Reason, Status
from core.errors import ConfigError
from core.policies.check import ask
from core.policies.codes import MEMORY, MOST
from core.policies.port import Compiled, ParentContext
from core.policies.reasons import ReasonBook
from core.policies.registry import GROUP, load_policy, make_policy, policy_names
from core.policies.settings import SETTINGS
from core.policies.shown import View
from core.policies.work import decide
from core.records import INTENT, NO_PRICE, OPEN, VIEW

ROOT = Path(__file__).resolve().parents[3]
SECOND = 1_000_000_000
BUILT_IN = ("ac", "cj", "hold", "manual", "passive", "pov", "quote", "twap", "vwap")


def context(**more: Any) -> ParentContext:
    return ParentContext(**{"side": 1, "qty": 300, "start": 0, "end": 100 * SECOND, **more})


def test_what_ships_registers_like_any_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"][GROUP] == {name: f"core.policies.builtin:{name}" for name in BUILT_IN}
    assert set(BUILT_IN) <= set(policy_names())
    assert set(SETTINGS) == set(BUILT_IN)


def random_view(rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A view of anything: empty and crossed books, huge prices, halts, orders in every state."""
    view, orders = np.zeros(1, VIEW), np.zeros(6, OPEN)
    one, n = view[0], int(rng.integers(0, 7))
    bid = int(rng.choice([1000, 1000, 999, -5, 2**31 - 2, EMPTY_BID]))
    one["best_bid"], one["best_ask"] = bid, int(rng.choice([1002, 1001, 1000, 990, 2**31 - 1, EMPTY_ASK]))
    one["bid_qty"], one["ask_qty"], one["last_price"] = *rng.integers(0, 90, 2), int(rng.choice([1001, NO_PRICE]))
    one["now"], one["end"] = rng.integers(-10, 110) * SECOND, 100 * SECOND
    one["volume"], one["start_volume"] = int(rng.choice([0, 50, 5_000, 2**50])), int(rng.choice([0, 40]))
    one["status"], one["position"] = int(rng.choice(list(Status))), rng.integers(-50, 50)
    one["parent"], one["side"], one["qty"] = int(rng.choice([0, 0, 0, -1])), side, 300
    one["limit"] = int(rng.choice([NO_PRICE, NO_PRICE, 1000, 1005]))
    one["urgency"], one["signal"] = rng.random(), float(rng.choice([0.3, math.nan]))
    for order in orders[:n]:
        order["order_id"], order["leaves"], order["price"] = (
            rng.integers(1, 2**40),
            rng.integers(1, 40),
            rng.integers(995, 1005),
        )
        order["side"], order["type"], order["tif"] = side, int(rng.choice([1, 5])), int(rng.choice([1, 1, 2]))
        order["parent"], order["closing"], order["ahead"] = one["parent"], rng.integers(0, 2), -1
    one["working"] = orders["leaves"][:n].sum()
    one["filled"] = min(int(rng.integers(0, 301)), 300 - min(300, int(one["working"])))
    one["n_open"] = n
    return view, orders


@pytest.mark.parametrize("name", policy_names())
@pytest.mark.parametrize("side", [1, -1])
def test_every_installed_policy_keeps_to_its_part(name: str, side: int) -> None:
    rng = np.random.default_rng(17)
    known = context(side=side, sigma=1.0, rate=20.0, spread=2.0, depth=50.0, volumes=np.array([1.0, 2.0, 1.0]))
    twins = [make_policy(name, {}, known), make_policy(name, {}, known)]
    memories, books = [np.zeros(MEMORY, np.int64) for _ in twins], [ReasonBook(), ReasonBook()]
    asked_for = 0
    for _ in range(300):
        view, orders = random_view(rng, side)
        outs = [np.zeros(MOST, INTENT) for _ in twins]
        counts = []
        for policy, memory, book, out in zip(twins, memories, books, outs, strict=True):
            if isinstance(policy, Compiled):
                n = decide(
                    policy.code, view[0], orders, int(view[0]["n_open"]), policy.params, policy.curve, memory, out
                )
            else:
                answer = ask(policy, View(view[0], orders), out, book)
                assert answer.reason == Reason.NONE, answer.detail
                n = answer.n
            counts.append(n)
        assert counts[0] == counts[1]
        assert (outs[0] == outs[1]).all()  # the same views, the same intents
        found = outs[0][: counts[0]]
        asked_for += len(found)
        new = found[found["op"] == Op.NEW]
        assert (found["qty"] > 0).all()
        assert np.isin(found["op"], list(Op)).all()
        assert (np.abs(found["side"]) == 1).all()
        assert (found["price"] > NO_PRICE).all()
        if view[0]["parent"] >= 0 and name != "quote":
            room = max(0, int(view[0]["qty"] - view[0]["filled"] - view[0]["working"]))
            assert new["qty"].sum() <= room
            assert (new["side"] == side).all()
        others = set(found["order_id"][found["op"] != Op.NEW].tolist())
        assert others <= set(orders["order_id"][: int(view[0]["n_open"])].tolist())
    assert asked_for > 0 or name in ("hold", "manual")


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_policies_can_be_made_from_very_little(name: str) -> None:
    for known in (None, context(), context(qty=1, end=1, every=10**18, urgency=1.0), context(volumes=np.zeros(3))):
        made = make_policy(name, {}, known)
        assert isinstance(made, Compiled)
        assert np.isfinite(made.params).all()
        assert made.params.shape == (16,)
        assert made.curve.dtype == np.float64
        assert ((np.diff(made.curve) >= 0).all()) and np.isfinite(made.curve).all()


@pytest.mark.parametrize(("name", "params", "part"), [
    ("twpa", {}, "did you mean 'twap'"),
    ("", {}, "known: ac, cj"),
    ("x" * 5000, {}, "unknown policy"),
    ("pov", {"rat": 0.2}, "did you mean 'rate'"),
    ("pov", {"rate": 0.0}, "above 0"),
    ("pov", {"rate": 1.5}, "above 0 to 1"),
    ("pov", {"rate": math.nan}, "finite"),
    ("pov", {"rate": "0.1"}, "finite"),
    ("pov", {"rate": True}, "finite"),
    ("twap", {"slices": 2.5}, "whole"),
    ("twap", {"collar": -1}, "from 0"),
    ("twap", {"rate": 0.1}, "no setting 'rate'"),
    ("hold", {"collar": 1}, "no setting"),
    ("passive", {"patience": 1.01}, "from 0 to 1"),
    ("quote", {"size": 0}, "from 1"),
    ("quote", {"size": 10**400}, "finite"),
    ("quote", {"size": 10**5000}, "finite"),
    ("ac", {"risk_aversion": 1e-6}, "'sigma'"),
    ("ac", {"risk_aversion": 1e-6, "sigma": 1.0}, "'eta'"),
    ("ac", {"risk_aversion": 1e-6, "sigma": 1.0, "eta": 1e-9, "gamma": 1.0}, "eta"),
    ("cj", {"alpha": 0.1, "b": 5.0}, "alpha"),
])  # fmt: skip
def test_what_cannot_be_made_says_why(name: str, params: dict[str, Any], part: str) -> None:
    with pytest.raises(ConfigError) as raised:
        make_policy(name, params, context())
    assert part in str(raised.value)
    assert len(str(raised.value)) < 600


def test_estimates_stand_in_for_what_is_not_said() -> None:
    made = make_policy("ac", {"risk_aversion": 1e-3}, context(sigma=1.0, rate=20.0, spread=2.0))
    said = make_policy("ac", {"risk_aversion": 1e-3, "sigma": 1.0, "eta": 2.0 / 0.2}, context())
    assert isinstance(made, Compiled)
    assert isinstance(said, Compiled)
    assert (made.curve == said.curve).all()


def installed(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    points = [EntryPoint("mine", value, GROUP) for value in values]
    monkeypatch.setattr(registry, "policy_names", lambda: ("mine", *BUILT_IN))
    monkeypatch.setattr(registry, "_points", lambda name: tuple(points))


@pytest.mark.parametrize(("value", "part"), [
    ("no.such.module:make", "ModuleNotFoundError"),
    ("core.policies.builtin:nothing", "AttributeError"),
    ("core.policies.codes:MEMORY", "not callable"),
])  # fmt: skip
def test_a_plug_in_that_cannot_be_loaded_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, value: str, part: str
) -> None:
    installed(monkeypatch, value)
    with pytest.raises(ConfigError, match=part):
        load_policy("mine")


def test_a_name_that_is_installed_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "core.policies.builtin:twap", "core.policies.builtin:pov")
    with pytest.raises(ConfigError, match="twice"):
        load_policy("mine")


@pytest.mark.parametrize(("factory", "part"), [
    (lambda params, context: 1 / 0, "ZeroDivisionError"),
    (lambda params: None, "TypeError"),
    (lambda params, context: object(), "decides nothing"),
    (lambda params, context: None, "decides nothing"),
])  # fmt: skip
def test_a_factory_that_fails_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, factory: Any, part: str) -> None:
    monkeypatch.setattr(registry, "load_policy", lambda name: factory)
    with pytest.raises(ConfigError, match=part):
        make_policy("mine", {})


def test_the_page_names_every_policy_and_every_setting() -> None:
    text = Path(str(core.policies.__file__)).with_name("README.md").read_text(encoding="utf-8")
    for name, known in SETTINGS.items():
        assert f"| `{name}` |" in text
        for setting, spec in known.items():
            assert f"| `{setting}` |" in text
            assert spec.words.partition("; unsaid, ")[0] in text
