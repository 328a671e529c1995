"""What a typed word can mean in a journal, as codes: a search compares numbers, and never makes words of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from sqlalchemy import func, select

from core.enums import EventKind, Op, OrderStatus, OrderType, Reason, Trust
from core.risk.controls import SPECS
from sessions.audit.books import Books


@dataclass(frozen=True, slots=True)
class Meaning:
    """Codes whose names hold the text, by the columns that they stand in."""

    agents: Sequence[int] = ()
    whys: Mapping[int, Sequence[int]] = field(default_factory=dict)  #: a policy's reasons, by agent
    reasons: Sequence[int] = ()
    ops: Sequence[int] = ()
    types: Sequence[int] = ()
    statuses: Sequence[int] = ()
    events: Sequence[int] = ()
    sides: Sequence[int] = ()
    makers: Sequence[int] = ()
    controls: int = 0  #: as a mask
    trusts: int = 0  #: as a mask
    exact: bool = False  #: fills that rest on nothing doubtful
    denials: bool = False  #: the text is in the word for all of them

    @property
    def controls_by_name(self) -> tuple[str, ...]:
        """Names of controls by number."""
        names = {int(spec.control): spec.name for spec in SPECS}
        return tuple(names.get(k, "") for k in range(max(names) + 1))


def meaning(books: Books, text: str) -> Meaning:
    """What a text (in any case) can mean; nothing for an empty one."""
    text = text.strip().lower()
    if not text:
        return Meaning()
    reasons = books.tables["reasons"].c
    whys: dict[int, list[int]] = {}
    for agent, code in books.frame(
        select(reasons.agent, reasons.code).where(func.contains(func.lower(reasons.words), text))
    ).iter_rows():
        whys.setdefault(int(agent), []).append(int(code))
    return Meaning(
        agents=[k for k, name in enumerate(books.agents) if text in name.lower()],
        whys=whys,
        reasons=[code for code in _codes(Reason, text) if code],
        ops=_codes(Op, text),
        types=_codes(OrderType, text),
        statuses=_codes(OrderStatus, text),
        events=_codes(EventKind, text),
        sides=[side for side, name in ((1, "buy"), (-1, "sell")) if text == name],
        makers=[made for made, name in ((1, "fill maker"), (0, "fill taker")) if text in name],
        controls=sum(1 << int(s.control) for s in SPECS if text in s.name or text in s.name.replace("_", " ")),
        trusts=sum(int(each) for each in Trust if text in str(each.name).lower()),
        exact=text in "exact",
        denials=text in "denied",
    )


def _codes(kind: type[IntEnum], text: str) -> list[int]:
    return [int(each) for each in kind if text in each.name.lower() or text in each.name.lower().replace("_", " ")]
