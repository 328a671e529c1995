"""Codes that stand in records. Values are part of the tape format: append, never renumber."""

from enum import IntEnum, IntFlag


class Action(IntEnum):
    """What a market message does."""

    ADD = 1  #: a new order joins the tail of its level
    CANCEL = 2  #: `qty` lots leave an order, which keeps its place
    DELETE = 3  #: the whole order leaves
    EXECUTE = 4  #: `qty` lots of a resting order trade
    REPLACE = 5  #: an order takes a new price and quantity (and id)
    TRADE = 6  #: a print without book effect; `side` is the aggressor
    LEVEL = 7  #: set the anonymous quantity resting at a price
    CLEAR = 8  #: empty one side (or, side NONE, both)
    STATUS = 9  #: trading status in `qty` (`Status`); NONE = source row without effect


class Side(IntEnum):
    """Side of the resting order (of the aggressor in a TRADE); also the sign of its volume."""

    BID = 1
    NONE = 0
    ASK = -1


class Flag(IntFlag):
    """Bits of `MESSAGE.flags` and `ROW.flags`."""

    ROW_END = 1  #: last message of its source row; counting these gives the source row
    EVENT_END = 2  #: the venue's event is complete: the book may be judged here
    SNAPSHOT = 4  #: states what rests already, it did not happen now
    BAD = 8  #: the source row could not be used; the message has no effect
    WIPE = 16  #: LEVEL also removes the known orders of the level
    HIDDEN = 32  #: print against a hidden order
    CROSS = 64  #: auction or cross print
    SILENT = 128  #: EXECUTE whose print is reported by a TRADE message
    RECV_US = 256  #: `recv_delta` is in microseconds, it did not fit in nanoseconds
    IMPLIED = 512  #: made by the importer (window reconciliation), not in the source
    BACKWARDS = 1024  #: ts_event was earlier than its predecessor's


class Status(IntEnum):
    """Trading status, the `qty` of a STATUS message."""

    NONE = 0  #: no change: keeps one message per source row
    PRE_OPEN = 1
    TRADING = 2
    HALTED = 3
    QUOTING = 4  #: quotes resume, no trading yet
    AUCTION = 5
    CLOSED = 6


class Result(IntEnum):
    """What applying one message to a book came to. Everything but OK is counted."""

    OK = 0
    UNKNOWN_ORDER = 1  #: the order is not on the book; nothing changed (a REPLACE still adds)
    DUPLICATE_ORDER = 2  #: the id already rests; the add is refused
    BAD_QTY = 3  #: zero, negative or above `MAX_QTY`; nothing changed
    BAD_PRICE = 4  #: outside the price grid; nothing changed
    BAD_SIDE = 5
    BAD_ACTION = 6
    BAD_SLOT = 7  #: slot outside the order pool
    OVERFILL = 8  #: asked to remove more than rested; the order is gone
    FROM_ANONYMOUS = 9  #: unknown order, taken from the anonymous quantity of its level
    BAD_ROW = 10  #: the source row was malformed; nothing changed
    FULL = 11  #: a pool is exhausted; grow the book and apply again


class Depth(IntEnum):
    """Depth model of a tape."""

    ORDERS = 3  #: every order (level 3)
    WINDOW = 4  #: every order inside a window of the best N levels
    LEVELS = 2  #: quantity per price (level 2)


class Rung(IntEnum):
    """How honest a simulated fill is; named in every result."""

    MID = 0  #: fills at the mid
    BOOK = 1  #: walks the visible book; a resting order fills when its price trades
    QUEUE = 2  #: exact first-in first-out position behind what rests
    LEDGER = 3  #: and what we took is gone, what we absorb does not reach the orders behind
    LATENCY = 4  #: and feed, order and response latency
    REACTIVE = 5  #: and the market moves with our flow, and refills


class Queue(IntEnum):
    """Which bracket of the queue model decides fills; the other two are recorded beside it."""

    PESSIMISTIC = 0  #: fills only what an execution behind or through our price proves
    CONSERVING = 1  #: every lot that trades is consumed once, first-in first-out
    OPTIMISTIC = 2  #: cancels of unknown place come from ahead, hidden prints at our price reach us


class OrderType(IntEnum):
    """What an order asks for."""

    LIMIT = 1
    MARKET = 2  #: always collared: `price` is the worst price
    STOP = 3  #: becomes MARKET when `stop` trades
    STOP_LIMIT = 4  #: becomes LIMIT when `stop` trades
    PEG_TOUCH = 5  #: rests at its own side's touch plus `stop` ticks (negative: behind), never beyond `price`
    PEG_MID = 6  #: rests at the mid (rounded away from the other side), never beyond `price`


