"""The price axis stands still until it must move."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from app.deck.axis import PriceAxis, descending, round_up, typical_top
from core.snapshot import Snapshot


def at(bid: int | None, ask: int | None, last: int | None = None, group: int = 1) -> Snapshot:
    fake = SimpleNamespace(best_bid=bid, best_ask=ask, last_price=last, ladder=SimpleNamespace(group=group))
    return cast(Snapshot, fake)


def test_it_centres_once_and_then_stands() -> None:
    axis = PriceAxis(margin=3)
    axis.follow(at(100, 101), 21)
    assert axis.top == 110
    for bid in range(94, 107):
        axis.follow(at(bid, bid + 1), 21)
        assert axis.top == 110


def test_it_recentres_when_the_touch_comes_near_an_edge() -> None:
    axis = PriceAxis(margin=3)
    axis.follow(at(100, 101), 21)
    axis.follow(at(108, 109), 21)
    assert axis.top == 118
    axis.follow(at(90, 91), 21)
    assert axis.top == 100


def test_scrolled_it_is_held_until_it_is_centred() -> None:
    axis = PriceAxis(margin=3)
    axis.follow(at(100, 101), 21)
    axis.scroll(50)
    axis.follow(at(100, 101), 21)
    assert (axis.top, axis.following) == (160, False)
    assert axis.off_screen(at(100, 101)) == -39
    axis.scroll(-100)
    assert axis.off_screen(at(100, 101)) == 40
    axis.centre(at(100, 101))
    assert (axis.top, axis.following, axis.off_screen(at(100, 101))) == (110, True, 0)


def test_another_group_recentres() -> None:
    axis = PriceAxis()
    axis.follow(at(100, 101), 21)
    axis.follow(at(100, 101, group=10), 21)
    assert (axis.group, axis.top) == (10, 20)


def test_a_resized_axis_keeps_its_middle_and_finds_back() -> None:
    axis = PriceAxis()
    axis.follow(at(100, 101), 24)
    first = axis.top
    for lines in (37, 12, 24):
        axis.follow(at(100, 101), lines)
    assert axis.top == first


@pytest.mark.parametrize(
    ("bid", "ask", "last", "top"), [(100, None, 50, 110), (None, 100, 50, 110), (None, None, 50, 60)]
)
def test_one_side_or_the_last_price_will_do(bid: int | None, ask: int | None, last: int, top: int) -> None:
    axis = PriceAxis()
    axis.follow(at(bid, ask, last), 21)
    assert axis.top == top


def test_an_empty_market_has_no_axis_yet() -> None:
    axis = PriceAxis()
    axis.follow(at(None, None), 21)
    assert not axis.known
    assert axis.off_screen(at(None, None)) == 0


def test_negative_prices() -> None:
    axis = PriceAxis()
    axis.follow(at(-8, -7, group=5), 11)
    assert axis.top == -2 + 5


@pytest.mark.parametrize(
    ("top", "lines", "expected"),
    [(12, 3, [3, 2, 1]), (14, 4, [0, 0, 3, 2]), (11, 5, [2, 1, 0, 0, 0]), (9, 2, [0, 0]), (30, 2, [0, 0]), (20, 0, [])],
)
def test_descending(top: int, lines: int, expected: list[int]) -> None:
    assert descending(np.array([1, 2, 3]), 10, top, lines) == expected


def test_scales_are_round_and_rarely_change() -> None:
    assert [round_up(value) for value in (0, 1, 1.2, 8, 11, 99, 101, 4_999)] == [1, 1, 2, 10, 15, 100, 150, 5_000]
    assert len({round_up(value) for value in range(1, 10_000)}) < 30
    assert typical_top([0, 0, 5]) == 5
    assert typical_top([]) == 1


def test_a_spread_that_does_not_fit_keeps_one_side_in_sight() -> None:
    axis = PriceAxis()
    axis.follow(at(100, 140), 20)
    assert axis.top - 19 <= 100 <= axis.top
    axis.scroll(40)
    axis.following = True
    axis.follow(at(100, 140), 20)  # the ask is in sight now, the bid is not
    assert axis.top - 19 <= 140 <= axis.top
    axis.follow(at(100, 110), 20)
    assert axis.top - 19 <= 100 < 110 <= axis.top
