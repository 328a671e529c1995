"""Exact decimals: text to integers in a common unit, never through floats.

The unit of a whole source is found by counting, in a first pass, how many decimals its values use
(`Digits`); a second pass scales every value to that unit or says that it does not fit.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from core.feeds.decimal_kernels import EMPTY, GOOD, MALFORMED, MOST, parse_decimals, round_mantissas, tally, to_units
from core.instrument import digits
from core.records import MAX_QTY

__all__ = ["EMPTY", "GOOD", "MALFORMED", "Decimals", "Digits", "price_decimals", "quantity_decimals", "unit"]

_PRICE_LIMIT = 2**31 - 1  # ticks of a message are int32
_FINER = 6  # decimals by which a print may be finer than the prices of the book


@dataclass(slots=True)
class Decimals:
    """A column of decimals: mantissas, exponents and codes, shape (n,) each."""

    mantissas: NDArray[np.int64]
    exponents: NDArray[np.int16]
    codes: NDArray[np.uint8]  #: GOOD, EMPTY or MALFORMED

    @classmethod
    def parse(cls, text: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64]) -> "Decimals":
        """The cells `starts` to `stops` of `text`."""
        n = len(starts)
        out = cls(np.empty(n, np.int64), np.empty(n, np.int16), np.empty(n, np.uint8))
        parse_decimals(text, starts, stops, out.mantissas, out.exponents, out.codes)
        return out

    @classmethod
    def of_texts(cls, texts: list[str]) -> "Decimals":
        """The same of Python strings."""
        stops = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        starts = np.concatenate([np.zeros(1, np.int64), stops[:-1]])[: len(texts)]
        # One byte for each character, so that the lengths stay true; no number holds a question mark.
        return cls.parse(np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8), starts, stops)

    def round(self, most: int) -> None:
        """Round to `most` significant digits."""
        round_mantissas(self.mantissas, self.exponents, most)

    def units(self, decimals: int) -> NDArray[np.int64]:
        """Values in units of 10**-`decimals`; what is finer or needs over 18 digits turns MALFORMED."""
        out = np.empty(len(self.mantissas), np.int64)
        to_units(self.mantissas, self.exponents, self.codes, decimals, out)
        return out


class Digits:
    """How many decimals the values of a column use, and so its unit.

    The unit is the finest decimal in use, unless that would push other values out of what a tape can
    hold: then it is the one that loses the fewest values, so that one absurd cell cannot spoil a file.
    """

    def __init__(self, limit: int) -> None:
        """`limit`: largest value in units (at least ten digits)."""
        self.room = len(str(limit)) - 1
        self.lead = int(str(limit)[:10])
        self.counts = np.zeros((MOST + 1, 2 * MOST + 1), np.int64)

    @classmethod
    def of_prices(cls) -> "Digits":
        """For prices: ticks are int32."""
        return cls(_PRICE_LIMIT)

    @classmethod
    def of_prints(cls) -> "Digits":
        """For prices of prints: they may stand between ticks."""
        return cls(_PRICE_LIMIT * 10**_FINER)

    @classmethod
    def of_quantities(cls) -> "Digits":
        """For quantities: up to `MAX_QTY` lots."""
        return cls(MAX_QTY)

    def add(self, column: Decimals, mask: NDArray[np.bool_]) -> None:
        """Count the good values of `column` under `mask`."""
        tally(column.mantissas[mask], column.exponents[mask], column.codes[mask], self.lead, self.counts)

    @property
    def decimals(self) -> int:
        """The number of decimals that loses the fewest values; the smallest such."""
        used, length = np.indices(self.counts.shape)
        lost = [int(self.counts[(used > k) | (length - MOST + k > self.room)].sum()) for k in range(MOST + 1)]
        return int(np.argmin(lost))


def price_decimals(book: Digits, prints: Digits, tick: Decimal | None) -> int:
    """Decimals of the price unit: the book's, or the prints' where those are up to a millionth finer."""
    least = max(book.decimals, digits(tick) if tick is not None and tick.is_finite() else 0)
    if not book.counts.any():
        return max(least, prints.decimals)
    return min(MOST, max(least, min(prints.decimals, book.decimals + _FINER)))


def quantity_decimals(quantities: Digits, lot: Decimal | None) -> int:
    """Decimals of the quantity unit."""
    return min(MOST, max(quantities.decimals, digits(lot) if lot is not None and lot.is_finite() else 0))


def unit(decimals: int) -> Decimal:
    """The natural size of one unit."""
    return Decimal(1).scaleb(-decimals)
