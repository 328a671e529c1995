"""What may be typed into the go-to dialog."""

from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from app.deck.formats import SECOND, Formats
from app.places import GotoError, parse
from core.instrument import Instrument
from core.snapshot import Snapshot
from core.transport import Command, Verb

OPEN = 1_340_285_400 * SECOND  #: 2012-06-21 09:30 in New York
STOCK = Formats(Instrument("AMZN", "XNAS", "2012-06-21", Decimal("0.01"), Decimal(1), "America/New_York"))


def at(clock: int = OPEN + 3_600 * SECOND, first: int = OPEN, last: int = OPEN + 23_400 * SECOND) -> Snapshot:
    fake = SimpleNamespace(clock=clock, first_ts=first, last_ts=last, messages=200_000, index=50_000)
    return cast(Snapshot, fake)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("10:42", 4_320.0), ("9:45", 900.0), ("10:42:17.5", 4_337.5), ("2012-06-21 10:42", 4_320.0), ("+5m", 3_900.0),
        ("-30s", 3_570.0),
        ("+1h30m", 9_000.0), ("+250ms", 3_600.25), ("- 10 s", 3_590.0), ("50%", 11_700.0), ("0%", 0.0),
        ("100%", 23_400.0), ("open", 0.0), ("CLOSE", 23_400.0), (" end ", 23_400.0), ("9:30", 0.0), ("16:00", 23_400.0),
    ],
)  # fmt: skip
def test_places(typed: str, seconds: float) -> None:
    target = parse(typed, at(), STOCK)
    assert target.command == Command(Verb.GOTO, OPEN + round(seconds * SECOND))
    assert target.back == (seconds < 3_600)


@pytest.mark.parametrize(
    ("typed", "index"), [("#0", 0), ("#123456", 123_456), ("#123,456", 123_456), ("#200000", 200_000)]
)
def test_message_indices(typed: str, index: int) -> None:
    target = parse(typed, at(), STOCK)
    assert target.command == Command(Verb.GOTO_INDEX, index)
    assert target.back == (index < 50_000)


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("", "type a place"), ("   ", "type a place"), ("soon", "'soon' is not a place"),
        ("25:00", "not a time of day"),
        ("10:60", "not a time of day"), ("10:42:61", "not a time of day"), ("#", "a message index"),
        ("#12x", "a message index"), ("#-3", "a message index"), ("#200001", "past the end"), ("101%", "percentage"),
        ("-1%", "percentage"), ("x%", "percentage"), ("nan%", "percentage"), ("+5", "an offset"), ("+5x", "an offset"),
        ("++5m", "an offset"), ("8:00", "outside of the tape"), ("17:00", "outside of the tape"),
        ("-5h", "outside of the tape"), ("2012-06-22 10:42", "outside of the tape"), ("2012-13-40 10:00", "not a date"),
        ("+99999999999999h", "outside of the tape"),
    ],
)  # fmt: skip
def test_nonsense_gets_a_message(typed: str, part: str) -> None:
    with pytest.raises(GotoError) as caught:
        parse(typed, at(), STOCK)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_time_is_found_on_another_day_of_a_long_tape() -> None:
    evening = OPEN - 14 * 3_600 * SECOND  #: 19:30 the day before
    snapshot = at(clock=OPEN, first=evening, last=OPEN + 3_600 * SECOND)
    assert parse("20:00", snapshot, STOCK).command.value == evening + 1_800 * SECOND
    assert parse("10:00", snapshot, STOCK).command.value == OPEN + 1_800 * SECOND


def test_the_edges_forgive_a_second() -> None:
    first = OPEN + 17_459_000
    assert parse("9:30", at(first=first), STOCK).command.value == first
