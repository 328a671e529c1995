"""What journaling costs a replay: the same session with and without its journal, in turn, wall time.

    python tests/bench/journaled_session.py [--messages 4000000] [--every-ms 100] [--runs 7] [--folder DIR]

One agent quotes at R4. `journaled` ends when the line does (the thread that writes is at work beside it), `sealed` when
the last block is on the disk. The folder should lie on the disk that sessions lie on. Prints one JSON record.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from app.journaling import record, result_of  # noqa: E402
from app.tape_verbs import make_tape  # noqa: E402
from core.clock import monotonic_ns  # noqa: E402
from core.desk.desk import Desk  # noqa: E402
from core.desk.recorder import Recorder  # noqa: E402
from core.plan import AgentPlan, LatencyModel, LatencyPlan, SessionPlan, TapePlan  # noqa: E402
from core.risk.limits import default_limits  # noqa: E402
from core.tape.tape import Tape  # noqa: E402
from sessions.recording import State  # noqa: E402

LATENCY = LatencyPlan(
    LatencyModel("constant", 100_000), LatencyModel("lognormal", 200_000, 0.5), LatencyModel("constant", 100_000)
)


def played(plan: SessionPlan, tape: Tape, home: Path | None) -> tuple[float, float, int]:
    """Seconds to the end of the line, seconds to the seal, and records."""
    desk = Desk(plan, [tape], recorder=Recorder(keep=()))
    recording = record(desk, plan, home) if home is not None else None
    started = monotonic_ns()
    while not desk.over:
        desk.advance(most=200_000)
    line = monotonic_ns() - started
    result = result_of(desk)
    if recording is not None:
        recording.close(State.SEALED, "", result)
    desk.close()
    return line / 1e9, (monotonic_ns() - started) / 1e9, sum(desk.recorder.counts.values())


@contextmanager
def homes(folder: Path | None) -> Iterator[Path]:
    """A data folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        yield Path(home)


def main() -> None:
    """Make the tape, take turns, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=4_000_000)
    parser.add_argument("--every-ms", type=int, default=100)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "speed.tape"
        make_tape(target, 7, given.messages, quiet=True)
        tape = Tape(target)
        agents = (AgentPlan("quoting", "t", "quote", every=given.every_ms * 1_000_000),)
        plan = SessionPlan("speed", (TapePlan("t", target),), agents, default_limits(), latency=LATENCY)
        plain, line, sealed, records = [], [], [], 0
        played(plan, tape, None)
        for turn in range(given.runs):
            for journaled in (turn % 2 == 0, turn % 2 == 1):
                with homes(given.folder) as home:
                    found = played(plan, tape, home if journaled else None)
                records = found[2]
                if journaled:
                    line.append(found[0])
                    sealed.append(found[1])
                else:
                    plain.append(found[1])
    ratios = sorted(a / b for a, b in zip(line, plain, strict=True))
    whole = sorted(a / b for a, b in zip(sealed, plain, strict=True))
    print(
        json.dumps(
            {
                "messages": given.messages,
                "records": records,
                "plain_s": round(statistics.median(plain), 3),
                "journaled_s": round(statistics.median(line), 3),
                "sealed_s": round(statistics.median(sealed), 3),
                "journaled_of_plain": round(statistics.median(ratios), 3),
                "sealed_of_plain": round(statistics.median(whole), 3),
            }
        )
    )


if __name__ == "__main__":
    main()
