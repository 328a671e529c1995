"""Ten small sessions that between them use every rung, latency, queue model and kind of policy; run as a script they
print their digests, so that another process can be asked.

    python -m tests.oracle.venue_plans FOLDER MESSAGES NAME...
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.desk.desk import Desk
from core.enums import Queue, Rung
from core.feeds.source import Options
from core.plan import AgentPlan, FeePlan, LatencyModel, LatencyPlan, OutagePlan, ParentPlan
from core.policies.intent import Intent
from core.policies.shown import View
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.tape.importer import import_tape
from core.tape.tape import Tape
from tests.oracle.venue_cases import TAPE_CODE, tape_of
from tests.oracle.venue_sessions import SECOND, Always, played, rows_of, session, stored

_SLOW = LatencyPlan(
    LatencyModel("lognormal", 40_000_000, 0.7),
    LatencyModel("lognormal", 90_000_000, 0.5),
    LatencyModel("constant", 10**8),
)
#: Fewer messages than this make a `short` tape.
SHORT = 1000
_FEES = FeePlan("-0.002", "0.003", "0.1", "0.4")


def synthetic(folder: Path, seed: int, messages: int) -> Tape:
    """A synthetic day, made once."""
    path = folder / f"{seed}-{messages}.tape"
    if not path.is_dir():
        import_tape(SyntheticSource(MarketProfile.named("default"), seed, messages), path, Options())
    return Tape(path)


def short(folder: Path, seed: int, messages: int) -> Tape:
    """A market without manners, a message a second: short enough to be played without the compiler."""
    path = folder / f"short-{seed}-{messages}.tape"
    if not path.is_dir():
        codes = np.random.default_rng(seed).integers(0, TAPE_CODE, (messages, len(TAPE_CODE))).tolist()
        return stored(rows_of(tape_of(codes), 20_000_000), path)
    return Tape(path)


def _parent(tape: Tape, side: int, qty: int) -> ParentPlan:
    span = tape.meta.last_ts - tape.meta.first_ts
    return ParentPlan(side, qty, tape.meta.first_ts + span // 10, tape.meta.first_ts + 9 * span // 10)


def _works(policy: str, side: int = 1, qty: int = 400) -> Callable[[Tape], Sequence[AgentPlan]]:
    return lambda tape: [AgentPlan(policy, "t0", policy, every=20 * SECOND, parents=(_parent(tape, side, qty),))]


def _quotes(tape: Tape) -> Sequence[AgentPlan]:
    return [AgentPlan("q", "t0", "quote", every=3 * SECOND), *_works("pov", -1)(tape)]


def _both(tape: Tape) -> Sequence[AgentPlan]:
    return [AgentPlan("a", "t0", "quote", every=5 * SECOND), AgentPlan("b", "t1", "quote", every=7 * SECOND)]


def _thinks(view: View) -> list[Intent | None]:
    """Python: quotes both sides, takes now and then, changes its mind."""
    if view.now // SECOND % 40 < 30:
        return [] if view.orders else [view.rest(20, 1), view.rest(10, -1)]
    return [view.cancel(one) for one in view.orders] or [view.take(5, 1 if view.now // SECOND % 3 else -1)]


#: name -> (agents of a tape, or None for the Python policy; rung; further settings of the session)
PLANS: dict[str, tuple[Callable[[Tape], Sequence[AgentPlan]] | None, Rung, dict[str, Any]]] = {
    "twap-mid": (_works("twap"), Rung.MID, {}),
    "vwap-book": (_works("vwap", -1), Rung.BOOK, {}),
    "passive-queue": (_works("passive"), Rung.QUEUE, {"queue": Queue.PESSIMISTIC}),
    "ac-ledger": (_works("ac"), Rung.LEDGER, {"fees": _FEES}),
    "cj-slow": (_works("cj", -1), Rung.LATENCY, {"latency": _SLOW, "seed": 4}),
    "quotes-slow": (_quotes, Rung.LATENCY, {"latency": _SLOW, "queue": Queue.OPTIMISTIC}),
    "quotes-reactive": (_quotes, Rung.REACTIVE, {"latency": _SLOW, "self_match": "cancel-oldest"}),
    "two-tapes": (_both, Rung.LATENCY, {"latency": _SLOW}),
    "python": (None, Rung.LATENCY, {"latency": _SLOW, "fees": _FEES}),
    "python-reactive": (None, Rung.REACTIVE, {}),
}


#: Sessions that lose the connection to their venues on the way.
_CUT_OFF = ("quotes-slow", "two-tapes", "python")


def _outages(tape: Tape) -> tuple[OutagePlan, ...]:
    """All venues for a tenth of the day, then one of them."""
    first, tenth = tape.meta.first_ts, max((tape.meta.last_ts - tape.meta.first_ts) // 10, 1)
    return (OutagePlan(first + 3 * tenth, first + 4 * tenth), OutagePlan(first + 6 * tenth, first + 7 * tenth, "t0"))


def made(name: str, tapes: Sequence[Tape]) -> Desk:
    """The desk of a plan, on as many of the tapes as it wants."""
    agents, rung, more = PLANS[name]
    more = more | {"outages": _outages(tapes[0])} if name in _CUT_OFF else more
    wanted = tapes[: 2 if name == "two-tapes" else 1]
    if agents is None:
        return session(wanted, {"me": Always(_thinks)}, rung, every=7 * SECOND, **more)
    return session(wanted, agents(tapes[0]), rung, **more)


def digests(name: str, tapes: Sequence[Tape], most: int | None = None) -> dict[str, str]:
    """Digest of every stream of a whole run, and how many records each had."""
    desk = played(made(name, tapes), most)
    desk.close()
    return desk.recorder.digests() | {f"n_{k}": str(v) for k, v in desk.recorder.counts.items()}


if __name__ == "__main__":
    _folder, _messages, *_names = sys.argv[1:]
    _make = short if int(_messages) < SHORT else synthetic
    _tapes = [_make(Path(_folder), seed, int(_messages)) for seed in (1, 2)]
    sys.stdout.write(json.dumps({name: digests(name, _tapes) for name in _names}))
