"""The same sources make the same bytes, whoever runs the import and wherever."""

import hashlib
from pathlib import Path

import pytest

from tests.console import Console

FILES = ("messages.npy", "marks.npz", "tape.json")


def digests(folder: Path) -> dict[str, str]:
    """sha256 of everything in a tape."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("form", ["lobster", "messages only", "tabular", "synthetic"])
def test_two_processes_write_the_same_bytes(tapedeck: Console, tape: Path, day: Path, form: str) -> None:
    (message,) = (path for path in day.iterdir() if "message" in path.name)
    words: list[str | Path] = ["import", *sorted(day.iterdir())]
    if form == "messages only":
        words = ["import", message, "--alone"]
    elif form == "tabular":
        assert tapedeck("tape", "export", tape, "-o", "messages.parquet").code == 0
        words = ["import", "messages.parquet"]
    elif form == "synthetic":
        words = ["make", "--messages", "20000", "--seed", "11"]
    assert tapedeck("tape", *words, "-o", "one.tape").code == 0
    assert tapedeck("tape", *words, "-o", "deep/two.tape", PYTHONHASHSEED="7", POLARS_MAX_THREADS="1").code == 0
    one, two = digests(tapedeck.folder / "one.tape"), digests(tapedeck.folder / "deep" / "two.tape")
    assert set(one) == set(FILES)
    assert one == two
