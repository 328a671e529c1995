"""Larger pools for a venue, everything in them kept where it was."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.venue.state import Venue, new_venue


def grown_venue(venue: Venue) -> Venue:
    """A copy with twice the order slots, levels, requests, notes and output records."""
    orders = 2 * len(venue.orders)
    fresh = new_venue(len(venue.taken), orders, 2 * len(venue.fills))
    top, old = venue.top.copy(), venue.top[0]
    grown = fresh._replace(
        top=top, rules=venue.rules, taken=venue.taken, stamps=venue.stamps, buckets=venue.buckets,
        touched=venue.touched, latency=venue.latency, flow=venue.flow, fees=venue.fees, marks=venue.marks,
        refills=venue.refills, outages=venue.outages,
    )  # fmt: skip
    for name in ("orders", "levels", "requests", "fills", "events", "done"):
        array: NDArray[Any] = getattr(venue, name)
        getattr(grown, name)[: len(array)] = array
    for name, stack in (("free", "free"), ("free_levels", "free_levels")):
        before, room = len(getattr(venue, stack)), len(getattr(grown, stack))
        held = int(old[name])
        places = getattr(grown, stack)
        # New places lie below the old ones on the stack: the lowest numbers are used first, as before.
        fresh_places = np.arange(before, room, dtype=np.int32)[::-1]
        places[: len(fresh_places)] = fresh_places
        places[len(fresh_places) : len(fresh_places) + held] = getattr(venue, stack)[:held]
        top[0][name] = held + len(fresh_places)
    head, tail = int(old["note_head"]), int(old["note_tail"])
    waiting = [venue.notes[k % len(venue.notes)] for k in range(head, tail)]
    for place, note in enumerate(waiting):
        grown.notes[place] = note
    top[0]["note_head"], top[0]["note_tail"] = 0, len(waiting)
    return grown
