"""A session without a file: one agent per tape, working one parent order with sane numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.enums import Rung, Side
from core.errors import ConfigError
from core.plan import AgentPlan, LatencyModel, LatencyPlan, ParentPlan, SessionPlan, TapePlan
from core.risk.limits import default_limits
from core.tape.folder import TapeMeta, read_meta
from sessions.plan_values import MINUTE, SECOND

#: Latency each way: a co-located session over an ordinary connection.
_LATENCY = LatencyModel("constant", 100_000)
#: Policies that work no parent order.
_ALONE = ("manual", "quote")


def default_session(
    folders: Sequence[Path],
    policy: str = "twap",
    *,
    signal: str = "",
    side: int = Side.BID,
    qty: int | None = None,
    share: float = 0.01,
    window: int = 30 * MINUTE,
    every: int = SECOND,
    params: Mapping[str, float] | None = None,
    seed: int = 1,
    rung: Rung = Rung.LATENCY,
    name: str = "demo",
) -> SessionPlan:
    """One agent per tape, each working `qty` lots, or `share` of the day's volume, inside of the tape.

    The window begins a tenth into the tape, at most five minutes, and is `window` ns long, or what the tape allows.
    Limits are the demonstration preset. Raises `TapeError` for a tape, `ConfigError` for numbers that cannot be.
    """
    if not folders:
        raise ConfigError("a session needs at least one tape")
    if not 0 < share <= 1 or (qty is not None and qty < 1) or window < SECOND or every < 1_000:
        raise ConfigError("a session needs a share above 0 and at most 1, a quantity, a window and a pace above zero")
    metas = [read_meta(folder) for folder in folders]
    names = _names(metas)
    agents = tuple(
        AgentPlan(
            name=f"{policy.removeprefix('onnx:').rpartition('/')[2]}-{called}"[:64],
            tape=called,
            policy=policy,
            signal=signal,
            every=every,
            parents=() if policy in _ALONE else (_parent(meta, side, qty, share, window),),
            params=dict(params or {}),
        )
        for called, meta in zip(names, metas, strict=True)
    )
    return SessionPlan(
        name=name,
        tapes=tuple(TapePlan(called, folder) for called, folder in zip(names, folders, strict=True)),
        agents=agents,
        limits=default_limits(),
        seed=seed,
        rung=rung,
        latency=LatencyPlan(_LATENCY, _LATENCY, _LATENCY),
    )


def _parent(meta: TapeMeta, side: int, qty: int | None, share: float, window: int) -> ParentPlan:
    length = meta.last_ts - meta.first_ts
    start = meta.first_ts + min(length // 10, 5 * MINUTE)
    end = min(start + window, meta.last_ts)
    if end <= start:
        raise ConfigError(f"{meta.symbol}: the tape is too short to trade in")
    lots = max(1, int(meta.volume * share)) if qty is None else qty
    return ParentPlan(side, lots, start, end)


def _names(metas: Sequence[TapeMeta]) -> list[str]:
    """Symbols; where one comes twice, numbered."""
    names: list[str] = []
    for meta in metas:
        name, number = meta.symbol[:48] or "tape", 2
        while name in names:
            name, number = f"{meta.symbol[:48] or 'tape'}-{number}", number + 1
        names.append(name)
    return names
