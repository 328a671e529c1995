"""Money, ratios and odd numbers written for people: never wider than asked, never silent about a NaN."""

import math

from app.deck.formats import SECOND, compact, span
from core.records import ABSENT

NOTHING = "--"  #: where a number cannot be said


def money(value: int, digits: int, width: int = 14, minus: str = "-", plus: str = "") -> str:
    """Whole money units of `digits` decimals in at most `width` cells: 4,212.50, then 4212, then 4.2k.

    `--` for an amount that cannot be said: a position without a mark has no profit.
    """
    if value == ABSENT:
        return NOTHING
    sign = minus if value < 0 else plus if value > 0 else ""
    room, size = width - len(sign), abs(value)
    for decimals in dict.fromkeys((min(digits, 2), 0)):
        step = 10 ** (digits - decimals)
        whole, rest = divmod((size + step // 2) // step, 10**decimals)
        text = f"{whole:,}" + (f".{rest:0{decimals}d}" if decimals else "")
        if len(text) <= room:
            return sign + text
    return sign + _squeezed(size // 10**digits, room)


def signed_money(value: int, digits: int, width: int = 14, minus: str = "-") -> str:
    """Money with its sign always written, but for nothing at all."""
    return money(value, digits, width, minus, "+")


def net(realised: int, unrealised: int, fees: int) -> int:
    """Profit after fees; `ABSENT` when a part of it is."""
    return ABSENT if ABSENT in (realised, unrealised, fees) else realised + unrealised - fees


def signed(lots: int, text: str, minus: str = "-") -> str:
    """`text`, the size of `lots`, with the sign of `lots`."""
    return ("+" if lots > 0 else minus if lots < 0 else "") + text


def amount(value: float, width: int = 6, minus: str = "-") -> str:
    """Any number in at most `width` cells; `--` for NaN."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "inf" if value > 0 else minus + "inf"
    sign, size = (minus if value < 0 else ""), abs(value)
    room = width - len(sign)
    if size == int(size):
        return sign + _squeezed(int(size), room)
    for decimals in (2, 1):
        text = f"{size:.{decimals}f}"
        if len(text) <= room and (size >= 0.1 or decimals == 2):
            return sign + text
    return sign + _squeezed(round(size), room)


def _squeezed(size: int, room: int) -> str:
    """A whole number in `room` cells; `#` where even its power of ten does not fit."""
    text = str(size)
    if len(text) <= room:
        return text
    if size < 10**15 and len(short := compact(size, room)) <= room:
        return short
    power = len(text) - 1
    fine = f"{text[0]}.{text[1]}e{power}"
    coarse = f"{text[0]}e{power}"
    return fine if len(fine) <= room else coarse if len(coarse) <= room else "#" * room


def percent(share: float) -> str:
    """A share as at most five cells: 82%, >999%, or `--`."""
    if math.isnan(share):
        return NOTHING
    if abs(share) >= 9.995:
        return ">999%" if share > 0 else "<-999%"
    return f"{share:.0%}"


def reading(value: float, minus: str = "-") -> str:
    """A signal's output: sign and three digits, or `--`."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "+inf" if value > 0 else minus + "inf"
    size = abs(value)
    text = f"{size:.3f}" if size < 10 else f"{size:.1f}" if size < 1000 else amount(size, 6)
    return ("+" if value >= 0 else minus) + text


def basis_points(value: float, minus: str = "-") -> str:
    """A shortfall in basis points with its sign."""
    return NOTHING if math.isnan(value) else reading(value, minus) + " bps"


def micros(value: float) -> str:
    """Microseconds in at most six cells: 8us, 1.2ms, 3.4s; ASCII, because the unit stands in a column."""
    if math.isnan(value) or value < 0:
        return NOTHING
    if value < 999.5:
        return f"{value:.0f}us"
    if value < 999_500:
        return f"{value / 1e3:.1f}ms" if value < 99_950 else f"{value / 1e3:.0f}ms"
    return f"{value / 1e6:.1f}s" if value < 1e9 else "long"


def millis(value: float) -> str:
    """Milliseconds with one decimal."""
    if math.isnan(value):
        return NOTHING
    return f"{value:.1f} ms" if value < 10_000 else f"{value / 1e3:.0f} s"


def left(nanoseconds: int) -> str:
    """Time to go: 3m41s; `over` when it is past."""
    return span(nanoseconds // SECOND * SECOND) if nanoseconds >= SECOND else "over" if nanoseconds <= 0 else "<1s"
