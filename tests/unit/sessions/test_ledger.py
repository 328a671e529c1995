"""The desk's list of sessions: signed, chained, shared by several processes."""

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from sessions.journal.anchors import Keys
from sessions.journal.errors import JournalError
from sessions.journal.ledger import Ledger, _file_hash, read_ledger, signed_lines
from sessions.journal.log import Position
from sessions.recording import Rooms, State
from sessions.settling import settle_crashed
from sessions.verify import verify
from tests.oracle.journal_days import Day, begin, made

GENESIS = bytes(range(32))


def _at(blocks: int) -> Position:
    return Position(0, 0, blocks, 10 * blocks, bytes([blocks]) * 32)


def _three(folder: Path) -> tuple[Path, Keys]:
    keys = Keys(folder / "keys")
    ledger = Ledger(folder / "anchors" / "ledger.jsonl", keys)
    ledger.add("a", GENESIS, _at(0))
    ledger.add("b", GENESIS, _at(0))
    ledger.add("a", GENESIS, _at(7))
    return ledger.path, keys


def test_the_furthest_of_each_session(tmp_path: Path) -> None:
    path, keys = _three(tmp_path)
    Ledger(path, keys).add("a", GENESIS, _at(3))  # whoever has cut it back and let it be closed again
    found, torn = read_ledger(path, keys.public)
    assert {name: entry.at.blocks for name, entry in found.items()} == {"a": 7, "b": 0} and not torn
    assert read_ledger(tmp_path / "none", keys.public) == ({}, b"")


@pytest.mark.parametrize("line", range(3))
def test_a_line_that_is_changed_moved_or_gone(tmp_path: Path, line: int) -> None:
    path, keys = _three(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    changed = lines[line].replace(b'"records": ', b'"records": 1')
    others = [[*lines[:line], changed, *lines[line + 1 :]], [*lines[:line], lines[line], *lines[line:]]]
    if line < 2:
        others.append([*lines[:line], *lines[line + 1 :]])
    for other in others:
        path.write_bytes(b"".join(other))
        with pytest.raises(JournalError, match="does not follow|is not signed"):
            read_ledger(path, keys.public)
    path.write_bytes(b"".join(lines))
    with pytest.raises(JournalError, match="is not signed"):
        read_ledger(path, Keys(tmp_path / "other").public)


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"signature": 1}', b'{"signature": "00"}']
)
def test_what_is_no_line(tmp_path: Path, line: bytes) -> None:
    path, keys = _three(tmp_path)
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(JournalError, match="line 4"):
        read_ledger(path, keys.public)


