"""Fixtures for the whole suite."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real sample data, `TAPEDECK_TEST_DATA` or ../shared/data; skips where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TAPEDECK_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real market data at {folder} (set TAPEDECK_TEST_DATA)")
    return folder
