"""The command line as a person uses it: the installed script in a process of its own, or its entry point in ours."""

import json
import os
import resource
import signal
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.jit import cache_root

SCRIPT = Path(sysconfig.get_path("scripts")) / "tapedeck"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The one JSON record on stdout; fails when there is anything else."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


def new_home(folder: Path) -> Path:
    """A `TAPEDECK_HOME` of its own that uses the kernels already compiled."""
    kernels = cache_root()
    kernels.mkdir(parents=True, exist_ok=True)
    (folder / "kernels").symlink_to(kernels.resolve(), target_is_directory=True)
    return folder


@dataclass(frozen=True, slots=True)
class Console:
    """Runs the installed script in `folder`, without a terminal."""

    home: Path
    folder: Path

    def __call__(self, *words: str | Path, file_limit: int | None = None, **extra: str) -> Outcome:
        """Run to the end. `file_limit`: largest file in bytes, as if the disk were full."""
        done = subprocess.run(
            [str(SCRIPT), *map(str, words)],
            cwd=self.folder,
            env=self.environment(extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            preexec_fn=None if file_limit is None else lambda: _limit(file_limit),
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str | Path, **extra: str) -> "subprocess.Popen[str]":
        """Run in the background, in a process group of its own, with signals as a shell leaves them."""
        return subprocess.Popen(
            [str(SCRIPT), *map(str, words)],
            cwd=self.folder,
            env=self.environment(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=_default_interrupt,  # noqa: PLW1509 - one system call
        )

    def environment(self, extra: dict[str, str]) -> dict[str, str]:
        """Ours, with this home; nothing that the suite sets for itself."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TAPEDECK_", "_TAPEDECK", "NUMBA_", "PYTEST"))}
        return {**kept, "TAPEDECK_HOME": str(self.home), "COLUMNS": "100", **extra}


def _default_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


class Inside:
    """The entry point of the script called in this process: the same code for a tenth of the time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capture = monkeypatch, capfd

    def __call__(self, *words: str | Path) -> Outcome:
        """Run to the end; an exception that the script would show as a traceback fails the test."""
        from app.cli import main

        self._patch.setattr(sys, "argv", ["tapedeck", *map(str, words)])
        self._patch.setattr("app.cli.leave", sys.exit)  # at the end of a process it may end this one
        self._capture.readouterr()
        terminate = signal.getsignal(signal.SIGTERM)
        try:
            main()
            code: object = 0
        except SystemExit as stop:
            code = stop.code or 0
        finally:
            signal.signal(signal.SIGTERM, terminate)
        sys.stdout.flush()
        out, err = self._capture.readouterr()
        assert isinstance(code, int)
        return Outcome(code, out, err)


def assert_one_line(outcome: Outcome) -> None:
    """A failure says one line on stderr and nothing on stdout."""
    assert outcome.out == ""
    assert outcome.err.startswith("tapedeck: "), outcome.err
    assert outcome.err.count("\n") == 1, outcome.err
    assert "Traceback" not in outcome.err
