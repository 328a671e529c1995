"""A recorded session done again: the engine is driven from tapes, manifest, acts and model files, and every record
that a second run repeats is held against the one in the log.

Three things come from the record itself, because no second run can know them: what a person did, which answers the
wall clock cut off, and how long a model took that was over its soft budget. A log that ends early (a crash, a session
still at work, a person who ended it) is repeated as far as it goes.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk.deeds import Deed, deed_text, perform
from core.desk.desk import Desk
from core.desk.recorder import Recorder
from core.errors import ConfigError
from core.plan import SessionPlan
from core.risk.kill import KillFileError
from core.tape.tape import Tape
from sessions.compare import REPEATED, Comparison, Difference, FieldDifference, feature_names
from sessions.journal.errors import JournalError
from sessions.journal.layout import Block
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.manifest import Manifest, read_manifest
from sessions.past import Lateness, RecordedAct, RecordedPast, Scan, scan, write_kills
from sessions.plan_restore import Restored, restore
from sessions.recording import State, log_disk

#: What loads the models of a plan, by the names that it gives them: `models.loading.load_models`, without haste.
LoadModels = Callable[[SessionPlan], Mapping[str, Any]]
#: Told now and then how far it is: messages played, messages there are.
Progress = Callable[[int, int], None]
_PIECE = 250_000  # messages between two looks for an end


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a second run found."""

    session: str
    state: State  #: the session's, as its log says
    complete: bool  #: it was repeated to the end of its tapes; else as far as its log goes
    records: int  #: records of the log, all streams
    counts: Mapping[str, int]  #: records held against each other, by stream
    digests: Mapping[str, str]  #: SHA-256 of the records of each stream; worth something where nothing differs
    differences: tuple[Difference, ...]  #: the first of every stream and tape, in the order of the log
    acts: int  #: a person's acts repeated
    late: tuple[Lateness, ...]  #: answers that the wall clock cut off, taken from the record
    slow: int  #: verdicts whose model latency was taken from the record
    doubt: str  #: why a difference may come of the wall clock and not of a change; empty if it cannot
    notes: tuple[str, ...]  #: what is not as it was when the session was made
    fault: str  #: what is wrong with the log itself behind its last good block

    @property
    def equal(self) -> bool:
        """Whether every record was repeated to the last bit."""
        return not self.differences

    @property
    def first(self) -> Difference | None:
        """The first record that differs."""
        return self.differences[0] if self.differences else None


def replay(
    folder: Path,
    load: LoadModels,
    *,
    tapes: Sequence[Path] = (),
    models: Sequence[Path] = (),
    halted: Callable[[], bool] = lambda: False,
    progress: Progress = lambda played, whole: None,
) -> Replayed:
    """Do the session in `folder` again, as far as its log goes now.

    Args:
        folder: the session's folder; its writer may be at work.
        load: loads the models of a plan.
        tapes: folders to look for tapes in that are not where they were.
        models: the same for model files.
        halted: whether a person wants it to end.
        progress: told how far it is.

    Raises:
        JournalError: there is no session, its log cannot be read, or (`SessionChanged`) what it was made of is missing
            or changed.
        ConfigError, TapedeckError: the engine refuses what the manifest asks for.
        KeyboardInterrupt: `halted` said so.
    """
    manifest = read_manifest(folder)
    restored = restore(folder, manifest, tapes, models)
    plan = restored.plan
    past = RecordedPast(_models(plan))
    found = scan(folder, manifest, past, len(plan.tapes))
    against = _Against(folder, manifest, found)
    with tempfile.TemporaryDirectory(prefix="tapedeck-replay-") as kills:
        write_kills(Path(kills), manifest, plan)
        desk = Desk(
            plan, [Tape(each.folder) for each in plan.tapes], models=load(plan),
            recorder=Recorder(keep=(), latest=1, sink=against), kills=Path(kills),
        )  # fmt: skip
        desk.answers.past, desk.answers.urgent = past, halted
        drive = _Drive(desk, against, found, halted, progress)
        try:
            drive.acts(folder)
            complete = drive.rest()
        finally:
            desk.close()
            for tape in desk.tapes:
                tape.close()
    against.finish(complete)
    return _result(manifest, restored, past, found, against, complete)


class _Against:
    """Takes what the second run makes, reads as much of the log as that needs: memory does not grow with either."""

    def __init__(self, folder: Path, manifest: Manifest, found: Scan) -> None:
        self._reader = Reader(log_disk(folder), start_of(manifest.hash))
        self._blocks: Iterator[Block] = iter(self._reader)
        self._last = found.at.blocks if found.at is not None else 0
        self.over = False
        self.held = Comparison(feature_names(manifest))

    def take(self, stream: str, records: NDArray[Any], tape: int = 0) -> None:
        """Records of the second run."""
        if stream not in REPEATED:
            return
        self.held.repeat(stream, tape, records)
        while self.held.waits(stream, tape) and self._read():
            pass

    def note(self, stream: str, text: str) -> None:
        """A text of the second run."""
        self.take(stream, np.frombuffer(text.encode(), np.uint8))

    def commit(self) -> None:
        """Nothing follows from what a second run does."""

    def read_on(self) -> None:
        """Read to the end, or to something that the second run has not made yet."""
        while not self.held.behind and self._read():
            pass

    def finish(self, complete: bool) -> None:
        """The second run is over."""
        while self._read():
            pass
        self.held.finish(missing=True, extra=complete)

    def _read(self) -> bool:
        block = next(self._blocks, None) if not self.over else None
        if block is None or block.number >= self._last:  # what was written since the acts were read
            self.over = True
            return False
        self.held.record(block)
        return True


