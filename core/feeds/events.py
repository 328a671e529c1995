"""Where events end: rows that share a key (a time) are one event."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from core.enums import Flag
from core.feeds.source import Batch

_EVENT_END = int(Flag.EVENT_END)


def with_event_ends(parts: Iterable[tuple[NDArray[np.void], NDArray[np.int64]]]) -> Iterator[Batch]:
    """Batches of the parts (rows, key of each row), EVENT_END on the last row of each run of equal keys.

    Yields one part late, because only the next one tells whether an event is complete.
    """
    held: tuple[NDArray[np.void], NDArray[np.int64]] | None = None
    for rows, keys in parts:
        if not len(rows):
            continue
        rows["flags"][:-1][keys[1:] != keys[:-1]] |= _EVENT_END
        if held is not None:
            if held[1][-1] != keys[0]:
                held[0]["flags"][-1] |= _EVENT_END
            yield Batch(held[0])
        held = rows, keys
    if held is not None:
        held[0]["flags"][-1] |= _EVENT_END
        yield Batch(held[0])


def date_of(ts: int) -> str:
    """ISO date, UTC, of ns since the epoch."""
    return str(np.datetime64(ts, "ns").astype("datetime64[D]"))
