"""From the log to DuckDB: every record once, whatever dies, and nothing of it is believed that the log does not say."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from core.clock import sleep
from core.enums import OperatorAct
from core.records import CONTROLS
from sessions.audit import store
from sessions.audit.connect import reading
from sessions.audit.errors import ProjectionBusy, ProjectionNewer
from sessions.audit.project import Projected, project, rebuild
from sessions.audit.schema import OBSERVED, OF_A_TAPE, TABLES, VERSION, fields_of
from sessions.journal.errors import JournalError
from sessions.journal.log import segment_name
from sessions.journal.streams import BY_NAME, text_section
from tests.oracle.journals import AGENTS, FEATURES, Made, made, small

_ROOT = Path(__file__).resolve().parents[3]
#: Dies at the n-th statement or commit of its projection.
_DYING = """
import os, sys
from pathlib import Path
import duckdb
from sessions.audit import project, store
from sessions.manifest import read_manifest
left = int(sys.argv[2])
def step(real):
    def dying(*args, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return real(*args, **more)
    return dying
store.insert = project.insert = step(store.insert)
store.move = project.move = step(store.move)
project._write = step(project._write)
project.make = step(project.make)
folder = Path(sys.argv[1])
project.project(folder, read_manifest(folder), rows=int(sys.argv[3]))
"""


def tables(folder: Path, *, floats: bool = True) -> dict[str, list[Any]]:
    """Everything in the file but how it was made, in the order of the tables."""
    with duckdb.connect(folder / store.FILE, read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchnumpy() for name in names}


def same(one: Path, other: Path) -> None:
    a, b = tables(one), tables(other)
    assert a.keys() == b.keys()
    for table in a:
        for column in a[table]:
            if table not in ("session", "projection") or column not in (
                "id",
                "manifest",
                "manifest_hash",
                "genesis",
                "head",
            ):
                np.testing.assert_array_equal(a[table][column], b[table][column], f"{table}.{column}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Made:
    journal = small(tmp_path_factory.mktemp("whole") / "session")
    done = project(journal.folder, journal.manifest)
    assert done.complete and not done.fault and not done.rebuilt and done.added == journal.log.at.records
    return journal


@pytest.mark.parametrize("stream", list(TABLES))
def test_every_field_of_every_record_is_in_its_table(whole: Made, stream: str) -> None:
    sequence, tape, rows = whole.whole(stream)
    with duckdb.connect(whole.folder / store.FILE, read_only=True) as connection:
        found = connection.execute(f'SELECT * FROM "{TABLES[stream]}"').fetchnumpy()
    np.testing.assert_array_equal(found.pop("record"), sequence)
    if stream in OF_A_TAPE:
        np.testing.assert_array_equal(found.pop("tape"), tape)
    if stream == "readings":
        np.testing.assert_array_equal(found.pop("row"), np.arange(len(rows)))
        for k, name in enumerate(FEATURES):
            np.testing.assert_array_equal(found.pop(name), rows[:, k])
        assert not found
        return
    if stream == "verdicts":
        assert len(OBSERVED) == CONTROLS
        for k, name in enumerate(OBSERVED):
            np.testing.assert_array_equal(np.ma.filled(found.pop(name), np.nan), rows["observed"][:, k])
    fields = [name for name in fields_of(BY_NAME[stream].dtype) if name != "observed"]
    assert sorted(fields) == sorted(found)
    for name in fields:
        np.testing.assert_array_equal(found[name], rows[name])


def test_texts_are_kept_word_for_word_and_read(whole: Made) -> None:
    with reading(whole.folder, whole.manifest) as journal:
        ask = journal.connection.execute
        assert ask("SELECT * FROM notes ORDER BY record").fetchall() == whole.texts
        acts = ask("SELECT act, agent, reason, person, failed, failed_record - record FROM operator_actions").fetchall()
        assert acts == [("pause", "maker", "because", "bob", None, None),
                        ("kill", "desk", "because", "bob", "nobody is there", 1)]  # fmt: skip
        changes = "SELECT what, version, scope, before, after, person FROM limits WHERE record >= 0"
        assert ask(changes).fetchall() == [
            ("made", 2, "agent.maker", pytest.approx(np.nan, nan_ok=True), 40.0, "ann"),
            ("made", 3, "desk", 10_000.0, 30.0, "ann"), ("expired", 4, "desk", 10_000.0, 30.0, "ann"),
        ]  # fmt: skip
        stood = (
            "SELECT version, agent, value, scope FROM limits_in_force WHERE control = 8 AND instrument = 0 ORDER BY ALL"
        )
        assert ask(stood).fetchall() == [
            (1, 0, 10_000.0, "desk"), (1, 1, 10_000.0, "desk"), (2, 0, 40.0, "agent.maker"), (3, 0, 30.0, "desk"),
            (3, 1, 30.0, "desk"), (4, 0, 40.0, "agent.maker"), (4, 1, 10_000.0, "desk"),
        ]  # fmt: skip
        assert ask("SELECT state FROM life ORDER BY record").fetchall() == [("running",), ("sealed",)]
        assert ask("SELECT agent, words FROM reasons WHERE code = 1000").fetchall() == [(0, "sees a gap")]
        assert ask("SELECT model, name FROM models").fetchall() == [(0, "clever")]


def test_in_small_steps_while_the_writer_appends_is_the_same_as_at_once(tmp_path: Path, whole: Made) -> None:
    journal, seen = made(tmp_path / "session", segment=1 << 16), 0
    for k in range(12):
        extra: list[Any] = []
        if k == 2:
            extra = journal.change("agent.maker", "order_qty", 40.0)
        elif k == 4:
            extra = journal.change("desk", "order_qty", 30.0, journal.clock + 10**9)
        elif k == 6:
            acts = [*journal.act(OperatorAct.PAUSE, 0), *journal.act(OperatorAct.KILL, failed="nobody is there")]
            extra = acts
        elif k == 8:
            extra = journal.expire()
        journal.write([*extra, *journal.block(40)])
        if k % 3:
            continue
        done = project(journal.folder, journal.manifest, rows=1)
        assert not done.fault and not done.complete and done.at.records == journal.log.at.records
        seen += done.added
    journal.seal()
    done = project(journal.folder, journal.manifest)
    assert done.complete and seen + done.added == journal.log.at.records
    assert project(journal.folder, journal.manifest).added == 0
    same(journal.folder, whole.folder)


def test_a_refusal_written_later_than_its_act(tmp_path: Path) -> None:
    journal = made(tmp_path / "session")
    both = journal.act(OperatorAct.KILL, failed="no")
    journal.write(both[:1])
    project(journal.folder, journal.manifest)
    journal.write([both[1], *journal.act(OperatorAct.PAUSE)])
    project(journal.folder, journal.manifest)
    with reading(journal.folder, journal.manifest) as opened:
        found = opened.connection.execute("SELECT act, failed, failed_record FROM operator_actions").fetchall()
    assert found == [("kill", "no", 2), ("pause", None, None)]


def _die(folder: Path, after: int, rows: int) -> int:
    command = [sys.executable, "-c", _DYING, str(folder), str(after), str(rows)]
    return subprocess.run(command, cwd=_ROOT, check=False, capture_output=True).returncode


def _killed(tmp_path: Path, whole: Made, points: list[int]) -> list[int]:
    """Die at each of these steps, one after the other on the same folder; the last projection is left to live."""
    folder = tmp_path / "session"
    shutil.copytree(whole.folder, folder, ignore=shutil.ignore_patterns("journal.duckdb*"))
    deaths = [_die(folder, after, 300) for after in points]
    assert project(folder, whole.manifest).complete
    same(folder, whole.folder)
    return deaths


def test_killed_projections_leave_nothing_out_and_nothing_twice(tmp_path: Path, whole: Made) -> None:
    assert _killed(tmp_path, whole, [5, 17, 27]) == [-9, -9, -9]


@pytest.mark.nightly
def test_killed_at_every_step(tmp_path: Path, whole: Made) -> None:
    deaths = [_killed(tmp_path / str(k), whole, [k])[0] for k in range(80)]
    assert deaths.count(-9) >= 40
    assert deaths[-1] == 0


@pytest.mark.nightly
def test_killed_at_any_time(tmp_path: Path, whole: Made) -> None:
    rng, killed = np.random.default_rng(5), 0
    command = [sys.executable, "-c", _DYING, "", "1000000", "100"]
    for k in range(40):
        folder = tmp_path / str(k)
        shutil.copytree(whole.folder, folder, ignore=shutil.ignore_patterns("journal.duckdb*"))
        for _ in range(3):
            process = subprocess.Popen([*command[:3], str(folder), *command[4:]], cwd=_ROOT)
            sleep(0.6 + 0.8 * float(rng.random()))
            process.kill()
            killed += process.wait() == -9
        assert project(folder, whole.manifest).complete
        same(folder, whole.folder)
    assert killed > 40


def test_an_older_schema_is_made_anew_and_a_newer_one_refused(tmp_path: Path) -> None:
    journal = small(tmp_path / "session", blocks=3)
    folder, manifest = journal.folder, journal.manifest
    project(folder, manifest)

    def become(version: int) -> None:
        with duckdb.connect(folder / store.FILE) as connection:
            connection.execute(f"UPDATE projection SET version = {version}")
            connection.execute("DELETE FROM decisions")

    become(VERSION - 1)
    done = project(folder, manifest)
    assert f"schema {VERSION - 1}" in done.rebuilt and done.added == journal.log.at.records
    become(VERSION + 1)
    with pytest.raises(ProjectionNewer, match=f"schema {VERSION + 1}, this program reads {VERSION}"):
        project(folder, manifest)
    with pytest.raises(ProjectionNewer), reading(folder, manifest):
        pass
    assert rebuild(folder, manifest).added == journal.log.at.records


def test_other_tables_or_views_of_the_same_version_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = small(tmp_path / "session", blocks=2)
    project(journal.folder, journal.manifest)
    views = store.views()
    monkeypatch.setattr(store, "views", lambda: [*views, "CREATE VIEW v_more AS SELECT 1 AS one"])
    store._statements.cache_clear()
    try:
        assert "not those of this program" in project(journal.folder, journal.manifest).rebuilt
        with reading(journal.folder, journal.manifest) as opened:
            assert opened.connection.execute("FROM v_more").fetchall() == [(1,)]
    finally:
        store._statements.cache_clear()


@pytest.mark.parametrize("raw", [b"", b"nothing of DuckDB" * 1000])
def test_a_file_that_is_none_is_made_anew(tmp_path: Path, whole: Made, raw: bytes) -> None:
    folder = tmp_path / "session"
    shutil.copytree(whole.folder, folder)
    (folder / store.FILE).write_bytes(raw)
    done = project(folder, whole.manifest)
    assert done.rebuilt and done.complete
    same(folder, whole.folder)


def test_a_log_that_lost_its_end_is_believed_and_not_the_projection(tmp_path: Path) -> None:
    journal = made(tmp_path / "session")
    journal.write(journal.block(10))
    kept = journal.log.at
    journal.write(journal.block(10))
    project(journal.folder, journal.manifest)
    with (journal.folder / "wal" / segment_name(0)).open("r+b") as file:  # as after a power cut
        file.truncate(kept.offset)
        file.truncate(1 << 20)
    done = project(journal.folder, journal.manifest)
    assert "the log has no block 2 as it was projected" in done.rebuilt and done.at == kept
    with reading(journal.folder, journal.manifest) as opened:
        assert opened.connection.execute("SELECT max(seq) FROM decisions").fetchall() == [(9,)]


def test_of_a_damaged_log_what_is_whole(tmp_path: Path, whole: Made) -> None:
    folder = tmp_path / "session"
    shutil.copytree(whole.folder, folder, ignore=shutil.ignore_patterns("journal.duckdb*"))
    with (folder / "wal" / segment_name(1)).open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)
        file.seek(5000)
        file.write(bytes([byte[0] ^ 1]))
    done = project(folder, whole.manifest)
    assert "journal-000001.wal" in done.fault and "checksum" in done.fault
    assert 0 < done.at.records < whole.log.at.records and not done.complete
    (folder / "quarantined").write_text("its anchor says otherwise\n")
    assert "checksum" in project(folder, whole.manifest).fault


def test_a_quarantined_session_says_so(tmp_path: Path, whole: Made) -> None:
    folder = tmp_path / "session"
    shutil.copytree(whole.folder, folder)
    (folder / "quarantined").write_text("its anchor says otherwise\n")
    done = project(folder, whole.manifest)
    assert done.complete and done.fault == "in quarantine: its anchor says otherwise"


@pytest.mark.parametrize(
    ("stream", "text"),
    [("acts", "{"), ("acts", "[]"), ("acts", '{"act": 3}'), ("life", '{"state": 1}'), ("limits", '{"version": "x"}'),
     ("limits", '{"version": 9, "ts": 1, "made": [], "gone": []}'), ("acts", "[" * 60_000), ("life", b"\xff\xfe")],
)  # fmt: skip
def test_a_text_that_says_nothing_ends_the_projection_before_its_block(
    tmp_path: Path, stream: str, text: str | bytes
) -> None:
    journal = made(tmp_path / "session")
    journal.write(journal.block(5))
    kept = journal.log.at
    journal.log.append([*journal.block(5), text_section(stream, text)])
    done = project(journal.folder, journal.manifest)
    assert done.at == kept and "what lies behind it is not read" in done.fault
    assert project(journal.folder, journal.manifest).at == kept


def test_a_manifest_that_cannot_be_used_is_one_error(tmp_path: Path) -> None:
    journal = small(tmp_path / "session", blocks=1)
    raw = json.loads((journal.folder / "manifest.json").read_text())
    for key, value in (("plan", {}), ("features", {"names": ["record"]}), ("tapes", []), ("agents", [{}])):
        broken = type(journal.manifest)({**raw, key: value}, journal.manifest.hash)
        with pytest.raises(JournalError):
            project(journal.folder, broken)
    assert project(journal.folder, journal.manifest).complete


def test_two_at_once_the_second_waits_or_is_told(tmp_path: Path, whole: Made) -> None:
    folder = tmp_path / "session"
    shutil.copytree(whole.folder, folder, ignore=shutil.ignore_patterns("journal.duckdb*"))
    with store.locked(folder), pytest.raises(ProjectionBusy, match="another process"):
        project(folder, whole.manifest, patience=0.05)
    found: list[Projected] = []
    threads = [threading.Thread(target=lambda: found.append(project(folder, whole.manifest))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done.added for done in found) == [0, 0, 0, whole.log.at.records]
    same(folder, whole.folder)


def test_two_processes_at_once(tmp_path: Path, whole: Made) -> None:
    folder = tmp_path / "session"
    shutil.copytree(whole.folder, folder, ignore=shutil.ignore_patterns("journal.duckdb*"))
    command = [sys.executable, "-c", _DYING, str(folder), "1000000", "200"]
    both = [subprocess.Popen(command, cwd=_ROOT) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    same(folder, whole.folder)


def test_readers_share_and_hold_up_nobody_who_writes_the_log(tmp_path: Path) -> None:
    journal = made(tmp_path / "session")
    journal.write(journal.block(10))
    with reading(journal.folder, journal.manifest) as one:
        journal.write(journal.block(10))
        with reading(journal.folder, journal.manifest, patience=0.05) as two:
            assert "another process reads it" in two.projected.fault
            counts = [each.connection.execute("SELECT count(*) FROM decisions").fetchall() for each in (one, two)]
        assert counts == [[(10,)], [(10,)]]
        with pytest.raises(duckdb.InvalidInputException):
            one.connection.execute("DELETE FROM decisions")
    with reading(journal.folder, journal.manifest) as later:
        assert later.connection.execute("SELECT count(*) FROM decisions").fetchall() == [(20,)]
        assert later.projected.added == 0 or not later.projected.fault


def test_lookups_name_agents_and_codes(whole: Made) -> None:
    with reading(whole.folder, whole.manifest) as journal:
        ask = journal.connection.execute
        assert ask("SELECT name FROM agents ORDER BY agent").fetchall() == [(name,) for name in AGENTS]
        assert ask("SELECT name FROM codes WHERE kind = 'order_type' AND code = 1").fetchall() == [("limit",)]
        assert ask("SELECT tick_value, tick FROM instruments").fetchall() == [(10_000, 0.01)] * 2


def test_no_column_needs_quotes() -> None:
    from sessions.audit.schema import metadata_of

    with duckdb.connect() as connection:
        query = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
        reserved = {name for (name,) in connection.execute(query).fetchall()}
    names = {column.name for table in metadata_of(FEATURES).sorted_tables for column in table.columns}
    assert not names & reserved
    assert os.sep not in "".join(names)
