"""The venue's state as arrays.

The tape's book is never written by us. Everything that our orders change is an overlay beside it: our
own orders with the lots before them, and per price the lots that we took and that therefore are not
there any more. A venue without orders of ours leaves no trace.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.jit_states import state
from core.records import EVENT, FILL, MARK, ORDER

#: Marks that are remembered, one a second; the gate looks back at most `LOOK_BACK` of them.
SECONDS, LOOK_BACK = 4096, 64
#: Prices share a bucket modulo this.
BUCKETS = 4096
#: Most executions of one order on its arrival; what is left of it is cancelled (`Reason.POOL_FULL`). The output
#: buffers keep this much room.
SWEEP = 1024

#: One price and side where we rest or have taken (80 bytes). Prices are the tape's.
OWN_LEVEL = np.dtype(
    [
        ("price", "<i8"),
        ("taken", "<i8"),  # lots of known orders that we took and the tape still shows
        ("taken_anonymous", "<i8"),
        ("surplus", "<i8"),  # lots that the tape saw trade and that we absorbed in their place
        ("credit", "<i8"),  # lots printed here that the level's quantity does not reflect yet (level-2 tapes)
        ("ts_back", "<i8"),  # when the market has refilled what we took (reactive rung)
        ("mine", "<i8"),  # our lots resting
        ("head", "<i4"),  # our first order, -1
        ("tail", "<i4"),
        ("count", "<i4"),
        ("half", "<i4"),  # 0 bid, 1 ask
        ("next", "<i4"),  # in the bucket
        ("used", "<i4"),
    ]
)

#: A request on its way to the venue (56 bytes); a binary heap by (ts, seq).
REQUEST = np.dtype(
    [
        ("ts", "<i8"),
        ("seq", "<i8"),
        ("sent", "<i8"),  # our clock
        ("order_id", "<i8"),
        ("qty", "<i8"),
        ("decision", "<i8"),
        ("slot", "<i4"),
        ("price", "<i4"),
        ("op", "u1"),
        ("reason", "u1"),
        ("lost", "u1"),  # 1 = the connection was lost before it arrived
        ("pad", "u1", (5,)),
    ]
)

#: An answer on its way to us (64 bytes); a ring in order of time.
NOTE = np.dtype(
    [
        ("ts", "<i8"),  # when we know, ns UTC
        ("order_id", "<i8"),
        ("qty", "<i8"),
        ("leaves", "<i8"),
        ("fee", "<i8"),
        ("slot", "<i4"),
        ("price", "<i4"),
        ("old_price", "<i4"),
        ("kind", "u1"),  # EventKind
        ("reason", "u1"),
        ("maker", "u1"),
        ("pad", "u1", (9,)),
    ]
)

#: Scalars.
VENUE_TOP = np.dtype(
    [
        ("watch", "<i8"),  # levels of ours in use: 0 = the tape plays alone
        ("own_bid", "<i8"),  # best of our resting prices (tape ticks), EMPTY_BID if none
        ("own_ask", "<i8"),
        ("free", "<i8"),  # free order slots
        ("free_levels", "<i8"),
        ("requests", "<i8"),
        ("note_head", "<i8"),
        ("note_tail", "<i8"),
        ("joined", "<i8"),  # arrivals at levels so far
        ("request_seq", "<i8"),
        ("fills", "<i8"),  # records in the output buffers
        ("events", "<i8"),
        ("done", "<i8"),
        ("marks", "<i8"),
        ("seq", "<i8"),  # records made in the session by this venue
        ("drain", "<i8"),  # 1 = a buffer must be emptied before going on
        ("pegs", "<i8"),
        ("stops", "<i8"),
        ("bid_seen", "<i8"),  # touch of the others, our ticks, that the pegs were priced at
        ("ask_seen", "<i8"),
        ("working", "<i8"),  # orders of ours alive at the venue
        ("clock", "<i8"),  # newest market time
        ("cursor", "<i8"),  # messages applied
        ("last_price", "<i8"),  # of the last print, tape ticks; NO_PRICE
        ("volume", "<i8"),  # lots printed
        ("worth", "<i8"),  # sum of price * lots of all prints
        ("shift", "<i8"),  # ticks by which we have moved the market (reactive rung)
        ("ts_decay", "<i8"),  # next step of the impact's decay
        ("taken_lots", "<i8"),  # meter: lots we took from the tape
        ("absorbed_lots", "<i8"),  # meter: lots of the tape's aggressors that we absorbed
        ("orphan_lots", "<i8"),  # meter: lots of later messages that found nothing left to act on
        ("orphan_messages", "<i8"),
        ("returned_lots", "<i8"),  # meter: taken lots that left or came back by themselves
        ("next_due", "<i8"),  # market time of the next thing to do between two messages
        ("served", "<i8"),  # the latest such time that has been: what is due never lies before it
        ("feed_now", "<i8"),  # ns by which we see the market late
        ("next_tick", "<i8"),  # market time of the next second at which the mid is remembered
        ("next_wake", "<i8"),  # our clock when the next agent is due
        ("ended", "<i8"),  # 1 = the session is over
        ("request_ts", "<i8"),  # arrival of the newest request: one connection keeps their order
        ("outage", "<i8"),  # outages that have begun
        ("link_ts", "<i8"),  # when the connection is lost or comes back next
        ("down_until", "<i8"),  # when the connection that was lost last comes back
    ]
)

#: What is fixed for a session.
VENUE_RULES = np.dtype(
    [
        ("rung", "<i8"),
        ("queue", "<i8"),  # bracket: core.enums.Queue
        ("queue_model", "<i8"),  # 0 tail, 1 pro-rata, 2 head, 3 power, 4 = `queue_call`
        ("queue_call", "<i8"),  # address of a compiled function, 0 = none
        ("levels", "<i8"),  # 1 on a level-2 tape
        ("self_match", "<i8"),  # 0 cancel newest, 1 cancel oldest, 2 both
        ("tick_value", "<i8"),  # money units per tick and lot
        ("instrument", "<i8"),
        ("impact", "<f8"),  # ticks per square root of a lot of decayed flow
        ("impact_call", "<i8"),
        ("impact_step", "<i8"),  # ns between two steps of the decay
        ("refill", "<i8"),  # ns until what we took is refilled, mean
        ("latency_call_feed", "<i8"),
        ("latency_call_order", "<i8"),
        ("latency_call_response", "<i8"),
        ("latency_fixed", "<i8"),  # bit k: draws of kind k are all the same
        ("recorded_feed", "<i8"),  # 1 = the tape's own receive times
        ("end", "<i8"),  # session end, ns UTC
        ("start", "<i8"),
    ]
)


@state
class Venue(NamedTuple):
    """One instrument's venue."""

    orders: NDArray[np.void]  #: ORDER by slot
    free: NDArray[np.int32]  #: stack of free order slots
    levels: NDArray[np.void]  #: OWN_LEVEL
    free_levels: NDArray[np.int32]
    buckets: NDArray[np.int32]  #: first OWN_LEVEL + 1 by side and price, shape (2, BUCKETS)
    touched: NDArray[np.uint64]  #: one bit per non-empty bucket, shape (2, BUCKETS / 64)
    taken: NDArray[np.int64]  #: lots we took, by slot of the tape's order pool
    stamps: NDArray[np.int32]  #: `joined` when the tape's order came, by its slot; one more than there are: never read
    requests: NDArray[np.void]  #: REQUEST
    notes: NDArray[np.void]  #: NOTE
    fills: NDArray[np.void]  #: FILL, output
    events: NDArray[np.void]  #: EVENT, output
    done: NDArray[np.void]  #: ORDER, output: orders that are over
    latency: NDArray[np.int64]  #: ns, shape (3, n): feed, order, response draws
    flow: NDArray[np.float64]  #: decayed own flow per time scale, shape (3, k): value, weight, decay per step
    fees: NDArray[np.int64]  #: see `core.account.money.fee`, shape (1, 4)
    marks: NDArray[np.void]  #: MARK, a ring by second, output too
    refills: NDArray[np.int64]  #: draws of refill times, per mille of the mean
    outages: NDArray[np.int64]  #: ns UTC when the connection is lost and when it is back, shape (n + 1, 2)
    top: NDArray[np.void]  #: VENUE_TOP, shape (1,)
    rules: NDArray[np.void]  #: VENUE_RULES, shape (1,)


