"""A plan comes back from its manifest as it was; a manifest that lies is refused in one line."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.enums import Queue, Rung
from core.errors import ConfigError
from core.plan import (
    AgentPlan,
    FeePlan,
    LatencyModel,
    LatencyPlan,
    LimitPlan,
    OutagePlan,
    ParentPlan,
    SessionPlan,
    TapePlan,
)
from core.records import MAX_QTY
from core.risk.controls import DUPLICATES_KEPT, SPECS, Control
from sessions.journal.errors import JournalError
from sessions.manifest import Manifest, manifest_of
from sessions.plan_restore import SessionChanged, restore
from sessions.plan_text import plan_digest, plan_text
from tests.small_tapes import small_tape

_ZOO = Path(__file__).resolve().parents[3] / "models" / "zoo"
_NAMES = ("one", "two")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Two small tapes."""
    home = tmp_path_factory.mktemp("tapes")
    return tuple(small_tape(home / f"{name}.tape", seed, 200) for seed, name in enumerate(_NAMES, 1))


_TIMES = st.integers(-(2**60), 2**61)
_WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
_DECIMALS = st.decimals(-1_000_000, 1_000_000, places=4, allow_nan=False).map(lambda d: f"{d.normalize():f}")
_BPS = st.decimals(-10_000, 10_000, places=4, allow_nan=False).map(lambda d: f"{d.normalize():f}")
_REALS = st.floats() | st.integers(-(10**6), 10**6)
_PARENTS = st.builds(
    ParentPlan, st.sampled_from([1, -1]), st.integers(1, MAX_QTY), _TIMES, _TIMES,
    st.none() | st.integers(-(2**30), 2**30), st.floats(0, 1) | st.integers(0, 1),
)  # fmt: skip
_POLICIES = st.sampled_from(["twap", "quote", "hold", "manual", f"onnx:{_ZOO / 'order_worker.onnx'}"])
_SIGNALS = st.sampled_from(["", f"onnx:{_ZOO / 'touch_signal.onnx'}"])
_LATENCIES = st.builds(
    LatencyModel, st.sampled_from(["constant", "lognormal", "recorded", "mine"]), st.integers(0, 60 * 10**9),
    st.floats(0, 5),
)  # fmt: skip
_ON_DESK = {s.name: DUPLICATES_KEPT if s.control == Control.DUPLICATE else 100 for s in SPECS if "desk" in s.scopes}
_LIMITS = st.builds(
    LimitPlan,
    st.integers(1, 10**9),
    st.dictionaries(
        st.just("desk"),
        st.fixed_dictionaries({}, optional={n: st.floats(0, top) | st.just(math.inf) for n, top in _ON_DESK.items()}),
    ),
    st.sampled_from([(), ("one",)]),
)


@st.composite
def plans(draw: st.DrawFn, folders: tuple[Path, ...]) -> SessionPlan:
    """A plan of anything that a plan may say."""
    count = draw(st.integers(1, 2))
    names = draw(st.lists(_WORDS, unique=True, max_size=3))
    fees = st.builds(FeePlan, _DECIMALS, _DECIMALS, _BPS, _BPS)
    return SessionPlan(
        name=draw(_WORDS),
        tapes=tuple(
            TapePlan(n, f, draw(st.sampled_from(["1", "50", "0.10"])), draw(fees))
            for n, f in list(zip(_NAMES, folders, strict=True))[:count]
        ),
        agents=tuple(
            AgentPlan(
                name, "one", draw(_POLICIES), draw(_SIGNALS), draw(st.integers(1, 10**12)),
                tuple(draw(st.lists(_PARENTS, max_size=2))), draw(st.dictionaries(_WORDS, _REALS, max_size=3)),
            )
            for name in names
        ),
        limits=draw(_LIMITS),
        seed=draw(st.integers(0, 2**63 - 1)),
        rung=draw(st.sampled_from(Rung)),
        queue=draw(st.sampled_from(Queue)),
        latency=draw(st.builds(LatencyPlan, _LATENCIES, _LATENCIES, _LATENCIES)),
        start=draw(st.none() | _TIMES),
        end=draw(st.none() | _TIMES),
        currency=draw(st.sampled_from(["", "USD"])),
        self_match=draw(st.sampled_from(["cancel-newest", "cancel-oldest", "cancel-both"])),
        budget_ms=draw(st.floats(0.001, 60_000)),
        outages=tuple(draw(st.lists(st.builds(OutagePlan, _TIMES, _TIMES, st.sampled_from(["", "one"])), max_size=2))),
    )  # fmt: skip


