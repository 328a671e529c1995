"""The desk's signing key: made once, and never in the place of one that is lost."""

import os
import shutil
from pathlib import Path

import pytest

from sessions.journal.anchors import Keys, public_key
from sessions.journal.errors import JournalError


def test_made_once(tmp_path: Path) -> None:
    first = Keys(tmp_path / "keys").public
    assert Keys(tmp_path / "keys").public == first == public_key(tmp_path / "keys")
    (tmp_path / "keys" / "journal.pub").unlink()  # it died between the two
    assert Keys(tmp_path / "keys").public == first == public_key(tmp_path / "keys")


def test_a_lost_key_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    public = Keys(folder).public
    (folder / "journal.key").rename(tmp_path / "kept")
    with pytest.raises(
        JournalError, match=r"journal\.key: the signing key of journal\.pub is not here: .* by hand$"
    ) as e:
        Keys(folder)
    assert e.value.exit_code == 3 and "\n" not in str(e.value)
    assert [path.name for path in folder.iterdir()] == ["journal.pub"]
    (tmp_path / "kept").rename(folder / "journal.key")
    assert Keys(folder).public == public


def test_a_key_of_another_public_half(tmp_path: Path) -> None:
    first = Keys(tmp_path / "keys").public
    Keys(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "journal.key", tmp_path / "keys" / "journal.key")
    with pytest.raises(JournalError, match=r"journal\.pub: is not the public half of journal\.key"):
        Keys(tmp_path / "keys")
    (tmp_path / "keys").rename(tmp_path / "away")  # by hand
    assert Keys(tmp_path / "keys").public not in (first, Keys(tmp_path / "other").public)


@pytest.mark.parametrize("text", ["", "00\n", "zz\n", "00" * 32 + "\n\n", "\ud8ff"])
def test_a_public_half_that_is_none(tmp_path: Path, text: str) -> None:
    Keys(tmp_path / "keys")
    (tmp_path / "keys" / "journal.pub").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(JournalError, match=r"journal\.pub"):
        Keys(tmp_path / "keys")


@pytest.mark.parametrize("name", ["journal.key", "journal.pub"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    Keys(tmp_path / "keys")
    (tmp_path / "keys" / name).unlink()
    os.mkfifo(tmp_path / "keys" / name)
    with pytest.raises(JournalError, match="is not a regular file"):
        Keys(tmp_path / "keys")
