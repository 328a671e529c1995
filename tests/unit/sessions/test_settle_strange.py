"""Folders no session of this desk has made (copies, foreign ids, links, pipes): no start waits, nothing is signed."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sessions.journal.anchors import Keys
from sessions.journal.errors import JournalError
from sessions.journal.ledger import read_ledger
from sessions.manifest import ID, read_manifest
from sessions.recording import Recording, Rooms, State, new_id
from sessions.settling import settle, settle_all, settle_crashed
from sessions.verify import verify
from tests.oracle.journal_days import Day, begin


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.journal.journal._ANCHOR_NS", 0)


def _running(home: Path) -> Recording:
    rooms = Rooms(home)
    recording = begin(rooms, Keys(rooms.keys), segment=8192)
    day = Day(np.random.default_rng(3))
    for _ in range(4):
        day.commit(recording.journal, 15)
        recording.journal.flush()
    return recording


def _crashed(home: Path) -> Path:
    recording = _running(home)
    recording.abandon()
    return recording.folder


def _desk(home: Path) -> dict[Path, bytes]:
    """What the desk keeps outside of the sessions' folders."""
    return {path: path.read_bytes() for path in (home / "anchors").iterdir()}


def _words(folder: Path, home: Path) -> list[str]:
    return [str(finding) for finding in verify(folder, Rooms(home)).findings]


def test_copy_of_a_live_session(tmp_path: Path) -> None:
    recording, rooms = _running(tmp_path), Rooms(tmp_path)
    copy = recording.folder.with_name("00-backup")
    shutil.copytree(recording.folder, copy)
    before = _desk(tmp_path)
    [standing] = settle_crashed(rooms)
    assert (standing.folder, standing.state) == (copy, State.QUARANTINED)
    assert standing.reason.startswith(f"is a copy of {recording.folder.name}")
    assert _desk(tmp_path) == before and verify(recording.folder, rooms).intact
    assert {each.folder.name: each.live for each in settle_all(rooms)} == {
        "00-backup": False,
        recording.folder.name: True,
    }
    recording.close(State.SEALED)
    assert verify(recording.folder, rooms).intact and not verify(copy, rooms).intact


@pytest.mark.parametrize("name", ["00-backup", "00000000-000000-day", "A-backup"])
def test_copy_of_a_crashed_session(tmp_path: Path, name: str) -> None:
    folder, rooms = _crashed(tmp_path), Rooms(tmp_path)
    copy = folder.with_name(name)
    shutil.copytree(folder, copy)
    files = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    found = {each.folder: each.state for each in settle_crashed(rooms)}
    assert found == {copy: State.QUARANTINED, folder: State.FAULTED}
    assert verify(folder, rooms).intact, _words(folder, tmp_path)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == files, "put back, it is whole"


def test_copy_whose_manifest_is_made_to_fit(tmp_path: Path) -> None:
    """It is none that this desk has begun: nothing is signed for it."""
    folder, rooms = _crashed(tmp_path), Rooms(tmp_path)
    settle(folder, rooms)
    copy = folder.with_name("20200101-000000-day")
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "wal")
    (copy / "open").touch()
    text = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(text.replace(folder.name, copy.name))
    before = _desk(tmp_path)
    [standing] = settle_crashed(rooms)
    assert standing.state == State.QUARANTINED and "does not say that 20200101-000000-day was begun" in standing.reason
    assert _desk(tmp_path) == before and list((copy / "wal").iterdir()) == []


@pytest.mark.parametrize(
    "session",
    ["../../escaped", "/etc/x", "", ".", "20240102-143000-", "20240102-143000-A", "20240102-143000-a/b",
     "20240102-143000-a\n", "20240102-143000-a.b", "ledger", "２０240102-143000-a", "20240102-143000-" + "a" * 46],
)  # fmt: skip
def test_an_id_that_is_none(tmp_path: Path, session: str) -> None:
    folder, rooms = _crashed(tmp_path), Rooms(tmp_path)
    fields = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**fields, "id": session}))
    with pytest.raises(JournalError, match="id is not one of a session"):
        read_manifest(folder)
    before = sorted(tmp_path.rglob("*"))
    [standing] = settle_crashed(rooms)
    assert standing.state == State.QUARANTINED and "id is not one of a session" in standing.reason
    assert sorted(tmp_path.rglob("*")) == before and not (tmp_path.parent / "escaped.jsonl").exists()


@pytest.mark.parametrize("name", ["a", "", "../..", "Größe!", "x" * 200, "a" * 39 + " b", "9", "--", "\ud800"])
def test_ids_that_are_made_are_ids(tmp_path: Path, name: str) -> None:
    made = [new_id(name, Rooms(tmp_path)) for _ in range(3)]
    assert all(ID.fullmatch(each) for each in made) and len(set(made)) == 3


def _other(folder: Path) -> Path:
    """A place outside of the session that must not be touched."""
    other = folder.parents[1] / "elsewhere"
    other.mkdir(exist_ok=True)
    return other


