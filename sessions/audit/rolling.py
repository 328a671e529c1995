"""Rolling counts: a window over a range of time takes a database a minute for three million messages."""

import numpy as np
from numpy.typing import NDArray


def peak(times: NDArray[np.int64], window: int) -> tuple[int, int]:
    """The most of `times` (ns, any order) in any `window` ns, and the earliest end of such a window; (0, 0) if none.

    What happened at t counts at `now` while now - window < t <= now.
    """
    if not len(times):
        return 0, 0
    ordered = np.sort(times, kind="stable")  # they come nearly sorted
    counts = np.searchsorted(ordered, ordered, "right") - np.searchsorted(ordered, ordered - window, "right")
    best = int(counts.argmax())
    return int(counts[best]), int(ordered[best])
