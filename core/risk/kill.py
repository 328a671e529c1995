"""The kill switch: latched, by scope, still there after a restart, undone only by a person with a reason.

A kill works in this order: the gate denies, then the file is written. The file is the whole history; what is latched
follows from it. It is replaced in one step, so a process that dies leaves the old one or the new one. Several processes
may share it: who writes holds a lock, reads what the others wrote and adds to it; who runs looks whether it changed.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from core.clock import monotonic_ns, sleep
from core.errors import ConfigError, TapedeckError
from core.naming import nearest
from core.risk.state import MOST_KILLED_ORDERS, Gate
from core.tape.publish import fsync

FILE, LOCK = "kill.json", "kill.lock"
_FORMAT = 1
#: How long the file may be another process's: a kill is in force at once, but its cancels come after.
_PATIENCE_NS, _PAUSE_S = 300_000_000, 0.001
KILL, REARM = "kill", "rearm"


class KillFileError(TapedeckError):
    """The kill file cannot be read or written; nothing may be sent until a person has looked at it."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class KillAct:
    """One kill or one re-arming: a record for the journal."""

    act: str  #: KILL or REARM
    scope: str  #: "desk", "agent.NAME", "instrument.NAME" or "order.ID"
    person: str
    reason: str
    ts: int  #: ns UTC, market time
    session: str  #: an order is killed in its session only, for ids begin anew in the next


