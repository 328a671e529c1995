"""From a source's integer units to ticks and lots, found while streaming."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Flag
from core.errors import ConfigError, FeedError
from core.feeds.source import Batch, Options, SourceFacts
from core.instrument import decimal_step, nice_step
from core.jit import inlined, kernel

_LIMIT = 2**60
_SAME = Fraction(1)
_TRADE, _EXECUTE = int(Action.TRADE), int(Action.EXECUTE)
_STATUS, _CLEAR, _BAD = int(Action.STATUS), int(Action.CLEAR), int(Flag.BAD)


class Scale:
    """Ticks and lots of one import.

    A tick the user gives is a promise: a price between ticks is an error. Otherwise the venue's usual
    tick, or the coarsest round step that divides every price, is taken and refined when a price needs it.
    Trades and executions may stand between ticks.
    """

    def __init__(self, info: SourceFacts, options: Options, source: str) -> None:
        self.info, self.source = info, source
        self.price = _Step("tick", info.price_unit, options.tick, info.usual_tick, source)
        self.qty = _Step("lot", info.qty_unit, options.lot, info.usual_lot, source)

    @property
    def array(self) -> NDArray[np.int64]:
        """What the kernels take: price multiplier and divisor, quantity multiplier and divisor, largest price.

        A price above the last (in source units) would overflow; it is refused as BAD_PRICE.
        """
        price, qty = self.price, self.qty
        return np.array([price.mul, max(price.div, 1), qty.mul, max(qty.div, 1), _LIMIT // price.mul], np.int64)

    @property
    def tick(self) -> Decimal:
        """Natural price of one tick."""
        return self.price.size

    @property
    def lot(self) -> Decimal:
        """Natural quantity of one lot."""
        return self.qty.size

    @property
    def strange(self) -> dict[str, int]:
        """Rows set aside because no sensible tick divides their price."""
        return {"off_tick": self.price.strange} if self.price.strange else {}

    def fit(self, batch: Batch) -> tuple[Fraction, Fraction]:
        """Make ticks and lots fine enough for a batch.

        Returns by how much everything written so far must be multiplied: (prices, quantities).
        Raises `FeedError` naming the row when a step given by the user does not fit.
        """
        rows = batch.rows
        off_price, off_qty = divisible(rows, self.array)
        price_factor = self.price.fit(rows, "price", off_price)
        qty_factor = self.qty.fit(rows, "qty", off_qty)
        if batch.window is not None and batch.window.size:
            price_factor *= self.price.fit_window(batch.window)
            if self.qty.div > 1 and (batch.window[:, 1::2] % self.qty.div).any():
                reason = f"the book file has quantities that are not multiples of the lot {self.lot:f}"
                raise FeedError(self.source, reason)
        return price_factor, qty_factor


@kernel
def divisible(rows: NDArray[np.void], scale: NDArray[np.int64]) -> tuple[int, int]:
    """First row whose price, and first row whose quantity, stands between steps; -1 if none."""
    off_price, off_qty = -1, -1
    for i in range(rows.shape[0]):
        row = rows[i]
        if not sized(row["action"], row["flags"]):
            continue
        qty = row["qty"]
        if scale[3] > 1 and off_qty < 0 and -_LIMIT < qty < _LIMIT and qty * scale[2] % scale[3] != 0:
            off_qty = i
        price = row["price"]
        wanted = scale[1] > 1 and off_price < 0 and -scale[4] < price < scale[4] and priced(row["action"])
        if wanted and price * scale[0] % scale[1] != 0:
            off_price = i
    return off_price, off_qty


@inlined
def sized(action: int, flags: int) -> bool:
    """Whether the quantity of a row is a quantity."""
    return flags & _BAD == 0 and action != _STATUS and action != _CLEAR


@inlined
def priced(action: int) -> bool:
    """Whether the price of a row must stand on a tick: prints may stand between."""
    return action != _TRADE and action != _EXECUTE


@kernel
def off_window(window: NDArray[np.int64], mul: int, div: int) -> bool:
    """Whether any stated price stands between ticks."""
    for i in range(window.shape[0]):
        for j in range(0, window.shape[1], 2):
            if window[i, j + 1] > 0 and window[i, j] * mul % div != 0:
                return True
    return False


class _Step:
    """One step size: `natural = ticks * size` and `ticks = units * mul / div`."""

    def __init__(self, name: str, unit: Decimal, given: Decimal | None, usual: Decimal | None, source: str) -> None:
        self.name, self.unit, self.fixed, self.source = name, unit, given is not None, source
        self.usual = usual
        self.mul, self.div, self.strange = 1, 0, 0
        self.guessed = False  # from trades alone: nothing that has to stand on a tick has been seen yet
        step = given
        if step is not None:
            if not step.is_finite() or step <= 0:
                raise ConfigError(f"--{name} must be a positive number, not {step}")
            ratio = Fraction(step) / Fraction(unit)
            self.mul, self.div = ratio.denominator, ratio.numerator
            if max(self.mul, self.div) > 10**12:
                raise ConfigError(f"--{name} {step} does not go with prices in units of {unit}")

    @property
    def size(self) -> Decimal:
        """Natural size of one step."""
        # Units are powers of ten, so this is exact.
        return (self.unit * max(self.div, 1) / self.mul).normalize() + 0

    def fit(self, rows: NDArray[np.void], field: str, off: int) -> Fraction:
        """Refine the step; `off` is the first row that does not fit, -1 if all do. Returns the factor."""
        before = self.div
        if before and off < 0 and not self.guessed:
            return _SAME
        if self.fixed:
            row = rows[off]
            value = self.unit * int(row[field])
            reason = f"{value} is not a multiple of the {self.name} {self.size:f}"
            raise FeedError(self.source, reason, int(row["source_row"]))
        values, action = rows[field], rows["action"]
        mask = ((rows["flags"] & _BAD) == 0) & (action != _STATUS) & (action != _CLEAR)
        mask &= (values > -_LIMIT) & (values < _LIMIT)  # abs(ABSENT) is negative
        deciding = self._deciding(mask, action) if field == "price" else mask
        if deciding.any():
            self._forget_guess()
            self._choose(rows, values, deciding)
        elif mask.any() and not before:
            finer = self._finer(values[mask])
            self.div = finer if self._reach(values[mask], finer) else self._usual_of(values[mask])
            self.guessed = True
        return self._factor(before)

    def _deciding(self, mask: NDArray[np.bool_], action: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Rows whose price has to stand on a tick: orders, and executions before the first order."""
        untraded: NDArray[np.bool_] = mask & (action != _TRADE)
        orders: NDArray[np.bool_] = untraded & (action != _EXECUTE)
        return orders if orders.any() or (self.div and not self.guessed) else untraded

    def _choose(self, rows: NDArray[np.void], values: NDArray[np.int64], mask: NDArray[np.bool_]) -> None:
        finer = self._finer(values[mask])
        # Steps so fine that prices do not fit a tape come from damaged numbers, not from the venue.
        kept = finer if self._reach(values[mask], finer) else self.div or self._usual_of(values[mask])
        if kept <= finer:
            self.div = finer
            return
        self.div = kept
        strange = mask & (values % kept != 0)
        self.strange += int(np.count_nonzero(strange))
        rows["flags"][strange] |= _BAD

    def fit_window(self, window: NDArray[np.int64]) -> Fraction:
        """The same for the prices of a stated book."""
        before = self.div
        if before and not self.guessed and not off_window(window, self.mul, self.div):
            return _SAME
        if self.fixed:
            raise FeedError(self.source, f"the book file has prices that are not multiples of {self.size:f}")
        stated = window[:, 0::2][window[:, 1::2] > 0]
        if len(stated):
            self._forget_guess()
            self.div = self._finer(stated)
        return self._factor(before)

    def _forget_guess(self) -> None:
        if self.guessed:
            self.div, self.guessed = 0, False

    def _factor(self, before: int) -> Fraction:
        """By how much what stands in steps of `before` must be multiplied."""
        return Fraction(before, self.div) if before and self.div else _SAME

    def _finer(self, values: NDArray[np.int64]) -> int:
        """The coarsest round step, not above the one in use, that divides all values; in source units."""
        divisor = int(np.gcd.reduce(np.abs(values)))
        if self.div:
            return self._round(int(np.gcd(divisor, self.div)), self.div)
        return self._round(divisor, self._cap(values)) if divisor else self._cap(values)

    def _round(self, divisor: int, cap: int) -> int:
        return decimal_step(divisor, cap) if self.name == "lot" else nice_step(divisor, cap)

    def _cap(self, values: NDArray[np.int64]) -> int:
        """The coarsest step to consider: the venue's, one unit for lots, a hundredth of the price for ticks."""
        if self.usual is not None:
            return max(1, int(self.usual / self.unit))
        if self.name == "lot":
            return max(1, int(1 / self.unit))
        return max(1, int(np.median(np.abs(values))) // 100)

    def _reach(self, values: NDArray[np.int64], step: int) -> bool:
        return self.name == "lot" or int(np.abs(values).max()) // step < 2**31

    def _usual_of(self, values: NDArray[np.int64]) -> int:
        """The coarsest step that divides nearly all values."""
        step = self._cap(values)
        while step > 1 and np.count_nonzero(values % step) > len(values) // 1000:
            step = self._round(step, step - 1)
        return step
