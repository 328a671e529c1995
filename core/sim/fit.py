"""From a tape to the profile of a synthetic market that resembles it: what can be counted.

What only shows in the interplay of all orders is left to `core.sim.calibrate`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.enums import Action, Depth, Flag
from core.errors import TapeError
from core.instrument import Instrument
from core.sim.calibrate import calibrate
from core.sim.census import Census, take_census
from core.sim.facts import aggressors, facts_of, measure, mids, session_of
from core.sim.profile import SHARES, MarketProfile
from core.sim.signs import fit_signs
from core.sim.tables import ROUND_FROM
from core.sim.walk import Walk
from core.tape.tape import Tape

#: Seconds of a synthetic day, parts of its curves.
_DAY, _PARTS = 23_400, 13
_SECOND = 1_000_000_000
_LEAST = 1_000
#: Order sizes kept one by one, groups that the others are put in.
_COMMON, _GROUPS = 48, 16
#: Share of messages that move the touch on full tapes of the kind that the default was fitted to.
_MOVES = 0.176
_EDGES = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765, 10946)
_AGES = (0, *(1 << k for k in range(17)))


def fit(tape: Tape, rounds: int = 8) -> MarketProfile:
    """The profile of an order-by-order tape; `rounds` of calibration, none gives what was counted.

    A window tape (LOBSTER with book files) hides what happens outside its window: where orders are placed,
    rest and go is then taken from the default profile, everything else from the tape.
    Raises `TapeError` for a level-2 tape and for one with fewer than 1,000 adds or 100 trades.
    """
    if tape.meta.depth is Depth.LEVELS:
        raise TapeError(tape.folder, "is a level-2 tape; a profile is fitted to single orders")
    try:
        return fit_messages(tape.messages, tape.instrument, tape.meta.depth is Depth.WINDOW, rounds)
    except ValueError as error:
        raise TapeError(tape.folder, f"cannot be fitted: {error}") from error


def fit_messages(
    messages: NDArray[np.void], instrument: Instrument, window: bool = False, rounds: int = 8
) -> MarketProfile:
    """`fit` for messages in memory. Raises `ValueError` where there is too little to count."""
    session = session_of(messages, instrument)
    walk = measure(messages, instrument, session)
    found = facts_of(walk, float(instrument.tick))
    adds = int(walk.mix[Action.ADD])
    if adds < _LEAST or found["aggressors"] < _LEAST // 10:
        raise ValueError(f"{adds} adds and {int(found['aggressors'])} trades, it takes {_LEAST} and {_LEAST // 10}")
    profile = _counted(messages, walk, instrument, session, found, window)
    if window:
        # These are of the orders inside the window only.
        found["burstiness_1s"] = found["depth_5_ticks"] = np.nan
    return calibrate(profile, found, len(walk.mid), rounds)


def _counted(
    messages: NDArray[np.void],
    walk: Walk,
    instrument: Instrument,
    session: tuple[int, int],
    found: dict[str, float],
    window: bool,
) -> MarketProfile:
    default = MarketProfile.default()
    scale = _DAY / len(walk.mid)
    sign, _ = aggressors(walk)
    tail, shift, noise = fit_signs(sign.astype(np.float64))
    inside = messages[(messages["ts_event"] >= session[0]) & (messages["ts_event"] < session[1])]
    inside = inside[(inside["flags"] & Flag.SNAPSHOT) == 0]
    census = take_census(messages, session, _EDGES, _AGES)
    mid = mids(walk)
    first = int(mid[~np.isnan(mid)][0] / 2)
    profile = replace(
        default,
        name=f"{instrument.symbol} {instrument.date}",
        tick=instrument.tick,
        open_price=instrument.tick * first,
        fills=_weights(census.fills[1:]),
        full_fill=_share(census.tally[0]["whole"], census.tally[0]["known"]),
        sign_tail=tail,
        sign_shift=shift,
        sign_noise=noise,
        spread=max(1.0, found["spread_time_mean_ticks"]),
        daily_volatility=min(0.5, found["volatility_10s"] * scale**0.5),
        **_sizes(inside),
        **_curves(walk),
        gaps=_gaps(inside, walk),
    )
    if window:
        return _behind_window(replace(profile, bursts=default.bursts, gaps=default.gaps), default, found, walk, scale)
    shares = {"hidden": found["share_trade"], **{n: found[f"share_{n}"] for n in SHARES if n != "hidden"}}
    return replace(
        profile,
        messages_per_day=max(_LEAST, round(found["rows"] * scale)),
        live_orders=min(max(64, round(found["live_orders"])), 10**6),
        improve=_share(census.tally[0]["better"], census.tally[0]["better"] + census.placed.sum()),
        **_places(census),
        **_rounded_shares(shares),
    )


def _behind_window(
    profile: MarketProfile, default: MarketProfile, found: dict[str, float], walk: Walk, scale: float
) -> MarketProfile:
    """Shares for a market of which only the best levels were seen.

    The rate of all messages is what it takes to move the touch as often as seen at the default's share of
    moves; trades keep their number, the rest is mixed as in the default.
    """
    total = found["bbo_move_share"] * found["rows"] / _MOVES
    execute, hidden = int(walk.mix[Action.EXECUTE]) / total, int(walk.mix[Action.TRADE]) / total
    if execute + hidden > 0.5:
        raise ValueError("more than half of its messages are trades")
    others = [name for name in SHARES if name not in ("execute", "hidden", "replace")]
    rest = (1 - execute - hidden) / sum(getattr(default, name) for name in others)
    shares = {"execute": execute, "hidden": hidden, "replace": 0.0}
    shares |= {name: getattr(default, name) * rest for name in others}
    return replace(profile, messages_per_day=max(_LEAST, round(total * scale)), **_rounded_shares(shares))


def _rounded_shares(shares: dict[str, float]) -> dict[str, Any]:
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else 0.0


def _weights(counts: NDArray[np.int64] | NDArray[np.float64]) -> tuple[float, ...]:
    """Weights that sum to one, six digits, no trailing zeros."""
    total = float(counts.sum())
    found = [round(float(c) / total, 6) for c in counts] if total else [1.0]
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return tuple(found)


def _sizes(messages: NDArray[np.void]) -> dict[str, Any]:
    """The commonest sizes of new orders, and medians of equal groups of the others."""
    qty = messages["qty"][(messages["action"] == Action.ADD) & (messages["qty"] > 0)]
    sizes, counts = np.unique(qty, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    common = {int(sizes[i]): float(counts[i]) for i in order[:_COMMON]}
    others = np.sort(np.repeat(sizes[order[_COMMON:]], counts[order[_COMMON:]]))
    for group in np.array_split(others, _GROUPS):
        if len(group):
            size = int(group[len(group) // 2])
            common[size] = common.get(size, 0.0) + len(group)
    weights = np.array(list(common.values()))
    kept = [(min(s, 2**31), w) for s, w in zip(common, weights / weights.sum(), strict=True) if w > 0]
    return {"sizes": tuple(s for s, _ in kept), "size_weights": tuple(round(float(w), 6) for _, w in kept)}


def _curves(walk: Walk) -> dict[str, Any]:
    """Activity, volatility per message and spread over the day, and how they cluster around that."""
    mid, parts = mids(walk), np.array_split(np.arange(len(walk.mid)), _PARTS)
    moves = np.square(np.diff(mid[::10], prepend=np.nan))
    squares = np.zeros(len(mid))
    squares[::10] = np.nan_to_num(moves)
    activity = np.array([walk.busy[part].mean() for part in parts]) + 1e-9
    noise = np.array([squares[part].sum() / max(walk.busy[part].sum(), 1) for part in parts]) + 1e-12
    wide = np.array([_mean(walk.wide[part]) for part in parts])
    return {
        "activity_curve": _relative(activity),
        "volatility_curve": _relative(np.sqrt(noise)),
        "spread_curve": _relative(wide),
        "impact_share": 0.5,
        "jump_share": 0.2,
        "bursts": 0.5,
        "activity_swing": _swing(walk.busy.astype(np.float64), 60, 4),
        "volatility_swing": _swing(squares, 300, 3) / 2,
        "spread_swing": _swing(walk.wide.astype(np.float64), 60, 4),
    }


def _mean(wide: NDArray[np.int64]) -> float:
    return float(wide[wide > 0].mean()) if (wide > 0).any() else 1.0


def _relative(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(min(max(v, 1e-2), 1e2)), 4) for v in values / values.mean())


def _swing(series: NDArray[np.float64], seconds: int, scales: int) -> float:
    """Swing of a cascade whose log varies as that of `series` does around its own slow course."""
    blocks = series[: len(series) // seconds * seconds].reshape(-1, seconds).sum(axis=1)
    blocks = np.log(blocks[blocks > 0])
    if len(blocks) < 20:
        return 0.1
    span = max(3, len(blocks) // _PARTS) | 1
    edge = np.pad(blocks, span // 2, mode="edge")
    slow = np.convolve(edge, np.ones(span) / span, "valid")
    return round(float(min(0.8, np.tanh(np.sqrt(np.var(blocks - slow) / scales)))), 4)


def _gaps(messages: NDArray[np.void], walk: Walk) -> tuple[float, ...]:
    """Weights of gaps between events in powers of two of the mean gap of their minute."""
    ts = messages["ts_event"][(messages["flags"] & Flag.EVENT_END) != 0].astype(np.int64)
    gap = np.diff(ts)
    minute = np.minimum((ts[1:] - int(walk.tally[0]["start"])) // (60 * _SECOND), len(walk.mid) // 60)
    events = np.bincount(minute)
    mean = 60 * _SECOND / events[minute]
    bins = np.floor(np.log2(np.maximum(gap, 1) / mean)).astype(np.int64) + 20
    return _weights(np.bincount(np.clip(bins, 0, 26), minlength=1))


def _places(census: Census) -> dict[str, Any]:
    """Where orders are put and rest; hazards by age, distance and class of price whose product fits what left."""
    gone, resting = census.gone[:-1, :-1].astype(np.float64), census.resting[:-1, :-1].astype(np.float64)
    far = int(np.flatnonzero(census.placed[:-1] + resting.sum(axis=(0, 2)))[-1]) + 1
    gone, resting = gone[:, :far], resting[:, :far]
    age, near, kind = np.ones(len(_AGES) - 1), np.ones(far), np.ones(resting.shape[2])
    for _ in range(30):
        age = (gone.sum(axis=(1, 2)) + 0.5) / (np.einsum("adr,d,r->a", resting, near, kind) + 0.5)
        near = (gone.sum(axis=(0, 2)) + 0.5) / (np.einsum("adr,a,r->d", resting, age, kind) + 0.5)
        near /= near.max()
        kind = (gone.sum(axis=(0, 1)) + 0.5) / (np.einsum("adr,a,d->r", resting, age, near) + 0.5)
        kind /= kind[0]
    out = np.flatnonzero(np.array(_EDGES) >= ROUND_FROM)[0]
    return {
        "distance_edges": _EDGES[: far + 1],
        "placement": _padded(census.placed[:far]),
        "resting": _padded(resting.sum(axis=(0, 2))),
        "cancel_distance": tuple(round(float(v), 6) for v in near),
        "age_edges": _AGES,
        "cancel_age": tuple(round(float(v), 9) for v in age / age.max()),
        "round_placement": _padded(census.placed_round + 1),
        "round_resting": _padded(resting[:, out:].sum(axis=(0, 1)) + 1),
        "cancel_round": tuple(round(float(v), 6) for v in kind),
    }


def _padded(counts: NDArray[np.int64] | NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in counts / counts.sum())
