"""Examine the installation."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

from app import __version__
from app.paths import home, tapes
from core.clock import monotonic_ns
from core.errors import TapedeckError

_LIBRARIES = (
    "textual",
    "rich",
    "numpy",
    "numba",
    "polars",
    "typer",
    "zstandard",
    "isal",
    "platformdirs",
    "databento-dbn",
    "tzdata",
)
_EXTRAS = ("textual-serve",)
_PACKAGES = ("app", "core", "models", "sessions")


class Unsound(TapedeckError):
    """The installation does not work."""


def examine(warm: bool) -> dict[str, Any]:
    """Versions, folders, packaging and a short replay. Raises `Unsound` naming the first thing that is broken."""
    from core.jit import cache_root
    from core.tape.importer import feed_names

    found = {name: _version(name) for name in (*_LIBRARIES, *_EXTRAS)}
    missing = [name for name in _LIBRARIES if found[name] is None]
    if missing:
        raise Unsound(f"not installed: {', '.join(missing)}")
    parents = {name: _parent(name) for name in _PACKAGES}
    if len(set(parents.values())) != 1:
        raise Unsound(f"the packages come from different places, another distribution shadows ours: {parents}")
    started = monotonic_ns()
    _try_engine(warm)
    return {
        "tapedeck": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{name: version or "not installed (extra)" for name, version in found.items()},
        "packages": str(next(iter(parents.values()))),
        "home": str(home()),
        "tapes": sorted(p.name for p in tapes().glob("*.tape")) if tapes().is_dir() else [],
        "kernels": str(cache_root()),
        "formats": feed_names(),
        "terminal": os.environ.get("TERM", "none"),
        "engine_s": round((monotonic_ns() - started) / 1e9, 3),
        "engine": "ok",
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _parent(name: str) -> str:
    module = sys.modules.get(name) or __import__(name)
    return str(Path(str(module.__file__)).parent.parent)


def _try_engine(warm: bool) -> None:
    """A short synthetic day through every kernel that playing needs."""
    import tempfile

    from app.headless import replay
    from app.tape_verbs import make_tape

    with tempfile.TemporaryDirectory(prefix="tapedeck-") as folder:
        summary = None
        target = Path(folder) / "doctor.tape"
        make_tape(target, 1, 20_000 if warm else 5_000, quiet=True)
        summary = replay(target)
        if summary["index"] != summary["messages"] or summary["crossed_events"]:
            raise Unsound("a synthetic tape does not replay soundly")
