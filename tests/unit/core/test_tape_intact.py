"""A tape that is traded on is the one that was imported, to the last bit; it is read for that once."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import core.tape.intact as intact
from core.enums import Action
from core.errors import TapeError
from core.tape.folder import MESSAGES, read_meta, write_meta
from core.tape.intact import require_intact
from core.tape.tape import Tape
from tests.oracle.venue_sessions import BUY, by_hand, stored
from tests.small_tapes import small_tape


def flip(path: Path, place: int) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("place", [-1, -40, -1000])
def test_one_bit_of_a_message_is_noticed(tmp_path: Path, place: int) -> None:
    folder = small_tape(tmp_path / "one", count=60)
    require_intact(Tape(folder))
    flip(folder / MESSAGES, place)
    os.utime(folder / MESSAGES, ns=(1, 1))  # a clock may be coarse
    with pytest.raises(TapeError, match=r"one: messages\.npy is not the file that was imported") as raised:
        require_intact(Tape(folder))
    assert raised.value.exit_code == 3 and "\n" not in str(raised.value)


def test_a_tape_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, read = small_tape(tmp_path / "one", count=60), []
    digest = intact.hashlib.file_digest
    monkeypatch.setattr(intact.hashlib, "file_digest", lambda file, name: read.append(name) or digest(file, name))
    for _ in range(3):
        require_intact(Tape(folder))
    assert len(read) == 1
    os.utime(folder / MESSAGES, ns=(1, 1))
    require_intact(Tape(folder))
    assert len(read) == 2


def test_messages_that_are_gone_meanwhile(tmp_path: Path) -> None:
    tape = Tape(small_tape(tmp_path / "one", count=60))
    (tmp_path / "one" / MESSAGES).unlink()
    with pytest.raises(TapeError, match="cannot be read"):
        require_intact(tape)


def test_a_book_too_small_for_the_messages_is_noticed(tmp_path: Path) -> None:
    folder = small_tape(tmp_path / "one", count=60)
    meta = read_meta(folder)
    write_meta(folder, replace(meta, slots=1))
    with pytest.raises(TapeError, match=rf"tape\.json: 1 order slots, but its messages use {meta.slots}"):
        require_intact(Tape(folder))


def test_the_part_of_a_price_in_a_trade_is_no_slot(tmp_path: Path) -> None:
    rows = by_hand((0.0, Action.ADD, BUY, 1, 5, 100), (1.0, Action.TRADE, BUY, 0, 5, 100))
    stored(rows, tmp_path / "one")
    messages = np.lib.format.open_memmap(tmp_path / "one" / MESSAGES, mode="r+")
    assert messages["action"][-1] == Action.TRADE
    messages["slot"][-1] = 500_000
    messages.flush()
    digest = hashlib.sha256((tmp_path / "one" / MESSAGES).read_bytes()).hexdigest()
    write_meta(tmp_path / "one", replace(read_meta(tmp_path / "one"), messages_sha256=digest))
    require_intact(Tape(tmp_path / "one"))
