"""LOBSTER files with random damage: every line stays a row, nothing crashes, every loss is counted."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import FeedError
from core.feeds.lobster import FEED
from core.feeds.source import Options
from core.tape.importer import import_tape
from core.tape.tape import Tape

JUNK = (
    b"",
    b"nan",
    b"inf",
    b"-1",
    b"99999999999999999999",
    b"1e9",
    b"\x00",
    b"\xff\xfe",
    b'"',
    b"0x10",
    b" 7 ",
    b"1.5",
)
NAME = "FUZZ_2012-06-21_34200000_57600000_message_1.csv"


def _lines(rng: np.random.Generator, count: int) -> list[bytes]:
    """Valid lines over a few ids and prices, about one in a hundred of them damaged."""
    times = np.sort(rng.uniform(34_200, 57_600, count))
    kinds = rng.choice([1, 1, 1, 2, 3, 3, 4, 5, 6, 7], count)
    ids, sizes = rng.integers(1, 500, count), rng.integers(1, 400, count)
    prices = rng.integers(2_200, 2_300, count) * 10_000 // 100 * 100
    sides = rng.choice([-1, 1], count)
    lines = [b"%.9f,%d,%d,%d,%d,%d" % row for row in zip(times, kinds, ids, sizes, prices, sides, strict=True)]
    for at in np.flatnonzero(rng.random(count) < 0.01).tolist():
        cells = lines[at].split(b",")
        what = int(rng.integers(4))
        if what == 0:
            cells[int(rng.integers(6))] = JUNK[int(rng.integers(len(JUNK)))]
        elif what == 1:
            cells = cells[: int(rng.integers(1, 6))]
        elif what == 2:
            cells += cells[: int(rng.integers(1, 4))]
        else:
            cells = [bytes(rng.integers(32, 127, 20, dtype=np.uint8)).replace(b",", b";")]
        lines[at] = b",".join(cells)
    return lines


def _run(folder: Path, seed: int, count: int) -> None:
    lines = _lines(np.random.default_rng(seed), count)
    (folder / NAME).write_bytes(b"\n".join(lines) + b"\n")
    meta = import_tape(FEED.open([folder / NAME], Options()), folder / "fuzz.tape", Options(), force=True)
    assert meta.source_rows == count
    tape = Tape(folder / "fuzz.tape")
    tape.at(len(tape.messages)).book.check()
    assert meta.results.get("bad_row", 0) == sum(meta.skipped.values()) > 0


@pytest.mark.parametrize("seed", range(4))
def test_damaged_lines_keep_their_places(tmp_path: Path, seed: int) -> None:
    _run(tmp_path, seed, 5_000)


@pytest.mark.nightly
def test_a_million_damaged_lines(tmp_path: Path) -> None:
    for seed in range(10):
        _run(tmp_path, 100 + seed, 100_000)


@pytest.mark.parametrize("seed", range(20))
def test_bytes_of_no_format_are_refused_or_counted(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = bytearray(b"\n".join(_lines(rng, 200)))
    for at in rng.integers(0, len(raw), 60).tolist():
        raw[at] = int(rng.integers(256))
    (tmp_path / NAME).write_bytes(bytes(raw[: int(rng.integers(1, len(raw)))]))
    try:
        meta = import_tape(FEED.open([tmp_path / NAME], Options()), tmp_path / "fuzz.tape", Options())
    except FeedError as error:
        assert str(tmp_path / NAME) in str(error) or NAME in str(error)
        return
    assert meta.messages >= meta.source_rows > 0
