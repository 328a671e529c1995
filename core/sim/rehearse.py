"""A synthetic day straight into memory, to measure a profile without writing a tape."""

import numpy as np
from numpy.typing import NDArray

from core.book.state import new_state
from core.feeds.source import Options
from core.instrument import Instrument
from core.records import MESSAGE
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.tape.ids import new_ids, roomy
from core.tape.ingest import Ingest, ingest
from core.tape.scale import Scale

_NO_WINDOW = np.zeros((0, 0), np.int64)


def rehearse(profile: MarketProfile, seed: int, messages: int) -> tuple[NDArray[np.void], Instrument]:
    """The messages (MESSAGE) that a tape of this profile would hold, and its instrument."""
    source = SyntheticSource(profile, seed, messages)
    info = source.info
    rows = np.concatenate([batch.rows for batch in source.batches()])
    priced = rows["price"][rows["price"] > 0]
    low, high = int(priced.min()), int(priced.max())
    job = Ingest(
        book=new_state(5 * profile.live_orders + 256, low, high, pages=(high - low) // 64 + 2),
        ids=roomy(new_ids(), 5 * profile.live_orders + 256),
        scale=Scale(info, Options(), "synthetic").array,
        counts=np.zeros(8, np.int64),
        state=np.zeros(8, np.int64),
    )
    out = np.zeros(len(rows) + 4, MESSAGE)
    _, made = ingest(job, rows, _NO_WINDOW, 0, out)
    instrument = Instrument(info.symbol, info.venue, info.date, info.price_unit, info.qty_unit, info.timezone)
    return out[:made], instrument
