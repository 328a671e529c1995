"""Where runtime data lives: the platform's data folder, or TAPEDECK_HOME."""

import os
from pathlib import Path

from platformdirs import user_data_path

from core.errors import TapeError


def home() -> Path:
    """The data folder."""
    chosen = os.environ.get("TAPEDECK_HOME")
    return Path(chosen) if chosen else user_data_path("tapedeck")


def tapes() -> Path:
    """Where tapes are kept that are not given by path."""
    return home() / "tapes"


def find_tape(name: str) -> Path:
    """A tape by path, or by name in the tape folder. Raises `TapeError`."""
    given = Path(name)
    for folder in (given, tapes() / name, tapes() / f"{name}.tape"):
        if folder.is_dir():
            return folder
    if given.exists():
        raise TapeError(given, "is a file, not a tape folder; make a tape of it with: tapedeck tape import")
    raise TapeError(given, f"no such tape, nor one of that name in {tapes()}")