def test_a_torn_line_is_grown_over(tmp_path: Path) -> None:
    path, keys = _three(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    assert read_ledger(path, keys.public)[1] == whole[:50]
    Ledger(path, keys).add("c", GENESIS, _at(1))
    found, torn = read_ledger(path, keys.public)
    assert set(found) == {"a", "b", "c"} and not torn and path.read_bytes().startswith(whole)


def test_many_at_once(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys")
    path = tmp_path / "ledger.jsonl"

    def some(name: str) -> None:
        for blocks in range(10):
            Ledger(path, keys).add(name, GENESIS, _at(blocks))

    threads = [threading.Thread(target=some, args=(f"s{k}",)) for k in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    found, _ = read_ledger(path, keys.public)
    assert {name: entry.at.blocks for name, entry in found.items()} == {f"s{k}": 9 for k in range(4)}


def test_findings_say_where(tmp_path: Path) -> None:
    folder = made(tmp_path, 1, commits=6, count=30, segment=8192)
    log = sorted((folder / "wal").iterdir())[1]
    raw = bytearray(log.read_bytes())
    raw[300] ^= 4
    log.write_bytes(raw)
    first, *others = verify(folder, Rooms(tmp_path)).findings
    assert (first.place, first.byte, first.what) == ("journal-000001.wal", 0, "a checksum that does not fit")
    assert first.block and first.record and str(first).startswith("journal-000001.wal, byte 0, block ")
    assert any("the log ends here; an anchor was signed" in each.what for each in others)
    (tmp_path / "anchors" / "ledger.jsonl").unlink()
    assert any(f"has no line for {folder.name}" in each.what for each in verify(folder, Rooms(tmp_path)).findings)


def _spoil(path: Path, line: int) -> bytes:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = b"{" + lines[line][2:]
    path.write_bytes(b"".join(lines))
    return b"".join(lines)


def test_a_damaged_ledger_is_set_aside(tmp_path: Path) -> None:
    path, keys = _three(tmp_path)
    assert Ledger(path, keys).mend() == "" and Ledger(path.with_name("none"), keys).mend() == ""
    old = _spoil(path, 1)
    said = Ledger(path, keys).add("c", GENESIS, _at(0))
    [aside] = path.parent.glob("ledger-*.jsonl")
    assert aside.read_bytes() == old and "line 2 is not of a ledger" in said and aside.name in said
    first = json.loads(path.read_bytes().splitlines()[0])
    assert first["session"] == aside.name and first["head"] == _file_hash(old)
    found, torn = read_ledger(path, keys.public)
    assert set(found) == {"c"} and not torn
    assert Ledger(path, keys).add("c", GENESIS, _at(4)) == "" == Ledger(path, keys).mend()
    assert read_ledger(path, keys.public)[0]["c"].begun
    lines = signed_lines(path, "a", keys.public)
    assert [entry.at.blocks for entry in lines[aside.name]] == [0, 7] and set(lines) == {aside.name}
    assert not signed_lines(path, "b", keys.public), "nobody signed what its line says now"


def test_the_line_that_names_the_old_one_is_signed_and_first(tmp_path: Path) -> None:
    path, keys = _three(tmp_path)
    whole = path.read_bytes()
    _spoil(path, 0)
    Ledger(path, keys).add("c", GENESIS, _at(0))
    naming, line = path.read_bytes().splitlines(keepends=True)
    for other in (line, naming.replace(b'"head": "', b'"head": "00') + line, whole + naming, naming + naming + line):
        path.write_bytes(other)
        with pytest.raises(JournalError, match="ledger|follow|signed"):
            read_ledger(path, keys.public)


def test_dying_while_a_ledger_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, keys = _three(tmp_path)
    old = _spoil(path, 1)

    def dies(part: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies)
        with pytest.raises(JournalError, match="No space left"):
            Ledger(path, keys).add("c", GENESIS, _at(0))
    assert path.read_bytes() == old
    assert Ledger(path, keys).add("c", GENESIS, _at(0))
    assert [aside.read_bytes() for aside in path.parent.glob("ledger-*")] == [old]
    assert set(read_ledger(path, keys.public)[0]) == {"c"}


def test_many_set_the_same_one_aside(tmp_path: Path) -> None:
    path, keys = _three(tmp_path)
    _spoil(path, 1)
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda k=k: said.append(Ledger(path, keys).add(f"s{k}", GENESIS, _at(0))))
        for k in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(read_ledger(path, keys.public)[0]) == {f"s{k}" for k in range(6)}
    assert sorted(map(bool, said)) == [False] * 5 + [True] and len(list(path.parent.glob("ledger-*"))) == 1


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_ledger_that_is_no_file(tmp_path: Path, kind: str) -> None:
    path, keys = _three(tmp_path)
    path.rename(tmp_path / "elsewhere")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.mkdir()
    for act in (Ledger(path, keys).mend, lambda: read_ledger(path, keys.public)):
        with pytest.raises(JournalError, match=r"ledger\.jsonl"):
            act()


def test_damage_to_the_ledger_is_not_damage_to_sessions(tmp_path: Path) -> None:
    rooms = Rooms(tmp_path)
    before = [made(tmp_path, k, commits=3) for k in range(2)]
    keys = Keys(rooms.keys)
    across = begin(rooms, keys)
    _spoil(rooms.ledger, 1)
    for folder in before:
        found = verify(folder, rooms)
        assert not found.findings and not found.intact
        assert found.trouble.startswith("its own log is whole, the ledger that vouches for it is not: ")
        assert "line 2 is not of a ledger" in found.trouble
    after = made(tmp_path, 7, commits=3)
    assert verify(after, rooms).intact and verify(after, rooms).trouble == ""
    across.close(State.SEALED)
    for folder in (*before, across.folder):
        found = verify(folder, rooms)
        assert not found.findings and "which was damaged and set aside" in str(found.ledger[0]), found
    assert verify(after, rooms).intact


def test_a_repair_hides_no_session_that_was_cut_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who cuts a session back, spoils its line and lets the next start close it: never vouched for again."""
    monkeypatch.setattr("sessions.journal.journal._ANCHOR_NS", 0)
    rooms = Rooms(tmp_path)
    keys = Keys(rooms.keys)
    recording = begin(rooms, keys)
    day = Day(np.random.default_rng(1))
    for _ in range(6):
        day.commit(recording.journal, 15)
        recording.journal.flush()
    log = recording.folder / "wal" / "journal-000000.wal"
    anchors, early = rooms.anchors(recording.folder.name), log.read_bytes()
    signed = anchors.read_bytes()
    day.commit(recording.journal, 15)
    recording.close(State.SEALED)
    log.write_bytes(early)
    anchors.write_bytes(signed)
    (recording.folder / "open").touch()
    _spoil(rooms.ledger, 1)  # that it was closed
    assert Ledger(rooms.ledger, keys).mend()
    assert [each.state for each in settle_crashed(rooms)] == [State.FAULTED]
    found = verify(recording.folder, rooms)
    assert not found.intact and "which was damaged and set aside" in found.trouble
