"""A recorded session is repeated to the last bit, and whatever was changed in its log is named."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import core.desk.build as build
from core.clock import sleep
from core.desk.deeds import Act
from core.desk.desk import Desk
from core.desk.recorder import Recorder
from core.enums import OperatorAct, Rung
from core.errors import ConfigError
from core.features.spec import SPEC
from core.plan import AgentPlan, ParentPlan, SessionPlan
from core.policies.registry import make_policy
from core.ports import Reading, ReadingStatus
from core.risk.controls import Control
from core.risk.kill import KillAct
from core.tape.tape import Tape
from core.trading import TradingEngine
from models.loading import load_models
from sessions.diff import diff
from sessions.journal.errors import JournalError
from sessions.manifest import read_manifest
from sessions.plan_restore import SessionChanged
from sessions.recording import Recording, Rooms, State
from sessions.settling import settle
from tests.oracle.journaled import SECOND, ZOO, again, begin, plan, record_desk, recorded, rewritten, some_acts
from tests.oracle.venue_plans import synthetic

pytestmark = pytest.mark.jit_only
_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> list[Tape]:
    """Two synthetic days of some thousand messages."""
    folder = tmp_path_factory.mktemp("tapes")
    return [synthetic(folder, seed, 6_000) for seed in (1, 2)]


@pytest.fixture(scope="module")
def acted(tapes: list[Tape], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with two model agents and a person who does everything."""
    home = tmp_path_factory.mktemp("home")
    session = with_models(tapes[0])
    return recorded(session, home, some_acts(tapes[0], 5), load_models(session))


def with_models(tape: Tape, **changes: Any) -> SessionPlan:
    """A session in which a model decides, and another says what it expects."""
    meta = tape.meta
    parent = ParentPlan(1, 60, meta.first_ts + 60 * SECOND, meta.last_ts - 60 * SECOND)
    worker = AgentPlan("worker", "t0", f"onnx:{ZOO / 'order_worker.onnx'}", every=10 * SECOND, parents=(parent,))
    other = ParentPlan(-1, 80, meta.first_ts + 90 * SECOND, meta.last_ts - 60 * SECOND)
    patient = AgentPlan("patient", "t0", "passive", f"onnx:{ZOO / 'touch_signal.onnx'}", 5 * SECOND, (other,))
    return plan(3, [tape], worker, patient, rung=Rung.LATENCY, **changes)


