"""The nouns: every structured record, defined once. Packed, little endian, integers only."""

import numpy as np
from numpy.typing import NDArray

#: `price` of a message without one.
NO_PRICE = -(2**31)
#: `slot` of a message that refers to no known order.
NO_SLOT = -1
#: `recv_delta` when the receive time is not known.
NO_RECV = -(2**31)
#: `ts_recv` or `price` of a `ROW` that has none; a receive time that is not known.
ABSENT = -(2**63)
#: Largest quantity of one order or level, in lots; level sums stay inside int64.
MAX_QTY = 2**45

#: One market event on a tape (40 bytes).
MESSAGE = np.dtype(
    [
        ("ts_event", "<i8"),  # ns since the epoch, UTC
        ("order_id", "<u8"),  # the venue's id; the new one in a REPLACE; 0 = anonymous
        ("qty", "<i8"),  # lots: added, removed, resting (LEVEL), traded; Status in STATUS
        ("price", "<i4"),  # ticks; in a TRADE rounded down, see slot
        ("slot", "<i4"),  # order pool slot; in a TRADE the millionths of a tick above price
        ("recv_delta", "<i4"),  # ns (us with RECV_US) from ts_event to the receive time
        ("action", "u1"),  # Action
        ("side", "i1"),  # Side
        ("flags", "<u2"),  # Flag
    ]
)

#: One row as an importer reads it: venue ids, prices and quantities in the source's integer units (64 bytes).
ROW = np.dtype(
    [
        ("ts_event", "<i8"),  # ns since the epoch, UTC
        ("ts_recv", "<i8"),  # ns since the epoch, UTC; ABSENT if unknown
        ("order_id", "<u8"),  # the venue's id; the old one in a REPLACE
        ("new_order_id", "<u8"),  # REPLACE only; equal to order_id where the venue keeps ids
        ("price", "<i8"),  # in price units; ABSENT if none
        ("qty", "<i8"),  # in quantity units; Status in STATUS
        ("source_row", "<i8"),  # 0-based row of the source, for error messages
        ("action", "u1"),
        ("side", "i1"),
        ("flags", "<u2"),
        ("pad", "<u4"),
    ]
)

#: One print, as the tape panel and the volume profile need it (32 bytes).
PRINT = np.dtype(
    [
        ("ts_event", "<i8"),
        ("index", "<i8"),  # message index on the tape
        ("qty", "<i8"),  # lots
        ("price", "<i4"),  # ticks, rounded down
        ("side", "i1"),  # Side of the aggressor
        ("flags", "<u2"),  # Flag
        ("pad", "u1"),
    ]
)


def ts_recv(messages: NDArray[np.void]) -> NDArray[np.int64]:
    """Receive times of `messages`, ns UTC, shape (n,); `ABSENT` where unknown."""
    delta = messages["recv_delta"].astype(np.int64)
    known = delta != NO_RECV
    delta[(messages["flags"] & 256) != 0] *= 1000
    return np.where(known, messages["ts_event"] + delta, ABSENT)


#: What a policy, or a person, wants done with one order (72 bytes).
INTENT = np.dtype(
    [
        ("order_id", "<i8"),  # the order to cancel or replace; 0 in NEW
        ("qty", "<i8"),  # lots; in REPLACE the new total leaves
        ("display", "<i8"),  # lots shown at a time (iceberg), 0 = all
        ("parent", "<i8"),  # parent order, -1 = none
        ("why", "<i8"),  # the policy's own code for its reason, see Policy.reasons
        ("price", "<i4"),  # ticks: limit, collar of a MARKET, bound of a peg
        ("stop", "<i4"),  # ticks: trigger of a stop, offset of PEG_TOUCH
        ("op", "u1"),  # Op
        ("type", "u1"),  # OrderType
        ("tif", "u1"),  # TimeInForce
        ("side", "i1"),  # Side
        ("flags", "<u2"),  # OrderFlag
        ("pad", "u1", (18,)),
    ]
)

