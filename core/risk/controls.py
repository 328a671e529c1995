"""Every control of the gate: its number, its name, its words, its unit and where a limit may be set.

Two kinds. A *limit* control compares what it observed with a limit from the session file. A *flag* control observes 0
(good) or 1 (bad) against a limit of 1 that nobody can set. A control denies unless observed < limit: reaching the limit
denies, NaN denies, a limit of 0 allows nothing, a missing limit (NaN) denies. What a control does not judge (the share
of depth of an order that rests, the model of an order without one) is observed as 0.

"After" below means: with the order as drafted, all of it working; a replace counts what it changes, new leaves instead
of old. "Worst side" means: as if the working orders of that side traded, and those of the other side did not.
An order is "covered" when it can only shrink a position: it is on the other side, and with everything that works on
its side it is not larger. Covered orders may leave a limit of money or loss that was passed, so they are not judged
there (the agent's limits and all losses: covered by the agent's position; other desk limits: by the desk's). That is
how a P&L that is not known stops new risk and lets old risk out.
"Reference" is the mid of a two-sided market, else the last price, else unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum


class Control(IntEnum):
    """Bit in the masks of a VERDICT and index in its `observed`. Part of the journal: append, never renumber."""

    LIMITS_PRESENT = 0
    INSTRUMENT_KNOWN = 1
    SESSION_OPEN = 2
    CODES_VALID = 3
    QTY_VALID = 4
    PRICE_VALID = 5
    PERMISSION = 6
    RESTRICTED = 7
    ORDER_QTY = 8
    ORDER_NOTIONAL = 9
    PRICE_TOLERANCE = 10
    PRICE_WINDOW = 11
    MARKET_COLLARED = 12
    DEPTH_SHARE = 13
    VOLUME_SHARE = 14
    DUPLICATE = 15
    SELF_MATCH = 16
    REDUCE_ONLY = 17
    DATA_AGE = 18
    DATA_JUMP = 19
    DATA_SPREAD = 20
    DATA_CROSSED = 21
    DATA_GAP = 22
    MODEL_AGE = 23
    MODEL_BAD = 24
    MODEL_LATENCY = 25
    CLOCK_SKEW = 26
    POSITION = 27
    DESK_POSITION = 28
    GROSS_NOTIONAL = 29
    NET_NOTIONAL = 30
    DESK_GROSS_NOTIONAL = 31
    DESK_NET_NOTIONAL = 32
    INSTRUMENT_NOTIONAL = 33
    OPEN_ORDERS = 34
    DESK_OPEN_ORDERS = 35
    OPEN_VALUE = 36
    DESK_OPEN_VALUE = 37
    BUYING_POWER = 38
    CONCENTRATION = 39
    DAY_LOSS = 40
    DESK_DAY_LOSS = 41
    DRAWDOWN = 42
    DESK_DRAWDOWN = 43
    DAY_VOLUME = 44
    DESK_DAY_VOLUME = 45
    ORDER_TO_TRADE = 46
    MESSAGE_RATE = 47
    MESSAGE_HALT = 48
    CANCEL_RATE = 49
    DESK_MESSAGE_RATE = 50
    REPEATED_EXECUTION = 51
    CONSECUTIVE_REJECTS = 52
    KILLED = 53
    AGENT_HALTED = 54
    UNANSWERED = 55


#: Sliding windows, ns: what happened at t counts while t > now - window.
RATE_WINDOW = 1_000_000_000  #: messages, cancels and replaces
DUPLICATE_WINDOW = 1_000_000_000
REPEAT_WINDOW = 60_000_000_000  #: fills of one agent on one side of one instrument
#: Drafts that the duplicate control remembers for each agent; its limit cannot be larger.
DUPLICATES_KEPT = 32

MONEY = "money"
_ALL = ("desk", "agent", "instrument")
_MARKET = ("desk", "instrument")
_OWNER = ("desk", "agent")
_DESK = ("desk",)


@dataclass(frozen=True, slots=True)
class ControlSpec:
    """What a person has to know about a control."""

    control: Control
    words: str  #: one line: what is observed
    unit: str  #: of limit and observed; "flag" cannot be set; money is natural money in limits, units in verdicts
    scopes: tuple[str, ...]  #: where a limit may be set: the strictest of desk, agent and instrument counts

    @property
    def name(self) -> str:
        """As it is written in session files: order_qty."""
        return self.control.name.lower()

    @property
    def flag(self) -> bool:
        """Whether it is good or bad, without a limit to set."""
        return self.unit == "flag"


def _flag(control: Control, words: str) -> ControlSpec:
    return ControlSpec(control, words, "flag", ())


C = Control
_SPECS = (
    ControlSpec(C.LIMITS_PRESENT, "limits that nobody has set for this agent and instrument", "count", ()),
    _flag(C.INSTRUMENT_KNOWN, "agent or instrument are not of this session, or the draft cannot be read at all"),
    _flag(C.SESSION_OPEN, "our session is not open, or the venue's status is known and is not trading"),
    _flag(C.CODES_VALID, "operation, type, time in force or flags are none we know"),
    _flag(C.QTY_VALID, "quantity not 1 .. MAX_QTY, display not 0 .. quantity, or old leaves that do not work"),
    _flag(C.PRICE_VALID, "no price, a price or a stop outside 32 bits, or a stop order without a stop"),
    _flag(C.PERMISSION, "whoever asks may not trade this"),
    _flag(C.RESTRICTED, "the instrument is on the restricted list"),
    ControlSpec(C.ORDER_QTY, "lots of the order", "lots", _ALL),
    ControlSpec(C.ORDER_NOTIONAL, "order at its price or the reference, whichever is more", MONEY, _ALL),
    ControlSpec(C.PRICE_TOLERANCE, "price worse than the reference (a stop: than its trigger)", "bps", _ALL),
    ControlSpec(C.PRICE_WINDOW, "price worse than the mid some seconds ago", "bps", _ALL),
    _flag(C.MARKET_COLLARED, "a market or stop order without a worst price"),
    ControlSpec(C.DEPTH_SHARE, "order / lots it could take within five levels, if it would take", "share", _ALL),
    ControlSpec(C.VOLUME_SHARE, "order / lots traded in the market today (at least 1)", "share", _ALL),
    ControlSpec(C.DUPLICATE, "orders sent just like this one within 1 s (of the agent's last 32)", "count", _ALL),
    _flag(C.SELF_MATCH, "it could trade with an open order of the desk"),
    _flag(C.REDUCE_ONLY, "a reduce-only order that, with what works on its side, is not covered by the position"),
    ControlSpec(C.DATA_AGE, "time since the newest market event", "s", _ALL),
    ControlSpec(C.DATA_JUMP, "move of the mid in the jump window", "bps", _ALL),
    ControlSpec(C.DATA_SPREAD, "spread of a two-sided market", "bps", _ALL),
    _flag(C.DATA_CROSSED, "the best bid is above the best ask, or the feed says crossed"),
    _flag(C.DATA_GAP, "market messages are missing"),
    ControlSpec(C.MODEL_AGE, "time since the model's last good answer", "s", _ALL),
    _flag(C.MODEL_BAD, "the model's last answer was not finite or out of range"),
    ControlSpec(C.MODEL_LATENCY, "time the model took", "s", _ALL),
    ControlSpec(C.CLOCK_SKEW, "how far our clock is off", "s", _DESK),
    ControlSpec(C.POSITION, "agent's position after, on the worst side of the order", "lots", _ALL),
    ControlSpec(C.DESK_POSITION, "desk's position after, on the worst side of the order", "lots", _MARKET),
    ControlSpec(C.GROSS_NOTIONAL, "sum of the agent's positions after, worst sides, at the marks", MONEY, _OWNER),
    ControlSpec(C.NET_NOTIONAL, "agent's net position in money after, its worst side", MONEY, _OWNER),
    ControlSpec(C.DESK_GROSS_NOTIONAL, "sum of the desk's positions after, worst sides, at the marks", MONEY, _DESK),
    ControlSpec(C.DESK_NET_NOTIONAL, "desk's net position in money after, its worst side", MONEY, _DESK),
    ControlSpec(C.INSTRUMENT_NOTIONAL, "desk's position in the instrument after, worst side", MONEY, _MARKET),
    ControlSpec(C.OPEN_ORDERS, "agent's open orders after", "count", _OWNER),
    ControlSpec(C.DESK_OPEN_ORDERS, "desk's open orders after", "count", _DESK),
    ControlSpec(C.OPEN_VALUE, "agent's open orders after, at their prices", MONEY, _OWNER),
    ControlSpec(C.DESK_OPEN_VALUE, "desk's open orders after, at their prices", MONEY, _DESK),
    ControlSpec(C.BUYING_POWER, "agent's gross notional after and its loss of the day: what it ties up", MONEY, _OWNER),
    ControlSpec(C.CONCENTRATION, "instrument's part of the desk's gross notional after", "share", _MARKET),
    ControlSpec(C.DAY_LOSS, "agent's loss of the day after fees", MONEY, _OWNER),
    ControlSpec(C.DESK_DAY_LOSS, "desk's loss of the day after fees", MONEY, _DESK),
    ControlSpec(C.DRAWDOWN, "agent's P&L below its best", MONEY, _OWNER),
    ControlSpec(C.DESK_DRAWDOWN, "desk's P&L below its best", MONEY, _DESK),
    ControlSpec(C.DAY_VOLUME, "agent's lots traded today in the instrument, and working after", "lots", _ALL),
    ControlSpec(C.DESK_DAY_VOLUME, "desk's lots traded today in the instrument, and working after", "lots", _MARKET),
    ControlSpec(C.ORDER_TO_TRADE, "agent's messages today, this one too, / its fills (at least 1)", "ratio", _OWNER),
    ControlSpec(C.MESSAGE_RATE, "agent's messages sent in 1 s, this one too", "count", _OWNER),
    ControlSpec(C.MESSAGE_HALT, "agent's messages in 1 s, denied ones and this one too; halts it", "count", _OWNER),
    ControlSpec(C.CANCEL_RATE, "agent's cancels and replaces in 1 s, this replace too", "count", _OWNER),
    ControlSpec(C.DESK_MESSAGE_RATE, "desk's messages sent in 1 s, this one too", "count", _DESK),
    ControlSpec(C.REPEATED_EXECUTION, "agent's fills on this side of it in 60 s; disables the agent", "count", _ALL),
    ControlSpec(C.CONSECUTIVE_REJECTS, "agent's rejects by the venue in a row", "count", _OWNER),
    _flag(C.KILLED, "the desk, the agent, the instrument or the order is killed"),
    _flag(C.AGENT_HALTED, "the agent was halted and no person has enabled it again"),
    ControlSpec(C.UNANSWERED, "how long the agent's oldest order has been without an answer of the venue", "s", _ALL),
)  # fmt: skip
del C

#: By number.
SPECS: tuple[ControlSpec, ...] = _SPECS
#: By the name in session files.
BY_NAME = {spec.name: spec for spec in SPECS}
COUNT = len(SPECS)
#: Bits of the controls that a person can set.
SETTABLE = sum(1 << spec.control for spec in SPECS if spec.scopes)


def controls_in(mask: int) -> Iterator[Control]:
    """The controls of a mask, lowest first."""
    return (control for control in Control if (int(mask) >> control) & 1)