def elsewhere(folders: list[Path]) -> dict[str, Any]:
    """What another process finds."""
    command = [sys.executable, "-m", "tests.oracle.journaled", *map(str, folders)]
    done = subprocess.run(command, cwd=_ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def seeded(tapes: list[Tape], home: Path, seeds: Sequence[int]) -> list[Path]:
    folders = []
    for seed in seeds:
        used = tapes if seed % 4 == 3 else tapes[seed % 2 : seed % 2 + 1]
        acts = some_acts(used[0], seed) if seed % 3 == 0 else ()
        folders.append(recorded(plan(seed, used), home / str(seed), acts))
    return folders


@pytest.mark.parametrize("seeds", [(0, 1, 3), pytest.param(range(100), marks=pytest.mark.nightly)])
def test_sessions_recorded_here_are_repeated_in_two_other_processes(
    tapes: list[Tape], tmp_path: Path, seeds: Sequence[int]
) -> None:
    """Three are one tape with a person's acts, another without, and both at once."""
    folders = seeded(tapes, tmp_path, seeds)
    one, two = elsewhere(folders), elsewhere(folders)
    for folder in folders:
        said = json.loads(last_life(folder))["result"]
        for there in (one[str(folder)], two[str(folder)]):
            assert there["equal"], there["first"]
            assert there["complete"]
            assert there["digests"] == said["digests"]
            assert {k: v for k, v in there["counts"].items() if k in said["counts"]} == {
                k: v for k, v in said["counts"].items() if k != "latencies"
            }
            assert there["counts"]["decisions"] > 5


def last_life(folder: Path) -> bytes:
    from sessions.journal.tail import last_texts
    from sessions.recording import log_disk

    return last_texts(log_disk(folder), read_manifest(folder).hash, "life")[0]


def test_acts_and_models_are_repeated_exactly(acted: Path, tapes: list[Tape]) -> None:
    done = again(acted)
    assert done.equal, done.first
    assert done.complete
    assert done.acts == len(some_acts(tapes[0], 5))
    for stream in ("decisions", "verdicts", "readings", "orders", "fills", "events", "marks", "acts", "limits"):
        assert done.counts[stream] > 0, stream
    assert not done.notes


# --- what is changed is named --------------------------------------------------------------------

_FIELDS = (
    ("decisions", "price"), ("verdicts", "breaches"), ("orders", "leaves"), ("fills", "fee"), ("events", "qty"),
    ("marks", "mid2"),
)  # fmt: skip


@pytest.fixture(scope="module")
def counts(acted: Path) -> dict[str, int]:
    """Records by stream."""
    return dict(again(acted).counts)


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def test_changed_fields_are_named_in_every_stream(acted: Path, tmp_path: Path, counts: dict[str, int]) -> None:
    folder, kept = copied(acted, tmp_path / "s"), dict[str, Any]()
    fields = {stream: (field, counts[stream] // 2) for stream, field in _FIELDS}

    def change(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        field, place = fields.get(name, ("", -1))
        if at <= place < at + len(records):
            kept[name] = records[place - at][field].item()
            records[field][place - at] += 1
        return records

    rewritten(folder, change)
    done = again(folder)
    assert {d.stream for d in done.differences} == {*fields}
    for found in done.differences:
        field, place = fields[found.stream]
        assert (found.number, found.kind, found.differing) == (place, "changed", 1)
        assert [(f.name, f.recorded, f.replayed) for f in found.fields] == [
            (field, kept[found.stream] + 1, kept[found.stream])
        ]
        assert f"{found.stream} {place:,} (record {found.record:,}): {field}" in found.words()
    assert done.first == min(done.differences, key=lambda d: d.record or 0)


def test_a_flipped_float_in_a_stored_feature_row_is_named(acted: Path, tmp_path: Path) -> None:
    folder, column, place = copied(acted, tmp_path / "s"), 7, 11

    def change(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        if name == "readings" and at <= place < at + len(records):
            records[place - at].view(np.uint32)[column] ^= 1
        return records

    rewritten(folder, change)
    done = again(folder)
    assert [(d.stream, d.number, d.kind, d.differing) for d in done.differences] == [("readings", place, "changed", 1)]
    assert done.first is not None
    assert [f.name for f in done.first.fields] == [SPEC.names[column]]


def test_a_flipped_observation_is_named_by_its_control(acted: Path, tmp_path: Path) -> None:
    folder = copied(acted, tmp_path / "s")

    def change(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        if name == "verdicts" and at == 0:
            records["observed"][0, Control.POSITION] += 1.0
        return records

    rewritten(folder, change)
    assert [[f.name for f in d.fields] for d in again(folder).differences] == [["observed.position"]]


def test_records_taken_out_or_put_in_are_named(acted: Path, tmp_path: Path, counts: dict[str, int]) -> None:
    streams = ("decisions", "fills", "marks", "readings")

    def without_last(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        return records[:-1] if name in streams and at + len(records) == counts[name] else records

    def twice(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        ends = name in streams and at + len(records) == counts[name]
        return np.concatenate([records, records[-1:]]) if ends else records

    for change, kind, more in ((without_last, "extra", -1), (twice, "missing", 0)):
        folder = copied(acted, tmp_path / kind)
        rewritten(folder, change)
        found = {(d.stream, d.kind, d.number) for d in again(folder).differences}
        assert found == {(stream, kind, counts[stream] + more) for stream in streams}


def test_changed_acts_and_limits_are_named(acted: Path, tmp_path: Path) -> None:
    def limits(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        if name != "limits" or at:
            return records
        fields = json.loads(records.tobytes())
        fields["made"][0]["person"] = "adam"
        return np.frombuffer(json.dumps(fields).encode(), np.uint8)

    def earlier(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        if name != "acts":
            return records
        fields = json.loads(records.tobytes())
        if fields.get("act", {}).get("what") == "kill":
            fields["act"]["target"] = 0
        return np.frombuffer(json.dumps(fields).encode(), np.uint8)

    folder = copied(acted, tmp_path / "limits")
    rewritten(folder, limits)
    done = again(folder)
    assert [(d.stream, [f.name for f in d.fields]) for d in done.differences] == [("limits", ["made[1].person"])]
    folder = copied(acted, tmp_path / "acts")
    rewritten(folder, earlier)
    done = again(folder)
    assert not done.equal
    assert {d.stream for d in done.differences} >= {"events"}


def test_acts_that_no_person_does_are_refused_in_one_line(acted: Path, tmp_path: Path) -> None:
    bad: list[Any] = [
        {"target": "x"}, {"target": 10**30}, {"target": 99}, {"what": "replace"}, {"what": "fly"}, {"more": "x"},
        {"ticket": {"instrument": 0, "side": 1, "qty": 1, "price": 10**12}}, {"ticket": {"instrument": 0}},
        {"ticket": {"instrument": 0, "side": 1, "qty": 1, "price": 1, "type": 77}},
    ]  # fmt: skip
    for k, fields in enumerate(bad):
        folder = copied(acted, tmp_path / str(k))

        def change(name: str, at: int, records: NDArray[Any], fields: Any = fields) -> NDArray[Any]:
            found = json.loads(records.tobytes()) if name == "acts" else {}
            if found.get("act", {}).get("what") != "arm":
                return records
            found["act"] = {**found["act"], "what": "pause", **fields}
            return np.frombuffer(json.dumps(found).encode(), np.uint8)

        rewritten(folder, change)
        words = refusal(folder)
        assert words
        assert "\n" not in words


def refusal(folder: Path) -> str:
    """Why a session cannot be repeated, or the first difference: what cannot be done in a second run is one."""
    try:
        first = again(folder).first
    except JournalError as error:
        return str(error)
    return first.words() if first is not None else ""


def test_a_last_record_that_says_something_else_is_named(acted: Path, tmp_path: Path) -> None:
    folder = copied(acted, tmp_path / "s")

    def change(name: str, at: int, records: NDArray[Any]) -> NDArray[Any]:
        fields = json.loads(records.tobytes()) if name == "life" else {}
        if not fields.get("result"):
            return records
        fields["result"]["counts"]["fills"] += 1
        fields["result"]["digests"]["marks"] = "00"
        return np.frombuffer(json.dumps(fields).encode(), np.uint8)

    rewritten(folder, change)
    done = again(folder)
    assert not done.equal
    assert [(d.stream, [f.name for f in d.fields]) for d in done.differences] == [
        ("life", ["result.counts.fills", "result.digests.marks"])
    ]


# --- sessions that end early ---------------------------------------------------------------------


def test_a_crashed_session_is_repeated_as_far_as_its_log_goes(tapes: list[Tape], tmp_path: Path) -> None:
    running = begin(plan(8, tapes[:1]), tmp_path)
    running.play(some_acts(tapes[0], 8)[:6], stop=4_000)
    running.recording.journal.flush()
    live = again(running.recording.folder)
    assert live.equal, live.first
    assert (live.state, live.complete) == (State.RUNNING, False)
    running.recording.abandon()
    running.desk.close()
    assert settle(running.recording.folder, Rooms(tmp_path)).state == State.FAULTED
    done = again(running.recording.folder)
    assert done.equal, done.first
    assert (done.state, done.complete, done.counts) == (State.FAULTED, False, live.counts)
    assert done.counts["decisions"] > 5


def test_a_session_that_a_person_ended_is_repeated_up_to_there(tapes: list[Tape], tmp_path: Path) -> None:
    running = begin(plan(9, tapes), tmp_path)
    running.play(stop=3_000)
    done = again(running.close(reason="ended early by a person"))
    assert done.equal, done.first
    assert not done.complete
    assert done.counts["marks"] > 100


def test_kills_that_were_in_force_are_in_force_again(tapes: list[Tape], tmp_path: Path) -> None:
    first = recorded(plan(4, tapes[:1]), tmp_path, [(100, Act(OperatorAct.KILL, 0, "no", "eva"))])
    second = recorded(plan(4, tapes[:1]), tmp_path, [(5_000, Act(OperatorAct.REARM, 0, "yes", "eva"))])
    kills = read_manifest(second).fields["kills"]
    assert [kill["scope"] for kill in kills] == ["agent.a0"]
    for folder in (first, second):
        done = again(folder)
        assert done.equal, done.first


def test_going_back_on_the_screen_leaves_sessions_that_are_repeated(tapes: list[Tape], tmp_path: Path) -> None:
    session, recordings = plan(21, tapes[:1]), list[Recording]()

    def start(desk: Desk, kills: tuple[KillAct, ...]) -> None:
        if recordings:
            recordings[-1].close(State.SEALED, "a person went back")
        recordings.append(record_desk(desk, session, tmp_path, kills))

    def make() -> Desk:
        return Desk(session, tapes[:1], recorder=Recorder(keep=()))

    engine = TradingEngine(make, kills=tmp_path / "risk", begin=start)
    engine.advance(1_500)
    engine.act(Act(OperatorAct.PAUSE, 0))
    engine.advance(2_500, engine.clock + 3_000 * SECOND)
    engine.act(Act(OperatorAct.RESUME, 0))
    with pytest.raises(ConfigError):
        engine.act(Act(OperatorAct.REARM, 1, "it was never killed", "eva"))
    engine.advance(4_000)
    engine.act(Act(OperatorAct.KILL, 1, "odd", "eva"))
    engine.advance(4_500)
    engine.seek(3_000)
    engine.act(Act(OperatorAct.REARM, 1, "it is early again", "eva"))
    engine.act(Act(OperatorAct.RESUME, 1))
    engine.advance(6_000)
    engine.act(Act(OperatorAct.CANCEL_ALL, -1))
    recordings[-1].close(State.SEALED, "the screen was closed")
    engine.desk.close()
    assert len(recordings) == 2
    for recording, acts in zip(recordings, (4, 6), strict=True):
        done = again(recording.folder)
        assert done.equal, done.first
        assert done.acts == acts
        assert done.counts["acts"] == acts + (recording is recordings[0])


# --- what the wall clock decided -----------------------------------------------------------------


class Unsteady:
    """A model whose answers come too late now and then, or take long."""

    def __init__(self, model: Any, seed: int) -> None:
        self._model, self._rng = model, np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def read(self, row: NDArray[np.float32]) -> Reading:
        """The answer, one in four late and one in four slow."""
        reading: Reading = self._model.read(row)
        draw = self._rng.random()
        if draw < 0.25:
            return Reading((0.0,) * len(reading.values), int(self._rng.integers(10**6, 10**8)), ReadingStatus.LATE)
        if draw < 0.5:
            return Reading(reading.values, int(self._rng.integers(10**5, 10**7)), ReadingStatus.SLOW)
        return Reading(reading.values, 1000, ReadingStatus.OK)


def test_late_and_slow_answers_of_models_are_taken_from_the_record(tapes: list[Tape], tmp_path: Path) -> None:
    session = with_models(tapes[0])
    models: dict[str, Any] = dict(load_models(session))
    for name, model in models.items():
        if "order_worker" in name:
            model.model = Unsteady(model.model, 1)
        else:
            models[name] = Unsteady(model, 2)
    done = again(recorded(session, tmp_path, models=models))
    assert done.equal, done.first
    assert len(done.late) > 20
    assert done.slow > 0
    assert {late.agent for late in done.late} == {2, 3}


def test_a_policy_that_was_cut_off_is_cut_off_again(
    tapes: list[Tape], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = [True]

    class Hangs:
        turns = 0

        def decide(self, view: Any) -> Any:
            self.turns += 1
            while hanging[0] and self.turns == 20:
                sleep(0.001)
            return view.take(1, 1) if self.turns % 3 == 0 else None

    def made(name: str, params: Any, context: Any = None) -> Any:
        return Hangs() if name == "hangs" else make_policy(name, params, context)

    monkeypatch.setattr(build, "make_policy", made)
    session = plan(3, tapes[:1], AgentPlan("late", "t0", "hangs", every=5 * SECOND))
    acts = [(5_000, Act(OperatorAct.RESUME, 2))]
    folder = recorded(session, tmp_path, acts)
    hanging[0] = False
    done = again(folder)
    assert [late.cut_off for late in done.late] == [True]
    # How far it had come before it was cut off nobody knows: here one call further than what is repeated.
    assert done.first is None or "cut off by the wall clock" in done.doubt
    done = again(recorded(session, tmp_path / "once"))
    assert done.equal, done.first


# --- what it was made of -------------------------------------------------------------------------


def test_tapes_and_models_that_are_gone_or_changed_are_named(tapes: list[Tape], tmp_path: Path) -> None:
    home, mine = tmp_path / "home", tmp_path / "mine"
    mine.mkdir()
    shutil.copytree(tapes[0].folder, mine / "day.tape")
    for file in ZOO.iterdir():
        shutil.copy(file, mine / file.name)
    session = with_models(Tape(mine / "day.tape"))
    meta = Tape(mine / "day.tape").meta
    parent = ParentPlan(1, 60, meta.first_ts + 60 * SECOND, meta.last_ts - 60 * SECOND)
    worker = AgentPlan("worker", "t0", f"onnx:{mine / 'order_worker.onnx'}", every=10 * SECOND, parents=(parent,))
    session = plan(3, [Tape(mine / "day.tape")], worker)
    folder = recorded(session, home, models=load_models(session))
    assert again(folder).equal
    moved = tmp_path / "moved"
    mine.rename(moved)
    with pytest.raises(SessionChanged, match=r"tape t0 .* is nowhere; model order_worker.onnx .* is nowhere"):
        again(folder)
    done = again(folder, tapes=[tapes[1].folder.parent, moved], models=[moved])
    assert done.equal
    assert len(done.notes) == 2
    moved.rename(mine)
    with (mine / "day.tape" / "messages.npy").open("r+b") as file:
        file.seek(4_000)
        file.write(b"\x01")
    with (mine / "order_worker.onnx").open("ab") as file:
        file.write(b"\x01")
    with pytest.raises(SessionChanged) as caught:
        again(folder)
    assert [problem.split(":")[0].split(" (")[0] for problem in caught.value.problems] == [
        "tape t0",
        "model order_worker.onnx",
    ]
    assert all("was changed" in problem for problem in caught.value.problems)


def test_two_sessions_are_told_apart(tapes: list[Tape], tmp_path: Path) -> None:
    one = recorded(plan(12, tapes[:1]), tmp_path)
    same = recorded(plan(12, tapes[:1]), tmp_path / "other")
    other = recorded(replace(plan(12, tapes[:1]), seed=13), tmp_path)
    assert diff(one, same).equal
    assert not diff(one, same).changes
    found = diff(one, other)
    assert [(change.kind, change.key, change.before, change.after) for change in found.changes] == [
        ("plan", "seed", "12", "13")
    ]
    assert not found.equal
    assert found.first is not None
    assert found.first.record is not None
    assert found.first.other is not None
    acted = diff(one, recorded(plan(12, tapes[:1]), tmp_path, [(3_000, Act(OperatorAct.KILL, -1, "x", "eva"))]))
    assert ("acts", "extra") in [(d.stream, d.kind) for d in acted.differences]
