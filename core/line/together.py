"""Several tapes on one clock: before an agent's turn, and a second's mark, all have come to that moment."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.jit import kernel, merged
from core.jit_states import Several, state
from core.line.coast import STOP
from core.line.run import UNTIL, run
from core.line.state import NEVER, Line


@state
class Track(NamedTuple):
    """An instrument's line and the tape it plays."""

    line: Line
    messages: NDArray[np.void]  #: MESSAGE


@kernel
def play(
    tracks: Several[Track], indices: NDArray[np.int64], stops: NDArray[np.int64], until: int
) -> tuple[int, int, int]:
    """Play every tape from its index up to its stop or past time `until` (ns UTC), doing what is due between.

    `indices` and `stops`, shape (tapes,), are message numbers; the first are written. Returns -1, UNTIL and the time
    when all have come there (STOP: a single tape reached its stop first); or else the tape that cannot go on by
    itself, why (see `core.line.run`), and 0: what it lacks is given, and `play` called again.
    """
    if len(tracks) == 1:
        indices[0], reason = run(tracks[0].line, tracks[0].messages, indices[0], stops[0], until)
        done = reason == STOP or reason == UNTIL
        return (-1, reason, until) if done else (0, reason, 0)
    shared = tracks[0].line.top[0]
    if shared["answered"] != 0:  # it goes on where it was asked, at that moment
        k = tracks[0].line.agents[shared["asked"]]["instrument"]
        turn = min(until, tracks[k].line.venue.top[0]["next_due"])
        indices[k], reason = run(tracks[k].line, tracks[k].messages, indices[k], stops[k], turn)
        if reason != STOP and reason != UNTIL:
            return k, reason, 0
    while True:
        step = until
        for k in range(len(tracks)):
            step = min(step, next_step(tracks[k].line))
        for end in (step - 1, step):
            for k in range(len(tracks)):
                indices[k], reason = run(tracks[k].line, tracks[k].messages, indices[k], stops[k], end)
                if reason != STOP and reason != UNTIL:
                    return k, reason, 0
        if step >= until:
            return -1, UNTIL, until


@merged
def next_step(line: Line) -> int:
    """Market time before which others need not wait for this instrument."""
    top = line.venue.top[0]
    turn = NEVER if top["next_wake"] >= NEVER else top["next_wake"] - top["feed_now"]
    return max(min(turn, top["next_tick"]), top["served"])