#: One order of ours, working or done.
ORDER = np.dtype(
    [
        ("order_id", "<i8"),  # 1, 2, 3 ... in the session
        ("decision", "<i8"),  # sequence of the DECISION it comes from
        ("ts_sent", "<i8"),  # ns UTC, our clock
        ("ts_arrived", "<i8"),  # at the venue
        ("ts_done", "<i8"),
        ("qty", "<i8"),  # lots asked
        ("leaves", "<i8"),
        ("filled", "<i8"),
        ("display", "<i8"),  # lots shown at a time, 0 = all
        ("shown", "<i8"),  # lots of the slice that rests now
        ("ahead", "<i8"),  # lots before us in the queue
        ("ahead_entry", "<i8"),  # when we joined it
        ("by_trades", "<i8"),  # lots before us that traded ...
        ("by_cancels", "<i8"),  # ... and that left
        ("low_ahead", "<i8"),  # the pessimistic queue's lots before us, and what it would have filled
        ("low_filled", "<i8"),
        ("high_ahead", "<i8"),  # the optimistic one's
        ("high_filled", "<i8"),
        ("joined", "<i8"),  # arrival number at its level: orders stamped lower are before us
        ("parent", "<i8"),  # -1 = none
        ("known_leaves", "<i8"),  # what we know of it, after the response latency
        ("asked_qty", "<i8"),  # a replace under way: its new leaves, 0 = none
        ("asked_leaves", "<i8"),  # known leaves when it was sent
        ("asked_price", "<i4"),
        ("known_price", "<i4"),
        ("price", "<i4"),  # ticks, our prices
        ("resting", "<i4"),  # where it rests: its price, or where a peg has taken it
        ("stop", "<i4"),
        ("next", "<i4"),  # queue of our orders at the same price
        ("prev", "<i4"),
        ("mine_next", "<i4"),  # open orders of the same agent
        ("mine_prev", "<i4"),
        ("node", "<i4"),  # level of ours it rests at, -1
        ("instrument", "<i2"),
        ("agent", "<i2"),
        ("flags", "<u2"),  # OrderFlag
        ("side", "i1"),  # Side
        ("type", "u1"),  # OrderType
        ("tif", "u1"),  # TimeInForce
        ("status", "u1"),  # OrderStatus, at the venue
        ("known_status", "u1"),  # OrderStatus, as we know it
        ("reason", "u1"),  # Reason it ended
        ("pad", "u1", (4,)),
    ]
)

#: One execution of ours (96 bytes).
FILL = np.dtype(
    [
        ("seq", "<i8"),
        ("ts", "<i8"),  # ns UTC at the venue
        ("order_id", "<i8"),
        ("qty", "<i8"),  # lots
        ("fee", "<i8"),  # money units, positive = paid
        ("mid2", "<i8"),  # twice the mid in ticks just before, as we find it; NO_PRICE if none
        ("tape_mid2", "<i8"),  # the same on the tape, where we are not
        ("cursor", "<i8"),  # messages applied
        ("ahead_entry", "<i8"),  # lots before us when the order joined the queue
        ("parent", "<i8"),
        ("price", "<i4"),  # ticks
        ("instrument", "<i2"),
        ("agent", "<i2"),
        ("side", "i1"),
        ("maker", "u1"),
        ("trust", "<u2"),  # Trust
        ("shift", "<i4"),  # ticks by which our impact had moved the market
    ]
)

#: One decision of an agent or a person, sent or denied or nothing done (112 bytes).
DECISION = np.dtype(
    [
        ("seq", "<i8"),
        ("ts", "<i8"),  # ns UTC, our clock
        ("ts_market", "<i8"),  # newest market event seen
        ("cursor", "<i8"),  # messages applied
        ("feature", "<i8"),  # row in the feature store, -1 = none
        ("verdict", "<i8"),  # sequence of the VERDICT, -1 = not asked
        ("order_id", "<i8"),  # order made, cancelled or replaced; 0 = none
        ("parent", "<i8"),
        ("why", "<i8"),  # the policy's code for its reason
        ("qty", "<i8"),
        ("price", "<i4"),
        ("stop", "<i4"),
        ("signal", "<f4"),  # what the signal said, NaN = none
        ("model", "<i4"),  # model of the manifest, -1 = none
        ("instrument", "<i2"),
        ("agent", "<i2"),
        ("op", "u1"),  # Op, 0 = do nothing
        ("type", "u1"),
        ("tif", "u1"),
        ("side", "i1"),
        ("flags", "<u2"),
        ("reason", "u1"),  # Reason when it came to nothing
        ("pad", "u1", (5,)),
    ]
)

