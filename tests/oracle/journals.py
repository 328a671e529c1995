"""Journals made without an engine: seeded records that hang together, in as many blocks as wanted, and their truth."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.desk.deeds import Act, Deed, deed_text
from core.desk.desk import Place
from core.enums import EventKind, Op, OperatorAct, OrderStatus, OrderType, Reason, Stage, TimeInForce
from core.records import CONTROLS, DECISION, EVENT, FILL, LATENCY, MARK, ORDER, VERDICT
from core.risk.limits import LimitSet, changed, default_limits, expired, limit_set, limits_text
from sessions.journal.layout import BlockFlag
from sessions.journal.log import Log, start_of
from sessions.journal.streams import Section, section, text_section
from sessions.manifest import ID, Manifest, read_manifest, write_manifest
from sessions.recording import State, log_disk

AGENTS, TAPES, FEATURES = ("maker", "taker"), ("one", "two"), ("imbalance", "spread", "flow")
BEGIN = 1_704_205_800_000_000_000


def manifest_fields(session_id: str) -> dict[str, Any]:
    """What `manifest_of` would say, of tapes that are not there."""
    limits = default_limits()
    scopes = {
        scope: {name: str(v) if np.isinf(v) else v for name, v in s.items()} for scope, s in limits.scopes.items()
    }
    tape = {
        "folder": "/nowhere", "symbol": "SYN", "venue": "SYNTHETIC", "date": "2024-01-02", "timezone": "UTC",
        "tick": "0.01", "lot": "1", "messages": 1000, "messages_sha256": "0" * 64, "first_ts": BEGIN,
        "last_ts": BEGIN + 10**13,
    }  # fmt: skip
    plan = {
        "seed": 1, "rung": "latency", "queue": "conserving", "tapes": [{"name": t, "multiplier": "1"} for t in TAPES],
        "limits": {"version": 1, "scopes": scopes, "restricted": []},
        "agents": [{"name": AGENTS[0], "policy": {"onnx": "ab" * 32}, "signal": ""},
                   {"name": AGENTS[1], "policy": "twap", "signal": ""}],
    }  # fmt: skip
    return {
        "format": 1, "id": session_id, "name": "made", "created_ns": BEGIN, "parent": None, "durable": False,
        "version": "0", "code": "c", "python": "3", "machine": "m", "plan": plan, "plan_digest": "d",
        "tapes": [{"name": name, **tape} for name in TAPES],
        "models": [{"name": "clever", "file": "/nowhere/clever.onnx", "sha256": "ab" * 32}],
        "agents": [{"name": AGENTS[0], "tape": TAPES[0], "policy": "clever.onnx", "signal": ""},
                   {"name": AGENTS[1], "tape": TAPES[1], "policy": "twap", "signal": ""}],
        "features": {"names": list(FEATURES), "hash": "h"}, "money_digits": 6, "currency": "USD",
        "kills": [{"scope": "agent.taker", "reason": "yesterday", "person": "ann", "ts": BEGIN - 5}],
        "public_key": "00" * 32,
    }  # fmt: skip


@dataclass(slots=True)
class Made:
    """A journal under way. `kept`: its records in the order of the log, with the sequence and the tape of each."""

    folder: Path
    manifest: Manifest
    log: Log
    rng: np.random.Generator
    keep: bool = True
    kept: dict[str, list[tuple[int, int, NDArray[Any]]]] = field(default_factory=dict)
    texts: list[tuple[int, str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    limits: LimitSet = field(default_factory=lambda: limit_set(default_limits(), AGENTS, TAPES))
    orders: int = 0
    clock: int = BEGIN

    def write(self, sections: list[Section], flags: int = 0) -> None:
        """One block."""
        record = self.log.at.records
        for each in sections:
            if each.stream.dtype is None:
                self.texts.append((record, each.stream.name, each.text().decode()))
            elif self.keep:
                self.kept.setdefault(each.stream.name, []).append((record, each.tape, each.records))
            record += each.count
        self.log.append(sections, flags)

    def whole(self, stream: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        """Sequence, tape and record of everything in a stream."""
        parts = self.kept.get(stream, [])
        return (
            np.concatenate([np.arange(first, first + len(rows)) for first, _, rows in parts]),
            np.concatenate([np.full(len(rows), tape) for _, tape, rows in parts]),
            np.concatenate([rows for _, _, rows in parts]),
        )

    def _next(self, name: str, count: int) -> NDArray[np.int64]:
        first = self.counts.get(name, 0)
        self.counts[name] = first + count
        return np.arange(first, first + count)

    def block(self, turns: int) -> list[Section]:
        """Sections of `turns` decisions and of what followed from them."""
        rng, tape = self.rng, int(self.rng.integers(len(TAPES)))
        d = _filled(rng, DECISION, turns)
        d["seq"], d["ts"] = self._next("decisions", turns), self.clock + np.cumsum(rng.integers(1, 2_000_000, turns))
        self.clock = int(d["ts"][-1])
        d["ts_market"], d["cursor"], d["why"] = (
            d["ts"] - rng.integers(1, 10**6, turns),
            d["seq"],
            rng.integers(0, 20, turns),
        )
        d["agent"], d["instrument"], d["model"] = rng.integers(0, 2, turns), tape, -1
        d["price"], d["qty"], d["signal"] = (
            rng.integers(9_900, 10_100, turns),
            rng.integers(1, 50, turns),
            rng.normal(size=turns),
        )
        d["op"] = rng.choice([0, 1, 2, 3], turns, p=[0.25, 0.2, 0.05, 0.5])
        d["type"], d["tif"], d["side"], d["reason"] = OrderType.LIMIT, TimeInForce.DAY, rng.choice([-1, 1], turns), 0
        read = np.flatnonzero(rng.random(turns) < 0.3)
        d["feature"], d["verdict"], d["order_id"], d["parent"], d["stop"], d["flags"] = -1, -1, 0, -1, 0, 0
        d["feature"][read] = self._next("readings", len(read))
        judged = np.flatnonzero((d["op"] == Op.NEW) | (d["op"] == Op.REPLACE))
        v = self._verdicts(d, judged)
        passed = judged[v["breaches"] == 0]
        new = passed[d["op"][passed] == Op.NEW]
        d["reason"][judged[v["breaches"] != 0]] = Reason.GATE
        d["order_id"][new] = np.arange(self.orders + 1, self.orders + 1 + len(new))
        self.orders += len(new)
        other = np.setdiff1d(np.flatnonzero((d["op"] > 1) & (d["reason"] == 0)), new)
        d["order_id"][other] = rng.integers(1, max(self.orders, 1) + 1, len(other)) if self.orders else 0
        v["order_id"] = d["order_id"][judged]
        o, f, e = self._outcomes(d, new, tape)
        m, t = _filled(rng, MARK, 1), _filled(rng, LATENCY, 2)
        m["ts"], m["instrument"], m["mid2"] = self.clock, tape, 20_000
        t["ts"], t["ns"], t["stage"], t["agent"] = (
            self.clock,
            rng.integers(1, 10**6, 2),
            [Stage.POLICY, Stage.SIGNAL],
            1,
        )
        readings = rng.normal(size=(len(read), len(FEATURES))).astype(np.float32)
        parts = [("decisions", d, 0), ("verdicts", v, 0), ("readings", readings, 0), ("orders", o, tape),
                 ("fills", f, tape), ("events", e, tape), ("marks", m, tape), ("latencies", t, 0)]  # fmt: skip
        return [section(name, rows, whose) for name, rows, whose in parts if len(rows)]

    def _verdicts(self, d: NDArray[Any], judged: NDArray[np.int64]) -> NDArray[Any]:
        rng, n = self.rng, len(judged)
        v = np.zeros(n, VERDICT)
        v["seq"], v["ts"], v["decision"], v["version"] = (
            self._next("verdicts", n),
            d["ts"][judged],
            judged,
            self.limits.version,
        )
        v["decision"] = d["seq"][judged]
        v["agent"], v["instrument"] = d["agent"][judged], d["instrument"][judged]
        v["op"], v["side"] = d["op"][judged], d["side"][judged]
        d["verdict"][judged] = v["seq"]
        for control, scale in (
            (8, 50),
            (9, 1e9),
            (10, 20),
            (14, 0.01),
            (18, 1),
            (19, 10),
            (20, 30),
            (36, 1e9),
            (46, 3),
            (47, 10),
        ):
            v["observed"][:, control] = rng.random(n) * scale
        refused, close = rng.random(n) < 0.01, rng.random(n) < 0.002
        v["breaches"][refused], v["passed90"][refused | close] = 1 << 8, 1 << 8
        v["observed"][refused, 8], v["observed"][close & ~refused, 8] = 10_000 + rng.integers(0, 99), 9_500
        v["observed"][:, CONTROLS - 1] = rng.choice([0.0, np.nan], n, p=[0.99, 0.01])
        return v

    def _outcomes(
        self, d: NDArray[Any], new: NDArray[np.int64], tape: int
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        rng, n = self.rng, len(new)
        o, e = _filled(rng, ORDER, n), _filled(rng, EVENT, n)
        o["order_id"], o["decision"], o["ts_sent"] = d["order_id"][new], d["seq"][new], d["ts"][new]
        o["ts_arrived"], o["qty"] = o["ts_sent"] + rng.integers(1, 10**6, n), d["qty"][new]
        o["ts_done"], o["instrument"], o["agent"] = o["ts_arrived"] + rng.integers(1, 10**7, n), tape, d["agent"][new]
        filled = rng.random(n) < 0.7
        o["status"], o["filled"] = (
            np.where(filled, OrderStatus.FILLED, OrderStatus.CANCELED),
            np.where(filled, o["qty"], 0),
        )
        o["leaves"], o["side"], o["price"], o["reason"] = o["qty"] - o["filled"], d["side"][new], d["price"][new], 0
        f = _filled(rng, FILL, int(filled.sum()))
        f["seq"], f["ts"], f["order_id"] = self._next("fills", len(f)), o["ts_done"][filled], o["order_id"][filled]
        f["qty"], f["price"], f["side"] = o["qty"][filled], o["price"][filled], o["side"][filled]
        f["instrument"], f["agent"], f["fee"] = tape, o["agent"][filled], rng.integers(-100, 100, len(f))
        e["seq"], e["ts"], e["order_id"], e["decision"] = (
            self._next("events", n),
            o["ts_arrived"],
            o["order_id"],
            o["decision"],
        )
        e["kind"], e["reason"], e["instrument"], e["agent"] = EventKind.ACK, 0, tape, o["agent"]
        return o, f, e

    def act(self, what: OperatorAct, target: int = -1, failed: str = "") -> list[Section]:
        """A person's act, and that it was refused."""
        deed = Deed(Place((1, 2), None), self.clock, 7, Act(what, target, "because", "bob"))
        found = [text_section("acts", deed_text(deed))]
        return [*found, text_section("acts", json.dumps({"failed": failed}))] if failed else found

    def change(self, scope: str, control: str, value: float, expires: int | None = None) -> list[Section]:
        """A change of a limit."""
        after = changed(self.limits, scope, control, value, "ann", "a reason", self.clock, expires)
        return self._change(after)

    def expire(self) -> list[Section]:
        """Time runs out for every override."""
        self.clock += 10**12
        return self._change(expired(self.limits, self.clock))

    def _change(self, after: LimitSet) -> list[Section]:
        text = limits_text(self.limits, after, self.clock)
        self.limits = after
        return [text_section("limits", text)]

    def life(self, state: State, result: dict[str, Any] | None = None) -> list[Section]:
        """A state of the session."""
        fields = {"state": state.value, "wall_ns": self.clock, "reason": "", "result": result or {}}
        return [text_section("life", json.dumps(fields, sort_keys=True))]

    def seal(self) -> None:
        """The last block."""
        self.write(self.life(State.SEALED, {"reasons": {AGENTS[0]: ["sees a gap"]}}), BlockFlag.SEAL)
        self.log.close()


