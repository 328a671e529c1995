"""Fixtures for the whole suite."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every run: what fails here fails everywhere. TAPEDECK_EXPLORE=1 looks for new ones.
_ANY_PACE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}  # machines are shared
settings.register_profile("steady", derandomize=True, database=None, **_ANY_PACE)
settings.register_profile("explore", print_blob=True, **_ANY_PACE)
settings.load_profile("explore" if os.environ.get("TAPEDECK_EXPLORE") else "steady")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real sample data, `TAPEDECK_TEST_DATA` or ../shared/data; skips where there is none."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("TAPEDECK_TEST_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real market data at {folder} (set TAPEDECK_TEST_DATA)")
    return folder
