"""Lines made of pieces, the least important of which give way when the line is short."""

from collections.abc import Sequence
from typing import NamedTuple


class Item(NamedTuple):
    """A piece of a bar. Pieces of the highest rank give way first when the line is short."""

    text: str
    colour: str  #: name of a paper or ink colour
    rank: int = 0
    bold: bool = False
    right: bool = False  #: belongs to the right end


def choose(items: Sequence[Item], width: int) -> tuple[Item, ...]:
    """The pieces that fit into `width` cells."""
    kept = list(items)
    while kept and sum(len(item.text) for item in kept) > width:
        worst = max(item.rank for item in kept)
        if worst == 0:
            break
        kept = [item for item in kept if item.rank != worst]
    return tuple(kept)