def _filled(rng: np.random.Generator, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
    """Records with something in every field, so that a field that is lost is missed."""
    rows = np.zeros(count, dtype)
    for name in dtype.names or ():
        if name != "pad":
            rows[name] = rng.integers(1, 100, count)
    return rows


def made(folder: Path, seed: int = 1, keep: bool = True, segment: int = 64 << 20) -> Made:
    """Begin a journal in a folder that is not there yet."""
    (folder / "wal").mkdir(parents=True)
    write_manifest(folder, manifest_fields(folder.name if ID.fullmatch(folder.name) else "20240102-143000-session"))
    manifest = read_manifest(folder)
    log = Log(log_disk(folder), start_of(manifest.hash), segment)
    found = Made(folder, manifest, log, np.random.default_rng(seed), keep)
    found.write(found.life(State.RUNNING))
    return found


def small(folder: Path, seed: int = 1, blocks: int = 12, turns: int = 40, segment: int = 1 << 16) -> Made:
    """A journal with something of everything, sealed."""
    found = made(folder, seed, segment=segment)
    for k in range(blocks):
        extra: list[Section] = []
        if k == 2:
            extra = found.change("agent.maker", "order_qty", 40.0)
        elif k == 4:
            extra = found.change("desk", "order_qty", 30.0, found.clock + 10**9)
        elif k == 6:
            extra = [*found.act(OperatorAct.PAUSE, 0), *found.act(OperatorAct.KILL, failed="nobody is there")]
        elif k == 8:
            extra = found.expire()
        found.write([*extra, *found.block(turns)])
    found.seal()
    return found
