"""Small sessions that write themselves down, logs written anew with something changed, and replays in other processes.

python -m tests.oracle.journaled FOLDER...        # replays sessions, prints their digests
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk.deeds import Act, Deed, deed_text, perform
from core.desk.desk import Desk
from core.desk.recorder import Recorder
from core.enums import OperatorAct, Queue, Rung
from core.errors import ConfigError
from core.plan import AgentPlan, FeePlan, LatencyModel, LatencyPlan, LimitPlan, ParentPlan, SessionPlan, TapePlan
from core.risk.kill import KillAct
from core.risk.limits import default_limits
from core.tape.tape import Tape
from core.transport import Ticket
from sessions.journal.anchors import Keys
from sessions.journal.layout import BlockFlag
from sessions.journal.log import Log, start_of
from sessions.journal.reading import Reader
from sessions.journal.streams import Section
from sessions.manifest import manifest_of, read_manifest
from sessions.recording import Recording, Rooms, State, create, log_disk, new_id
from sessions.replay import Replayed, replay

SECOND = 1_000_000_000
ZOO = Path(__file__).resolve().parents[2] / "models" / "zoo"
#: An act, and after how many messages of the first tape.
Acts = Sequence[tuple[int, Act]]


def agent(name: str, tape: Tape, called: str, rng: np.random.Generator) -> AgentPlan:
    """One that works an order most of the day, or quotes."""
    every = int(rng.integers(2, 20)) * SECOND
    policy = str(rng.choice(["twap", "passive", "quote", "pov", "ac"]))
    if policy == "quote":
        return AgentPlan(name, called, policy, every=every, params={"size": float(rng.integers(1, 9))})
    span, first = tape.meta.last_ts - tape.meta.first_ts, tape.meta.first_ts
    side, qty = int(rng.choice([1, -1])), int(rng.integers(20, 400))
    parent = ParentPlan(side, qty, first + span // 10, first + 9 * span // 10, urgency=float(rng.random()))
    return AgentPlan(name, called, policy, every=every, parents=(parent,))


def plan(seed: int, tapes: Sequence[Tape], *more: AgentPlan, **changes: Any) -> SessionPlan:
    """A session of two or three agents; everything that a plan may say is drawn from the seed."""
    rng = np.random.default_rng(seed)
    names = [f"t{k}" for k in range(len(tapes))]
    agents = [agent(f"a{k}", tapes[k % len(tapes)], names[k % len(tapes)], rng) for k in range(len(tapes) + 1)]
    wait = LatencyModel("lognormal", int(rng.integers(1, 90)) * 1_000_000, 0.5)
    limits = {**default_limits().scopes["desk"], "order_qty": float(rng.choice([5, 50, 10_000]))}
    fees = FeePlan("-0.002", "0.003")
    fields: dict[str, Any] = {
        "name": f"seeded {seed}",
        "tapes": tuple(TapePlan(n, t.folder, fees=fees) for n, t in zip(names, tapes, strict=True)),
        "agents": (*agents, *more),
        "limits": LimitPlan(scopes={"desk": limits}),
        "seed": seed,
        "rung": Rung(int(rng.choice([2, 4, 4, 5]))),
        "queue": Queue(int(rng.integers(0, 3))),
        "latency": LatencyPlan(LatencyModel("constant", 100_000), wait, wait),
    }
    return SessionPlan(**{**fields, **changes})


@dataclass(slots=True)
class Running:
    """A session that is being recorded."""

    desk: Desk
    recording: Recording
    sequence: int = 0

    def do(self, act: Act) -> None:
        """Write a person's act down, then carry it out."""
        recorder, desk = self.desk.recorder, self.desk
        recorder.note("acts", deed_text(Deed(desk.place, desk.clock, desk.indices[0], act)))
        recorder.commit()
        try:
            perform(desk, act)
        except ConfigError as error:
            recorder.note("acts", json.dumps({"failed": str(error)}))
            recorder.commit()

    def play(self, acts: Acts = (), stop: int | None = None, most: int = 1_700) -> None:
        """Play in pieces up to message `stop` of the first tape, or to the end, acting on the way."""
        desk = self.desk
        for index, act in acts:
            while desk.indices[0] < index and not desk.over:
                desk.advance(most=min(most, index - desk.indices[0]))
            self.do(act)
        while not desk.over and (stop is None or desk.indices[0] < stop):
            desk.advance(most=most if stop is None else min(most, stop - desk.indices[0]))

    def close(self, state: State = State.SEALED, reason: str = "") -> Path:
        """Seal it as the program does. The session's folder."""
        recorder, desk = self.desk.recorder, self.desk
        desk.close()
        result = {"digests": recorder.digests(), "counts": dict(recorder.counts), "messages": list(desk.indices)}
        self.recording.close(state, reason, result)
        return self.recording.folder