class KillSwitch:
    """The kills of a folder, and the gate of a session that they latch."""

    def __init__(
        self, folder: Path, session: str, gate: Gate, agents: Sequence[str], instruments: Sequence[str]
    ) -> None:
        """Read what is latched and latch the gate. Raises KillFileError for a file that cannot be understood."""
        self.path = folder / FILE
        self._session, self._gate = session, gate
        self._agents, self._instruments = tuple(agents), tuple(instruments)
        self._unkept: list[KillAct] = []  # ours that are not in the file
        self._seen = _stamp(self.path)  # before it is read: what changes meanwhile is read again
        self._acts = _read(self.path)
        self._apply()

    @property
    def history(self) -> tuple[KillAct, ...]:
        """All acts of the folder, oldest first."""
        return tuple(self._acts)

    @property
    def latched(self) -> tuple[KillAct, ...]:
        """The kills in force, oldest first: the latest for each scope. Scopes of other sessions' agents are kept."""
        return self._standing(self._acts)

    def changed(self) -> bool:
        """Whether another process has written the file since it was read. A file that is gone takes nothing back."""
        now = _stamp(self.path)
        return now is not None and now != self._seen

    def look(self) -> None:
        """Latch the gate as the file says now. One that cannot be understood kills the desk, until it can."""
        self._seen = _stamp(self.path)
        try:
            self._acts = [*_read(self.path), *self._unkept]
        except KillFileError as error:
            self._acts = [*self._acts, KillAct(KILL, "desk", "kill file", str(error), 0, self._session)]
        self._apply()

    def kill(self, scope: str, reason: str, person: str, ts: int) -> KillAct:
        """Deny everything new in a scope from now on.

        Raises ConfigError for a scope that is not of this session. Raises KillFileError where it cannot be written
        down: the gate denies all the same, but only until this process ends.
        """
        self._check(scope)
        act = KillAct(KILL, scope, person.strip(), reason.strip(), ts, self._session)
        self._acts.append(act)
        self._unkept.append(act)
        self._apply()
        self._keep()
        return act

    def rearm(self, scope: str, reason: str, person: str, ts: int) -> KillAct:
        """Take one kill back. Needs a person and a reason; the file is written before the gate lets anything pass.

        Raises ConfigError without them or where the scope is none or not killed, KillFileError where it cannot be
        written.
        """
        if not reason.strip() or not person.strip():
            raise ConfigError(f"rearm {scope}: a person and a reason are needed")
        if not _is_scope(scope):
            known = ["desk", *(act.scope for act in self.latched), "agent.NAME", "instrument.NAME", "order.ID"]
            raise ConfigError(f"rearm {scope}: no such scope{nearest(scope, dict.fromkeys(known))}")
        act = KillAct(REARM, scope, person.strip(), reason.strip(), ts, self._session)
        with self._locked():
            kept = [*self._on_disk(), *self._unkept]
            killed = [each.scope for each in self._standing(kept)]
            if scope not in killed:
                raise ConfigError(f"rearm {scope}: it is not killed{nearest(scope, killed)}")
            self._write([*kept, act])
        self._acts.append(act)
        self._apply()
        return act

    def _standing(self, acts: Sequence[KillAct]) -> tuple[KillAct, ...]:
        standing: dict[str, KillAct] = {}
        for act in acts:
            standing.pop(act.scope, None)
            if act.act == KILL and (not act.scope.startswith("order.") or act.session == self._session):
                standing[act.scope] = act
        return tuple(standing.values())

    def _check(self, scope: str) -> None:
        kind, _, name = scope.partition(".")
        known = {"agent": self._agents, "instrument": self._instruments}.get(kind)
        if not _is_scope(scope) or (known is not None and name not in known):
            scopes = ["desk", *(f"agent.{a}" for a in self._agents), *(f"instrument.{i}" for i in self._instruments)]
            raise ConfigError(f"kill {scope}: no such scope{nearest(scope, scopes)}")

    def _apply(self) -> None:
        scopes = [act.scope for act in self.latched]
        orders = [int(scope[6:]) for scope in scopes if scope.startswith("order.")]
        gate, top = self._gate, self._gate.top[0]
        # More killed orders than places: the desk, which is too much, rather than too few.
        top["killed_desk"] = "desk" in scopes or len(orders) > MOST_KILLED_ORDERS
        for row, name in enumerate(self._agents):
            gate.rows[row]["killed"] = f"agent.{name}" in scopes
        for place, name in enumerate(self._instruments):
            gate.killed_instruments[place] = f"instrument.{name}" in scopes
        kept = orders[:MOST_KILLED_ORDERS]
        gate.killed_orders[: len(kept)] = kept
        top["killed_orders"] = len(kept)

    def _keep(self) -> None:
        """Write down what is not in the file yet."""
        with self._locked():
            self._write([*self._on_disk(), *self._unkept])

    def _on_disk(self) -> list[KillAct]:
        """What is in the file now; where it is gone, what was in it."""
        if _stamp(self.path) is None:
            return [act for act in self._acts if act not in self._unkept]
        return _read(self.path)

    def _write(self, acts: Sequence[KillAct]) -> None:
        """Replace the file. What others wrote since it was read is kept in it, and still to be looked at."""
        text = json.dumps({"format": _FORMAT, "acts": [asdict(act) for act in acts]}, indent=1)
        part = self.path.with_name(f".{FILE}.part-{os.getpid()}")
        ours = _stamp(self.path) in (self._seen, None)
        try:
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
            fsync(self.path.parent)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise KillFileError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        self._unkept.clear()
        if ours:
            self._seen = _stamp(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else writes the file. Raises KillFileError where another process does not let go of it."""
        lock = self.path.with_name(LOCK)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise KillFileError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        try:
            until = monotonic_ns() + _PATIENCE_NS
            while not _taken(handle, lock):
                if monotonic_ns() > until:
                    raise KillFileError(f"{self.path}: cannot be written: another process holds {LOCK}")
                sleep(_PAUSE_S)
            yield
        finally:
            os.close(handle)


def _taken(handle: int, lock: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
            return False
        raise KillFileError(f"{lock}: cannot be locked: {error.strerror or error}") from error
    return True


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file is replaced; None while there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns


def _is_scope(scope: str) -> bool:
    """Whether a text is a scope of some session."""
    kind, _, name = scope.partition(".")
    if kind == "order":
        return name.isascii() and name.isdigit() and len(name) < 19
    return scope == "desk" or (kind in ("agent", "instrument") and bool(name))


def _read(path: Path) -> list[KillAct]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise KillFileError(f"{path}: cannot be read: {error}") from error
    try:
        whole = json.loads(text)
        if whole["format"] != _FORMAT:
            raise KillFileError(f"{path}: format {whole['format']!r} is not known to this version")
        acts = [KillAct(**act) for act in whole["acts"]]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise KillFileError(f"{path}: damaged ({error}); nothing is sent until a person has looked at it") from error
    for number, act in enumerate(acts, 1):
        texts = (act.act, act.scope, act.person, act.reason, act.session)
        plain = all(isinstance(text, str) for text in texts) and type(act.ts) is int
        if not plain or act.act not in (KILL, REARM) or not _is_scope(act.scope):
            said = f"{act.act!r} of {act.scope!r}"[:100]
            raise KillFileError(
                f"{path}: damaged (act {number}, {said}); nothing is sent until a person has looked at it"
            )
    return acts
