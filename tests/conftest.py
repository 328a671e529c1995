"""Fixtures for the whole suite."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run: what fails here fails everywhere. TAPEDECK_EXPLORE=1 looks for new ones.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("explore" if os.environ.get("TAPEDECK_EXPLORE") else "steady")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real sample data, `TAPEDECK_TEST_DATA` or ../shared/data; skips where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TAPEDECK_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real market data at {folder} (set TAPEDECK_TEST_DATA)")
    return folder
