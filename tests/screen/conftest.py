"""Makes `fake` and `drive` importable, marks everything here as drawing, keeps the environment out."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what draws the deck."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.screen)


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same terminal everywhere: no NO_COLOR, no ssh, no browser."""
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TEXTUAL_DRIVER", "TEXTUAL_FILTERS"):
        monkeypatch.delenv(name, raising=False)
