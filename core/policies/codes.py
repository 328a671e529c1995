"""Numbers that a compiled policy is called with: its code, the places of its settings, of its memory, of its reasons.

Settings are `float64[16]`, memory is `int64[16]` and belongs to the agent: zeros at the start of every parent order.
"""

from enum import IntEnum


class Code(IntEnum):
    """Which policy `decide` plays."""

    HOLD = 0  #: does nothing
    MANUAL = 1  #: does nothing: the orders are a person's
    TWAP = 2  #: follows its curve ...
    VWAP = 3
    AC = 4
    CJ = 5
    POV = 6  #: a share of what the market trades, never more
    PASSIVE = 7  #: rests at its own touch for most of a slice, crosses what is left of it
    QUOTE = 8  #: one order at each touch, inventory bounded
    OUTSIDE = 9  #: decided outside of the kernel: Python, a model


#: Length of the settings and of the memory.
SETTINGS = 16
MEMORY = 16
#: Most intents of one decision.
MOST = 8

# Places in the settings. Which policy reads what stands in README.md.
STYLE = 0  # 0 takes at once, 1 rests first and crosses later
COLLAR = 1  # ticks past the opposite touch that taking may pay
MIN_CHILD = 2  # lots; smaller children wait, except the last
MAX_CHILD = 3  # lots of one child, 0 = no bound
SLICES = 4  # equal parts of the window, 0 = as finely as it is asked
PATIENCE = 5  # share of a slice spent resting
PEG = 6  # 1 rests as a peg that follows the touch, 0 as a limit order that is cancelled and placed again
OFFSET = 7  # ticks behind its own touch at which it rests
FINISH = 8  # ns before the end from which everything left crosses
RATE = 9  # share of the market's volume
SIZE = 10  # lots of one quote
MAX_POSITION = 11  # lots, either way
RETRY = 12  # ns after which a replace without visible effect is sent again
POST_ONLY = 13  # 1 = resting orders may not take
SWEEP = 14  # share of what the five best opposite prices show that one child takes, 0 = no bound

# Places in the memory.
LAST_WHY = 0  # reason of the last decision, also when nothing was done
SLICE = 1  # 1 + the slice we are in
SLICE_GOAL = 2  # lots that were due when the slice began (share of volume)
BID_ID = 4  # the last replace sent for each side: order, the price it was to leave, ns
BID_PRICE = 5
BID_SENT = 6
ASK_ID = 7
ASK_PRICE = 8
ASK_SENT = 9


class Why(IntEnum):
    """Why a built-in policy did what it did, `INTENT.why`. Words: `core.policies.reasons`."""

    NOTHING = 0
    ON_SCHEDULE = 1
    BEHIND = 2  #: takes what is due
    REST = 3  #: rests what the slice still needs
    SLICE_END = 4  #: crosses what is left of the slice
    FINISH = 5  #: crosses what is left, the window ends
    MAKE_ROOM = 6  #: cancels what rests, it has to cross
    WINDOW_END = 7  #: cancels, the time is up
    MOVED = 8  #: the touch left the order
    NO_MARKET = 9  #: nothing to trade against
    LIMIT = 10  #: the market is beyond the limit price
    NOT_STARTED = 11
    NOT_TRADING = 12  #: halt, or the venue is closed
    COMPLETE = 13
    SHARE = 14  #: below its share of the volume
    QUOTE = 15  #: puts an order at the touch
    REQUOTE = 16  #: the touch moved
    INVENTORY = 17  #: the position is at its bound
    TOO_SMALL = 18  #: less is due than the smallest child
    MANUAL = 19  #: waits for a person
    AHEAD = 20  #: more rests than is due
