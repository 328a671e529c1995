"""A home folder, the script, and small tapes."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.console import Console, Inside, new_home
from tests.lobster_days import lobster_day


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One `TAPEDECK_HOME` for the session."""
    return new_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def tapedeck(home: Path, tmp_path: Path) -> Console:
    """The installed script, run in the test's own folder."""
    return Console(home, tmp_path)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], home: Path, tmp_path: Path) -> Inside:
    """The same without a new process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TAPEDECK_HOME", str(home))
    return Inside(monkeypatch, capfd)


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a synthetic LOBSTER pair of five levels; see `tests.lobster_days`."""
    folder = tmp_path_factory.mktemp("day")
    lobster_day(seed=1, events=3000, levels=5).write(folder, "TEST")
    return folder


@pytest.fixture(scope="session")
def tape(home: Path, day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That day as a tape, made by the script."""
    folder = tmp_path_factory.mktemp("tapes")
    made = Console(home, folder)("tape", "import", *sorted(day.iterdir()), "-o", "day.tape")
    assert made.code == 0, made.err
    return folder / "day.tape"


@pytest.fixture(scope="session")
def long_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LOBSTER message file of a million rows: orders come and go around a price that hardly moves."""
    rows, rng = 1_000_000, np.random.default_rng(4)
    pair = np.arange(rows) // 2
    frame = pl.DataFrame(
        {
            "time": 34_200 + np.cumsum(rng.exponential(0.02, rows)),
            "type": 1 + 2 * (np.arange(rows) % 2),
            "order_id": pair + 1,
            "size": 1 + pair % 300,
            "price": 1_000_000 + rng.integers(-50, 50, rows)[pair] * 100,
            "direction": rng.choice([-1, 1], rows)[pair],
        }
    )
    path = tmp_path_factory.mktemp("long") / "LONG_2012-06-21_34200000_57600000_message_10.csv"
    frame.write_csv(path, include_header=False, float_precision=9)
    return path
