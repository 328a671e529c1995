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
    "onnxruntime",
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
        if warm:
            _try_session(target)


def _try_session(tape: Path) -> None:
    """A short session through every kernel that trading needs: policies, gate, venue, and a person's acts."""
    from dataclasses import replace

    from core.desk import acts
    from core.desk.desk import Desk
    from core.desk.flatten import flatten
    from core.desk.view import Shown, desk_view
    from core.enums import Rung
    from core.plan import AgentPlan
    from core.tape.tape import Tape
    from core.transport import Ticket
    from sessions.plan_default import default_session

    plan = default_session([tape], "passive", share=0.02, window=120_000_000_000)
    name = plan.tapes[0].name
    quoting = AgentPlan("quoting", name, "quote", every=1_000_000_000)
    plan = replace(plan, agents=(*plan.agents, quoting), rung=Rung.REACTIVE)
    desk = Desk(plan, [Tape(tape)])
    try:
        desk.advance(most=15_000)
        bid, _ = desk.tapes[0].at(desk.indices[0]).book.best()
        acts.order(desk, Ticket(0, 1, 1, (bid or 1) - 5))
        desk.advance(most=1_000)
        flatten(desk, acts.DESK)
        acts.pause(desk, 0)
        acts.resume(desk, 0)
        acts.kill(desk, acts.DESK, "self-test", "doctor")
        desk_view(desk, Shown(), 0, 64, 1, 0)
        desk.advance()
    finally:
        desk.close()
    if not desk.over or desk.recorder.counts["decisions"] == 0:
        raise Unsound("a synthetic session does not run to its end")
