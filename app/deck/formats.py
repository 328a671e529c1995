"""Ticks, lots and nanoseconds written for people. Money is formatted here and nowhere deeper."""

from datetime import UTC, date, datetime, timedelta
from unicodedata import combining, east_asian_width
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.instrument import Instrument

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
_QUARTER_HOUR = 900 * SECOND
_EPOCH = date(1970, 1, 1).toordinal()
_SUFFIXES = ((10**3, "k"), (10**6, "M"), (10**9, "G"), (10**12, "T"))


class Formats:
    """Writes prices, quantities and times of one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.price_digits = instrument.price_digits
        self._price_scale = 10**self.price_digits
        self._tick = int(instrument.tick * self._price_scale)
        self.quantity_digits = min(3, instrument.quantity_digits)
        self._lot = float(instrument.lot)
        self._whole_lot = int(instrument.lot) if instrument.quantity_digits == 0 else 0
        try:
            self.zone: ZoneInfo | None = ZoneInfo(instrument.timezone)
            self.zone_name = instrument.timezone
        except (ZoneInfoNotFoundError, ValueError):
            self.zone, self.zone_name = None, "UTC"
        self._offsets: dict[int, int] = {}

    def price(self, ticks: int) -> str:
        """Natural price of `ticks` with all decimals of the tick: 5312.25."""
        units = ticks * self._tick
        sign = "-" if units < 0 else ""
        whole, rest = divmod(abs(units), self._price_scale)
        return f"{sign}{whole}.{rest:0{self.price_digits}d}" if self.price_digits else f"{sign}{whole}"

    def price_near(self, ticks: float) -> str:
        """Natural price of a fractional number of ticks, with one decimal more than the tick has."""
        return f"{ticks * float(self.instrument.tick):.{self.price_digits + 1}f}"

    def quantity(self, lots: int, width: int = 9) -> str:
        """Natural quantity in at most `width` cells; k, M, G, T where it would not fit."""
        if self._whole_lot:
            whole = lots * self._whole_lot
            text = str(whole)
            return text if len(text) <= width else compact(whole, width)
        value = lots * self._lot
        if lots and abs(value) < 0.5 * 10**-self.quantity_digits:
            return "~0"
        for decimals in range(self.quantity_digits, -1, -1):
            text = f"{value:.{decimals}f}"
            if len(text) <= width:
                return text
        return compact(value, width)

    def total(self, lots: int) -> str:
        """Natural quantity with separators, for sums."""
        whole = self._whole_lot
        return f"{lots * whole:,}" if whole else f"{lots * self._lot:,.{self.quantity_digits}f}"

    def signed(self, lots: int, width: int = 9, minus: str = "-") -> str:
        """Natural quantity with its sign always written."""
        return ("+" if lots >= 0 else minus) + self.quantity(abs(lots), width - 1)

    def offset(self, ts: int) -> int:
        """Ns to add to UTC for local time at `ts`; looked up once a quarter of an hour."""
        bucket = ts // _QUARTER_HOUR
        found = self._offsets.get(bucket)
        if found is None:
            found = self._look_up(bucket * 900)
            self._offsets[bucket] = found
        return found

    def day(self, ts: int) -> str:
        """Local date, ISO."""
        return date.fromordinal(_EPOCH + (ts + self.offset(ts)) // DAY).isoformat()

    def time(self, ts: int, decimals: int = 0) -> str:
        """Local time of day, truncated to `decimals` of a second (0 to 9)."""
        rest = (ts + self.offset(ts)) % DAY
        seconds, fraction = divmod(rest, SECOND)
        minutes, second = divmod(seconds, 60)
        text = f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
        return f"{text}.{fraction // 10 ** (9 - decimals):0{decimals}d}" if decimals else text

    def minute(self, ts: int) -> str:
        """Local time of day as HH:MM."""
        return self.time(ts)[:5]

    def at(self, day: date, nanoseconds: int) -> int:
        """Ns UTC of a local time of day given in ns since local midnight."""
        midnight = datetime(day.year, day.month, day.day, tzinfo=self.zone or UTC)
        local = midnight + timedelta(seconds=nanoseconds // SECOND)
        return int(local.timestamp()) * SECOND + nanoseconds % SECOND

    def _look_up(self, seconds: int) -> int:
        if self.zone is None:
            return 0
        try:
            shift = datetime.fromtimestamp(seconds, self.zone).utcoffset()
        except (OverflowError, OSError, ValueError):
            return 0
        return int(shift.total_seconds()) * SECOND if shift else 0


def plain(text: str) -> str:
    """Text from a file as it may be drawn: one cell a character, nothing that steers a terminal."""
    return "".join(each if each.isprintable() and _one_cell(each) else "?" for each in text)


def _one_cell(character: str) -> bool:
    return east_asian_width(character) not in ("W", "F") and not combining(character)


def compact(value: float, width: int) -> str:
    """A number in at most `width` cells if it can be: 12.3k, 4.05M."""
    size = abs(value)
    for scale, suffix in _SUFFIXES:
        if size < scale * 1000 or suffix == "T":
            for decimals in (2, 1, 0):
                text = f"{value / scale:.{decimals}f}{suffix}"
                if len(text) <= width:
                    return text
            if size < scale * 1000:
                continue
    text = f"{value:.1e}".replace("e+", "e")
    return text if len(text) <= width else f"{value:.0e}".replace("e+", "e")


def short(value: float) -> str:
    """A rate or a count in about four cells: 0.25, 41, 1.8k, 412k, 5.3M."""
    if value < 10 and value != int(value):
        return f"{value:.2f}" if value < 1 else f"{value:.1f}"
    if value < 1000:
        return f"{value:.0f}"
    for scale, suffix in _SUFFIXES:
        if value < scale * 999.5:
            scaled = value / scale
            return f"{scaled:.1f}{suffix}" if scaled < 9.95 else f"{scaled:.0f}{suffix}"
    return f"{value:.0e}"


def speed(value: float, quarter: str = "1/4", half: str = "1/2") -> str:
    """A playing speed: ¼, 8, 1024, MAX."""
    if value == float("inf"):
        return "MAX"
    return {0.25: quarter, 0.5: half}.get(value) or (f"{value:.0f}" if value >= 1 else f"{value:g}")


def thousands(value: int) -> str:
    """A whole number with separators."""
    return f"{value:,}"


def span(nanoseconds: int) -> str:
    """A length of time: 250ms, 1s, 2m30s, 1h05m."""
    if nanoseconds < SECOND:
        return f"{nanoseconds / 1e6:g}ms"
    seconds = nanoseconds / SECOND
    if seconds < 60:
        return f"{seconds:g}s"
    minutes, second = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{second:02d}s" if second else f"{minutes}m"
    hours, minute = divmod(minutes, 60)
    return f"{hours}h{minute:02d}m" if minute else f"{hours}h"