def record_desk(
    desk: Desk, session: SessionPlan, home: Path, kills: Sequence[KillAct], segment: int = 1 << 20
) -> Recording:
    """The journal of a fresh desk, under `home`."""
    rooms = Rooms(home)
    keys = Keys(rooms.keys)
    fields = manifest_of(
        new_id(session.name, rooms), session, desk.agents, desk.money.digits, public=keys.public, created_ns=1,
        version="test", kills=kills,
    )  # fmt: skip
    recording = create(rooms, fields, keys, segment)
    desk.recorder.attach(recording.journal)
    recording.become(State.RUNNING)
    return recording


def begin(session: SessionPlan, home: Path, models: Mapping[str, Any] | None = None, segment: int = 1 << 20) -> Running:
    """A desk whose records go into a journal under `home`."""
    tapes = [Tape(each.folder) for each in session.tapes]
    desk = Desk(session, tapes, models=models, recorder=Recorder(keep=()), kills=home / "risk")
    return Running(desk, record_desk(desk, session, home, desk.switch.latched if desk.switch else (), segment))


def recorded(session: SessionPlan, home: Path, acts: Acts = (), models: Mapping[str, Any] | None = None) -> Path:
    """The folder of a session that was played to its end."""
    running = begin(session, home, models)
    running.play(acts)
    return running.close()


def some_acts(tape: Tape, seed: int) -> list[tuple[int, Act]]:
    """Of every kind, in an order that a seed decides; one is refused."""
    rng, count = np.random.default_rng(seed), tape.meta.messages
    middle = (tape.meta.low_price + tape.meta.high_price) // 2
    first, last = tape.meta.first_ts, tape.meta.last_ts
    kinds = [
        Act(OperatorAct.ARM), Act(OperatorAct.PAUSE, 0), Act(OperatorAct.RESUME, 0), Act(OperatorAct.CANCEL_ALL, -1),
        Act(OperatorAct.ORDER, ticket=Ticket(0, 1, 7, middle + 400, 1, 2)),
        Act(OperatorAct.ORDER, ticket=Ticket(0, 1, 9, middle - 300)), Act(OperatorAct.CANCEL, 3),
        Act(OperatorAct.FLATTEN, -1), Act(OperatorAct.REARM, 1, "nothing to take back", "eva"),
        Act(OperatorAct.LIMITS, reason="a calm day", person="eva", scope="desk", control="order_qty", value=3.0,
            expires=first + (last - first) * 2 // 3),
        Act(OperatorAct.LIMITS, reason="?", person="eva", scope="desk", control="no such", value=3.0),
    ]  # fmt: skip
    chosen = [kinds[k] for k in rng.permutation(len(kinds))]
    places = sorted(rng.integers(0, count * 6 // 10, len(chosen)).tolist())
    end = [
        (count * 7 // 10, Act(OperatorAct.KILL, 1, "odd orders", "eva")),
        (count * 8 // 10, Act(OperatorAct.REARM, 1, "it was the feed", "eva")),
        (count * 8 // 10, Act(OperatorAct.RESUME, 1)),
        (count * 9 // 10, Act(OperatorAct.KILL, -1, "home time", "eva")),
    ]
    return [*zip(places, chosen, strict=True), *end]


# --- logs written anew ---------------------------------------------------------------------------

Change = Callable[[str, int, NDArray[Any]], NDArray[Any] | None]


def rewritten(folder: Path, change: Change) -> None:
    """Write a session's log anew, as somebody could who has the files: every hash fits.

    `change`: given stream, place of its first record in the stream, and a copy of the records; what is to stand there.
    """
    manifest = read_manifest(folder)
    blocks = list(Reader(log_disk(folder), start_of(manifest.hash)))
    disk = log_disk(folder)
    for name in disk.names():
        (folder / "wal" / name).unlink()
    log, places = Log(disk, start_of(manifest.hash), 1 << 20), dict[str, int]()
    for block in blocks:
        sections = []
        for each in block.sections:
            at = places.get(each.stream.name, 0)
            places[each.stream.name] = at + each.count
            records = change(each.stream.name, at, each.records.copy())
            if records is not None and len(records):
                sections.append(Section(each.stream, each.tape, records))
        if sections:
            log.append(sections, block.flags & BlockFlag.SEAL)
    log.close()


def again(folder: Path, **options: Any) -> Replayed:
    """Replay with the models that ship, or those given as `load`."""
    load = options.pop("load", loaded)
    return replay(folder, load, **options)


def loaded(session: SessionPlan) -> Mapping[str, Any]:
    """Models of a plan, which may take their time."""
    from models.loading import load_models

    return load_models(session, Path(), 60 * SECOND)


if __name__ == "__main__":
    _found = {}
    for _folder in sys.argv[1:]:
        _done = again(Path(_folder))
        _found[_folder] = {
            "equal": _done.equal, "complete": _done.complete, "digests": dict(_done.digests),
            "counts": dict(_done.counts), "first": _done.first.words() if _done.first else "",
        }  # fmt: skip
    sys.stdout.write(json.dumps(_found))