def manifest(plan: SessionPlan) -> Manifest:
    """The manifest of a session of that plan, through JSON and back."""
    fields = manifest_of("s", plan, plan.agents, 2, public=bytes(32), created_ns=0, version="test")
    return Manifest(json.loads(json.dumps(fields)), bytes(32))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_plan_comes_back_as_it_was(folders: tuple[Path, ...], data: st.DataObject) -> None:
    plan = data.draw(plans(folders))
    back = restore(Path("s"), manifest(plan))
    assert plan_text(back.plan) == plan_text(plan)
    assert back.plan.name == plan.name
    assert [agent.policy for agent in back.plan.agents] == [agent.policy for agent in plan.agents]
    assert not back.notes


@pytest.fixture(scope="module")
def usual(folders: tuple[Path, ...]) -> SessionPlan:
    """A plan with one of everything."""
    agents = (
        AgentPlan("a", "one", "twap", parents=(ParentPlan(1, 5, 0, 10**18),), params={"rest": 1.0}),
        AgentPlan("b", "two", f"onnx:{_ZOO / 'order_worker.onnx'}", f"onnx:{_ZOO / 'touch_signal.onnx'}"),
    )
    tapes = tuple(TapePlan(name, folder) for name, folder in zip(_NAMES, folders, strict=True))
    return SessionPlan("usual", tapes, agents, LimitPlan(scopes={"desk": {"order_qty": 5.0}}))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


_LIES: list[Any] = [
    None, True, 0, -1, 2**70, -(2**70), 0.5, 1e308, "", "x" * 5000, "nan", "\n", "\0", "/dev/zero", "..", [], [[]], {},
    {"onnx": "x"}, {"onnx": 3}, [None], ["x"], 10**400,
]  # fmt: skip


def test_whatever_a_manifest_says_it_is_refused_in_one_line_or_gives_a_plan(usual: SessionPlan) -> None:
    fields = json.loads(json.dumps(manifest(usual).fields))
    for path in places(fields["plan"])[1:]:
        for lie in _LIES:
            told = json.loads(json.dumps(fields))
            inner = told["plan"]
            for key in path[:-1]:
                inner = inner[key]
            if type(inner[path[-1]]) is type(lie) and inner[path[-1]] == lie:
                continue
            inner[path[-1]] = lie
            with pytest.raises((JournalError, ConfigError)) as caught:
                restore(Path("s"), Manifest(told, bytes(32)))
            assert "\n" not in str(caught.value), (path, lie)


def test_a_key_too_many_or_too_few_is_refused(usual: SessionPlan) -> None:
    fields = json.loads(json.dumps(manifest(usual).fields))
    for path in places(fields["plan"]):
        told = json.loads(json.dumps(fields))
        inner = told["plan"]
        for key in path:
            inner = inner[key]
        if not isinstance(inner, dict):
            continue
        for change in ("more", *inner):
            mine = json.loads(json.dumps(told))
            there = mine["plan"]
            for key in path:
                there = there[key]
            if there.pop(change, ...) is ...:
                there[change] = 1
            with pytest.raises((JournalError, ConfigError)):
                restore(Path("s"), Manifest(mine, bytes(32)))


@pytest.mark.parametrize("key", ["tapes", "models", "agents", "plan_digest", "code", "features"])
@pytest.mark.parametrize("lie", _LIES)
def test_the_rest_of_a_manifest_is_not_believed_either(usual: SessionPlan, key: str, lie: Any) -> None:
    told = {**manifest(usual).fields, key: lie}
    try:
        found = restore(Path("s"), Manifest(told, bytes(32)))
    except (JournalError, ConfigError) as error:
        assert "\n" not in str(error)
    else:
        assert plan_text(found.plan) == plan_text(usual)


def test_a_changed_setting_is_not_what_was_digested(usual: SessionPlan) -> None:
    told = json.loads(json.dumps(manifest(usual).fields))
    told["plan"]["seed"] = 2
    with pytest.raises(SessionChanged, match="plan_digest"):
        restore(Path("s"), Manifest(told, bytes(32)))
    assert told["plan_digest"] == plan_digest(usual)


def test_a_tape_with_another_tick_is_named_by_key(usual: SessionPlan, folders: tuple[Path, ...]) -> None:
    path = folders[0] / "tape.json"
    kept, made = path.read_text(), manifest(usual)
    try:
        path.write_text(json.dumps({**json.loads(kept), "tick_size": "0.5"}))
        with pytest.raises(SessionChanged, match=r"plan\.tapes\[1\]\.instrument\.tick: .* is \"0\.5\" here"):
            restore(Path("s"), made)
    finally:
        path.write_text(kept)


def test_paths_that_a_manifest_names_can_be_left_alone(usual: SessionPlan, folders: tuple[Path, ...]) -> None:
    with pytest.raises(SessionChanged) as caught:
        restore(Path("s"), manifest(usual), names=False)
    assert len(caught.value.problems) == 4
    found = restore(Path("s"), manifest(usual), [folders[0].parent], [_ZOO], names=False)
    assert plan_text(found.plan) == plan_text(usual)
