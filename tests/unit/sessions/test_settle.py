"""Whatever a crash leaves of a session, the next start brings it to an end, or says why it must not be believed."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sessions.journal.anchors import Keys
from sessions.journal.disk import FolderDisk
from sessions.journal.errors import JournalError, SessionLocked
from sessions.journal.layout import Block, unpack
from sessions.manifest import read_manifest
from sessions.recording import Rooms, State
from sessions.settling import Standing, settle, settle_all, settle_crashed
from sessions.verify import verify
from sessions.writer_lock import is_live, take_lock
from tests.oracle.journal_days import Day, begin, made


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.journal.journal._ANCHOR_NS", 0)


def _crashed(home: Path, *, durable: bool = False, commits: int = 8, segment: int = 8192) -> Path:
    """A session whose process has died between two commits."""
    rooms = Rooms(home)
    recording = begin(rooms, Keys(rooms.keys), durable=durable, segment=segment)
    day = Day(np.random.default_rng(3))
    for _ in range(commits):
        day.commit(recording.journal, 15)
        if not durable:
            recording.journal.flush()
    recording.become(State.RUNNING)
    if not durable:
        recording.journal.flush()
    recording.abandon()
    return recording.folder


def _last(folder: Path) -> Path:
    return sorted((folder / "wal").iterdir())[-1]


def _settled(folder: Path, home: Path) -> Standing:
    """Settled once and again: the second time changes nothing; and verified."""
    standing = settle(folder, Rooms(home))
    assert not (folder / "open").exists()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert settle(folder, Rooms(home)) == standing
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = verify(folder, Rooms(home))
    assert found.intact == (standing.state != State.QUARANTINED), [str(finding) for finding in found.findings]
    return standing


@pytest.mark.parametrize("durable", [True, False])
def test_crashed(tmp_path: Path, durable: bool) -> None:
    folder = _crashed(tmp_path, durable=durable)
    assert [str(finding) for finding in verify(folder, Rooms(tmp_path)).findings if "no seal" not in finding.what] == []
    records = verify(folder, Rooms(tmp_path)).records
    standing = _settled(folder, tmp_path)
    assert (standing.state, standing.reason) == (State.FAULTED, "ended without a seal")
    assert standing.records == records + 1 and not standing.live
    assert settle_crashed(Rooms(tmp_path)) == []


def test_crashed_in_the_middle_of_a_block(tmp_path: Path) -> None:
    folder = _crashed(tmp_path)
    log = _last(folder)
    raw = bytearray(log.read_bytes())
    end = 0
    while isinstance(block := unpack(memoryview(raw)[end:]), Block):  # a hash may end in zeros, as the room behind it
        end += block.size
    raw[end : end + 700] = raw[:700]
    log.write_bytes(raw)
    standing = _settled(folder, tmp_path)
    assert standing.state == State.FAULTED and "at byte" in standing.reason


def test_no_log_at_all(tmp_path: Path) -> None:
    folder = _crashed(tmp_path)
    anchors = Rooms(tmp_path).anchors(folder.name)
    anchors.write_bytes(anchors.read_bytes().splitlines(keepends=True)[0])
    shutil.rmtree(folder / "wal")
    standing = _settled(folder, tmp_path)
    assert (standing.state, standing.blocks) == (State.FAULTED, 1)


@pytest.mark.parametrize("size", [0, 4096])
def test_empty_segment(tmp_path: Path, size: int) -> None:
    folder = _crashed(tmp_path)
    anchors = Rooms(tmp_path).anchors(folder.name)
    anchors.unlink()  # it died before the first
    for path in (folder / "wal").iterdir():
        path.unlink()
    (folder / "wal" / "journal-000000.wal").write_bytes(bytes(size))
    assert _settled(folder, tmp_path).state == State.FAULTED


def test_no_manifest(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    (rooms.sessions / "a").mkdir(parents=True)
    standing = settle(rooms.sessions / "a", rooms)
    assert (standing.state, standing.manifest, standing.live) == (State.QUARANTINED, None, False)
    assert not verify(rooms.sessions / "a", rooms).intact
    assert [each.state for each in settle_all(rooms)] == [State.QUARANTINED]


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": 1}', b'{"format": 2}', b"NaN"]
)
def test_unreadable_manifest(tmp_path: Path, raw: bytes) -> None:
    folder = _crashed(tmp_path)
    (folder / "manifest.json").write_bytes(raw)
    assert settle(folder, Rooms(tmp_path)).state == State.QUARANTINED
    assert not verify(folder, Rooms(tmp_path)).intact


def test_sealed_stays_as_it_is(tmp_path: Path) -> None:
    folder = made(tmp_path, 1, commits=5)
    standing = _settled(folder, tmp_path)
    assert standing.state == State.SEALED and standing.result
    assert standing.result["digests"] == verify(folder, Rooms(tmp_path)).digests


def test_died_between_seal_and_anchor(tmp_path: Path) -> None:
    folder = made(tmp_path, 1, commits=5)
    anchors = Rooms(tmp_path).anchors(folder.name)
    lines = anchors.read_bytes().splitlines(keepends=True)
    anchors.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])
    (folder / "open").touch()
    assert not verify(folder, Rooms(tmp_path)).intact
    [standing] = settle_crashed(Rooms(tmp_path))
    assert standing.state == State.SEALED and anchors.read_bytes() == b"".join(lines)
    assert verify(folder, Rooms(tmp_path)).intact


def test_died_before_the_log_was_cut_to_length(tmp_path: Path) -> None:
    folder = made(tmp_path, 1, commits=5)
    _last(folder).write_bytes(_last(folder).read_bytes() + bytes(4096))
    (folder / "open").touch()
    assert _settled(folder, tmp_path).state == State.SEALED


def _cut_log(folder: Path, rooms: Rooms) -> None:
    raw = (folder / "wal" / "journal-000000.wal").read_bytes()
    for path in sorted((folder / "wal").iterdir())[1:]:
        path.unlink()
    (folder / "wal" / "journal-000000.wal").write_bytes(raw[: len(raw) // 2])


def _lose_segment(folder: Path, rooms: Rooms) -> None:
    (folder / "wal" / "journal-000000.wal").unlink()


def _lose_anchors(folder: Path, rooms: Rooms) -> None:
    rooms.anchors(folder.name).unlink()


def _forge_anchor(folder: Path, rooms: Rooms) -> None:
    lines = rooms.anchors(folder.name).read_text().splitlines()
    fields = json.loads(lines[-1])
    fields["blocks"] -= 1
    rooms.anchors(folder.name).write_text("\n".join([*lines[:-1], json.dumps(fields)]) + "\n")


def _change_manifest(folder: Path, rooms: Rooms) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"day"', '"way"'))


def _lose_key(folder: Path, rooms: Rooms) -> None:
    shutil.rmtree(rooms.keys)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (_cut_log, "an anchor was signed at block"),
        (_lose_segment, "journal-000000.wal is missing"),
        (_lose_anchors, "it has no anchors"),
        (_forge_anchor, "is not signed by the key of this desk"),
        (_change_manifest, "is not signed by the key of this desk"),
        (_lose_key, "another signing key"),
    ],
)
def test_what_no_crash_does_is_quarantined(tmp_path: Path, act: Callable[[Path, Rooms], None], words: str) -> None:
    folder, rooms = _crashed(tmp_path), Rooms(tmp_path)
    act(folder, rooms)
    before = {path: path.read_bytes() for path in (folder / "wal").iterdir()}
    standing = settle(folder, rooms)
    assert standing.state == State.QUARANTINED
    assert re.search(words, standing.reason), standing.reason
    assert {path: path.read_bytes() for path in (folder / "wal").iterdir()} == before, "nothing is cut away"
    assert settle(folder, rooms).reason == standing.reason and not verify(folder, rooms).intact
    assert settle_crashed(rooms) == []


def test_damage_before_whole_blocks_of_a_durable_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No crash does that: each block was on the disk before the next was begun, and all but the last acknowledged."""
    monkeypatch.setattr("sessions.journal.journal._ANCHOR_NS", 1 << 60)
    folder = _crashed(tmp_path, durable=True, commits=3, segment=1 << 16)
    log = folder / "wal" / "journal-000000.wal"
    raw = bytearray(log.read_bytes())
    second = raw.find(b"TDJL", 8)
    raw[second + 200] ^= 1
    log.write_bytes(raw)
    standing = settle(folder, Rooms(tmp_path))
    assert standing.state == State.QUARANTINED and "is damaged, and block" in standing.reason


