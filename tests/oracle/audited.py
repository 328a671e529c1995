"""The truth about a session's journal, from its log alone: numpy and plain Python, no DuckDB."""

import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.enums import EventKind, Op, OrderType, Reason
from core.records import NO_PRICE
from core.risk.controls import RATE_WINDOW, Control
from sessions.journal.log import start_of
from sessions.journal.reading import Reader
from sessions.manifest import Manifest, read_manifest
from sessions.recording import log_disk

_ENDED = (EventKind.REJECT, EventKind.CANCELED, EventKind.EXPIRED)


@dataclass(frozen=True, slots=True)
class Stream:
    """Records of one stream, their journal sequence and whose tape they are of."""

    records: NDArray[Any]
    number: NDArray[np.int64]
    tape: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Truth:
    """A whole log."""

    manifest: Manifest
    streams: dict[str, Stream]
    texts: dict[str, list[tuple[int, dict[str, Any]]]]

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.streams[name].records


def truth(folder: Path) -> Truth:
    """Everything in a session's log."""
    manifest = read_manifest(folder)
    parts: dict[str, list[tuple[NDArray[Any], int, int]]] = {}
    texts: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for block in Reader(log_disk(folder), start_of(manifest.hash)):
        at = block.first
        for each in block.sections:
            if each.stream.dtype is None:
                texts.setdefault(each.stream.name, []).append((at, json.loads(each.text())))
            else:
                parts.setdefault(each.stream.name, []).append((each.records, at, each.tape))
            at += each.count
    streams = {
        name: Stream(
            np.concatenate([records for records, _, _ in found]),
            np.concatenate([np.arange(at, at + len(records)) for records, at, _ in found]),
            np.concatenate([np.full(len(records), tape) for records, _, tape in found]),
        )
        for name, found in parts.items()
    }
    return Truth(manifest, streams, texts)


def positions(found: Truth, ts: int) -> dict[tuple[int, int], int]:
    """Lots by agent and instrument."""
    fills = found["fills"][found["fills"]["ts"] <= ts]
    sums: dict[tuple[int, int], int] = {}
    for fill in fills:
        key = (int(fill["agent"]), int(fill["instrument"]))
        sums[key] = sums.get(key, 0) + int(fill["side"]) * int(fill["qty"])
    return sums


def cash(found: Truth, ts: int, tick_value: int) -> dict[int, int]:
    """Money units by agent, fees paid."""
    sums: dict[int, int] = {}
    for fill in found["fills"][found["fills"]["ts"] <= ts]:
        paid = int(fill["side"]) * int(fill["price"]) * int(fill["qty"]) * tick_value + int(fill["fee"])
        sums[int(fill["agent"])] = sums.get(int(fill["agent"]), 0) - paid
    return sums


def working(found: Truth, ts: int) -> dict[int, tuple[int, int, str]]:
    """Leaves, price and state of every order that is alive: one walk through what happened, tape by tape in order."""
    alive: dict[int, list[Any]] = {}
    stops = (OrderType.STOP, OrderType.STOP_LIMIT)
    for d in found["decisions"]:
        if d["op"] == Op.NEW and d["reason"] == 0 and d["order_id"] > 0 and d["ts"] <= ts:
            alive[int(d["order_id"])] = [int(d["qty"]), int(d["price"]), "sent", int(d["type"]) in stops]
    happened = [(int(f["instrument"]), int(f["seq"]), "fill", f) for f in found["fills"] if f["ts"] <= ts]
    happened += [(int(e["instrument"]), int(e["seq"]), "event", e) for e in found["events"] if e["ts"] <= ts]
    for _, _, what, one in sorted(happened, key=lambda each: each[:2]):
        order = alive.get(int(one["order_id"]))
        if order is None:
            continue
        if what == "fill":
            order[0] -= int(one["qty"])
            if order[0] <= 0:
                del alive[int(one["order_id"])]
        elif one["kind"] in _ENDED:
            del alive[int(one["order_id"])]
        elif one["kind"] == EventKind.ACK:
            order[2] = "waiting" if order[3] else "working"
        elif one["kind"] == EventKind.TRIGGERED:
            order[2] = "working"
        elif one["kind"] == EventKind.REPLACED:
            order[0], order[1] = int(one["qty"]), int(one["price"])
    return {number: (leaves, price, state) for number, (leaves, price, state, _) in alive.items()}


def mark2(found: Truth, ts: int, instrument: int = 0) -> int | None:
    """Twice the last mid at or before `ts`, in ticks."""
    marks = found["marks"]
    kept = marks[(marks["ts"] <= ts) & (marks["instrument"] == instrument) & (marks["mid2"] != NO_PRICE)]
    return int(kept[-1]["mid2"]) if len(kept) else None


def denials(found: Truth, begin: int = 0, end: int = 1 << 62) -> dict[tuple[str, int], int]:
    """How often each control denied each agent."""
    counts: dict[tuple[str, int], int] = {}
    for v in found["verdicts"][(found["verdicts"]["ts"] >= begin) & (found["verdicts"]["ts"] < end)]:
        for control in Control:
            if int(v["breaches"]) >> control & 1:
                key = (control.name.lower(), int(v["agent"]))
                counts[key] = counts.get(key, 0) + 1
    return counts


def near(found: Truth) -> list[tuple[int, str]]:
    """Journal sequence and control of what passed with 90 per cent used."""
    stream, hits = found.streams["verdicts"], []
    for v, number in zip(stream.records, stream.number, strict=True):
        mask = int(v["passed90"]) & ~int(v["breaches"])
        hits += [(int(number), c.name.lower()) for c in Control if mask >> c & 1]
    return hits


def peak(found: Truth, agent: int | None, ops: tuple[int, ...] = (1, 2, 3)) -> int:
    """The most messages sent within a second."""
    d = found["decisions"]
    kept = d[(d["reason"] == 0) & np.isin(d["op"], ops)]
    if agent is not None:
        kept = kept[kept["agent"] == agent]
    window: deque[int] = deque()
    most = 0
    for ts in sorted(kept["ts"].tolist()):
        window.append(ts)
        while window[0] <= ts - RATE_WINDOW:
            window.popleft()
        most = max(most, len(window))
    return most


def counted(found: Truth, agent: int) -> dict[str, int]:
    """Messages, denials and fills of an agent."""
    d = found["decisions"][found["decisions"]["agent"] == agent]
    sent = d[(d["reason"] == 0) & (d["op"] > 0)]
    return {
        "messages": len(sent), "new": int((sent["op"] == Op.NEW).sum()),
        "replaces": int((sent["op"] == Op.REPLACE).sum()), "cancels": int((sent["op"] == Op.CANCEL).sum()),
        "denied": int((d["reason"] == Reason.GATE).sum()), "fills": int((found["fills"]["agent"] == agent).sum()),
    }  # fmt: skip


def nearest_rank(values: NDArray[np.int64], share: float) -> int:
    """The smallest value that at least so large a share of them does not exceed."""
    ordered = np.sort(values)
    return int(ordered[max(int(np.ceil(share * len(ordered))) - 1, 0)])