#: Everything else that happens to an order or an agent (72 bytes).
EVENT = np.dtype(
    [
        ("seq", "<i8"),
        ("ts", "<i8"),  # ns UTC where it happened
        ("order_id", "<i8"),
        ("decision", "<i8"),
        ("qty", "<i8"),
        ("detail", "<i8"),
        ("price", "<i4"),
        ("instrument", "<i2"),
        ("agent", "<i2"),
        ("kind", "u1"),  # EventKind
        ("reason", "u1"),  # Reason
        ("side", "i1"),
        ("pad", "u1", (13,)),
    ]
)

#: The market at the start of a second, for valuing positions at any time (48 bytes).
MARK = np.dtype(
    [
        ("ts", "<i8"),  # ns UTC
        ("cursor", "<i8"),  # messages applied
        ("mid2", "<i8"),  # twice the mid in ticks as our orders find it; NO_PRICE while a side is empty
        ("volume", "<i8"),  # lots traded in the market so far
        ("last_price", "<i4"),  # ticks, of the last print; NO_PRICE if none
        ("instrument", "<i2"),
        ("pad", "u1", (10,)),
    ]
)

#: How long something took by the wall clock: never part of what a second run repeats (32 bytes).
LATENCY = np.dtype(
    [
        ("ts", "<i8"),  # ns UTC of the market when it began
        ("ns", "<i8"),
        ("decision", "<i8"),  # sequence the next DECISION will have
        ("agent", "<i2"),
        ("stage", "u1"),  # Stage
        ("pad", "u1", (5,)),
    ]
)

#: What a policy is shown when it is asked. All it may know; nothing later than its clock.
VIEW = np.dtype(
    [
        ("now", "<i8"),  # ns UTC, our clock
        ("ts_market", "<i8"),  # newest market event seen
        ("best_bid", "<i8"),  # ticks, as our orders are priced; EMPTY_BID, EMPTY_ASK if none
        ("best_ask", "<i8"),
        ("bid_qty", "<i8"),  # lots
        ("ask_qty", "<i8"),
        ("last_price", "<i8"),  # ticks, NO_PRICE if none
        ("volume", "<i8"),  # lots traded in the market so far today
        ("status", "<i8"),  # Status
        ("position", "<i8"),  # lots, as known
        ("parent", "<i8"),  # parent order worked on, -1 = none
        ("side", "<i8"),  # its Side, 0 = none
        ("qty", "<i8"),  # its quantity
        ("filled", "<i8"),  # as known
        ("working", "<i8"),  # lots of it in open orders, as known
        ("start", "<i8"),  # ns UTC
        ("end", "<i8"),
        ("limit", "<i8"),  # ticks, NO_PRICE = none
        ("start_volume", "<i8"),  # market volume when it started
        ("takable", "<i8"),  # lots at the best five prices that an order of its side would trade against
        ("tick_value", "<i8"),  # money units of one tick of one lot
        ("urgency", "<f8"),
        ("signal", "<f8"),  # NaN = none
        ("n_open", "<i8"),  # open orders of the agent
    ]
)

#: An open order of the agent's own, as it knows it.
OPEN = np.dtype(
    [
        ("order_id", "<i8"),
        ("leaves", "<i8"),
        ("ahead", "<i8"),  # lots before it (a venue that does not tell: -1)
        ("price", "<i8"),
        ("ts_sent", "<i8"),
        ("parent", "<i8"),
        ("side", "<i8"),
        ("type", "<i8"),
        ("tif", "<i8"),
        ("closing", "<i8"),  # 1 = a cancel is on its way
    ]
)

