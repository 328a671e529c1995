"""A session on the screen writes itself down: acts, going back, kills, the end, and a disk that fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.desk_journal import DeskJournal
from app.desk_runner import SessionPlayer
from core.clock import monotonic_ns, sleep
from core.desk.deeds import read_deed
from core.desk.desk import Desk
from core.enums import OperatorAct, OrderType
from core.policies.intent import Intent
from core.policies.shown import View
from core.snapshot import Snapshot, State
from core.tape.tape import Tape
from core.transport import Command, Ticket, Verb
from sessions.journal.disk import FolderDisk
from sessions.journal.errors import JournalError
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.recording import Rooms, log_disk
from sessions.recording import State as Life
from sessions.settling import Standing, settle_all
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_sessions import SECOND, Always, rows_of, session, stored

pytestmark = pytest.mark.jit_only


def quoting(view: View) -> list[Intent | None]:
    """Takes back what rests, or quotes both sides."""
    return [view.cancel(one) for one in view.orders] or [view.rest(3, 1), view.rest(2, -1)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic market of some minutes, its kernels compiled."""
    codes = np.random.default_rng(8).integers(0, TAPE_CODE, (2000, len(TAPE_CODE))).tolist()
    tape = stored(rows_of(tape_of(codes), 10_000_000), tmp_path_factory.mktemp("tape") / "m.tape")
    session([tape], {"bot": Always(quoting)}, every=SECOND).advance()
    return tape.folder


def make(folder: Path) -> Callable[[], Desk]:
    return lambda: session([Tape(folder)], {"bot": Always(quoting)}, every=SECOND)


class Played:
    """A player with a journal."""

    def __init__(self, folder: Path, home: Path) -> None:
        plan = make(folder)().plan
        self.rooms = Rooms(home)
        self.player = SessionPlayer(
            plan, make(folder), home / "risk", playing=False, journal=DeskJournal(plan, home)
        )  # fmt: skip
        self.player.start()
        self.until(lambda seen: seen.state is State.PAUSED)

    def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        end = monotonic_ns() + 60 * SECOND
        while monotonic_ns() < end:
            if condition(found := self.player.latest()):
                return found
            sleep(0.002)
        raise AssertionError(f"never seen: {self.player.latest().state} {self.player.latest().failure}")

    def go(self, index: int) -> None:
        self.player.send(Command(Verb.GOTO_INDEX, index))
        self.until(lambda seen: seen.index == index)

    def order(self) -> None:
        snapshot = self.player.latest()
        ticket = Ticket(0, 1, 1, snapshot.best_ask + 5, OrderType.LIMIT)
        before = len(self.acts())
        self.player.send(Command(Verb.ORDER, ticket=ticket))
        self.until(lambda _: len(self.acts()) > before)

    def acts(self) -> list[Any]:
        journal = self.player.journal
        assert journal is not None and journal.folder is not None
        recording = journal._recording
        assert recording is not None
        recording.journal.flush()
        return texts(journal.folder, recording.manifest.hash, "acts")

    def close(self) -> list[Standing]:
        self.player.close()
        return settle_all(self.rooms)


def texts(folder: Path, genesis: bytes, stream: str) -> list[Any]:
    """Text records of a stream."""
    reader = Reader(log_disk(folder), start_of(genesis))
    found = [each.text() for block in reader for each in block.sections if each.stream.name == stream]
    return [json.loads(text) for text in found]


def records(standing: Standing, stream: str) -> bytes:
    """A stream's records in one piece."""
    assert standing.manifest is not None
    reader = Reader(log_disk(standing.folder), start_of(standing.manifest.hash))
    return b"".join(s.records.tobytes() for block in reader for s in block.sections if s.stream.name == stream)


def test_acts_are_written_before_they_are_done_and_the_end_is_sealed(folder: Path, tmp_path: Path) -> None:
    played = Played(folder, tmp_path)
    played.go(700)
    played.order()
    played.player.send(Command(Verb.KILL, -1, "fat finger"))
    played.until(lambda seen: seen.desk is not None and len(seen.desk.kills) == 1)
    played.player.send(Command(Verb.REARM, -1, " "))  # refused: no reason
    played.until(lambda _: len(played.acts()) == 4)
    played.go(1500)
    (standing,) = played.close()
    assert standing.state is Life.SEALED and standing.reason == "the screen was closed"
    assert standing.manifest is not None
    acts = texts(standing.folder, standing.manifest.hash, "acts")
    deeds = [read_deed(json.dumps(each)) for each in acts[:3]]
    assert [deed.act.what for deed in deeds] == [OperatorAct.ORDER, OperatorAct.KILL, OperatorAct.REARM]
    assert deeds[1].act.reason == "fat finger" and deeds[0].place.indices == (700,)
    assert "reason" in acts[3]["failed"]
    assert standing.result is not None and standing.result["messages"] == [1500]
    states = [each["state"] for each in texts(standing.folder, standing.manifest.hash, "life")]
    assert states[0] == "created" and states[-1] == "sealed" and "paused" in states


def test_going_back_begins_another_journal_that_repeats_the_first(folder: Path, tmp_path: Path) -> None:
    played = Played(folder, tmp_path)
    played.go(900)
    played.order()
    played.go(1400)
    played.go(1000)
    first, second = played.close()
    assert first.manifest is not None and second.manifest is not None
    assert second.manifest.fields["parent"] == first.manifest.id
    assert "went back" in first.reason
    for stream in ("decisions", "events", "verdicts", "marks"):
        longer, shorter = records(first, stream), records(second, stream)
        assert longer.startswith(shorter) and len(shorter) > 0
    assert len(records(second, "decisions")) < len(records(first, "decisions"))
    assert [a["act"] for a in texts(second.folder, second.manifest.hash, "acts")] == [
        a["act"] for a in texts(first.folder, first.manifest.hash, "acts")
    ]


def test_a_kill_stands_after_going_back_and_is_an_act_of_the_new_journal(folder: Path, tmp_path: Path) -> None:
    played = Played(folder, tmp_path)
    played.go(900)
    played.player.send(Command(Verb.KILL, 0, "bot runs wild"))
    played.until(lambda seen: seen.desk is not None and len(seen.desk.kills) == 1)
    played.go(500)
    _, second = played.close()
    assert second.manifest is not None
    (act,) = texts(second.folder, second.manifest.hash, "acts")
    assert (act["act"]["what"], act["act"]["target"], act["index"]) == ("kill", 0, 500)
    assert (act["act"]["person"], act["act"]["reason"]) == ("operator", "bot runs wild")


@pytest.mark.parametrize("call", ["write", "sync"])
def test_a_disk_that_fails_stops_trading_and_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    played = Played(folder, tmp_path)
    played.go(300)
    played.acts()

    def fails(self: FolderDisk, *_given: Any) -> None:
        raise JournalError(self.folder, "No space left on device")

    monkeypatch.setattr(FolderDisk, call, fails)
    if call == "sync":
        played.player.journal._recording.journal._anchored_ns = 0  # type: ignore[union-attr]
    played.player.send(Command(Verb.PLAY))
    played.player.send(Command(Verb.SPEED, float("inf")))
    seen = played.until(lambda seen: seen.state is State.FAULTED)
    assert "No space left on device" in seen.failure
    assert seen.index < 2000
    monkeypatch.undo()
    (standing,) = played.close()
    assert standing.state is Life.FAULTED
    reader = Reader(log_disk(standing.folder), start_of(standing.manifest.hash))  # type: ignore[union-attr]
    assert sum(1 for _ in reader) > 0 and reader.sealed and not reader.fault