def new_venue(slots: int, orders: int = 256, records: int = 4096) -> Venue:
    """A venue over a book of `slots` order slots, with room for `orders` open orders of ours.

    Output buffers hold `records` and never less than four times the orders, so that any one message fits.
    """
    records = max(records, 4 * orders + 2 * SWEEP + 64)
    levels = 2 * orders + 2 * SWEEP
    top, rules = np.zeros(1, VENUE_TOP), np.zeros(1, VENUE_RULES)
    top["own_bid"], top["own_ask"] = EMPTY_BID, EMPTY_ASK
    top["bid_seen"], top["ask_seen"] = EMPTY_BID, EMPTY_ASK
    top["free"], top["free_levels"] = orders, levels
    top["last_price"] = -(2**31)
    top["ts_decay"] = top["next_due"] = top["next_wake"] = top["next_tick"] = top["link_ts"] = 2**62
    rules["end"], rules["impact_step"] = 2**62, 100_000_000
    pool = np.zeros(orders, ORDER)
    return Venue(
        orders=pool,
        free=np.arange(orders, dtype=np.int32)[::-1].copy(),
        levels=np.zeros(levels, OWN_LEVEL),
        free_levels=np.arange(levels, dtype=np.int32)[::-1].copy(),
        buckets=np.zeros((2, BUCKETS), np.int32),
        touched=np.zeros((2, BUCKETS // 64), np.uint64),
        taken=np.zeros(slots, np.int64),
        stamps=np.zeros(slots + 1, np.int32),
        requests=np.zeros(4 * orders + 64, REQUEST),
        notes=np.zeros(8 * orders + 2 * SWEEP + 64, NOTE),
        fills=np.zeros(records, FILL),
        events=np.zeros(records, EVENT),
        done=np.zeros(records, ORDER),
        latency=np.zeros((3, 1), np.int64),
        flow=np.zeros((3, 1), np.float64),
        fees=np.zeros((1, 4), np.int64),
        marks=np.zeros(SECONDS, MARK),
        refills=np.full(1, 1000, np.int64),
        outages=np.full((1, 2), 2**62, np.int64),
        top=top,
        rules=rules,
    )
