"""A session against the bare replay of the same tape: without agents, with one that quotes every 100 ms, and two of
those on two such tapes on one clock.

    python tests/bench/session_speed.py [--messages 4000000] [--profile default|dense] [--runs 5]

Latency rung (R4) with drawn order latency, gate, accounts and every record hashed. Processor time, taken in turn,
medians; the first run of each is thrown away (it may compile).
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from app.tape_verbs import make_tape  # noqa: E402
from core.clock import cpu_ns  # noqa: E402
from core.desk.desk import Desk  # noqa: E402
from core.desk.recorder import Recorder  # noqa: E402
from core.plan import AgentPlan, LatencyModel, LatencyPlan, SessionPlan, TapePlan  # noqa: E402
from core.risk.limits import default_limits  # noqa: E402
from core.tape.tape import Tape  # noqa: E402

LATENCY = LatencyPlan(
    LatencyModel("constant", 100_000), LatencyModel("lognormal", 200_000, 0.5), LatencyModel("constant", 100_000)
)


def bare(tape: Tape) -> tuple[int, dict[str, int]]:
    """The book alone."""
    book, started = tape.new_book(), cpu_ns()
    book.apply(tape.messages)
    return cpu_ns() - started, {}


def traded(tapes: list[Tape], quoting: bool) -> tuple[int, dict[str, int]]:
    """A whole session; with `quoting` one agent on each tape."""
    names = [f"t{k}" for k in range(len(tapes))]
    agents = tuple(AgentPlan(f"quotes {name}", name, "quote", every=100_000_000) for name in names if quoting)
    places = tuple(TapePlan(name, tape.folder) for name, tape in zip(names, tapes, strict=True))
    plan = SessionPlan("speed", places, agents, default_limits(), latency=LATENCY)
    desk = Desk(plan, tapes, recorder=Recorder(keep=()))
    started = cpu_ns()
    desk.advance()
    return cpu_ns() - started, desk.recorder.counts


def main() -> None:
    """Make the tape, take turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=4_000_000)
    parser.add_argument("--profile", default=None)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tapes = []
        for seed in (7, 8):
            target = Path(folder) / f"{seed}.tape"
            make_tape(target, seed, given.messages, profile=given.profile, quiet=True)
            tapes.append(Tape(target))
        tape = tapes[0]
        jobs: dict[str, Callable[[], tuple[int, dict[str, int]]]] = {
            "bare": lambda: bare(tape),
            "no_agent": lambda: traded([tape], False),
            "quoting": lambda: traded([tape], True),
            "two_tapes": lambda: traded(tapes, True),
        }
        counts = {name: job()[1] for name, job in jobs.items()}
        spent: dict[str, list[int]] = {name: [] for name in jobs}
        for _ in range(given.runs):
            for name, job in jobs.items():
                spent[name].append(job()[0])
        played = {name: len(tape.messages) * (1 + (name == "two_tapes")) for name in jobs}
        rate = {name: played[name] / statistics.median(times) * 1e3 for name, times in spent.items()}
        print(
            json.dumps(
                {
                    "messages": len(tape.messages),
                    **{f"{name}_M_per_s": round(value, 2) for name, value in rate.items()},
                    "no_agent_of_bare": round(rate["no_agent"] / rate["bare"], 3),
                    "quoting_of_bare": round(rate["quoting"] / rate["bare"], 3),
                    "quoting_records": counts["quoting"],
                }
            )
        )


if __name__ == "__main__":
    main()
