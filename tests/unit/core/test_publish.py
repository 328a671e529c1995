"""A finished folder takes its place at once; what killed imports left goes, what runs stays."""

import fcntl
from pathlib import Path

import pytest

import core.tape.publish
from core.tape.publish import LOCK, exchange, part_of, publish, sweep


def folder(path: Path, text: str) -> Path:
    """A folder that can be told from others."""
    path.mkdir()
    (path / "tape.json").write_text(text)
    (path / LOCK).write_text("")
    return path


def names(path: Path) -> set[str]:
    """What lies there, hidden or not."""
    return {entry.name for entry in path.iterdir()}


def test_a_new_tape_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.tape"
    publish(folder(part_of(target), "new"), target, replace=False)
    assert names(tmp_path) == {"a.tape"} and names(target) == {"tape.json"}


@pytest.mark.parametrize("can_exchange", [True, False])
def test_an_old_tape_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool) -> None:
    if not can_exchange:
        monkeypatch.setattr(core.tape.publish, "exchange", lambda *_: False)
    target = folder(tmp_path / "a.tape", "old")
    publish(folder(part_of(target), "new"), target, replace=True)
    assert (target / "tape.json").read_text() == "new"
    assert names(tmp_path) == {"a.tape"} and names(target) == {"tape.json"}


def test_what_came_meanwhile_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = folder(tmp_path / "a.tape", "other")
    with pytest.raises(OSError, match="not empty"):
        publish(folder(part_of(target), "new"), target, replace=False)
    assert (target / "tape.json").read_text() == "other"


def test_this_system_exchanges(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", "1"), folder(tmp_path / "other", "2")
    if not exchange(one, other):
        pytest.skip("neither does this file system")
    assert (one / "tape.json").read_text() == "2" and (other / "tape.json").read_text() == "1"
    with pytest.raises(FileNotFoundError):
        exchange(one, tmp_path / "gone")


def test_killed_between_two_renames_the_old_tape_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = folder(tmp_path / "a.tape", "old")
    part = folder(part_of(target), "new")
    monkeypatch.setattr(core.tape.publish, "exchange", lambda *_: False)
    rename = Path.rename

    def killed(self: Path, to: Path) -> Path:
        if self == part:
            raise KeyboardInterrupt
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(part, target, replace=True)
    monkeypatch.setattr(Path, "rename", rename)
    assert not target.exists()
    sweep(target)
    assert names(tmp_path) == {"a.tape"}
    assert (target / "tape.json").read_text() == "old"


def test_only_the_dead_are_swept(tmp_path: Path) -> None:
    target = tmp_path / "[a]*.tape"
    folder(tmp_path / ".[a]*.tape.part-1", "dead")
    (tmp_path / ".[a]*.tape.part-2").mkdir()  # killed before it had its lock
    running = folder(tmp_path / ".[a]*.tape.part-3", "running")
    folder(tmp_path / ".b.tape.part-4", "of another tape")
    with (running / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sweep(target)
        assert names(tmp_path) == {".[a]*.tape.part-3", ".b.tape.part-4"}
    sweep(target)
    assert names(tmp_path) == {".b.tape.part-4"}
