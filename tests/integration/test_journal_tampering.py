"""Whoever changes a session afterwards, with an editor or with every hash recomputed, is found out."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sessions.journal.anchors import Keys
from sessions.recording import Rooms, State
from sessions.settling import settle_crashed
from sessions.verify import verify
from tests.oracle.journal_days import made
from tests.oracle.tampering import EDITS, INSIDERS, Crime, cut_back, rewrite_and_sign, rewrite_manifest


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Crime:
    patch = pytest.MonkeyPatch()
    patch.setattr("sessions.journal.journal._ANCHOR_NS", 0)
    home = tmp_path_factory.mktemp("home")
    folder = made(home, 1, commits=12, count=15, segment=8192, tapes=2)
    other = made(home, 2, commits=12, count=15, segment=8192, tapes=2)
    patch.undo()
    rooms = Rooms(home)
    return Crime(folder, rooms, other, Keys(tmp_path_factory.mktemp("foreign")), np.random.default_rng(0))


def _evidence(crime: Crime) -> dict[Path, bytes]:
    keys, mark = crime.rooms.keys / "journal.pub", crime.folder / "quarantined"
    paths = [*crime.wal.iterdir(), crime.folder / "manifest.json", crime.anchors, crime.rooms.ledger, keys, mark]
    return {path: path.read_bytes() for path in paths if path.exists()}


def _put_back(crime: Crime, evidence: dict[Path, bytes]) -> None:
    for path in crime.wal.iterdir():
        if path not in evidence:
            path.unlink()
    for path in (crime.folder / "quarantined", crime.folder / "open"):
        path.unlink(missing_ok=True)
    for path, raw in evidence.items():
        path.write_bytes(raw)


def _unnoticed(scene: Crime, acts: tuple[Callable[[Crime], None], ...], count: int, seed: int) -> Counter[str]:
    evidence, public = _evidence(scene), Keys(scene.rooms.keys).public
    missed: Counter[str] = Counter()
    for number in range(count):
        act = acts[number % len(acts)]
        crime = Crime(scene.folder, scene.rooms, scene.other, scene.foreign, np.random.default_rng([seed, number]))
        try:
            act(crime)
            if _evidence(crime) == evidence:
                continue  # it has changed nothing: the dice fell so
            found = verify(crime.folder, crime.rooms)
            if found.intact and act in (rewrite_and_sign, rewrite_manifest):
                found = verify(crime.folder, crime.rooms, public)
            if found.intact:  # what was done to the ledger may concern a later session
                found = verify(crime.other, crime.rooms)
            if found.intact:
                missed[act.__name__] += 1
            assert all(str(finding) for finding in found.findings)
        finally:
            _put_back(scene, evidence)
    assert verify(scene.folder, scene.rooms).intact
    return missed


def test_the_scene_is_whole(scene: Crime) -> None:
    found = verify(scene.folder, scene.rooms)
    assert found.intact and found.sealed and found.state == "sealed"
    assert found.anchors > 5 and len(list(scene.wal.iterdir())) > 3
    assert found.counts["decisions"] > 20 and found.records == sum(found.counts.values())


def test_edits_are_found(scene: Crime) -> None:
    assert not _unnoticed(scene, EDITS, 320, 1)


def test_insiders_are_found(scene: Crime) -> None:
    assert not _unnoticed(scene, INSIDERS, 100, 2)


def _cut_all(crime: Crime, ledger: int) -> None:
    """Log, anchors and ledger are cut back together; the ledger to so many lines."""
    kept = crime.rooms.ledger.read_bytes().splitlines(keepends=True)[:ledger]
    cut_back(crime)
    crime.rooms.ledger.write_bytes(b"".join(kept))
    (crime.folder / "open").touch()
    assert [each.state for each in settle_crashed(crime.rooms)] in ([State.FAULTED], [State.SEALED])


def test_what_nothing_on_the_same_machine_can_show(scene: Crime) -> None:
    """Who cuts back log, anchors and ledger, and lets the next start sign it, leaves no trace in that session.

    All sessions begun or closed since have lost their lines, though; and a head kept elsewhere tells. Blocks behind
    the last anchor may be forged in the same way, a seal among them, until the next start.
    """
    evidence = _evidence(scene)
    before = verify(scene.folder, scene.rooms)
    try:
        _cut_all(scene, ledger=1)  # begun; not closed
        after = verify(scene.folder, scene.rooms)
        assert after.intact and after.head != before.head
        assert "has no line" in str(verify(scene.other, scene.rooms).findings[0])
    finally:
        _put_back(scene, evidence)


@pytest.mark.nightly
def test_ten_thousand_are_found(scene: Crime) -> None:
    assert not _unnoticed(scene, (*EDITS, *INSIDERS), 10_000, 3)
