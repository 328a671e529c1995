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
