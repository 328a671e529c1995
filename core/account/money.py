"""From natural money to whole money units, exactly, and what the venue charges in them.

One money unit is 10**-digits of the currency. The digits of a session are the fewest, and at least `LEAST_DIGITS`,
for which half a tick of one lot of every instrument, and every fee per lot, is a whole number of units: marking a
position at a mid between two ticks then never rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.jit import inlined, kernel
from core.plan import FeePlan

LEAST_DIGITS = 6
MOST_DIGITS = 18
#: No amount of money is allowed to pass this, up or down: two of them still add up inside int64.
MOST_MONEY = 2**61
#: Units of a basis point's fraction: fees may have five decimals of a basis point.
BPS_UNITS = 10**9
_BPS_STEP = BPS_UNITS // 10_000


@dataclass(frozen=True, slots=True)
class MoneyScale:
    """What the session counts money in."""

    digits: int  #: one unit is 10**-digits of the currency
    tick_value: NDArray[np.int64]  #: units of one tick of one lot, even, shape (instruments,)
    fees: NDArray[np.int64]  #: see `fee`, shape (instruments, 4)

    def units(self, natural: float) -> float:
        """Natural money as units, not rounded: for limits."""
        return float(natural) * 10.0**self.digits

    def natural(self, units: int) -> Decimal:
        """Units as natural money, exactly."""
        return Decimal(int(units)).scaleb(-self.digits)


def decimal(text: str, what: str) -> Decimal:
    """A finite decimal number, or a ConfigError that names `what`."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ConfigError(f"{what}: {text!r} is not a decimal number") from None
    if not number.is_finite() or abs(number.adjusted()) > 40:
        raise ConfigError(f"{what}: {text!r} is not a usable number")
    return number


def money_scale(tick_values: Sequence[Decimal], fees: Sequence[FeePlan]) -> MoneyScale:
    """The scale for instruments whose tick of one lot is worth `tick_values` (tick x lot x multiplier, natural money).

    Raises ConfigError where a value is not positive, a fee is not a number, or no scale up to 10**18 holds them all.
    """
    for value in tick_values:
        if not value.is_finite() or value <= 0:
            raise ConfigError(f"tick value: {value} is not a positive number")
    per_lot = [
        decimal(text, f"fees.{name}_per_lot")
        for plan in fees
        for name, text in (("maker", plan.maker_per_lot), ("taker", plan.taker_per_lot))
    ]
    digits = max([LEAST_DIGITS, *(_decimals(value / 2) for value in tick_values), *map(_decimals, per_lot)])
    exact = [value.scaleb(digits) for value in (*tick_values, *per_lot)]
    if digits > MOST_DIGITS or any(abs(value) > 2**53 for value in exact):
        raise ConfigError(
            f"money: {digits} decimals are needed, so that half a tick of one lot is a whole number of units, and "
            f"they do not fit; use larger lots or fees with fewer decimals"
        )
    rates = [
        (int(per_lot[2 * i].scaleb(digits)), int(per_lot[2 * i + 1].scaleb(digits)),
         _bps(plan.maker_bps, "fees.maker_bps"), _bps(plan.taker_bps, "fees.taker_bps"))
        for i, plan in enumerate(fees)
    ]  # fmt: skip
    return MoneyScale(
        digits,
        np.array([int(value.scaleb(digits)) for value in tick_values], np.int64),
        np.array(rates, np.int64).reshape(-1, 4),
    )


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _bps(text: str, what: str) -> int:
    bps = decimal(text, what)
    if abs(bps) > 10_000:
        raise ConfigError(f"{what}: {text} is more than the whole notional")
    scaled = bps * _BPS_STEP
    if scaled != scaled.to_integral_value(ROUND_FLOOR):
        raise ConfigError(f"{what}: {text} has more than five decimals")
    return int(scaled)


@kernel
def notional(price: int, qty: int, tick_value: int) -> int:
    """Money units of `qty` lots at `price` ticks, without sign; `MOST_MONEY` where it is that or more."""
    price, qty = abs(price), abs(qty)
    if float(price) * float(qty) * float(tick_value) >= MOST_MONEY:
        return MOST_MONEY
    return price * qty * tick_value


@inlined
def _part(amount: int, rate: int) -> int:
    """`amount` x `rate` / `BPS_UNITS`, rounded half away from zero; 0 <= amount <= MOST_MONEY, |rate| <= BPS_UNITS."""
    size = abs(rate)
    whole, rest = amount // BPS_UNITS, amount % BPS_UNITS
    part = whole * size + (2 * rest * size + BPS_UNITS) // (2 * BPS_UNITS)
    return part if rate >= 0 else -part


@kernel
def fee(fees: NDArray[np.int64], instrument: int, maker: int, price: int, qty: int, tick_value: int) -> int:
    """What the venue charges for one fill, money units, positive = paid.

    `fees` has for each instrument: maker and taker units per lot, maker and taker rate of the notional in
    1/`BPS_UNITS`. The proportional part is rounded half away from zero, fill by fill. `MOST_MONEY`, which no account
    takes, where it does not fit.
    """
    column = 0 if maker else 1
    per_lot = int(fees[instrument, column])
    if abs(float(per_lot)) * float(qty) >= MOST_MONEY // 2:
        return MOST_MONEY
    value = notional(price, qty, tick_value)
    if value >= MOST_MONEY // 2:
        return MOST_MONEY
    return per_lot * qty + _part(value, int(fees[instrument, 2 + column]))
