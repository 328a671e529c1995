"""Nothing follows from a decision before it is on the disk, where a session asks for that."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.journaling import recorded
from core.desk.desk import Desk
from core.enums import EventKind
from core.policies.intent import Intent
from core.policies.shown import View
from core.tape.tape import Tape
from sessions.journal.disk import FolderDisk
from sessions.journal.errors import JournalError
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.recording import Rooms, State, log_disk
from sessions.settling import settle_all
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_sessions import SECOND, Always, rows_of, session, stored

pytestmark = pytest.mark.jit_only


def quoting(view: View) -> list[Intent | None]:
    """Takes back what rests, or quotes both sides and takes."""
    return [view.cancel(one) for one in view.orders] or [view.rest(3, 1), view.rest(2, -1), view.take(1, 1)]


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic market of half a minute."""
    codes = np.random.default_rng(3).integers(0, TAPE_CODE, (800, len(TAPE_CODE))).tolist()
    return stored(rows_of(tape_of(codes), 40_000_000), tmp_path_factory.mktemp("tape") / "m.tape").folder


def made(tape: Path) -> Desk:
    return session([Tape(tape)], {"bot": Always(quoting)}, every=SECOND, delays=(0, SECOND // 4, SECOND // 4))


def test_a_durable_session_is_the_same_session(tape: Path, tmp_path: Path) -> None:
    plain = made(tape)
    plain.advance()
    desk = made(tape)
    with recorded(desk, desk.plan, tmp_path, durable=True) as recording:
        desk.advance()
    assert desk.recorder.digests() == plain.recorder.digests()
    assert recording.manifest.durable
    reader = Reader(log_disk(recording.folder), start_of(recording.manifest.hash))
    assert sum(block.records for block in reader) > len(plain.recorder.records("decisions"))


@pytest.mark.parametrize("call", ["sync", "write"])
@pytest.mark.parametrize("good", [2, 7, 20])
def test_what_is_not_on_the_disk_never_happens(
    tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, good: int
) -> None:
    kept, calls = getattr(FolderDisk, call), [0]
    desk = made(tape)

    def fails(self: FolderDisk, *given: Any) -> None:
        calls[0] += 1
        if calls[0] > good:
            raise JournalError(self.folder, "Input/output error")
        kept(self, *given)

    monkeypatch.setattr(FolderDisk, call, fails)
    with pytest.raises(JournalError, match="Input/output"), recorded(desk, desk.plan, tmp_path, durable=True):
        desk.advance()
    pool = desk.lines[0].venue.orders
    sent = pool["order_id"][pool["ts_arrived"] > 0].tolist()
    over = desk.recorder.records("orders")["order_id"].tolist()
    monkeypatch.undo()
    (standing,) = settle_all(Rooms(tmp_path))
    assert standing.state is State.FAULTED and standing.manifest is not None
    reader = Reader(log_disk(standing.folder), start_of(standing.manifest.hash))
    written = [s.records for block in reader for s in block.sections if s.stream.name == "decisions"]
    logged = set(np.concatenate(written)["order_id"].tolist()) if written else set()
    assert {*sent, *over} <= logged
    events = desk.recorder.records("events")
    acked = set(events["order_id"][events["kind"] == EventKind.ACK].tolist())
    assert acked <= logged