def test_state_that_is_none(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    recording = begin(rooms, Keys(rooms.keys))
    recording.journal.note("life", '{"state": "asleep"}')
    recording.journal.close()
    os.close(recording._lock or 0)
    assert settle(recording.folder, rooms).state == State.QUARANTINED
    assert "record of its state" in str(verify(recording.folder, rooms).findings[0])


def test_disk_still_full_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, rooms = _crashed(tmp_path), Rooms(tmp_path)
    other = _crashed(tmp_path)

    def full(disk: FolderDisk, name: str, size: int) -> None:
        raise JournalError(disk.folder / name, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(FolderDisk, "create", full)
        found = settle_crashed(rooms)
    assert [each.state for each in found] == [State.FAULTED, State.FAULTED]
    assert all("No space left" in each.reason for each in found)
    assert [each.reason for each in settle_crashed(rooms)] == ["ended without a seal"] * 2
    assert verify(folder, rooms).intact and verify(other, rooms).intact


_WRITER = """
import sys
from pathlib import Path
from sessions.journal.anchors import Keys
from sessions.recording import Rooms
from tests.oracle.journal_days import begin
rooms = Rooms(Path(sys.argv[1]))
recording = begin(rooms, Keys(rooms.keys))
recording.journal.flush()
print(recording.folder, flush=True)
sys.stdin.read()
"""


def test_second_writer_is_refused(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
    ) as first:  # fmt: skip
        assert first.stdout is not None
        folder = Path(first.stdout.readline().strip())
        assert is_live(folder)
        with pytest.raises(SessionLocked, match="another process writes this session"):
            take_lock(folder)
        standing = settle(folder, Rooms(tmp_path))
        assert standing.live and standing.state == State.CREATED and standing.blocks == 1
        found = verify(folder, Rooms(tmp_path))
        assert found.live and found.intact and found.records == 1
        first.kill()
    assert not is_live(folder)
    assert settle(folder, Rooms(tmp_path)).state == State.FAULTED


def test_disk_full_in_a_real_process(tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk."""
    root = Path(__file__).resolve().parents[3]
    program = """
import resource, sys
from pathlib import Path
import numpy as np
from sessions.journal.anchors import Keys
from sessions.journal.errors import JournalError
from sessions.recording import Rooms
from tests.oracle.journal_days import Day, begin
rooms = Rooms(Path(sys.argv[1]))
recording = begin(rooms, Keys(rooms.keys), durable=True, segment=8192)
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
day, done = Day(np.random.default_rng(1)), 0
try:
    for _ in range(100):
        day.commit(recording.journal, 15)
        done = recording.journal.records
except JournalError as error:
    print(done, error.reason)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    records, _, reason = done.stdout.strip().partition(" ")
    assert reason == "File too large"
    [standing] = settle_crashed(Rooms(tmp_path))
    assert standing.state == State.FAULTED and standing.records >= int(records)
    assert read_manifest(standing.folder).durable and verify(standing.folder, Rooms(tmp_path)).intact
