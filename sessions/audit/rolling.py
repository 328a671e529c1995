"""Rolling counts: a window over a range of time takes a database a minute for three million messages."""

import numpy as np
from numpy.typing import NDArray


def peak(times: NDArray[np.int64], window: int) -> tuple[int, int]:
    """The most of `times` (ns, any order) in any `window` ns, and the earliest end of such a window; (0, 0) if none.

    What happened at t counts at `now` while now - window < t <= now.
    """
    if not len(times):
        return 0, 0
    ordered = times if bool((times[1:] >= times[:-1]).all()) else np.sort(times, kind="stable")
    # Of several at the same time the last one counts them all, so a place is as good as a search for the right end.
    counts = np.arange(1, len(ordered) + 1) - np.searchsorted(ordered, ordered - window, "right")
    best = int(counts.argmax())
    return int(counts[best]), int(ordered[best])
