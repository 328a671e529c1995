"""A disk that is full, broken or slow: the journal stops by name, and what was acknowledged stays."""

import threading
from pathlib import Path

import numpy as np
import pytest

from core.records import DECISION
from sessions.journal.anchors import Anchor, AnchorBook, Keys
from sessions.journal.errors import JournalError
from sessions.journal.journal import Journal
from sessions.journal.log import Log, Position, start_of
from sessions.journal.reading import Reader
from sessions.journal.recover import recover
from tests.oracle.sim_disk import SimDisk

GENESIS = bytes(range(32))


class Signed:
    """Anchors that cost nothing."""

    def __init__(self) -> None:
        self.last = Anchor(0, 0, GENESIS)

    def add(self, at: Position) -> None:
        self.last = Anchor(at.blocks, at.records, at.head)


def _disk() -> SimDisk:
    return SimDisk(np.random.default_rng(1))


def _journal(disk: SimDisk, signed: Signed, durable: bool) -> Journal:
    return Journal(Log(disk, start_of(GENESIS), 4096), signed, durable)  # type: ignore[arg-type]


def _commit(journal: Journal, number: int) -> None:
    records = np.zeros(5, DECISION)
    records["seq"] = np.arange(5) + 5 * number
    journal.take("decisions", records)
    journal.commit()


def _write_until_it_fails(journal: Journal, commits: int = 200) -> tuple[int, JournalError]:
    """Commits that were acknowledged, and what ended them."""
    done = 0
    try:
        for number in range(commits):
            _commit(journal, number)
            if not journal.durable:
                journal.flush()
            done = number + 1
        journal.close()
    except JournalError as failure:
        return done, failure
    pytest.fail("nothing has failed")


def _seqs(disk: SimDisk) -> list[int]:
    reader = Reader(disk, start_of(GENESIS))
    found = [int(seq) for block in reader for each in block.sections for seq in each.records["seq"]]
    assert not reader.fault
    return found


