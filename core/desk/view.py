"""What the screen shows of a desk: the second half of a snapshot, made from the line's arrays and the records."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.account.account import drawdown, unrealised
from core.desk.desk import Desk
from core.desk.parents import parent_view, remember
from core.desk.words import fill_words, lapses, note_of, order_type, status_words, trust_words
from core.desk_view import AgentView, DeskView, FillView, KillView, NoteView, OrderView, RiskView
from core.enums import AgentState, OrderFlag, OrderStatus, Queue, Rung
from core.risk.controls import MONEY, SPECS, Control, controls_in
from core.risk.usage import DESK as WHOLE
from core.risk.usage import usage
from core.venue.connection import is_down

_FILLS, _NOTES, _ORDERS = 512, 512, 512
#: What of an ORDER the screen shows.
_SHOWN = [
    "order_id", "agent", "instrument", "side", "type", "tif", "flags", "display", "status", "node", "resting", "price",
    "qty", "leaves", "filled", "ahead", "ahead_entry", "ts_sent", "reason",
]  # fmt: skip
_WORKING, _WAITING = int(OrderStatus.WORKING), int(OrderStatus.WAITING)
_POST_ONLY = int(OrderFlag.POST_ONLY)
_SECOND = 1_000_000_000
_REMEMBERED = 30  #: seconds of the market for which a denial stays on the risk panel
_BREACH = 4
_PIECE = 32  #: rows between two looks whether somebody is in a hurry
T = TypeVar("T")


class Hurried(Exception):
    """A picture was given up: something waits that no picture may hold up."""


@dataclass(slots=True)
class Shown:
    """What a view needs beside the desk: what a person did last."""

    armed_until: int = 0  #: monotonic ns, 0 = not armed
    hurried: Callable[[], bool] = lambda: False  #: whether a picture must be given up
    kills: tuple[KillView, ...] = ()
    denials: dict[tuple[str, Control], RiskView] = field(default_factory=dict)  #: latest, by scope and control
    denied_at: dict[tuple[str, Control], int] = field(default_factory=dict)  #: ns UTC
    kept: dict[str, tuple[Any, int, tuple[Any, ...]]] = field(default_factory=dict)  #: views made so far, by stream
    open: dict[tuple[Any, ...], OrderView] = field(default_factory=dict)  #: open orders by what is shown of them
    progress: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  #: parent: (ns, lots filled)


def desk_view(desk: Desk, shown: Shown, low: int, rows: int, group: int, instrument: int) -> DeskView:
    """The desk now. `low`, `rows`, `group`: the ladder's rows; `instrument`: the tape whose ladder it is.

    Raises `Hurried` where `shown.hurried` says so; nothing that was seen is lost by it.
    """
    account, recorder = desk.account, desk.recorder
    last = len(desk.agents)
    fills = recorder.tail("fills", _FILLS)
    _denials(desk, shown)
    remember(desk, shown.kept, shown.progress)
    own = own_rows(desk, low, rows, group, instrument)
    return DeskView(
        session=desk.plan.name,
        rung=f"R{int(desk.plan.rung)} {Rung(desk.plan.rung).name.lower()}",
        queue=Queue(desk.plan.queue).name.lower(),
        money_digits=desk.money.digits,
        currency=desk.plan.currency,
        armed=shown.armed_until > 0,
        armed_until=shown.armed_until,
        kills=shown.kills,
        agents=tuple(_agent(desk, k) for k in range(last)),
        risks=_risks(desk, shown),
        orders=_orders(desk, shown),
        fills=_latest(desk, shown, "fills", _FILLS, lambda each: _fill(desk, each)),
        fills_total=recorder.counts["fills"],
        notes=_notes(desk, shown),
        parents=tuple(parent_view(desk, shown.progress, k) for k in range(len(desk.parts.parents))),
        realised=int(account.realised[last]),
        unrealised=int(unrealised(account, last)),
        fees=int(account.fees[last]),
        open_orders=int(desk.gate.rows[-1]["open_orders"]),
        diverged_lots=sum(_diverged(line.venue.levels) for line in desk.lines),
        own_bids=own[0],
        own_asks=own[1],
        own_bid_ahead=own[2],
        own_ask_ahead=own[3],
        own_fills=_marks(fills, instrument),
        cut_off=tuple(tape.name for tape, line in zip(desk.plan.tapes, desk.lines, strict=True) if is_down(line.venue)),
    )


def _notes(desk: Desk, shown: Shown) -> tuple[NoteView, ...]:
    """The record in words, and between it what only words can tell."""
    said = []
    for ts, agent, words in desk.answers.said:
        who = f"{desk.agents[agent].name}: " if agent >= 0 else ""
        said.append(NoteView(ts, f"{who}{words}", True))
    notes = [*_latest(desk, shown, "events", _NOTES, lambda each: note_of(desk, each)), *said, *lapses(desk)]
    notes.sort(key=lambda note: note.ts)  # stable: the record comes first
    return tuple(notes[-_NOTES:])


def _diverged(levels: NDArray[np.void]) -> int:
    used = levels[levels["used"] != 0]
    return int((used["taken"] + used["taken_anonymous"] + used["surplus"]).sum())


def _agent(desk: Desk, k: int) -> AgentView:
    who, plan, account = desk.lines[0].agents[k], desk.agents[k], desk.account
    place = int(who["instrument"])
    held, tick_value = int(account.position[k, place]), int(account.tick_value[place])
    return AgentView(
        name=plan.name,
        symbol=desk.plan.tapes[place].name,
        policy=plan.policy,
        signal=plan.signal,
        state=AgentState(int(who["state"])),
        position=held,
        average=float(account.cost[k, place]) / held / tick_value if held else math.nan,
        realised=int(account.realised[k]),
        unrealised=int(unrealised(account, k)),
        fees=int(account.fees[k]),
        drawdown=int(drawdown(account, k)),
        orders=int(who["n_open"]),
        doing=_doing(desk, k),
        why=desk.answers.why(desk.lines[place], k),
        reading=float(who["signal"]),
        latency_us=desk.answers.latency[k] / 1000,
        decisions=int(who["decisions"]),
        denied=int(who["denied"]),
    )


def _doing(desk: Desk, k: int) -> str:
    """What an agent is working on, in words."""
    who = desk.lines[0].agents[k]
    if desk.agents[k].policy == "manual":
        return "carries your orders"
    if desk.agents[k].policy == "quote":
        return "quotes both sides"
    parent = int(who["parent"])
    if parent < 0:
        return "waits for its next order" if who["next_parent"] < who["last_parent"] else "nothing left to do"
    work = desk.lines[0].parents[parent]
    left, to_go = int(work["qty"] - work["filled"]), max(0, int(work["end"]) - desk.clock) // 1_000_000_000
    verb = "buy" if work["side"] > 0 else "sell"
    return f"{verb} {left:,} of {int(work['qty']):,} left, {to_go // 60}:{to_go % 60:02d} to go"


def _denials(desk: Desk, shown: Shown) -> None:
    """Remember the latest denial per scope and control, and forget those of some time ago."""
    for verdict in desk.recorder.tail("verdicts", 64):
        if not verdict["breaches"]:
            continue
        agent, place = int(verdict["agent"]), int(verdict["instrument"])
        scope = desk.agents[agent].name if agent >= 0 else "desk"
        for control in controls_in(int(verdict["breaches"])):
            limit = float(desk.gate.thresholds[agent, place, 0, control])
            shown.denials[scope, control] = _risk(desk, scope, control, float(verdict["observed"][control]), limit, 4)
            shown.denied_at[scope, control] = int(verdict["ts"])
    for key, ts in tuple(shown.denied_at.items()):
        if not 0 <= desk.clock - ts + _SECOND < _REMEMBERED * _SECOND:
            del shown.denied_at[key], shown.denials[key]


def _risk(desk: Desk, scope: str, control: Control, value: float, limit: float, stage: int) -> RiskView:
    """A limit as it is shown: money in natural units."""
    unit = SPECS[control].unit
    scale = float(desk.money.natural(10**9)) / 1e9 if unit == MONEY else 1.0
    used = value / limit if 0 < limit < math.inf else math.nan
    return RiskView(scope, control.name.lower().replace("_", " "), value * scale, limit * scale, used, stage, "")


def _risks(desk: Desk, shown: Shown) -> tuple[RiskView, ...]:
    """The desk's limits, agents' of which something is used, and what was denied lately: the most urgent first."""
    found = {}
    for use in usage(desk.gate, desk.account, desk.clock):
        if math.isinf(use.limit) or (use.value == 0 and use.stage < _BREACH and use.agent != WHOLE):
            continue
        scope = "desk" if use.agent == WHOLE else desk.agents[use.agent].name
        if use.instrument != WHOLE and len(desk.lines) > 1:
            scope += f" {desk.plan.tapes[use.instrument].name}"
        found[scope, use.control] = _risk(desk, scope, use.control, use.value, use.limit, use.stage)
    for (scope, control), denial in shown.denials.items():
        now, ago = found.get((scope, control)), (desk.clock - shown.denied_at[scope, control]) / _SECOND
        seen = f"denied {max(ago, 0.0):.0f} s ago: {SPECS[control].words}"
        found[scope, control] = replace(denial if now is None else now, stage=_BREACH, reason=seen)
    order = lambda each: (-each.stage, -(each.used if math.isfinite(each.used) else -1.0), each.scope, each.control)  # noqa: E731
    return tuple(sorted(found.values(), key=order))


def _latest(desk: Desk, shown: Shown, stream: str, most: int, made: Callable[[Any], Any]) -> tuple[Any, ...]:
    """The latest records of a stream as views, oldest first; only those since the last picture are made anew."""
    total = desk.recorder.counts[stream]
    whose, before, kept = shown.kept.get(stream, (None, 0, ()))
    if whose is not desk or before > total:
        before, kept = 0, ()
    if total > before:
        fresh = desk.recorder.tail(stream, min(total - before, most))
        kept = (*kept, *(made(each) for each in _unhurried(shown, plain(fresh))))[-most:]
    shown.kept[stream] = (desk, total, kept)
    return kept


def _unhurried(shown: Shown, rows: list[T]) -> Iterator[T]:
    """The rows, as long as there is time for a picture."""
    for k, row in enumerate(rows):
        if k % _PIECE == 0 and shown.hurried():
            raise Hurried
        yield row


def plain(records: NDArray[np.void]) -> list[dict[str, Any]]:
    """Records as plain Python values: a field of a numpy record costs a hundred times a dictionary's."""
    names = [name for name in records.dtype.names or () if name != "pad"]
    return [dict(zip(names, row, strict=True)) for row in records[names].tolist()]


