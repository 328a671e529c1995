"""From the ring of columns to the frozen history a snapshot carries."""

import numpy as np

from core.history import Prints, Sampler, largest_prints
from core.snapshot import HistoryView


def history_view(sampler: Sampler, prints: Prints, count: int, clock: int) -> HistoryView:
    """Closed columns and the open one, oldest first, with what was traded in each.

    `count`: prints so far; `clock`: ns UTC, the right edge when no column is open yet.
    """
    step, open_end, closed, group = (int(x) for x in sampler.meta)
    columns = sampler.low.shape[0]
    end = open_end if open_end else (clock // step + 1) * step
    shown = min(closed + 1, columns)
    order = np.arange(closed + 1 - shown, closed + 1) % columns
    edges = end - step * np.arange(shown, -1, -1, dtype=np.int64)
    # A column holds the prints of [start, end); those not yet reached do not count.
    bounds = np.minimum(np.searchsorted(prints.clock, edges, "left"), count).astype(np.int64)
    row, qty = np.zeros(shown, np.int64), np.zeros(shown, np.int64)
    largest_prints(prints.records, bounds, group, row, qty)
    return HistoryView(
        step=step,
        group=group,
        end=end,
        low=sampler.low[order],
        bids=sampler.bids[order],
        asks=sampler.asks[order],
        best_bid=sampler.best[order, 0],
        best_ask=sampler.best[order, 1],
        bought=np.diff(prints.bought[bounds]),
        sold=np.diff(prints.sold[bounds]),
        trade_row=row,
        trade_qty=qty,
    )