def _after(disk: SimDisk, signed: Signed, durable: bool, done: int) -> None:
    """Everything acknowledged is there after a start, and one can go on."""
    after = disk.power_cut() if durable else disk.process_death()
    found = recover(after, GENESIS, "log", signed.last, durable)
    seqs = _seqs(after)
    assert seqs == list(range(len(seqs))) and len(seqs) >= 5 * done
    journal = Journal(Log(after, found.at, 4096), Signed(), durable=True)  # type: ignore[arg-type]
    _commit(journal, len(seqs) // 5)
    journal.close()
    assert _seqs(after) == list(range(len(seqs) + 5))


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("room", [0, 3000, 4096, 10_000, 40_000])
def test_disk_full(durable: bool, room: int) -> None:
    disk, signed = _disk(), Signed()
    disk.room = room
    journal = _journal(disk, signed, durable)
    done, failure = _write_until_it_fails(journal)
    assert "No space left" in str(failure) and (done > 0) == (room >= 4096)
    assert journal.failure is not None and journal.failure.reason == failure.reason
    for _ in range(3):  # it stays stopped, also when there is room again
        disk.room = None
        with pytest.raises(JournalError, match="No space"):
            _commit(journal, 999)
    with pytest.raises(JournalError, match="No space"):
        journal.close()
    _after(disk, signed, durable, done)


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("number", [1, 2, 7, 8, 20])
def test_write_error(durable: bool, number: int) -> None:
    disk, signed = _disk(), Signed()
    disk.broken_writes = {number}
    journal = _journal(disk, signed, durable)
    done, failure = _write_until_it_fails(journal)
    assert done == number - 1 and "Input/output error" in str(failure)
    _after(disk, signed, durable, done)


@pytest.mark.parametrize("number", [1, 2, 7, 8, 20])
def test_sync_error_is_never_tried_again(number: int) -> None:
    """A second sync would say that all is well: the system has marked the lost pages clean."""
    disk, signed = _disk(), Signed()
    disk.broken_syncs = {number}
    journal = _journal(disk, signed, True)
    done, failure = _write_until_it_fails(journal)
    assert "Input/output error" in str(failure)
    syncs = disk.syncs
    with pytest.raises(JournalError):
        journal.close()
    assert disk.syncs == syncs and signed.last.blocks <= done
    _after(disk, signed, True, done)


def test_sync_error_of_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.journal.journal._ANCHOR_NS", 0)
    disk, signed = _disk(), Signed()
    disk.broken_syncs = {3}
    done, failure = _write_until_it_fails(_journal(disk, signed, False))
    assert done == 2 and "Input/output error" in str(failure)


def test_slow_sync_holds_back_what_must_be_durable() -> None:
    disk, signed, released, begun = _disk(), Signed(), threading.Event(), threading.Event()
    disk.slow_sync = lambda: (begun.set(), released.wait(20))  # type: ignore[assignment, return-value]
    journal, acknowledged = _journal(disk, signed, True), threading.Event()
    trader = threading.Thread(target=lambda: (_commit(journal, 0), acknowledged.set()))
    trader.start()
    assert begun.wait(20) and not acknowledged.wait(0.05)
    released.set()
    trader.join(20)
    assert acknowledged.is_set() and _seqs(disk.power_cut()) == [0, 1, 2, 3, 4]


def test_slow_sync_does_not_hold_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.journal.journal._ANCHOR_NS", 0)
    disk, signed, released = _disk(), Signed(), threading.Event()
    disk.slow_sync = lambda: released.wait(20)  # type: ignore[assignment, return-value]
    journal = _journal(disk, signed, False)
    for number in range(100):
        _commit(journal, number)
    assert not released.is_set()
    released.set()
    journal.close()
    assert _seqs(disk) == list(range(500)) and signed.last.records == 500


def test_a_writer_that_dies_of_something_else_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    journal = _journal(_disk(), Signed(), False)
    monkeypatch.setattr(journal, "_append", lambda sections: 1 / 0)
    _commit(journal, 0)
    with pytest.raises(JournalError, match="its writer has died"):
        journal.flush()
    with pytest.raises(JournalError):
        journal.close()
    assert len(seen) == 1


def test_closed_is_closed() -> None:
    journal = _journal(_disk(), Signed(), False)
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        _commit(journal, 0)


def test_long_texts_and_no_records() -> None:
    disk = _disk()
    journal = _journal(disk, Signed(), True)
    journal.take("decisions", np.zeros(0, DECISION))
    journal.commit()
    assert journal.records == 0
    journal.note("acts", '{"reason": "' + "ü" * 200_000 + '"}')
    journal.commit()
    with pytest.raises(JournalError, match="characters"):
        journal.note("acts", "x" * (1 << 23))
    journal.close(seal=False)
    [block] = Reader(disk, start_of(GENESIS))
    assert block.sections[0].text().decode().count("ü") == 200_000


def test_large_commits_become_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.journal.journal._LARGEST", 10_000)
    for durable in (True, False):
        disk = _disk()
        journal = _journal(disk, Signed(), durable)
        records = np.zeros(1000, DECISION)
        records["seq"] = np.arange(1000)
        journal.take("decisions", records)
        journal.take("decisions", records[:0])
        journal.note("acts", "{}")
        journal.commit()
        journal.close(seal=False)
        blocks = list(Reader(disk, start_of(GENESIS)))
        assert len(blocks) > 10 and all(block.size <= 10_300 for block in blocks)
        found = np.concatenate([e.records["seq"] for b in blocks for e in b.sections if e.stream.name == "decisions"])
        assert found.tolist() == list(range(1000)) and blocks[-1].sections[-1].stream.name == "acts"


def test_reader_follows_a_writer_into_the_next_segment() -> None:
    """What is added to a segment between reading it and seeing the next one is not passed over."""
    disk = _disk()
    log = Log(disk, start_of(GENESIS), 4096)
    journal = Journal(log, Signed(), True)  # type: ignore[arg-type]
    _commit(journal, 0)

    class Racing(SimDisk):
        def read(self, name: str) -> memoryview:
            raw = disk.read(name)
            if log.at.segment == 0:  # the writer is quicker than whoever reads
                for number in range(1, 12):
                    _commit(journal, number)
            return raw

        def names(self) -> list[str]:
            return disk.names()

    reader = Reader(Racing(np.random.default_rng(0)), start_of(GENESIS))
    seqs = [int(seq) for block in reader for each in block.sections for seq in each.records["seq"]]
    assert log.at.segment > 0 and seqs == list(range(60)) and not reader.fault


def test_no_room_for_anchors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.journal.journal._ANCHOR_NS", 0)
    (tmp_path / "anchors").mkdir()
    book = AnchorBook(tmp_path / "anchors" / "x.jsonl", "x", GENESIS, Keys(tmp_path / "keys"))
    journal = Journal(Log(_disk(), start_of(GENESIS), 4096), book, True)
    _commit(journal, 0)
    book.path.unlink()
    book.path.mkdir()  # root may write anywhere: a folder is what even root cannot append to
    with pytest.raises(JournalError, match="directory"):
        _commit(journal, 1)
    assert journal.failure is not None
