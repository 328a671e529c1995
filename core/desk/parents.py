"""Parent orders as the screen shows them: against their schedules, and how far they were when."""

import math
from typing import Any

import numpy as np

from core.desk.desk import Desk
from core.desk_view import ParentView
from core.records import NO_PRICE

_CURVE = 48


def remember(
    desk: Desk, kept: dict[str, tuple[Any, int, tuple[Any, ...]]], progress: dict[int, list[tuple[int, int]]]
) -> None:
    """Add to `progress`, (ns UTC, lots filled) by parent order, what was filled since the last picture of this desk.

    From the fills themselves: however seldom a picture is made, it shows when things happened.
    """
    total = desk.recorder.counts["fills"]
    whose, before, _ = kept.get("progress", (None, 0, ()))
    if whose is not desk:
        before = 0
        progress.clear()
    if total > before:
        fills = desk.recorder.tail("fills", total - before)
        for parent, ts, qty in zip(fills["parent"].tolist(), fills["ts"].tolist(), fills["qty"].tolist(), strict=True):
            if parent >= 0:
                points = progress.setdefault(parent, [])
                points.append((ts, qty + (points[-1][1] if points else 0)))
    kept["progress"] = (desk, total, ())


def parent_view(desk: Desk, progress: dict[int, list[tuple[int, int]]], k: int) -> ParentView:
    """A parent order against its schedule; `progress` as `remember` keeps it."""
    line, plan, owner = desk.lines[0], desk.parts.parents[k], desk.parts.owner[k]
    work = line.parents[k]
    place = int(work["instrument"])
    top = desk.lines[place].venue.top[0]
    points = progress.get(k, [])
    filled, side = int(work["filled"]), int(work["side"])
    arrival = work["arrival2"] / 2 if work["arrival2"] != NO_PRICE else math.nan
    average = work["value"] / filled if filled else math.nan
    end_volume, end_worth = (
        (work["end_volume"], work["end_worth"]) if work["state"] == 2 else (top["volume"], top["worth"])
    )
    traded = int(end_volume - work["start_volume"]) if work["state"] > 0 else 0
    grid = np.linspace(plan.start, plan.end, _CURVE)
    first, n = int(work["curve"]), int(work["curve_n"])
    curve = line.curves[first : first + n] if n > 1 else np.linspace(0.0, 1.0, 2)
    done = np.full(_CURVE, np.nan)
    past = grid <= desk.clock
    if past.any() and work["state"] > 0:
        at = np.searchsorted([p[0] for p in points], grid[past], "right") - 1
        lots = np.array([0, *(p[1] for p in points)], float)[at + 1]
        done[past] = lots / max(plan.qty, 1)
        done[np.flatnonzero(past)[-1]] = filled / max(plan.qty, 1)
    return ParentView(
        agent=desk.agents[owner].name,
        symbol=desk.plan.tapes[place].name,
        policy=desk.agents[owner].policy,
        side=side,
        qty=plan.qty,
        filled=filled,
        start=plan.start,
        end=plan.end,
        limit=plan.limit,
        arrival=float(arrival),
        average=float(average),
        vwap=float((end_worth - work["start_worth"]) / traded) if traded > 0 else math.nan,
        shortfall_bps=float(side * (average - arrival) / arrival * 1e4) if filled and arrival else math.nan,
        planned=np.interp(np.linspace(0, 1, _CURVE), np.linspace(0, 1, len(curve)), curve),
        done=done,
    )
