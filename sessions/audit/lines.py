"""What a line of the journal is, and which lines somebody wants; nothing of the database is known here."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What a line is about."""

    DECISION = 1
    ORDER = 2  #: an order that is over
    FILL = 3
    EVENT = 4
    DENIAL = 5  #: a verdict that denied
    ACT = 6  #: of a person
    LIMIT = 7
    LIFE = 8
    IDLE = 9  #: a decision to do nothing


USUAL = frozenset(Kind) - {Kind.IDLE}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are shown."""

    kinds: frozenset[Kind] = USUAL
    agent: str = ""
    order: int = 0
    control: str = ""
    begin: int | None = None  #: ns UTC
    end: int | None = None  #: not included
    text: str = ""  #: in agents, controls, reasons, what people said

    @property
    def all(self) -> bool:
        """Nothing is left out but what is left out as a rule."""
        return self == Wanted(self.kinds)


class Key(NamedTuple):
    """Where a line stands: time, then journal sequence."""

    ts: int
    record: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal."""

    kind: int
    record: int  #: journal sequence
    ts: int  #: ns UTC; of a state of the session that of the newest thing before it
    what: str
    agent: str = ""
    instrument: str = ""
    order_id: int = 0
    side: int = 0
    qty: int | None = None  #: lots
    price: int | None = None  #: ticks
    words: str = ""
    alarm: bool = False  #: denied, refused, rejected
    asked: str = ""  #: what `why` understands; empty where nobody decided it
    control: str = ""  #: the first one that denied
