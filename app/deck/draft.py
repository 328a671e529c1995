"""An order being written: what was typed, what it comes to, and what it would do. Pure; nothing is sent here."""

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from app.deck.contracts import Contract
from core.enums import OrderFlag, OrderType, TimeInForce
from core.records import MAX_QTY
from core.transport import Ticket

MAX_PRICE = 2**31 - 1
_LENGTH = 18  #: characters of a number
#: What `stop` is called, by type; types that are not here have none.
STOP_WORDS = {OrderType.STOP: "stop", OrderType.STOP_LIMIT: "stop", OrderType.PEG_TOUCH: "offset"}
#: What `price` is called, by type.
PRICE_WORDS = {
    OrderType.LIMIT: "price",
    OrderType.MARKET: "collar",
    OrderType.STOP: "collar",
    OrderType.STOP_LIMIT: "price",
    OrderType.PEG_TOUCH: "bound",
    OrderType.PEG_MID: "bound",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed so far. Numbers are text in natural units until they are read."""

    side: int = 1
    qty: str = ""
    price: str = ""
    stop: str = ""  #: natural price; whole ticks for a peg's offset
    display: str = ""  #: empty = show all
    type: OrderType = OrderType.LIMIT
    tif: TimeInForce = TimeInForce.DAY
    post_only: bool = False
    reduce_only: bool = False
    field: str = "qty"  #: the number that digits go to

    def fields(self) -> tuple[str, ...]:
        """Numbers that this type of order has."""
        found = ["qty", "price"]
        if self.type in STOP_WORDS:
            found.append("stop")
        if self.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            found.append("display")
        return tuple(found)

    def text(self, name: str) -> str:
        """What was typed into a number."""
        return {"qty": self.qty, "price": self.price, "stop": self.stop, "display": self.display}[name]

    def put(self, name: str, text: str) -> "Draft":
        """The same order with another number."""
        if name == "qty":
            return replace(self, qty=text)
        if name == "price":
            return replace(self, price=text)
        return replace(self, stop=text) if name == "stop" else replace(self, display=text)

    def typed(self, character: str) -> "Draft":
        """One more character in the active number."""
        return self.put(self.field, (self.text(self.field) + character)[:_LENGTH])

    def erased(self) -> "Draft":
        """One character less."""
        return self.put(self.field, self.text(self.field)[:-1])

    def next_field(self, step: int = 1) -> "Draft":
        """Another active number."""
        names = self.fields()
        here = names.index(self.field) if self.field in names else 0
        return replace(self, field=names[(here + step) % len(names)])

    def next_type(self) -> "Draft":
        """The next type of order; the active number stays if it can."""
        types = list(OrderType)
        changed = replace(self, type=types[(types.index(self.type) + 1) % len(types)])
        return changed if changed.field in changed.fields() else replace(changed, field="price")

    def next_tif(self) -> "Draft":
        """The next time in force."""
        times = list(TimeInForce)
        return replace(self, tif=times[(times.index(self.tif) + 1) % len(times)])


def read(draft: Draft, contract: Contract, place: int) -> Ticket | str:
    """The ticket that the draft comes to, or why it comes to none, in words."""
    instrument = contract.instrument
    try:
        qty = _whole(draft.qty, instrument.lot, "quantity", "lot")
        price = _whole(draft.price, instrument.tick, PRICE_WORDS[draft.type], "tick")
        stop = display = 0
        if draft.type is OrderType.PEG_TOUCH:
            stop = _whole(draft.stop or "0", Decimal(1), "offset", "tick")
        elif draft.type in STOP_WORDS:
            stop = _whole(draft.stop, instrument.tick, "stop", "tick")
        if draft.display and "display" in draft.fields():
            display = _whole(draft.display, instrument.lot, "shown quantity", "lot")
    except ValueError as error:
        return str(error)
    if not 0 < qty <= MAX_QTY:
        return "the quantity must be above zero" if qty <= 0 else "the quantity is too large"
    if abs(price) > MAX_PRICE or abs(stop) > MAX_PRICE:
        return "the price is off the scale"
    if not 0 <= display <= qty:
        return "the shown quantity must not be more than the whole"
    if draft.post_only and (draft.type not in (OrderType.LIMIT, OrderType.PEG_TOUCH, OrderType.PEG_MID)
                            or draft.tif is not TimeInForce.DAY):  # fmt: skip
        return "post-only is for orders that rest: a DAY limit or peg"
    flags = OrderFlag.POST_ONLY * draft.post_only | OrderFlag.REDUCE_ONLY * draft.reduce_only
    return Ticket(place, draft.side, qty, price, int(draft.type), int(draft.tif), int(flags), stop, display)


def read_price(draft: Draft, contract: Contract) -> int | None:
    """The price in ticks as far as it can be read: the cursor of the ladder."""
    try:
        ticks = _whole(draft.price, contract.instrument.tick, "price", "tick")
    except ValueError:
        return None
    return ticks if abs(ticks) <= MAX_PRICE else None


def words(ticket: Ticket, contract: Contract) -> str:
    """What the order is: BUY 100 AMZN LIMIT 223.57 DAY post-only."""
    instrument, kind = contract.instrument, OrderType(ticket.type)
    side = "BUY" if ticket.side > 0 else "SELL"
    parts = [side, _natural(ticket.qty, instrument.lot), contract.name, kind.name.replace("_", "-")]
    price = _natural(ticket.price, instrument.tick, instrument.price_digits)
    word = PRICE_WORDS[kind]
    parts.append(price if word == "price" else f"{word} {price}")
    if kind in STOP_WORDS:
        stop = _natural(ticket.stop, instrument.tick, instrument.price_digits)
        parts.append(f"offset {ticket.stop}t" if kind is OrderType.PEG_TOUCH else f"stop {stop}")
    parts.append(TimeInForce(ticket.tif).name)
    if ticket.display:
        parts.append(f"showing {_natural(ticket.display, instrument.lot)}")
    flags = OrderFlag(ticket.flags)
    parts += ["post-only"] * (OrderFlag.POST_ONLY in flags) + ["reduce-only"] * (OrderFlag.REDUCE_ONLY in flags)
    return " ".join(parts)


def notional(ticket: Ticket, contract: Contract) -> Decimal:
    """Price times quantity times multiplier, natural money."""
    return contract.instrument.price(ticket.price) * contract.instrument.quantity(ticket.qty) * contract.multiplier


def distance(ticket: Ticket, best_bid: int | None, best_ask: int | None) -> str:
    """Where the price stands to the touch, in words."""
    buys = ticket.side > 0
    own, other = (best_bid, best_ask) if buys else (best_ask, best_bid)
    own_word, other_word = ("bid", "ask") if buys else ("ask", "bid")
    if other is not None:
        through = (ticket.price - other) * ticket.side
        if through >= 0:
            place = f"at the {other_word}" if through == 0 else f"{through}t through the {other_word}"
            return f"{place}: TAKES" if not ticket.flags & OrderFlag.POST_ONLY else f"{place}: post-only, REJECTED"
    if own is None:
        return f"no {own_word}" + ("" if other is None else f", {abs(other - ticket.price)}t from the {other_word}")
    behind = (own - ticket.price) * ticket.side
    if behind == 0:
        return f"joins the {own_word}"
    return f"{behind}t behind the {own_word}" if behind > 0 else f"{-behind}t inside the spread"


def _whole(text: str, step: Decimal, what: str, unit: str) -> int:
    """`text` in units of `step`. Raises `ValueError` with what is wrong, in words."""
    if not text.strip():
        raise ValueError(f"type a {what}")
    try:
        value = Decimal(text)
        count = value / step
        if not count.is_finite():
            raise ValueError(f"{text} is not a {what}")
        whole = int(count)
    except (InvalidOperation, OverflowError) as error:
        raise ValueError(f"{text} is not a {what}") from error
    if whole != count:
        raise ValueError(f"{text} is not a multiple of the {unit}, {step.normalize():f}")
    return whole


def _natural(count: int, step: Decimal, digits: int | None = None) -> str:
    value = step * count
    return f"{value:.{digits}f}" if digits is not None else f"{value.normalize():,f}"