def _orders(desk: Desk, shown: Shown) -> tuple[OrderView, ...]:
    """Open orders, then the latest that are over. Of the open ones only those that changed are made anew."""
    before, now = shown.open, dict[tuple[Any, ...], OrderView]()
    for line in desk.lines:
        orders = line.venue.orders
        live = np.flatnonzero(orders["status"] != 0)
        live = live[np.argsort(orders["order_id"][live])]
        # Column by column: numpy copies a record field by field, at ten times the price.
        rows = zip(*(orders[name][live].tolist() for name in _SHOWN), strict=True)
        for row in _unhurried(shown, list(rows)):
            known = before.get(row)
            if known is None:
                known = _order(desk, dict(zip(_SHOWN, row, strict=True)))
            now[row] = known
    shown.open = now
    over = _latest(desk, shown, "orders", _ORDERS, lambda each: _order(desk, each))
    return (*now.values(), *over[::-1])


def _order(desk: Desk, each: Mapping[str, Any]) -> OrderView:
    """An ORDER record as plain Python values, for the screen."""
    status = each["status"]
    working = status == _WORKING and each["node"] >= 0
    posts = bool(each["flags"] & _POST_ONLY)
    return OrderView(
        order_id=each["order_id"],
        agent=desk.agents[each["agent"]].name,
        symbol=desk.plan.tapes[each["instrument"]].name,
        side=each["side"],
        type=order_type(each["type"], each["tif"], posts, each["display"] > 0),
        status=status_words(status),
        price=each["resting"] if working else each["price"],
        qty=each["qty"],
        leaves=each["leaves"],
        filled=each["filled"],
        ahead=each["ahead"] if working else -1,
        ahead_entry=each["ahead_entry"],
        ts_sent=each["ts_sent"],
        reason=fill_words(each["reason"]) if status > _WAITING else "",
    )


