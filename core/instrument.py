"""What is traded: names, tick, lot, and the way from natural numbers to ticks and lots."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument on one venue on one day."""

    symbol: str
    venue: str
    date: str  #: trading date, ISO, in the venue's own calendar
    tick: Decimal  #: natural price of one tick
    lot: Decimal  #: natural quantity of one lot
    timezone: str = "UTC"  #: IANA name; times of day are shown in it

    def price(self, ticks: int) -> Decimal:
        """Natural price of `ticks`."""
        return self.tick * ticks

    def quantity(self, lots: int) -> Decimal:
        """Natural quantity of `lots`."""
        return self.lot * lots

    @property
    def price_digits(self) -> int:
        """Decimals needed to write any price."""
        return digits(self.tick)

    @property
    def quantity_digits(self) -> int:
        """Decimals needed to write any quantity."""
        return digits(self.lot)


def digits(step: Decimal) -> int:
    """Number of decimals of `step`."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def decimal_step(divisor: int, cap: int) -> int:
    """Largest power of ten that divides `divisor` and is at most `cap`, in integer source units; at least 1."""
    step = 1
    while step * 10 <= cap and divisor % (step * 10) == 0:
        step *= 10
    return step


def nice_step(divisor: int, cap: int) -> int:
    """Largest of 1, 2, 2.5 and 5 times a power of ten that divides `divisor` and is at most `cap`.

    All in integer source units; the result is at least 1.
    """
    best, power = 1, 1
    while power <= cap:
        for step in (power, 2 * power, 5 * power // 2 if power % 2 == 0 else 0, 5 * power):
            if best < step <= cap and divisor % step == 0:
                best = step
        power *= 10
    return best
