"""The journals of a session on the screen: one for each straight run of it. Going back begins another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sessions.journal.errors import JournalError
from sessions.recording import Recording, State

if TYPE_CHECKING:
    from core.desk.desk import Desk
    from core.plan import SessionPlan
    from core.risk.kill import KillAct


class DeskJournal:
    """Writes down whatever desk is played. Not for several threads, but for what only tells."""

    def __init__(self, plan: SessionPlan, home: Path) -> None:
        """`home`: the data folder."""
        self._plan, self._home = plan, home
        self._recording: Recording | None = None
        self._desk: Desk | None = None
        self.latest: Path | None = None  #: folder of the newest session, written or ended
        self.digest = ""  #: of all records, once the session is over
        self.failure = ""  #: why nothing more could be written

    @property
    def folder(self) -> Path | None:
        """Folder of the session being written, None if none is."""
        recording = self._recording
        return recording.folder if recording is not None else None

    @property
    def records(self) -> int | None:
        """Records in the log so far; None if none is being written."""
        recording = self._recording
        return recording.journal.records if recording is not None else None

    def begin(self, desk: Desk, kills: tuple[KillAct, ...]) -> None:
        """A fresh desk: what was written before is closed, and named as what this one came from."""
        from app.journaling import record

        parent = self._recording.manifest.id if self._recording is not None else None
        self.end("a person went back; the session was played again from its start")
        self._recording, self._desk = record(desk, self._plan, self._home, kills=kills, parent=parent), desk
        self.latest, self.digest = self._recording.folder, ""

    def say(self, playing: bool) -> None:
        """Playing or paused; over, once it is."""
        state = State.RUNNING if playing else State.PAUSED
        if self._recording is not None and self._recording.state != state:
            self._recording.become(state)
        if self._desk is not None and not self.digest and self._desk.over:
            self.digest = self._desk.recorder.digest()

    def end(self, reason: str, state: State = State.SEALED) -> None:
        """Close what is being written. Raises `JournalError` if that cannot be written either."""
        from app.journaling import result_of

        recording, desk = self._recording, self._desk
        self._recording = self._desk = None
        if recording is None or desk is None:
            return
        if recording.journal.failure is not None:
            self.failure = str(recording.journal.failure)
            recording.abandon()
            return
        try:
            recording.close(state, reason, result_of(desk))
        except JournalError as error:
            self.failure = str(error)
            recording.abandon()
            raise
