"""Prices, quantities and times as people read them."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from app.deck.formats import SECOND, Formats, compact, short, span, speed
from core.instrument import Instrument

STOCK = Instrument("AMZN", "XNAS", "2012-06-21", Decimal("0.01"), Decimal("1"), "America/New_York")
COIN = Instrument("BTCUSDT", "BINANCE", "2024-01-01", Decimal("0.10"), Decimal("0.00001"))
MORNING = 1_340_285_400 * SECOND  #: 09:30 in New York


@pytest.mark.parametrize(
    ("tick", "ticks", "text"),
    [("0.01", 22_345, "223.45"), ("0.25", 21_249, "5312.25"), ("0.01", -3_763, "-37.63"), ("1", 7, "7"), ("5", 3, "15"),
     ("0.00000001", 12, "0.00000012"), ("0.01", -5, "-0.05"),
     ("0.0001", 1_999_999_900, "199999.9900"), ("0.10", 5, "0.5")],
)  # fmt: skip
def test_price(tick: str, ticks: int, text: str) -> None:
    assert Formats(replace(STOCK, tick=Decimal(tick))).price(ticks) == text


def test_price_between_ticks() -> None:
    assert Formats(STOCK).price_near(22_345.5) == "223.455"


@pytest.mark.parametrize(
    ("lots", "width", "text"),
    [(0, 6, "0"), (1_234, 6, "1234"), (1_234_567, 7, "1234567"), (12_345_678, 7, "12.35M"), (99_999, 4, "100k"),
     (123_456_789, 5, "123M"), (1_500, 3, "2k")],
)  # fmt: skip
def test_whole_quantities_fit(lots: int, width: int, text: str) -> None:
    assert Formats(STOCK).quantity(lots, width) == text


@pytest.mark.parametrize(
    ("lots", "width", "text"),
    [(100_000, 6, "1.000"), (1, 6, "~0"), (0, 6, "0.000"), (123_456_789, 6, "1234.6"), (10**12, 6, "10.00M")],
)
def test_fractional_quantities_fit(lots: int, width: int, text: str) -> None:
    assert Formats(COIN).quantity(lots, width) == text


def test_large_lots() -> None:
    assert Formats(replace(STOCK, lot=Decimal("100"))).quantity(12) == "1200"
    assert Formats(replace(STOCK, lot=Decimal("100"))).total(12_345) == "1,234,500"
    assert Formats(COIN).total(123_456_789) == "1,234.568"


def test_signed() -> None:
    assert [Formats(STOCK).signed(lots, minus="−") for lots in (5, 0, -1_284)] == ["+5", "+0", "−1284"]


def test_times_are_local() -> None:
    formats = Formats(STOCK)
    assert formats.time(MORNING + 123_456_789, 6) == "09:30:00.123456"
    assert formats.time(MORNING, 0) == "09:30:00"
    assert formats.time(MORNING + 999_999_999, 3) == "09:30:00.999", "never rounded up into the future"
    assert formats.day(MORNING) == "2012-06-21"
    assert formats.minute(MORNING + 3_600 * SECOND) == "10:30"
    assert Formats(COIN).time(MORNING) == "13:30:00"


def test_daylight_saving_changes_within_a_tape() -> None:
    formats = Formats(STOCK)
    change = 1_710_054_000 * SECOND  #: 2024-03-10, two o'clock becomes three
    assert formats.time(change - SECOND) == "01:59:59"
    assert formats.time(change) == "03:00:00"
    assert formats.at(date(2024, 3, 10), 4 * 3600 * SECOND) == change + 3600 * SECOND


def test_a_time_of_day_and_back() -> None:
    formats = Formats(STOCK)
    ts = formats.at(date(2012, 6, 21), (10 * 3600 + 42 * 60) * SECOND + 5)
    assert (formats.day(ts), formats.time(ts, 9)) == ("2012-06-21", "10:42:00.000000005")


def test_an_unknown_time_zone_is_utc() -> None:
    formats = Formats(replace(STOCK, timezone="Mars/Olympus"))
    assert formats.zone_name == "UTC"
    assert formats.time(MORNING) == "13:30:00"


def test_short_numbers() -> None:
    assert [short(value) for value in (0, 0.25, 4.13, 41, 999, 1_840, 412_345, 999_700, 5_312_000, 2.6e9)] == [
        "0", "0.25", "4.1", "41", "999", "1.8k", "412k", "1.0M", "5.3M", "2.6G"
    ]  # fmt: skip
    assert compact(1_234, 4) == "1.2k"


def test_speeds_and_spans() -> None:
    assert [speed(value, "¼", "½") for value in (0.25, 0.5, 1.0, 1024.0, float("inf"), 0.3)] == [
        "¼", "½", "1", "1024", "MAX", "0.3"
    ]  # fmt: skip
    assert [span(round(seconds * SECOND)) for seconds in (0.25, 1, 2.5, 60, 150, 3_600, 3_900)] == [
        "250ms", "1s", "2.5s", "1m", "2m30s", "1h", "1h05m"
    ]  # fmt: skip
