"""The catalogue agrees with the folders, is made anew from them, and remembers how sealed sessions ended."""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from sessions.catalog import FILE, VERSION, ModelRow, SessionRow, TapeRow, catalog, refresh, seen_end
from sessions.journal.errors import JournalError
from sessions.writer_lock import take_lock
from tests.oracle.journals import made, small

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    small(tmp_path / "sessions" / "20240102-000000-one", blocks=3)
    small(tmp_path / "sessions" / "20240102-000001-two", blocks=4, seed=2)
    return tmp_path


def rows(home: Path) -> dict[str, SessionRow]:
    with catalog(home) as database:
        found = {row.id: row for row in database.scalars(select(SessionRow))}
        for row in found.values():
            assert [(use.kind, use.name) for use in row.uses if use.kind == "model"] == [("model", "clever")]
        return found


def test_sessions_tapes_and_models_are_listed(home: Path) -> None:
    assert refresh(home).read == 2
    found = rows(home)
    assert list(found) == ["20240102-000000-one", "20240102-000001-two"]
    one = found["20240102-000000-one"]
    assert (one.state, one.name, one.blocks) == ("sealed", "made", 5)
    assert one.records > 100 and len(one.head) == 64
    with catalog(home) as database:
        model = database.scalars(select(ModelRow)).one()
        tape = database.scalars(select(TapeRow)).one()
    assert (model.sha256, model.name, model.present) == ("ab" * 32, "clever", False)
    assert (tape.symbol, tape.present) == ("SYN", False)


def test_only_what_changed_is_read_again(home: Path) -> None:
    refresh(home)
    assert refresh(home).read == 0
    third = made(home / "sessions" / "20240102-000002-three")
    lock = take_lock(third.folder)
    assert refresh(home).read == 1
    assert rows(home)["20240102-000002-three"].state == "running"
    third.write(third.block(20))
    assert refresh(home).read == 1
    assert rows(home)["20240102-000002-three"].records == third.log.at.records
    os.close(lock)
    assert refresh(home).read == 1
    assert rows(home)["20240102-000002-three"].state == "faulted"
    assert seen_end(home, "20240102-000002-three") is None


def test_a_catalogue_that_is_gone_or_broken_is_made_anew(home: Path) -> None:
    refresh(home)
    before = {key: (row.head, row.records, row.stamp) for key, row in rows(home).items()}
    (home / FILE).unlink()
    for end in ("-wal", "-shm"):
        (home / (FILE + end)).unlink(missing_ok=True)
    assert refresh(home).read == 2
    (home / FILE).write_bytes(b"this is no database" * 500)
    done = refresh(home)
    assert done.read == 2 and "could not be read" in done.rebuilt
    assert {key: (row.head, row.records, row.stamp) for key, row in rows(home).items()} == before
    assert len(list(home.glob(f"{FILE}.bad-*"))) == 1


def test_an_older_one_is_made_anew_and_a_newer_one_refused(home: Path) -> None:
    refresh(home)
    with sqlite3.connect(home / FILE) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        raw.execute("DROP TABLE uses")
        raw.execute(f"PRAGMA user_version = {VERSION - 1}")
    raw.close()
    assert refresh(home).read == 2
    with sqlite3.connect(home / FILE) as raw:
        raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    raw.close()
    with pytest.raises(JournalError, match=f"of version {VERSION + 1}, this program reads {VERSION}"):
        refresh(home)


def test_a_sealed_session_that_ends_otherwise_is_named(home: Path) -> None:
    refresh(home)
    folder = home / "sessions" / "20240102-000001-two"
    head = rows(home)[folder.name].head
    assert seen_end(home, folder.name) == (6, head)
    log = sorted((folder / "wal").iterdir())[-1]
    log.write_bytes(log.read_bytes()[:-100])
    assert refresh(home).changed == (folder.name,)
    assert refresh(home).changed == (folder.name,)
    assert seen_end(home, folder.name) == (6, head)
    assert seen_end(home, "never") is None


def test_sessions_that_are_gone_are_forgotten_and_broken_ones_told(home: Path) -> None:
    refresh(home)
    shutil.rmtree(home / "sessions" / "20240102-000000-one")
    manifest = home / "sessions" / "20240102-000001-two" / "manifest.json"
    manifest.write_text(json.dumps({"format": 1}))
    refresh(home)
    with catalog(home) as database:
        (row,) = database.scalars(select(SessionRow)).all()
        assert (row.state, row.id) == ("quarantined", "20240102-000001-two")
        assert "missing or of the wrong kind" in row.reason


def test_model_files_are_known_by_content(home: Path) -> None:
    file = home / "new.onnx"
    file.write_bytes(b"weights")
    refresh(home, [file])
    with catalog(home) as database:
        row = database.get(ModelRow, hashlib.sha256(b"weights").hexdigest())
        assert row is not None and row.present and row.name == "new"
    file.unlink()
    refresh(home)
    with catalog(home) as database:
        assert database.scalars(select(ModelRow.name)).all() == ["clever"]


def test_several_at_once(home: Path) -> None:
    errors: list[Exception] = []

    def one() -> None:
        try:
            for _ in range(3):
                refresh(home)
        except JournalError as error:
            errors.append(error)

    command = [
        sys.executable,
        "-c",
        f"from pathlib import Path\nfrom sessions.catalog import refresh\nrefresh(Path({str(home)!r}))",
    ]
    process = subprocess.Popen(command, cwd=_ROOT)
    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert process.wait(60) == 0
    assert not errors and len(rows(home)) == 2


def test_an_empty_home_has_an_empty_catalogue(tmp_path: Path) -> None:
    assert refresh(tmp_path / "none").sessions == 0
    assert rows(tmp_path / "none") == {}


def test_a_home_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError):
        refresh(tmp_path / "file")
