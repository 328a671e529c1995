"""From the KILL key to the last cancel at the venue, in wall milliseconds; prints JSON.

    python tests/bench/kill_latency.py                    # an invented tape
    python tests/bench/kill_latency.py --tape AMZN.tape

A session replays at MAX on the player's own thread. Each round waits until 1,000 orders of ours rest far from the
market, presses KILL, and measures twice: `venue`, what the player's kill board says (from `send` to the last
cancel acknowledged by the venue), and `seen`, until the first snapshot without an open order can be had. Then it
re-arms. `hangs`: meanwhile a policy in Python computes for ever (`spins`) or sleeps (`sleeps`) at each of its turns.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from app.deck import SWITCH_SECONDS  # noqa: E402
from app.desk_runner import SessionPlayer  # noqa: E402
from core.policies.intent import Intent  # noqa: E402
from core.policies.shown import View  # noqa: E402
from core.snapshot import State  # noqa: E402
from core.tape.tape import Tape  # noqa: E402
from core.transport import Command, Ticket, Verb  # noqa: E402
from tests.oracle.venue_sessions import SECOND, Always, session  # noqa: E402


def spins(view: View) -> Intent | None:
    """Computes for ever."""
    while True:
        pass


def sleeps(view: View) -> Intent | None:
    """Waits for ever."""
    time.sleep(3600)
    return None


STEPS: dict[str, Any] = {"nothing": None, "spins": spins, "sleeps": sleeps}


def wait(player: SessionPlayer, condition: Any, seconds: float = 120.0) -> Any:
    """The first snapshot for which `condition` holds."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        found = player.latest()
        if found.state is State.FAULTED:
            raise SystemExit(found.failure)
        if condition(found):
            return found
        time.sleep(0.0005)
    raise SystemExit(
        f"waited in vain: {player.latest().state}, {player.latest().desk and player.latest().desk.notes[-3:]}"
    )


def opened(tape: Tape, hangs: str, folder: Path) -> SessionPlayer:
    """A player of a session with a policy that hangs, paused at the middle of the day."""
    step = STEPS[hangs]
    agents: Any = {"bot": Always(step)} if step is not None else {"bot": Always(lambda view: None)}
    every = SECOND if step is not None else 3600 * SECOND

    def make() -> Any:
        return session([tape], agents, every=every, budget_ms=200.0)

    player = SessionPlayer(make().plan, make, folder, playing=False)
    player.start()
    wait(player, lambda seen: seen.state is State.PAUSED)
    return player


def one(player: SessionPlayer, orders: int, hangs: bool, start: int) -> tuple[float, float]:
    """A round: milliseconds at the venue, and until it can be seen."""
    player.send(Command(Verb.PAUSE))
    if player.latest().index > start + 200_000 or player.latest().index < start:
        player.send(Command(Verb.GOTO_INDEX, start))
    found = wait(player, lambda seen: seen.state is State.PAUSED and seen.best_bid is not None)
    for k in range(orders):
        player.send(Command(Verb.ORDER, ticket=Ticket(0, 1, 1, found.best_bid - 60 - k % 200)))
    player.send(Command(Verb.STEP_SECOND, 1))
    wait(player, lambda seen: seen.desk is not None and seen.desk.open_orders >= orders)
    if hangs:
        player.send(Command(Verb.RESUME_AGENT, 0))
    player.send(Command(Verb.SPEED, math.inf))
    player.send(Command(Verb.PLAY))
    if not hangs:
        wait(player, lambda seen: seen.index > found.index + 1000)
    time.sleep(0.011)
    pressed = time.perf_counter()
    player.send(Command(Verb.KILL, -1, "bench"))
    seen = wait(player, lambda seen: seen.desk is not None and bool(seen.desk.kills) and not seen.desk.open_orders)
    took = (time.perf_counter() - pressed) * 1e3
    venue = float(seen.desk.kills[0].elapsed_ms)
    player.send(Command(Verb.REARM, -1, "bench"))
    wait(player, lambda seen: seen.desk is not None and not seen.desk.kills)
    return venue, took


def measure(tape: Tape, hangs: str, orders: int, rounds: int) -> dict[str, object]:
    """All rounds of one kind."""
    with tempfile.TemporaryDirectory() as folder:
        player = opened(tape, hangs, Path(folder))
        try:
            start = len(tape.messages) // 4
            player.send(Command(Verb.GOTO_INDEX, start))
            wait(player, lambda seen: seen.index >= start)
            found = [one(player, orders, hangs != "nothing", start) for _ in range(rounds)]
        finally:
            player.close()
    venue, seen = (sorted(column) for column in zip(*found, strict=True))
    return {
        "hangs": hangs,
        "orders": orders,
        "kills": rounds,
        "venue_ms": {"p50": _at(venue, 0.5), "p99": _at(venue, 0.99), "max": _at(venue, 1.0)},
        "seen_ms": {"p50": _at(seen, 0.5), "p99": _at(seen, 0.99), "max": _at(seen, 1.0)},
    }


def _at(values: list[float], share: float) -> float:
    return round(values[min(int(share * len(values)), len(values) - 1)], 2)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tape", type=Path, help="tape folder; without one the market is invented")
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--hangs", choices=[*STEPS], nargs="*", default=[*STEPS])
    options = parser.parse_args()
    sys.setswitchinterval(SWITCH_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        path = options.tape
        if path is None:
            from app.tape_verbs import make_tape

            path = Path(folder) / "invented.tape"
            make_tape(path, 7, 1_000_000, force=True, quiet=True)
        for hangs in options.hangs:
            print(json.dumps(measure(Tape(path), hangs, options.orders, options.kills)), flush=True)


if __name__ == "__main__":
    main()
