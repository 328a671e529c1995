"""The desk's list of sessions: signed, chained, shared by several processes."""

import threading
from pathlib import Path

import pytest

from sessions.journal.anchors import Keys
from sessions.journal.errors import JournalError
from sessions.journal.ledger import Ledger, read_ledger
from sessions.journal.log import Position
from sessions.recording import Rooms
from sessions.verify import verify
from tests.oracle.journal_days import made

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
