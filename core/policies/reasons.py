"""Reasons in words: what a code in `INTENT.why` or in a policy's memory means to a person."""

from collections.abc import Mapping

from core.policies.codes import Why

#: Words of the built-in policies; `{qty}` and `{price}` come from the decision.
WORDS: Mapping[int, str] = {
    Why.NOTHING: "nothing to do",
    Why.ON_SCHEDULE: "on schedule",
    Why.BEHIND: "behind schedule by {qty}",
    Why.REST: "rests {qty} at the touch",
    Why.SLICE_END: "crosses {qty} left of the slice",
    Why.FINISH: "crosses {qty}, the window ends",
    Why.MAKE_ROOM: "cancels {qty} to cross them",
    Why.WINDOW_END: "cancels {qty}, the time is up",
    Why.MOVED: "the touch left {qty} at {price}",
    Why.NO_MARKET: "nothing to trade against",
    Why.LIMIT: "the market is beyond the limit",
    Why.NOT_STARTED: "has not started",
    Why.NOT_TRADING: "the market does not trade",
    Why.COMPLETE: "complete",
    Why.SHARE: "below its share of volume by {qty}",
    Why.QUOTE: "quotes {qty} at the touch",
    Why.REQUOTE: "follows the touch to {price}",
    Why.INVENTORY: "position at its bound",
    Why.TOO_SMALL: "waits: less is due than the smallest child",
    Why.MANUAL: "waits for a person",
    Why.AHEAD: "more rests than is due",
}

#: Codes of words that a Python policy gives itself.
FIRST_OWN, MOST_OWN = 1000, 1000
OTHER = FIRST_OWN + MOST_OWN
_LONGEST = 80


class ReasonBook:
    """The reasons of one agent: the built-in ones, and the words that its Python policy gives, by first use."""

    def __init__(self, own: tuple[str, ...] = ()) -> None:
        self._codes: dict[str, int] = {}
        for text in own:
            self.code(text)

    def code(self, text: str) -> int:
        """The code that stands for `text`: printable, at most 80 characters; 1,000 different ones are told apart."""
        shown = "".join(c if c.isprintable() else " " for c in text[:_LONGEST]).strip()
        if not shown:
            return int(Why.NOTHING)
        if shown not in self._codes and len(self._codes) >= MOST_OWN:
            return OTHER
        return self._codes.setdefault(shown, FIRST_OWN + len(self._codes))

    @property
    def own(self) -> tuple[str, ...]:
        """The words given so far, in order of their codes; whoever keeps decisions keeps these beside them."""
        return tuple(self._codes)

    def words(self, code: int, qty: str = "", price: str = "") -> str:
        """What `code` means, with a quantity and a price as they are to be shown; empty if it is not known."""
        if FIRST_OWN <= code < FIRST_OWN + len(self._codes):
            return self.own[code - FIRST_OWN]
        if code == OTHER:
            return "another reason of its own"
        text = WORDS.get(code, "")
        if not qty:
            text = text.replace(" by {qty}", "").replace("{qty} ", "").replace(" {qty}", "").replace("{qty}", "")
        if not price:
            text = text.replace(" at {price}", "").replace(" to {price}", "")
        return text.replace("{qty}", qty).replace("{price}", price)
