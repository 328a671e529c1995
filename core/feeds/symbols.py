"""Which symbol of a source to import."""

from collections import Counter
from pathlib import Path

from core.errors import FeedError

_MAJORITY = 0.9


def choose_symbol(path: Path, found: "Counter[str]", asked: str | None) -> str:
    """The symbol asked for, or the only one. `found`: rows of each symbol.

    A damaged cell must not make a file look like a file of two symbols, so nine rows of ten are enough.
    Raises `FeedError` when the symbol asked for is not there or when there are several.
    """
    ranked = [name for name, n in found.most_common() if n]
    shown = ", ".join(ranked[:10]) + (" ..." if len(ranked) > 10 else "")
    if asked is not None:
        for name in ranked:
            if name.lower() == asked.lower():
                return name
        raise FeedError(path, f"holds nothing of {asked} (there are: {shown or 'none'})")
    if not ranked:
        raise FeedError(path, "holds no rows of any symbol")
    if found[ranked[0]] < _MAJORITY * found.total():
        raise FeedError(path, f"holds several symbols, choose one with --symbol: {shown}")
    return ranked[0]