#: Room for controls in a VERDICT, see `core.risk.controls`; breach and warning masks have one bit each.
CONTROLS = 56

#: An order as the gate sees it before it is sent: a NEW, or a REPLACE of an order of ours.
DRAFT = np.dtype(
    [
        ("now", "<i8"),  # ns UTC, our clock
        ("order_id", "<i8"),  # the order that would be made, or replaced
        ("decision", "<i8"),  # sequence of the DECISION it comes from, -1 = none
        ("op", "<i8"),  # Op: NEW or REPLACE
        ("agent", "<i8"),
        ("instrument", "<i8"),
        ("side", "<i8"),  # Side
        ("type", "<i8"),  # OrderType
        ("tif", "<i8"),  # TimeInForce
        ("flags", "<i8"),  # OrderFlag
        ("price", "<i8"),  # ticks: limit, collar of a MARKET or STOP, bound of a peg; NO_PRICE = none
        ("stop", "<i8"),  # ticks: trigger of a stop, offset of PEG_TOUCH
        ("qty", "<i8"),  # lots; in REPLACE the new total leaves
        ("display", "<i8"),  # lots shown at a time, 0 = all
        ("old_leaves", "<i8"),  # REPLACE: known leaves now; 0 in NEW
        ("old_price", "<i8"),  # REPLACE: its price now
        ("permission", "<i8"),  # 1 = whoever asks may trade this
        ("model", "<i8"),  # 1 = a model stands behind it; 0: the next three are not looked at
        ("model_age", "<i8"),  # ns since its last good answer, negative = never
        ("model_bad", "<i8"),  # not 0 = its last answer was not finite, or out of range
        ("model_latency", "<i8"),  # ns its last answer took, negative = unknown
        ("unanswered", "<i8"),  # ns its oldest order without an answer waits, 0 = none, negative = unknown
    ]
)

#: What the gate is told about the market of the draft's instrument.
MARKET = np.dtype(
    [
        ("ts_market", "<i8"),  # ns UTC, newest market event seen
        ("best_bid", "<i8"),  # ticks, EMPTY_BID and EMPTY_ASK if none
        ("best_ask", "<i8"),
        ("bid_qty", "<i8"),  # lots
        ("ask_qty", "<i8"),
        ("last_price", "<i8"),  # ticks, NO_PRICE if none
        ("status", "<i8"),  # Status; NONE = the tape never says, which is not a reason to deny
        ("session_open", "<i8"),  # 1 = our session and the venue's are open
        ("crossed", "<i8"),  # not 0 = the feed's book is crossed
        ("gap", "<i8"),  # not 0 = messages are missing, or a resync is pending
        ("window2", "<i8"),  # twice the mid some seconds ago, in ticks; NO_PRICE = none
        ("jump2", "<i8"),  # move of twice the mid in the jump window, in ticks, sign free; NO_PRICE = unknown
        ("depth", "<i8"),  # lots on the side opposite to the draft's, best five levels
        ("volume", "<i8"),  # lots traded in the market today
        ("clock_skew", "<i8"),  # ns our clock is off, sign free; ABSENT = unknown
    ]
)

#: What the gate found, one for each draft, whether it may go or not.
VERDICT = np.dtype(
    [
        ("seq", "<i8"),  # 0, 1, 2 ... in the session
        ("ts", "<i8"),  # ns UTC, our clock
        ("decision", "<i8"),
        ("order_id", "<i8"),
        ("version", "<i8"),  # of the limit set
        ("breaches", "<u8"),  # bit k = Control k denies; 0 = it may go
        ("passed50", "<u8"),  # controls that reached 50 per cent of their limit, breached ones too
        ("passed75", "<u8"),
        ("passed90", "<u8"),
        ("agent", "<i4"),
        ("instrument", "<i4"),
        ("op", "<i4"),
        ("side", "<i4"),
        ("observed", "<f8", (CONTROLS,)),  # what each Control saw, in its unit; NaN = could not be said
    ]
)
