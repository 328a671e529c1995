"""Refill: on the reactive rung the market replaces what we took, after a drawn time."""

from core.book.state import BookState
from core.jit import inner
from core.venue.ledger import release
from core.venue.match import meet
from core.venue.own import close_own
from core.venue.state import Venue


@inner
def refill(book: BookState, venue: Venue, ts: int) -> None:
    """Give back what has been gone long enough; plan the next step while something is still gone."""
    top, step, pending = venue.top[0], venue.rules[0]["impact_step"], False
    left = venue.levels.shape[0] - top["free_levels"]
    for node in range(venue.levels.shape[0]):
        if left == 0:
            break
        level = venue.levels[node]
        if level["used"] == 0:
            continue
        left -= 1
        if level["ts_back"] > 0 and (level["taken"] > 0 or level["taken_anonymous"] > 0):
            if level["ts_back"] <= ts:
                release(book, venue, node)
                level["ts_back"] = 0
                close_own(venue, node)
            else:
                pending = True
    meet(book, venue, ts)
    if pending and top["ts_decay"] >= 2**62:
        top["ts_decay"] = (ts // step + 1) * step
        top["next_due"] = min(top["next_due"], top["ts_decay"])
