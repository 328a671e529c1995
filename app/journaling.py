"""Sessions write themselves down: the one place that introduces a desk to its journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import __version__
from app.output import say
from core.clock import wall_ns
from sessions.journal.anchors import Keys
from sessions.journal.errors import JournalError
from sessions.journal.ledger import Ledger
from sessions.manifest import manifest_of
from sessions.recording import Recording, Rooms, State, create, new_id
from sessions.settling import settle_crashed

if TYPE_CHECKING:
    from core.desk.desk import Desk
    from core.plan import SessionPlan
    from core.risk.kill import KillAct


def record(
    desk: Desk,
    plan: SessionPlan,
    home: Path,
    *,
    kills: Sequence[KillAct] | None = None,
    durable: bool = False,
    parent: str | None = None,
) -> Recording:
    """Begin to write down what `desk` does from now on.

    `kills`: in force at the start, those of the desk's switch if not given; `durable`: no order goes on its way before
    its decision is on the disk; `parent`: the session that this one repeats and leaves.

    Sessions that crashed are brought to an end first; what a person should know of that, or of the desk's ledger, is
    told on the blotter and in `Recording.troubles`. Raises `JournalError`, `TapeError`, `ConfigError`.
    """
    if kills is None:
        kills = desk.switch.latched if desk.switch is not None else ()
    rooms = Rooms(home)
    keys = Keys(rooms.keys)
    troubles = [Ledger(rooms.ledger, keys).mend()]
    for left in settle_crashed(rooms):
        if left.state == State.QUARANTINED:
            troubles.append(f"{left.folder}: in quarantine: {left.reason}")
    session_id = new_id(plan.name, rooms)
    fields = manifest_of(
        session_id,
        plan,
        desk.agents,
        desk.money.digits,
        public=keys.public,
        created_ns=wall_ns(),
        version=__version__,
        durable=durable,
        kills=kills,
        parent=parent,
    )
    recording = create(rooms, fields, keys)
    desk.recorder.attach(recording.journal)
    if durable:
        for line in desk.lines:
            line.top[0]["durable"] = 1
    recording.become(State.RUNNING)
    recording.troubles[:0] = filter(None, troubles)
    for words in recording.troubles:
        desk.answers.say(desk.clock, -1, words)
    return recording


def result_of(desk: Desk) -> dict[str, Any]:
    """What the last record of a session says of the whole of it."""
    recorder = desk.recorder
    return {
        "digest": recorder.digest(),
        "digests": recorder.digests(),
        "counts": dict(recorder.counts),
        "reasons": {agent.name: list(desk.answers.reasons[k].own) for k, agent in enumerate(desk.agents)},
        "troubles": [[ts, agent, words] for ts, agent, words in desk.answers.said],
        "clock": desk.clock,
        "messages": list(desk.indices),
        "over": desk.over,
    }


@contextmanager
def recorded(desk: Desk, plan: SessionPlan, home: Path, durable: bool = False) -> Iterator[Recording]:
    """A session's journal from its first record to its seal; what ends it early is its last word. Closes the desk."""
    recording = record(desk, plan, home, durable=durable)
    told = len(recording.troubles)
    for words in recording.troubles:
        say(f"tapedeck: {words}")
    state, reason = State.FAULTED, ""
    try:
        yield recording
        state = State.SEALED
    except (KeyboardInterrupt, SystemExit):
        state, reason = State.SEALED, "ended early by a person"
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        desk.close()
        if recording.journal.failure is not None:
            recording.abandon()
        else:
            recording.close(state, reason, result_of(desk))
        for words in recording.troubles[told:]:
            say(f"tapedeck: {words}")


def project(recording: Recording) -> None:
    """Make the tables of a session that is over; where they cannot be made now, the first question does it."""
    from sessions.audit.project import project as into_tables

    try:
        into_tables(recording.folder, recording.manifest)
    except JournalError as error:
        say(f"tapedeck: the journal is whole, its tables are not made yet: {error}")
