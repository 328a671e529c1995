"""Sessions of the engine itself verify: several tapes, a person's acts, one that dies; also while they run."""

from pathlib import Path

import numpy as np
import pytest

from core.desk.deeds import Act
from core.enums import OperatorAct
from core.tape.tape import Tape
from sessions.journal.log import Log, start_of
from sessions.journal.reading import Reader
from sessions.journal.streams import Section, text_section
from sessions.manifest import read_manifest
from sessions.recording import Rooms, State, life_text, log_disk
from sessions.settling import settle_crashed
from sessions.verify import verify
from tests.oracle.journaled import begin, plan
from tests.small_tapes import small_tape


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> list[Tape]:
    folder = tmp_path_factory.mktemp("tapes")
    return [Tape(small_tape(folder / f"{k}.tape", seed=k, count=3000, spacing=50)) for k in (1, 2)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_session_verifies_before_while_and_after(seed: int, tapes: list[Tape], tmp_path: Path) -> None:
    running = begin(plan(seed, tapes), tmp_path, segment=1 << 16)
    folder, rooms = running.recording.folder, Rooms(tmp_path)
    seen = [verify(folder, rooms)]
    running.play([(500, Act(OperatorAct.PAUSE, 0, "to look")), (900, Act(OperatorAct.RESUME, 0, "seen"))], stop=1500)
    running.recording.journal.flush()
    seen.append(verify(folder, rooms))
    running.play()
    running.close()
    seen.append(verify(folder, rooms))
    for found in seen:
        assert found.intact, [str(finding) for finding in found.findings]
    assert [each.live for each in seen] == [True, True, False] and [each.sealed for each in seen] == [
        False,
        False,
        True,
    ]
    assert seen[0].records < seen[1].records < seen[2].records and seen[2].state == "sealed"
    counts = running.desk.recorder.counts
    assert {name: seen[2].counts[name] for name in counts} == dict(counts) and seen[2].counts["acts"] == 2
    assert seen[2].digests == running.desk.recorder.digests()


def test_a_session_that_dies_verifies_after_the_next_start(tapes: list[Tape], tmp_path: Path) -> None:
    running = begin(plan(4, tapes), tmp_path)
    running.play(stop=1200)
    running.recording.abandon()
    assert ["it has no seal" in each.what for each in verify(running.recording.folder, Rooms(tmp_path)).findings] == [
        True
    ]
    assert [each.state for each in settle_crashed(Rooms(tmp_path))] == [State.FAULTED]
    found = verify(running.recording.folder, Rooms(tmp_path))
    assert found.intact and found.state == "faulted" and found.counts["decisions"] > 0


@pytest.mark.parametrize("stream", ["decisions", "verdicts", "events", "marks"])
def test_a_record_taken_out_is_missed_by_its_number_or_its_digest(
    tapes: list[Tape], tmp_path: Path, stream: str
) -> None:
    """Also by who has all keys: what the log says of itself must fit."""
    running = begin(plan(5, tapes), tmp_path)
    running.play()
    folder = running.close()
    blocks = list(Reader(log_disk(folder), start_of(read_manifest(folder).hash)))
    for path in (folder / "wal").iterdir():
        path.unlink()
    log, gone = Log(log_disk(folder), start_of(read_manifest(folder).hash)), False
    for block in blocks:
        sections: list[Section] = []
        for each in block.sections:
            if not gone and each.stream.name == stream and each.count > 2:
                gone, each = True, Section(each.stream, each.tape, np.delete(each.records, 1))
            sections.append(each)
        log.append(sections, block.flags)
    log.close()
    words = [each.what for each in verify(folder, Rooms(tmp_path)).findings]
    assert gone and any(f"{stream} have another digest" in each for each in words)
    assert any("where 1 belongs" in each for each in words) == (stream != "marks")


def test_a_seal_without_a_result(tmp_path: Path, tapes: list[Tape]) -> None:
    running = begin(plan(6, tapes), tmp_path)
    running.play(stop=300)
    journal = running.recording.journal
    journal.flush()
    journal.close([text_section("life", life_text(State.SEALED, "", {"digests": {"fills": "00"}}))])
    words = [each.what for each in verify(running.recording.folder, Rooms(tmp_path)).findings]
    assert words == ["fills have another digest than the seal says"]