def _link_lock(folder: Path) -> None:
    (folder / "lock").unlink()
    (folder / "lock").symlink_to(_other(folder) / "lock")


def _pipe_lock(folder: Path) -> None:
    (folder / "lock").unlink()
    os.mkfifo(folder / "lock")


def _folder_lock(folder: Path) -> None:
    (folder / "lock").unlink()
    (folder / "lock").mkdir()


def _folder_mark(folder: Path) -> None:
    (folder / "quarantined").mkdir()


def _pipe_mark(folder: Path) -> None:
    os.mkfifo(folder / "quarantined")


def _link_mark(folder: Path) -> None:
    (folder / "quarantined").symlink_to(_other(folder) / "mark")
    (folder / "wal" / "journal-000000.wal").unlink()


def _pipe_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


def _link_manifest(folder: Path) -> None:
    (folder / "manifest.json").rename(_other(folder) / "manifest.json")
    (folder / "manifest.json").symlink_to(_other(folder) / "manifest.json")


def _huge_manifest(folder: Path) -> None:
    os.truncate(folder / "manifest.json", 1 << 40)


def _link_log(folder: Path) -> None:
    (folder / "wal").rename(_other(folder) / "wal")
    (folder / "wal").symlink_to(_other(folder) / "wal")


def _dangling_log(folder: Path) -> None:
    shutil.rmtree(folder / "wal")
    (folder / "wal").symlink_to(_other(folder) / "wal")


def _file_log(folder: Path) -> None:
    shutil.rmtree(folder / "wal")
    (folder / "wal").touch()


def _link_segment(folder: Path) -> None:
    name = "journal-000009.wal"
    (folder / "wal" / name).symlink_to(_other(folder) / name)


def _pipe_segment(folder: Path) -> None:
    (folder / "wal" / "journal-000000.wal").unlink()
    os.mkfifo(folder / "wal" / "journal-000000.wal")


def _link_whole(folder: Path) -> None:
    folder.rename(_other(folder) / folder.name)
    folder.symlink_to(_other(folder) / folder.name)


def _pipe_anchors(folder: Path) -> None:
    path = Rooms(folder.parents[1]).anchors(folder.name)
    path.unlink()
    os.mkfifo(path)


_STRANGE = [
    _link_lock, _pipe_lock, _folder_lock, _folder_mark, _pipe_mark, _link_mark, _pipe_manifest, _link_manifest,
    _huge_manifest, _link_log, _dangling_log, _file_log, _link_segment, _pipe_segment, _link_whole, _pipe_anchors,
]  # fmt: skip


@pytest.mark.parametrize("act", _STRANGE)
def test_a_strange_folder_holds_up_no_start(tmp_path: Path, act: Callable[[Path], None]) -> None:
    strange, rooms = _crashed(tmp_path), Rooms(tmp_path)
    other = _crashed(tmp_path)
    act(strange)
    outside = _other(strange)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    found = {each.folder: each for each in settle_crashed(rooms)}
    assert found[strange].state == State.QUARANTINED
    assert re.search("manifest|lock|quarantined|wal|link|jsonl", found[strange].reason)
    assert found[other].state == State.FAULTED and verify(other, rooms).intact
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before, "nothing is followed"
    again = {each.folder: each.state for each in settle_crashed(rooms)}
    assert again in ({}, {strange: State.QUARANTINED})
    assert not verify(strange, rooms).intact


def test_open_that_is_a_folder(tmp_path: Path) -> None:
    folder, rooms = _crashed(tmp_path), Rooms(tmp_path)
    (folder / "open").unlink()
    (folder / "open").mkdir()
    [standing] = settle_crashed(rooms)
    assert standing.state == State.FAULTED and "cannot be closed now" in standing.reason


def test_a_mark_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, rooms = _crashed(tmp_path), Rooms(tmp_path)
    rooms.anchors(folder.name).unlink()
    real = os.open

    def full(path: Path, flags: int, mode: int = 0o777) -> int:
        if Path(path).name == "quarantined" and flags & os.O_CREAT:
            raise OSError(28, "No space left on device")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", full)
    [standing] = settle_crashed(rooms)
    assert standing.state == State.QUARANTINED
    assert (
        standing.reason
        == "it has no anchors: their file is gone (which cannot be written down: No space left on device)"
    )


def test_a_session_is_in_the_ledger_before_it_has_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever moment a process dies at while it begins one, the next start may sign its end."""
    rooms = Rooms(tmp_path)
    keys = Keys(rooms.keys)

    def dies(*args: object) -> None:
        raise JournalError("here", "died")

    with monkeypatch.context() as patch:
        patch.setattr("sessions.recording.AnchorBook", dies)
        with pytest.raises(JournalError, match="died"):
            begin(rooms, keys)
    [folder] = rooms.sessions.iterdir()
    assert read_ledger(rooms.ledger, keys.public)[0][folder.name].begun
    assert [each.state for each in settle_crashed(rooms)] == [State.FAULTED]
    assert verify(folder, rooms).intact
