"""An order being written: what typed text comes to, and what is said about it."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.deck.contracts import Contract, Contracts
from app.deck.draft import Draft, distance, notional, read, read_price, words
from core.enums import OrderFlag, OrderType, TimeInForce
from core.instrument import Instrument
from core.records import MAX_QTY
from core.transport import Ticket

SHARE = Contract("AMZN", Instrument("AMZN", "NASDAQ", "2012-06-21", Decimal("0.01"), Decimal("1")))
FUTURE = Contract("ES", Instrument("ESM4", "XCME", "2024-06-03", Decimal("0.25"), Decimal("1")), Decimal(50))
COIN = Contract("BTC", Instrument("BTCUSDT", "BINANCE", "2024-06-03", Decimal("0.1"), Decimal("0.00001")))


def ticket(draft: Draft, contract: Contract = SHARE, place: int = 0) -> Ticket:
    found = read(draft, contract, place)
    assert isinstance(found, Ticket), found
    return found


class FakePlayer:
    """Just enough to be a player."""

    instrument, title, first_ts, last_ts = SHARE.instrument, "x", 0, 1

    def latest(self) -> None: ...
    def send(self, command: object) -> None: ...
    def overview(self) -> None: ...
    def close(self) -> None: ...


def test_a_limit_order() -> None:
    assert ticket(Draft(1, "100", "223.57"), place=3) == Ticket(3, 1, 100, 22_357)
    assert ticket(Draft(-1, "2", "5312.25"), FUTURE) == Ticket(0, -1, 2, 21_249)
    assert ticket(Draft(1, "0.5", "-37.6"), COIN) == Ticket(0, 1, 50_000, -376)


def test_every_type() -> None:
    stop = Draft(1, "5", "224", "223.90", type=OrderType.STOP)
    assert ticket(stop) == Ticket(0, 1, 5, 22_400, int(OrderType.STOP), stop=22_390)
    peg = Draft(-1, "5", "220", "-2", type=OrderType.PEG_TOUCH)
    assert ticket(peg) == Ticket(0, -1, 5, 22_000, int(OrderType.PEG_TOUCH), stop=-2)
    assert ticket(replace(peg, stop="")).stop == 0
    assert ticket(replace(peg, type=OrderType.PEG_MID)).stop == 0, "a mid peg has no offset"
    hidden = Draft(1, "50", "223", display="10", type=OrderType.MARKET)
    assert ticket(hidden).display == 0, "a market order shows nothing"
    flagged = Draft(1, "50", "223", display="10", post_only=True, reduce_only=True)
    assert ticket(flagged).flags == OrderFlag.POST_ONLY | OrderFlag.REDUCE_ONLY
    assert ticket(flagged).display == 10


@pytest.mark.parametrize(
    ("draft", "problem"),
    [
        (Draft(), "type a quantity"),
        (Draft(qty="1"), "type a price"),
        (Draft(qty="1", type=OrderType.MARKET), "type a collar"),
        (Draft(qty="1", price="1", type=OrderType.STOP), "type a stop"),
        (Draft(qty="0", price="1"), "above zero"),
        (Draft(qty="-5", price="1"), "above zero"),
        (Draft(qty="1.5", price="1"), "1.5 is not a multiple of the lot, 1"),
        (Draft(qty="1", price="1.005"), "1.005 is not a multiple of the tick, 0.01"),
        (Draft(qty="1", price="."), ". is not a price"),
        (Draft(qty="1", price="1-2"), "1-2 is not a price"),
        (Draft(qty="9" * 18, price="1"), "too large"),
        (Draft(qty="1", price="9" * 18), "off the scale"),
        (Draft(qty="5", price="1", display="6"), "more than the whole"),
        (Draft(qty="5", price="1", display="-1"), "more than the whole"),
        (Draft(qty="5", price="1", post_only=True, tif=TimeInForce.IOC), "orders that rest"),
        (Draft(qty="5", price="1", post_only=True, type=OrderType.MARKET), "orders that rest"),
    ],
)
def test_what_is_no_order_is_said_in_words(draft: Draft, problem: str) -> None:
    found = read(draft, SHARE, 0)
    assert isinstance(found, str)
    assert problem in found


@given(st.text("0123456789.-eEnaifNIF_ +", max_size=18), st.text("0123456789.-eEnaifNIF_ +", max_size=18))
def test_any_text_is_an_order_or_words(qty: str, price: str) -> None:
    for contract in (SHARE, COIN):
        found = read(Draft(qty=qty, price=price), contract, 0)
        if isinstance(found, Ticket):
            assert 0 < found.qty <= MAX_QTY
            assert contract.instrument.price(found.price) == Decimal(price)
            assert contract.instrument.quantity(found.qty) == Decimal(qty)
        read_price(Draft(price=price), contract)


def test_words_and_notional() -> None:
    order = ticket(Draft(-1, "2", "5312.25"), FUTURE)
    assert words(order, FUTURE) == "SELL 2 ES LIMIT 5312.25 DAY"
    assert notional(order, FUTURE) == Decimal("531225.00")
    stop = Draft(1, "5", "224", "223.90", "2", OrderType.STOP_LIMIT, TimeInForce.FOK, reduce_only=True)
    assert words(ticket(stop), SHARE) == "BUY 5 AMZN STOP-LIMIT 224.00 stop 223.90 FOK showing 2 reduce-only"
    assert words(ticket(Draft(1, "0.5", "64000", type=OrderType.MARKET), COIN), COIN) == (
        "BUY 0.5 BTC MARKET collar 64000.0 DAY"
    )


@pytest.mark.parametrize(
    ("side", "price", "text"),
    [
        (1, 101, "at the ask: TAKES"), (1, 103, "2t through the ask: TAKES"), (1, 99, "joins the bid"),
        (1, 97, "2t behind the bid"), (1, 100, "1t inside the spread"), (-1, 99, "at the bid: TAKES"),
        (-1, 101, "joins the ask"), (-1, 104, "3t behind the ask"), (-1, 95, "4t through the bid: TAKES"),
    ],
)  # fmt: skip
def test_distance_to_the_touch(side: int, price: int, text: str) -> None:
    assert distance(Ticket(0, side, 1, price), 99, 101) == text


def test_distance_without_a_touch() -> None:
    assert distance(Ticket(0, 1, 1, 90), None, None) == "no bid"
    assert distance(Ticket(0, 1, 1, 90), None, 101) == "no bid, 11t from the ask"
    assert distance(Ticket(0, 1, 1, 90), 99, None) == "9t behind the bid"
    post = Ticket(0, 1, 1, 101, flags=int(OrderFlag.POST_ONLY))
    assert distance(post, 99, 101) == "at the ask: post-only, REJECTED"


def test_fields_follow_the_type() -> None:
    draft = Draft(field="display")
    assert draft.fields() == ("qty", "price", "display")
    assert draft.next_type().field == "price", "a market order has no display"
    seen = [draft.type]
    for _ in OrderType:
        draft = draft.next_type()
        seen.append(draft.type)
        assert draft.field in draft.fields()
    assert set(seen) == set(OrderType)
    assert seen[0] == seen[-1]
    assert Draft().next_field().field == "price"
    assert Draft().next_field(-1).field == "display"
    assert len(Draft(qty="1" * 18).typed("2").qty) == 18


def test_contracts_of_a_player_that_does_not_trade() -> None:
    contracts = Contracts(None, SHARE.instrument)
    assert not contracts.trading
    assert contracts.contract == SHARE
    assert contracts.price("AMZN", 22_357) == "223.57"
    assert contracts.price("some-name", 22_357) == "223.57", "it trades what it shows"
    assert contracts.price_near("AMZN", float("nan")) == "--"
    assert contracts.is_shown("AMZN")


def test_contracts_of_a_player_that_trades() -> None:
    class Trades(FakePlayer):
        contracts = (SHARE, FUTURE)
        shown = 1

    contracts = Contracts(Trades(), SHARE.instrument)
    assert contracts.trading
    assert contracts.contract == FUTURE
    assert [contracts.price(symbol, 412) for symbol in ("AMZN", "ES", "ESM4", "MSFT")] == [
        "4.12", "103.00", "103.00", "412t"
    ]  # fmt: skip
    assert contracts.price_near("MSFT", 1.25) == "1.2t"
    assert contracts.quantity("MSFT", 12_345_678, 6) == "12.35M"
    assert contracts.is_shown("ES") and not contracts.is_shown("AMZN") and not contracts.is_shown("MSFT")
