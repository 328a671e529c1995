"""What may be traded in the session: the names orders carry, and the formats their prices are written with."""

from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Protocol, runtime_checkable

from app.deck.formats import Formats, compact
from core.instrument import Instrument
from core.transport import Player


@dataclass(frozen=True, slots=True)
class Contract:
    """One instrument of the session."""

    name: str  #: what agents and orders call it
    instrument: Instrument
    multiplier: Decimal = Decimal(1)  #: natural money per natural price unit and natural quantity


@runtime_checkable
class DeskPlayer(Player, Protocol):
    """A player that trades. One that does not is shown as a single contract."""

    contracts: tuple[Contract, ...]  #: in the order of the session's tapes: the index is `Ticket.instrument`
    shown: int  #: which of them the market panels show


class Written(Protocol):
    """What the deck is told of the journal of a session."""

    latest: Path | None  #: folder of the newest one
    digest: str  #: of all records, once the session is over
    failure: str  #: why nothing more could be written

    @property
    def records(self) -> int | None:
        """Records in the log so far; None if none is being written."""


class Contracts:
    """Contracts by name, each with its formats."""

    def __init__(self, player: Player | None, instrument: Instrument) -> None:
        if isinstance(player, DeskPlayer):
            self.trading, self.shown, listed = True, player.shown, player.contracts
        else:
            self.trading, self.shown, listed = False, 0, (Contract(instrument.symbol, instrument),)
        self.listed = listed
        self._formats = [Formats(each.instrument) for each in listed]
        self._places = {each.instrument.symbol: place for place, each in enumerate(listed)}
        self._places |= {each.name: place for place, each in enumerate(listed)}

    @property
    def contract(self) -> Contract:
        """The one the market panels show."""
        return self.listed[self.shown]

    def is_shown(self, symbol: str) -> bool:
        """Whether `symbol` is the market on the screen."""
        return self._place(symbol) == self.shown

    def price(self, symbol: str, ticks: int) -> str:
        """Natural price; in ticks (`412t`) where the symbol is not known."""
        place = self._place(symbol)
        return f"{ticks}t" if place is None else self._formats[place].price(ticks)

    def price_near(self, symbol: str, ticks: float) -> str:
        """Natural price of a fractional number of ticks; `--` where there is none."""
        if not isfinite(ticks):
            return "--"
        place = self._place(symbol)
        return f"{ticks:.1f}t" if place is None else self._formats[place].price_near(ticks)

    def quantity(self, symbol: str, lots: int, width: int = 9) -> str:
        """Natural quantity in at most `width` cells; lots where the symbol is not known."""
        place = self._place(symbol)
        if place is not None:
            return self._formats[place].quantity(lots, width)
        return str(lots) if len(str(lots)) <= width else compact(lots, width)

    def _place(self, symbol: str) -> int | None:
        """Place of a symbol; a player that does not say what it trades trades what it shows."""
        return self._places.get(symbol, None if self.trading else self.shown)
