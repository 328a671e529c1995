"""The parent orders of a session file: their values, and that they can be worked, one after the other."""

from itertools import pairwise

from core.enums import Side
from core.plan import ParentPlan
from core.tape.folder import TapeMeta
from sessions.plan_values import MINUTE, SECOND, Day, duration, in_words, lots, moment, ticks
from sessions.toml_table import Table

MOST_ORDERS = 10_000
_ORDER = ("side", "qty", "start", "end", "window", "limit", "urgency")
#: Policies that never work an order.
_IDLE = ("hold", "manual")

Span = tuple[int | None, int | None]


def orders(agent: Table, policy: str, meta: TapeMeta, day: Day, span: Span) -> tuple[ParentPlan, ...]:
    """An agent's parent orders. `span`: the session's start and end (ns UTC) where the file says them."""
    tables = agent.tables("order", MOST_ORDERS)
    if tables and policy in _IDLE:
        agent.fail("order", f"an agent of policy {policy!r} works no orders")
    made = [_order(table, meta, day, span) for table in tables]
    turns = sorted(range(len(made)), key=lambda k: (made[k].start, k))
    for one, other in pairwise(turns):
        if made[other].start < made[one].end:
            late, early = max(one, other), min(one, other)
            tables[late].fail(
                "start", f"the order overlaps {tables[early].path}; an agent works one order after the other"
            )
    return tuple(made)


def ordered(table: Table, key: str, start: int | None, end: int | None) -> None:
    """Refuse an end that is not after the start."""
    if start is not None and end is not None and end <= start:
        table.fail(key, "the end is not after the start")


def inside(table: Table, start: int | None, end: int | None, day: Day) -> None:
    """A minute more than the messages cover is taken: an opening or closing time rarely falls on one."""
    for key, ts in (("start", start), (_end_key(table), end)):
        if ts is not None and not day.first - MINUTE <= ts <= day.last + MINUTE:
            early = ts < day.first
            away = in_words(abs(ts - (day.first if early else day.last)) // SECOND * SECOND)
            table.fail(key, f"is {away} {'before the first' if early else 'after the last'} message of the tape")


def _order(table: Table, meta: TapeMeta, day: Day, span: Span) -> ParentPlan:
    table.only(_ORDER)
    side = table.choice("side", ("buy", "sell"), "") if table.has("side") else table.text("side")
    start, end = _window(table, day, span)
    return ParentPlan(
        side=Side.BID.value if side == "buy" else Side.ASK.value,
        qty=lots(table, "qty", meta.instrument),
        start=start,
        end=end,
        limit=_limit(table, meta) if table.has("limit") else None,
        urgency=table.number("urgency", 0.0, 1.0, 0.5),
    )


def _window(table: Table, day: Day, span: Span) -> tuple[int, int]:
    """From when to when, ns UTC, inside of the session."""
    start = moment(table, "start", day)
    if start is None:
        start = day.first if span[0] is None else max(span[0], day.first)
    end = moment(table, "end", day)
    if table.has("window"):
        if end is not None:
            table.fail("window", "say either a window or an end")
        end = start + duration(table, "window", None, 1_000_000)
    if end is None:
        end = day.last if span[1] is None else min(span[1], day.last)
    inside(table, start, end, day)
    ordered(table, "end" if table.has("end") else "start", start, min(end, day.last))
    opening, closing = span
    if opening is not None and start < opening:
        table.fail("start", f"is {in_words(opening - start)} before the session starts")
    if closing is not None and end > closing:
        table.fail(_end_key(table), f"is {in_words(end - closing)} after the session ends")
    return start, min(end, day.last)


def _limit(table: Table, meta: TapeMeta) -> int:
    """A limit price in ticks. Some instruments have prices below zero; there, and only there, a limit may be."""
    found = ticks(table, "limit", meta.instrument)
    if found <= 0 < meta.low_price:
        low, high = (meta.instrument.price(price) for price in (meta.low_price, meta.high_price))
        table.fail("limit", f"{table.decimal('limit')} is no price of this tape: they are from {low} to {high}")
    return found


def _end_key(table: Table) -> str:
    return "window" if table.has("window") else "end"
