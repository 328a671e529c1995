"""SQL that says in words what a record says in numbers."""

from enum import IntEnum, IntFlag

from core.records import NO_PRICE
from sessions.audit.schema import OBSERVED

_NAMES = "[" + ", ".join(f"'{name}'" for name in OBSERVED) + "]"
#: A side of ours, of the column that is put in.
SIDE = "(CASE {0} WHEN 1 THEN 'buy' WHEN -1 THEN 'sell' ELSE '' END)"
#: Agent `a` and instrument `i` of the records that are put in.
WHO = "LEFT JOIN agents a ON a.agent = {0}.agent LEFT JOIN instruments i ON i.instrument = {0}.instrument"


def named(column: str, kind: type[IntEnum]) -> str:
    """A code in words."""
    cases = " ".join(f"WHEN {int(each)} THEN '{each.name.lower()}'" for each in kind)
    return f"(CASE {column} {cases} ELSE CAST({column} AS VARCHAR) END)"


def flags(column: str, kind: type[IntFlag]) -> str:
    """The bits of a mask in words, with blanks between them."""
    cases = ", ".join(f"IF({column} & {int(each)} <> 0, '{(each.name or '').lower()}', NULL)" for each in kind)
    return f"array_to_string(list_filter([{cases}], lambda x: x IS NOT NULL), ' ')"


def controls(mask: str) -> str:
    """The controls of a mask, as a list of names."""
    numbers = f"list_filter(range({len(OBSERVED)}), lambda k: ({mask} >> k) & 1 = 1)"
    names = f"list_transform({numbers}, lambda k: {_NAMES}[k + 1])"
    return f"(CASE WHEN {mask} = 0 THEN CAST([] AS VARCHAR[]) ELSE {names} END)"


def utc(column: str) -> str:
    """A time in ns that can be read."""
    return f"make_timestamp_ns({column})"


def natural(ticks: str) -> str:
    """A price in natural units; NULL for none. The instrument is `i`."""
    return f"round(NULLIF({ticks}, {NO_PRICE}) * i.tick, 10)"
