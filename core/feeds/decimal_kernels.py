"""Kernels for exact decimals, held as `mantissa * 10**exponent` with no trailing zero in the mantissa."""

import numpy as np
from numpy.typing import NDArray

from core.jit import inlined, kernel

#: What became of a cell.
GOOD, EMPTY, MALFORMED = 0, 1, 2
MOST = 18  # decimal digits that every int64 can hold
_POWERS = 10 ** np.arange(MOST + 1, dtype=np.int64)
_FAR = 10_000  # exponents are int16
_ZERO, _NINE, _POINT, _MINUS, _PLUS, _E = ord("0"), ord("9"), ord("."), ord("-"), ord("+"), ord("e")


@kernel
def is_empty(text: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Whether a cell says that there is no value: nothing, nan, null, none or na in any case."""
    if stop <= start:
        return True
    n = stop - start
    if n > 4 or n < 2:
        return False
    a, b = text[start] | 32, text[start + 1] | 32
    if a != ord("n"):
        return False
    if n == 2:
        return bool(b == ord("a"))
    c = text[start + 2] | 32
    if n == 3:
        return bool(b == ord("a") and c == ord("n"))
    d = text[start + 3] | 32
    null = b == ord("u") and c == ord("l") and d == ord("l")
    return bool(null or (b == ord("o") and c == ord("n") and d == ord("e")))


@kernel
def parse_decimal(text: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int, int]:
    """Decimal of `text[start:stop]` (ASCII): mantissa, exponent, GOOD or MALFORMED.

    Malformed is also a number of more than 18 significant digits, and an exponent beyond four digits.
    """
    at, negative = start, False
    if at < stop and (text[at] == _MINUS or text[at] == _PLUS):
        negative = text[at] == _MINUS
        at += 1
    mantissa, used, zeros, fraction, seen, pointed = np.int64(0), 0, 0, 0, 0, False
    while at < stop:
        char = text[at]
        if char == _POINT:
            if pointed:
                return 0, 0, MALFORMED
            pointed = True
        elif _ZERO <= char <= _NINE:
            seen += 1
            if pointed:
                fraction += 1
            if char == _ZERO:
                if mantissa != 0:
                    zeros += 1
            else:
                used += zeros + 1
                if used > MOST:
                    return 0, 0, MALFORMED
                mantissa = mantissa * _POWERS[zeros + 1] + (np.int64(char) - _ZERO)
                zeros = 0
        else:
            break
        at += 1
    power = 0
    if at < stop and seen > 0 and text[at] | 32 == _E:
        power, code = _parse_power(text, at + 1, stop)
        if code != GOOD:
            return 0, 0, MALFORMED
        at = stop
    if at < stop or seen == 0:
        return 0, 0, MALFORMED
    if mantissa == 0:
        return 0, 0, GOOD
    exponent = zeros - fraction + power
    if exponent < -_FAR or exponent > _FAR:
        return 0, 0, MALFORMED
    return int(-mantissa if negative else mantissa), exponent, GOOD


@kernel
def _parse_power(text: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    negative = False
    if start < stop and (text[start] == _MINUS or text[start] == _PLUS):
        negative = text[start] == _MINUS
        start += 1
    if start >= stop or stop - start > 4:
        return 0, MALFORMED
    power = 0
    for at in range(start, stop):
        char = text[at]
        if char < _ZERO or char > _NINE:
            return 0, MALFORMED
        power = power * 10 + int(char) - _ZERO
    return -power if negative else power, GOOD


@inlined
def _width(mantissa: int) -> int:
    """Decimal digits of a mantissa."""
    size, n = abs(mantissa), 0
    while n <= MOST and size >= _POWERS[n]:
        n += 1
    return n


@kernel
def parse_decimals(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    mantissas: NDArray[np.int64],
    exponents: NDArray[np.int16],
    codes: NDArray[np.uint8],
) -> None:
    """`parse_decimal` for the cells `starts` to `stops`, shape (n,) each; `codes` also knows EMPTY."""
    for i in range(starts.shape[0]):
        mantissas[i], exponents[i] = 0, 0
        if is_empty(text, starts[i], stops[i]):
            codes[i] = EMPTY
        else:
            mantissas[i], exponents[i], codes[i] = parse_decimal(text, starts[i], stops[i])


@kernel
def tally(
    mantissas: NDArray[np.int64],
    exponents: NDArray[np.int16],
    codes: NDArray[np.uint8],
    lead: int,
    counts: NDArray[np.int64],
) -> None:
    """Add good decimals to `counts`, indexed by decimals used and by `MOST` plus digits before the point.

    A value below one has fewer than none: 0.00123 has -2.

    A value whose first ten digits are at most `lead` counts as one digit shorter: it still fits.
    """
    for i in range(mantissas.shape[0]):
        if codes[i] != GOOD or mantissas[i] == 0:
            continue
        width, exponent = _width(mantissas[i]), int(exponents[i])
        size = abs(mantissas[i])
        ten = size * _POWERS[10 - width] if width <= 10 else size // _POWERS[width - 10]
        length = width + exponent - (1 if ten <= lead else 0)
        decimals = max(0, -exponent)
        if decimals <= MOST and length <= MOST:
            counts[decimals, max(0, length + MOST)] += 1


@kernel
def to_units(
    mantissas: NDArray[np.int64],
    exponents: NDArray[np.int16],
    codes: NDArray[np.uint8],
    decimals: int,
    out: NDArray[np.int64],
) -> None:
    """Scale to units of 10**-`decimals`; what is finer or outside 18 digits becomes MALFORMED in `codes`."""
    for i in range(mantissas.shape[0]):
        out[i] = 0
        if codes[i] != GOOD or mantissas[i] == 0:
            continue
        shift = np.int64(exponents[i]) + decimals
        if shift < 0 or shift + _width(mantissas[i]) > MOST:
            codes[i] = MALFORMED
        else:
            out[i] = mantissas[i] * _POWERS[shift]


@kernel
def round_mantissas(mantissas: NDArray[np.int64], exponents: NDArray[np.int16], most: int) -> None:
    """Round to `most` significant digits, half away from zero."""
    for i in range(mantissas.shape[0]):
        extra = _width(mantissas[i]) - most
        if extra <= 0:
            continue
        power = _POWERS[extra]
        size = (abs(mantissas[i]) + power // 2) // power
        exponent = np.int64(exponents[i]) + extra
        while size % 10 == 0:
            size //= 10
            exponent += 1
        mantissas[i] = size if mantissas[i] > 0 else -size
        exponents[i] = exponent
