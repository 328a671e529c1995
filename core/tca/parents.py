"""Draw the parent orders that every policy has to work."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.enums import Side
from core.errors import ConfigError
from core.plan import ParentPlan
from core.records import NO_PRICE
from core.tca.market import Market
from core.tca.result import PAIRED

_TRIES = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which parent orders are asked for."""

    orders: int
    window: int  #: ns that each may take
    seed: int
    qty: int | None = None  #: lots; this or `adv_share`
    adv_share: float | None = None  #: of all lots that trade on the order's tape, 0 to 1
    strata: int = 1  #: equal parts of each tape that get equally many orders
    block: int | None = None  #: ns of one block of the bootstrap, at least the window; None = `block_length`


def draw(markets: Sequence[Market], wanted: Wanted) -> NDArray[np.void]:
    """PAIRED records, shape (orders,), by tape and start; the same for the same tapes and `wanted`.

    Orders are split evenly over the tapes. Starts are uniform over the times from which the window fits on the tape
    and at which the book has two sides; sides are balanced among neighbours in time, one each of every two.

    Raises `ConfigError` when that is not possible.
    """
    _check(markets, wanted)
    rng = np.random.default_rng(wanted.seed)
    found = np.zeros(wanted.orders, PAIRED)
    share, extra = divmod(wanted.orders, len(markets))
    at = 0
    for tape, market in enumerate(markets):
        rows = found[at : at + share + (tape < extra)]
        at += len(rows)
        rows["tape"], rows["qty"] = tape, _lots(market, wanted)
        rows["start"] = _starts(market, tape, wanted, len(rows), rng)
        length = wanted.block or block_length(market.last_ts - market.first_ts, wanted.window)
        rows["block"] = (rows["start"] - market.first_ts) // length
    first = np.where(rng.random((wanted.orders + 1) // 2) < 0.5, int(Side.BID), int(Side.ASK))
    found["side"] = np.stack([first, -first], axis=1).reshape(-1)[: wanted.orders]
    found["end"] = found["start"] + wanted.window
    found["number"], found["seed"] = np.arange(wanted.orders), wanted.seed
    return found


def as_plan(order: np.void, limit: int | None = None, urgency: float = 0.5) -> ParentPlan:
    """A PAIRED record as the session plan has it."""
    side, qty, start, end = (int(order[name]) for name in ("side", "qty", "start", "end"))
    return ParentPlan(side, qty, start, end, limit, urgency)


def block_length(span: int, window: int) -> int:
    """How long a block of the bootstrap should be on a tape of `span` ns.

    With starts anywhere, two windows that touch overlap across the edge of their blocks. Blocks of L windows find the
    share 1 - 1 / (3 L) of the variance of a mean of such orders; four windows find 92 % of it, where the tape leaves
    sixteen blocks, and never less than one window.
    """
    return max(window, min(4 * window, span // 16))


def _check(markets: Sequence[Market], wanted: Wanted) -> None:
    if not markets:
        raise ConfigError("a comparison needs at least one tape")
    for name in ("orders", "window", "strata"):
        if getattr(wanted, name) < 1:
            raise ConfigError(f"{name} must be at least 1, not {getattr(wanted, name)}")
    if wanted.seed < 0:
        raise ConfigError(f"a seed must not be negative, and {wanted.seed} is")
    if (wanted.qty is None) == (wanted.adv_share is None):
        raise ConfigError("the quantity of the parent orders is either in lots or a share of the day's volume")
    if wanted.qty is not None and wanted.qty < 1:
        raise ConfigError(f"the quantity of a parent order must be at least one lot, not {wanted.qty}")
    if wanted.adv_share is not None and not 0 < wanted.adv_share <= 1:
        raise ConfigError(f"a share of the day's volume lies between 0 and 1, not at {wanted.adv_share}")
    if wanted.block is not None and wanted.block < wanted.window:
        raise ConfigError("a block of the bootstrap must be at least as long as the window of the orders")


def _lots(market: Market, wanted: Wanted) -> int:
    if wanted.adv_share is None:
        return wanted.qty or 0
    volume = int(market.volume[-1])
    lots = round(volume * wanted.adv_share)
    if lots < 1:
        raise ConfigError(f"{wanted.adv_share:.3g} of the {volume} lots that trade on the tape is less than one lot")
    return lots


def _starts(market: Market, tape: int, wanted: Wanted, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Ascending start times of `count` orders, ns UTC, as many in each stratum."""
    room = market.last_ts - wanted.window - market.first_ts + 1
    if room < 1:
        span = (market.last_ts - market.first_ts) / 1e9
        raise ConfigError(
            f"tape {tape + 1} lasts {span:.0f} s, and a window of {wanted.window / 1e9:.0f} s does not fit on it"
        )
    edges = [market.first_ts + room * k // wanted.strata for k in range(wanted.strata + 1)]
    # Which strata get one order more must not always be the first.
    counts = np.full(wanted.strata, count // wanted.strata)
    counts[rng.permutation(wanted.strata)[: count % wanted.strata]] += 1
    parts = [_two_sided(market, tape, edges[k], edges[k + 1], int(counts[k]), rng) for k in range(wanted.strata)]
    return np.sort(np.concatenate(parts))


def _two_sided(
    market: Market, tape: int, low: int, high: int, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Uniform times from `low` to before `high` at which there is a mid, drawn again where there is none."""
    found = np.zeros(0, np.int64)
    for _ in range(_TRIES):
        if len(found) >= count:
            return found[:count]
        times = rng.integers(low, max(high, low + 1), max(count, 8))
        found = np.concatenate([found, times[market.mid2_at(times) != NO_PRICE]])
    raise ConfigError(f"tape {tape + 1} has no two-sided book where an order should start")
