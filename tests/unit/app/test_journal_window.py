"""The lines at hand: bounded, asked for before they are needed, and the chosen one stays where it is."""

from decimal import Decimal

import pytest

from app.deck.formats import Formats
from app.deck.journal_filter import FilterError, filter_text, read_filter
from app.deck.journal_window import CHUNK, KEPT, Window, Wish
from core.instrument import Instrument
from core.snapshot import Snapshot
from sessions.audit.lines import Kind, Line, Wanted

ALL = [Line(1, record, record * 10, "new") for record in range(10_000)]
HEIGHT = 20


def answer(wish: Wish) -> tuple[list[Line], bool]:
    """What a journal of 10,000 lines answers."""
    if wish.key is None:
        return (ALL[-CHUNK:], True) if wish.older else (ALL[:CHUNK], True)
    at = wish.key[1]
    if wish.older:
        return ALL[max(at - CHUNK, 0) : at], at > CHUNK
    return ALL[at + 1 : at + 1 + CHUNK], at + 1 + CHUNK < len(ALL)


def settle(window: Window) -> None:
    """Answer every wish."""
    for _ in range(20):
        window.fit(HEIGHT)
        wish = window.wish(HEIGHT)
        if wish is None:
            return
        window.take(wish, *answer(wish))
    raise AssertionError("it never has enough")


def test_the_newest_is_chosen_and_followed_at_first() -> None:
    window = Window()
    settle(window)
    assert window.line == ALL[-1]
    assert window.follow
    assert not window.behind
    for rows, follows in ((-1, False), (5, True)):
        window.move(rows)
        assert window.follow is follows


def test_all_the_way_up_and_down_line_by_line_page_by_page() -> None:
    window = Window()
    settle(window)
    seen = {window.line.record} if window.line else set()
    for _ in range(len(ALL)):
        before = window.line
        window.move(-17)
        settle(window)
        assert window.line is not None
        assert before is not None
        assert window.line.record == max(before.record - 17, 0)
        assert len(window.lines) <= KEPT
        assert 0 <= window.chosen - window.top < HEIGHT
        seen.add(window.line.record)
        if window.line.record == 0:
            break
    assert window.line == ALL[0]
    assert not window.before
    while window.line != ALL[-1]:
        before = window.line
        window.move(19)
        settle(window)
        assert window.line is not None
        assert before is not None
        assert window.line.record == min(before.record + 19, len(ALL) - 1)
        assert len(window.lines) <= KEPT
    assert not window.behind


def test_lines_at_hand_are_neighbours() -> None:
    window = Window()
    settle(window)
    for rows in (-200, -900, -300, 400, 1_300, -50, -2_000):
        window.move(rows)
        settle(window)
        records = [line.record for line in window.lines]
        assert records == list(range(records[0], records[0] + len(records)))


def test_nothing_at_all() -> None:
    window = Window()
    wish = window.wish(HEIGHT)
    assert wish == Wish(None, True)
    assert wish is not None
    window.take(wish, [], False)
    window.move(-3)
    window.move(3)
    window.fit(HEIGHT)
    assert window.line is None
    assert window.wish(HEIGHT) is None


INSTRUMENT = Instrument("AMZN", "NASDAQ", "2012-06-21", Decimal("0.01"), Decimal(1), "UTC")


class Where:
    """A place on a day."""

    first_ts, last_ts = 1_340_236_800_000_000_000, 1_340_323_199_000_000_000
    clock, index, messages = first_ts + 3_600_000_000_000, 0, 10


def read(typed: str, wanted: Wanted | None = None) -> Wanted:
    where: Snapshot = Where()  # type: ignore[assignment]
    return read_filter(typed, wanted or Wanted(), ("maker", "taker", "twap-1"), where, Formats(INSTRUMENT))


def test_a_filter_is_read_and_written_alike() -> None:
    found = read("agent:maker order:12 control:order_qty from:10:00 to:10:30:00.5 left the touch")
    assert (found.agent, found.order, found.control, found.text) == ("maker", 12, "order_qty", "left the touch")
    assert found.begin == Where.first_ts + 36_000_000_000_000
    assert read(filter_text(found, Formats(INSTRUMENT))) == found
    assert read("") == Wanted()
    assert read("crossed http://x").text == "crossed http://x"


def test_kinds_stay_and_beginnings_of_names_are_enough() -> None:
    wanted = Wanted(frozenset((Kind.FILL,)), agent="taker", text="old")
    assert read("agent:mak", wanted) == Wanted(wanted.kinds, agent="maker")
    assert read("from:+5m").begin == Where.clock + 300_000_000_000


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("agent:makr", "did you mean maker"),
        ("control:order_quantity", "did you mean order_"),
        ("order:x", "no number"),
        ("order:0", "no number"),
        ("order:99999999999999999999", "no number"),
        ("from:25:00", "not a time of day"),
        ("from:#5", "no time"),
        ("from:10:30 to:10:00", "before"),
    ],
)
def test_what_is_no_filter_is_said(typed: str, words: str) -> None:
    with pytest.raises(FilterError, match=words):
        read(typed)