class _Drive:
    """Plays a desk as the recorded session was played."""

    def __init__(
        self, desk: Desk, against: _Against, found: Scan, halted: Callable[[], bool], progress: Progress
    ) -> None:
        self._desk, self._against, self._found = desk, against, found
        self._halted, self._progress = halted, progress
        self._whole = sum(map(len, desk.messages))

    def acts(self, folder: Path) -> None:
        """Every act at its place, those that were refused too, which do nothing."""
        for act in self._found.acts:
            self._go(act)
            self._look()
            self._do(act, folder)

    def rest(self) -> bool:
        """To the end of the tapes, or of the log if that comes first. Whether the session came to its end."""
        desk, against = self._desk, self._against
        complete = self._found.state == State.SEALED and self._ended(desk)
        while not desk.over:
            desk.advance(most=_PIECE)
            self._look()
            if not complete:
                against.read_on()
                if against.over and not against.held.behind:
                    break
        return complete

    def _ended(self, desk: Desk) -> bool:
        """Whether the record says that everything was played."""
        played = self._found.result.get("messages")
        over = not self._found.reason or self._found.result.get("over") is True
        return over and played == [len(each) for each in desk.messages]

    def _go(self, act: RecordedAct) -> None:
        """To the place of an act, piece by piece: a person may want to end it on the way."""
        desk, place = self._desk, act.deed.place
        while place.indices[0] - desk.indices[0] > _PIECE:
            if desk.over or (place.until is not None and desk.clock >= place.until):
                break
            before = desk.place
            desk.advance(place.until if place.until is not None else 2**63 - 2, _PIECE)
            self._look()
            if desk.place == before:
                break
        desk.go(place)

    def _look(self) -> None:
        if self._halted():
            raise KeyboardInterrupt
        self._progress(sum(self._desk.indices), self._whole)

    def _do(self, act: RecordedAct, folder: Path) -> None:
        desk, deed = self._desk, act.deed
        index = deed.index if deed.index in desk.indices else desk.indices[0]
        self._against.note("acts", deed_text(Deed(desk.place, desk.clock, index, deed.act)))
        if act.refused:
            self._against.take("acts", np.frombuffer(act.refused, np.uint8))
            return
        try:
            perform(desk, deed.act)
        except (ConfigError, KillFileError) as error:
            if act is not self._found.acts[-1] or self._found.sealed:
                told = FieldDifference("failed", None, str(error))
                self._against.held.differ(Difference("acts", 0, 0, act.record, "changed", (told,), deed.ts))
        except (IndexError, KeyError, OverflowError, TypeError, ValueError, AttributeError) as error:
            raise JournalError(folder, f"record {act.record:,}: this act cannot be carried out: {error}") from error


def _result(
    manifest: Manifest, restored: Restored, past: RecordedPast, found: Scan, against: _Against, complete: bool
) -> Replayed:
    held, at = against.held, found.at
    differences = held.differences or _last_word(found, held)
    return Replayed(
        manifest.id, found.state, complete, at.records if at is not None else 0, held.counts, held.digests(),
        differences, len(found.acts), tuple(past.lateness), past.times,
        _doubt(restored.plan, past, differences), restored.notes, found.fault,
    )  # fmt: skip


def _last_word(found: Scan, held: Comparison) -> tuple[Difference, ...]:
    """What the session's last record says of all the others, where they say something else."""
    wrong = []
    for key, here in (("counts", held.counts), ("digests", held.digests())):
        told = found.result.get(key)
        said: dict[str, Any] = told if isinstance(told, dict) else {}
        for name, value in here.items():
            if name in said and said[name] != value:
                wrong.append(FieldDifference(f"result.{key}.{name}", said[name], value))
    return (Difference("life", 0, 0, found.ended, "changed", tuple(wrong)),) if wrong else ()


def _doubt(plan: SessionPlan, past: RecordedPast, differences: Sequence[Difference]) -> str:
    """Why the first difference may be the wall clock's doing."""
    if not differences:
        return ""
    first = differences[0]
    for late in past.lateness:
        if first.record is not None and late.record > first.record:
            break
        name = plan.agents[late.agent].name if 0 <= late.agent < len(plan.agents) else f"{late.agent}"
        if late.cut_off:
            return (
                f"the policy of {name} was cut off by the wall clock (record {late.record:,}): how far it had come"
                " cannot be repeated, and what it did after it was resumed may follow from that"
            )
        if 0 <= late.agent < len(plan.agents) and all(past.models[late.agent]):
            return (
                f"an answer of {name} came too late (record {late.record:,}), and the record does not say whether"
                " its signal's or its policy's"
            )
    return ""


def _models(plan: SessionPlan) -> list[tuple[bool, bool]]:
    return [(bool(a.signal), a.policy.startswith("onnx:")) for a in plan.agents]
