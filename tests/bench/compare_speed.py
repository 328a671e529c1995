"""Time of a whole `tapedeck compare` and where it goes: one short session at a time, and all of them on every core.

Prints one JSON record. Kernels are compiled before anything is timed.

    python tests/bench/compare_speed.py AMZN.tape --orders 200 --jobs 2
"""

import argparse
import json
import os
from pathlib import Path

from core.clock import cpu_ns, monotonic_ns
from core.desk.desk import Desk
from core.plan import LatencyModel, LatencyPlan
from core.tca.compare import compare
from core.tca.parents import Wanted, draw
from core.tca.work import Bench, Contender, Terms

POLICIES = ("twap", "vwap", "pov", "ac", "cj", "passive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tape", type=Path)
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--qty", type=int, default=500)
    parser.add_argument("--window", type=int, default=600, help="seconds")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    asked = parser.parse_args()
    wire = LatencyModel("constant", 100_000)
    terms = Terms(
        (asked.tape,), tuple(Contender(name, name, {}) for name in POLICIES), latency=LatencyPlan(wire, wire, wire)
    )
    wanted = Wanted(asked.orders, asked.window * 1_000_000_000, 7, asked.qty)
    bench = Bench(terms)
    orders = draw(bench.markets, wanted)
    bench.work(orders[0])
    started = cpu_ns()
    for order in orders[:10]:
        bench.work(order)
    run_ms = (cpu_ns() - started) / 1e6 / (min(10, len(orders)) * len(POLICIES))
    desk = Desk(bench._plan(orders[0], terms.contenders[0]), bench.tapes, markets=bench.markets)
    started = cpu_ns()
    for _ in range(50):
        Desk(desk.plan, bench.tapes, markets=bench.markets, before=desk.parts.ready).close()
    shared_ms = (cpu_ns() - started) / 50e6
    started = cpu_ns()
    for _ in range(5):
        Desk(desk.plan, bench.tapes, markets=bench.markets).close()
    alone_ms = (cpu_ns() - started) / 5e6
    desk.close()
    started = monotonic_ns()
    found = compare(terms, wanted, jobs=asked.jobs)
    wall = (monotonic_ns() - started) / 1e9
    record = {
        "tape": str(asked.tape),
        "messages": bench.tapes[0].meta.messages,
        "runs": asked.orders * len(POLICIES),
        "jobs": asked.jobs,
        "compare_s": round(wall, 2),
        "one_run_cpu_ms": round(run_ms, 2),
        "desk_cpu_ms": round(shared_ms, 2),
        "desk_alone_cpu_ms": round(alone_ms, 2),
        "digest": found.digest,
    }
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