class TimeInForce(IntEnum):
    """How long an order lives."""

    DAY = 1  #: until the session ends
    IOC = 2  #: what cannot trade at once is cancelled
    FOK = 3  #: all at once or not at all


class OrderFlag(IntFlag):
    """Bits of `ORDER.flags` and `INTENT.flags`."""

    POST_ONLY = 1  #: rejected if it would take
    REDUCE_ONLY = 2  #: may only shrink the position
    CANCEL_SENT = 4  #: a cancel is on its way
    OPERATOR = 8  #: a person's order, or an action of the desk
    TRIGGERED = 16  #: a stop that has gone off


class OrderStatus(IntEnum):
    """Life of an order. From CANCELED on it is over."""

    FREE = 0  #: the pool slot is unused
    SENT = 1  #: on its way to the venue
    WORKING = 2  #: rests in the venue
    WAITING = 3  #: a stop that has not gone off
    CANCELED = 4
    FILLED = 5
    REJECTED = 6  #: by the venue
    EXPIRED = 7  #: session end
    DENIED = 8  #: by our gate: it never left


class Op(IntEnum):
    """What a policy, or a person, wants done."""

    NEW = 1
    CANCEL = 2
    REPLACE = 3


class EventKind(IntEnum):
    """Kinds of EVENT record."""

    ACK = 1
    REJECT = 2
    FILL = 3
    CANCELED = 4
    REPLACED = 5
    EXPIRED = 6
    TRIGGERED = 7
    REPRICED = 8  #: a peg followed the market
    CANCEL_REJECT = 9  #: the order was already gone, or a replace was refused
    DENIED = 10
    WARNED = 11  #: a limit passed 50, 75 or 90 per cent
    AGENT = 12  #: an agent changed state (`qty` = AgentState)
    OPERATOR = 13  #: a person acted (`qty` = OperatorAct)
    MODEL = 14  #: a model or policy answered late, badly, or not at all
    SESSION = 15  #: the session started or ended; the connection to the venue was lost or came back


class Reason(IntEnum):
    """Why an event happened."""

    NONE = 0
    REQUESTED = 1
    UNKNOWN_ORDER = 2
    WOULD_TAKE = 3  #: post-only
    NOT_ENOUGH = 4  #: fill-or-kill
    NO_MARKET = 5  #: nothing to trade against, or no price to peg to
    NOT_TRADING = 6  #: halt, or the session is not open
    SELF_MATCH = 7
    SESSION_END = 8
    BAD_PRICE = 9
    BAD_QTY = 10
    IMMEDIATE = 11  #: the rest of an immediate-or-cancel order
    GATE = 12  #: denied by the gate; see the verdict
    KILL = 13
    CANCEL_ALL = 14
    FLATTEN = 15
    POLICY_RAISED = 16
    POLICY_LATE = 17
    NOT_FINITE = 18
    OUT_OF_RANGE = 19
    WINDOW_END = 20  #: the parent order's time is up
    DONE = 21
    POOL_FULL = 22
    RESUMED = 23
    TOO_FAST = 24  #: repeated automated execution, or a message rate
    DISCONNECTED = 25  #: the connection to the venue is lost
    RECONNECTED = 26


class AgentState(IntEnum):
    """What an agent is doing."""

    WAITING = 0  #: its first parent order has not started
    RUNNING = 1
    PAUSED = 2  #: by a person
    DONE = 3  #: no parent order left
    KILLED = 4  #: latched
    UNHEALTHY = 5  #: its policy or model failed; paused until a person resumes it


class OperatorAct(IntEnum):
    """What a person did."""

    ARM = 1
    DISARM = 2
    PAUSE = 3
    RESUME = 4
    CANCEL_ALL = 5
    FLATTEN = 6
    KILL = 7
    REARM = 8
    ORDER = 9
    CANCEL = 10
    REPLACE = 11
    LIMITS = 12


class Stage(IntEnum):
    """Parts of the line whose time is taken by the wall clock."""

    SIGNAL = 1  #: a model's reading
    POLICY = 2  #: a policy in Python, or a model
    JOURNAL = 3  #: a block until it was durable


class Trust(IntFlag):
    """Bits of `FILL.trust`: on what a simulated fill rests. 0 = exact first-in first-out."""

    ANONYMOUS = 1  #: the queue held quantity without order ids; the queue model decided
    DISPLACED = 2  #: the level no longer agreed with the tape
    CROSSED = 4  #: against an order of the tape that in truth came to rest
    THROUGH = 8  #: because the tape traded beyond our price
    REACTIVE = 16  #: prices were shifted by our own impact
    NO_QUEUE = 32  #: a rung without queues
