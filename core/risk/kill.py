"""The kill switch: latched, by scope, still there after a restart, undone only by a person with a reason.

A kill works in this order: the gate denies, then the file is written. The file is the whole history; what is latched
follows from it. It is replaced in one step, so a process that dies leaves the old one or the new one.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from core.errors import ConfigError, TapedeckError
from core.naming import nearest
from core.risk.state import MOST_KILLED_ORDERS, Gate
from core.tape.publish import fsync

FILE = "kill.json"
_FORMAT = 1
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
        self._acts = _read(self.path)
        self._apply()

    @property
    def history(self) -> tuple[KillAct, ...]:
        """All acts of the folder, oldest first."""
        return tuple(self._acts)

    @property
    def latched(self) -> tuple[KillAct, ...]:
        """The kills in force, oldest first: the latest for each scope. Scopes of other sessions' agents are kept."""
        standing: dict[str, KillAct] = {}
        for act in self._acts:
            standing.pop(act.scope, None)
            if act.act == KILL and (not act.scope.startswith("order.") or act.session == self._session):
                standing[act.scope] = act
        return tuple(standing.values())

    def kill(self, scope: str, reason: str, person: str, ts: int) -> KillAct:
        """Deny everything new in a scope from now on.

        Raises ConfigError for a scope that is not of this session. Raises KillFileError where it cannot be written
        down: the gate denies all the same, but only until this process ends.
        """
        self._check(scope)
        act = KillAct(KILL, scope, person.strip(), reason.strip(), ts, self._session)
        self._acts.append(act)
        self._apply()
        self._write()
        return act

    def rearm(self, scope: str, reason: str, person: str, ts: int) -> KillAct:
        """Take one kill back. Needs a person and a reason; the file is written before the gate lets anything pass.

        Raises ConfigError without them or where the scope is not killed, KillFileError where it cannot be written.
        """
        if not reason.strip() or not person.strip():
            raise ConfigError(f"rearm {scope}: a person and a reason are needed")
        killed = [act.scope for act in self.latched]
        if scope not in killed:
            raise ConfigError(f"rearm {scope}: it is not killed{nearest(scope, killed)}")
        act = KillAct(REARM, scope, person.strip(), reason.strip(), ts, self._session)
        self._acts.append(act)
        try:
            self._write()
        except KillFileError:
            self._acts.pop()
            raise
        self._apply()
        return act

    def _check(self, scope: str) -> None:
        kind, _, name = scope.partition(".")
        if scope == "desk" or (kind == "order" and name.isascii() and name.isdigit() and len(name) < 19):
            return
        known = {"agent": self._agents, "instrument": self._instruments}.get(kind, ())
        if name not in known:
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

    def _write(self) -> None:
        text = json.dumps({"format": _FORMAT, "acts": [asdict(act) for act in self._acts]}, indent=1)
        part = self.path.with_name(f".{FILE}.part-{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
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
    for act in acts:
        texts = (act.act, act.scope, act.person, act.reason, act.session)
        if act.act not in (KILL, REARM) or not all(isinstance(t, str) for t in texts) or not isinstance(act.ts, int):
            raise KillFileError(f"{path}: damaged (act {act.act!r}); nothing is sent until a person has looked at it")
    return acts
