"""The transport: what a person can ask of a playing tape, and who answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.instrument import Instrument
from core.snapshot import Snapshot

#: Speeds of the `-` and `+` keys, market seconds a second; inf = MAX.
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 256.0, 1024.0, float("inf"))


class Verb(StrEnum):
    """Kinds of command."""

    PLAY = "play"
    PAUSE = "pause"
    TOGGLE = "toggle"
    SPEED = "speed"  # value: market seconds a second
    STEP_MESSAGE = "step-message"  # value: how many, negative = back
    STEP_TRADE = "step-trade"
    STEP_SECOND = "step-second"
    STEP_FILL = "step-fill"  # to the moment of a fill of ours
    OWN_EVENT = "own-event"  # value: > 0 the next, < 0 the one before: a fill of ours, or an order the gate denied
    GOTO = "goto"  # value: ns UTC
    GOTO_INDEX = "goto-index"  # value: messages applied
    LOOP_IN = "loop-in"  # value: ns UTC
    LOOP_OUT = "loop-out"  # value: ns UTC
    LOOP_OFF = "loop-off"
    GROUP = "group"  # value: ticks per row
    COLUMN = "column"  # value: ns per history column
    ARM = "arm"  # value: seconds until it expires
    DISARM = "disarm"
    PAUSE_AGENT = "pause-agent"  # value: agent, -1 = all
    RESUME_AGENT = "resume-agent"
    CANCEL_ALL = "cancel-all"  # value: agent, -1 = all
    FLATTEN = "flatten"  # value: agent, -1 = all
    KILL = "kill"  # value: agent, -1 = the desk
    REARM = "rearm"  # value: agent, -1 = the desk; text: the person's reason
    ORDER = "order"  # ticket
    CANCEL = "cancel"  # value: order id
    LIMIT = "limit"  # limit


@dataclass(frozen=True, slots=True)
class Ticket:
    """A person's order."""

    instrument: int  #: index of the tape in the session
    side: int
    qty: int  #: lots
    price: int  #: ticks: limit, or collar of a market order
    type: int = 1  #: OrderType
    tif: int = 1  #: TimeInForce
    flags: int = 0  #: OrderFlag
    stop: int = 0  #: ticks
    display: int = 0  #: lots


@dataclass(frozen=True, slots=True)
class NewLimit:
    """A person's change of one limit of the gate."""

    scope: str  #: "desk", "agent.NAME" or "instrument.NAME"
    control: str  #: as session files write it: order_qty
    value: float  #: natural units, inf = none wanted
    person: str
    reason: str
    seconds: float | None = None  #: of the market until the limit before it counts again, None = for good


@dataclass(frozen=True, slots=True)
class Command:
    """One request to the engine. Applied between two chunks, in order of sending."""

    verb: Verb
    value: float | int = 0
    text: str = ""
    ticket: Ticket | None = None
    limit: NewLimit | None = None


class Player(Protocol):
    """What plays: the engine's thread, or a fake in tests."""

    instrument: Instrument
    title: str  #: tape name for the top bar
    first_ts: int
    last_ts: int

    def latest(self) -> Snapshot:
        """The newest snapshot; never blocks."""

    def send(self, command: Command) -> None:
        """Queue a command; never blocks."""

    def overview(self) -> "Overview | None":
        """Whole-day outline for the day bar, None until it is ready."""

    def close(self) -> None:
        """Stop the engine and release the tape."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The day in `len(mid)` equal time buckets."""

    first_ts: int
    last_ts: int
    mid: tuple[float, ...]  #: last mid of the bucket in ticks, nan while one side is empty
    volume: tuple[int, ...]  #: lots traded in the bucket