def _fill(desk: Desk, each: Any) -> FillView:
    return FillView(
        ts=int(each["ts"]),
        order_id=int(each["order_id"]),
        agent=desk.agents[int(each["agent"])].name,
        symbol=desk.plan.tapes[int(each["instrument"])].name,
        side=int(each["side"]),
        price=int(each["price"]),
        qty=int(each["qty"]),
        maker=bool(each["maker"]),
        fee=int(each["fee"]),
        trust=trust_words(int(each["trust"])),
    )


def own_rows(desk: Desk, low: int, rows: int, group: int, instrument: int) -> NDArray[np.int64]:
    """Our resting lots by ladder row, and the lots before our first order there: bids, asks, bid ahead, ask ahead."""
    out = np.zeros((4, rows), np.int64)
    orders = desk.lines[instrument].venue.orders
    live = np.flatnonzero((orders["status"] == OrderStatus.WORKING) & (orders["node"] >= 0))
    live = live[np.argsort(orders["order_id"][live])[::-1]]  # the latest first
    row = orders["resting"][live].astype(np.int64) // group - low
    inside = (row >= 0) & (row < rows)
    live, row = live[inside], row[inside]
    sides, shown, ahead = (orders[name][live] for name in ("side", "shown", "ahead"))
    for half, side in ((0, 1), (1, -1)):
        mine = sides == side
        np.add.at(out[half], row[mine], shown[mine])
        out[2 + half][row[mine]] = ahead[mine]  # of several at a row the first order is written last
    return out


def _marks(fills: NDArray[np.void], instrument: int) -> NDArray[np.int64]:
    mine = fills[fills["instrument"] == instrument]
    return np.stack(
        [mine["ts"], mine["price"], mine["side"].astype(np.int64) * mine["qty"], mine["maker"]], axis=1
    ).astype(np.int64)
