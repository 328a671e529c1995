"""Key to handler on a real pseudo-terminal, drained at a fixed rate; prints JSON.

    python tests/bench/deck_link.py --tape day.tape                # as fast as the deck writes
    python tests/bench/deck_link.py --tape day.tape --kib 100      # a link of 100 KiB a second

The deck runs in a child at MAX. Both processes read one monotonic clock: the parent notes when it writes a
key, the child when the key's action starts. The budget is 50 ms at the 99th percentile on both links.
"""

import argparse
import json
import os
import pty
import select
import struct
import sys
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "screen")]
SECONDS, EVERY, SETTLE = 12.0, 0.17, 3.0


def child(tape: str | None, log: str) -> None:
    """The deck, noting every action."""
    from deck_cpu import invented, replayed

    from app.config import DeckConfig
    from app.deck import SWITCH_SECONDS
    from app.deck.application import DeckApp

    class Noting(DeckApp):
        """Writes the time of every action."""

        def action_act(self, name: str) -> None:
            """Note, then do."""
            if name == "step_unit":
                noted.write(f"{time.monotonic_ns()}\n")
            super().action_act(name)

    player = replayed(Path(tape)) if tape else invented(300)
    with Path(log).open("w", buffering=1) as noted:
        app = Noting(player, DeckConfig(fps=30))
        sys.setswitchinterval(SWITCH_SECONDS)
        app.run()
        meter = app.board.meter
        noted.write(f"meter {meter.ticks} {meter.skipped}\n")
    player.close()


def drive(master: int, rate: float) -> tuple[list[int], int]:
    """Drain at `rate` bytes a second (0 = all there is), press `u` now and then, quit; times of the presses."""
    pressed: list[int] = []
    taken, started, drawn = 0, time.monotonic(), 0.0
    next_key = started + 600.0
    while True:
        now = time.monotonic()
        allowed = (now - (drawn or now)) * rate - taken if rate and drawn else 1 << 16
        if allowed >= 256 and select.select([master], [], [], 0.002)[0]:
            try:
                chunk = os.read(master, int(min(allowed, 1 << 16)))
            except OSError:
                return pressed, taken
            if not drawn and chunk:
                drawn, next_key = now, now + SETTLE
            taken += len(chunk)
        elif allowed < 256:
            time.sleep(0.002)
        if now >= next_key and len(pressed) * EVERY < SECONDS:
            os.write(master, b"u")
            pressed.append(time.monotonic_ns())
            next_key = now + EVERY
        elif now >= next_key + 0.5:
            os.write(master, b"\x11")
            next_key = now + 1.0


def main() -> None:
    """Parse, fork, drive, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tape")
    parser.add_argument("--kib", type=float, default=0.0, help="KiB a second the terminal takes; 0 = all")
    parser.add_argument("--size", default="160x48")
    options = parser.parse_args()
    log = f"/tmp/deck-link-{os.getpid()}.log"
    width, height = (int(part) for part in options.size.split("x"))
    process, master = pty.fork()
    if process == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(width), LINES=str(height))
        time.sleep(0.2)
        child(options.tape, log)
        os._exit(0)
    ioctl(master, TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    pressed, taken = drive(master, options.kib * 1024)
    os.waitpid(process, 0)
    lines = Path(log).read_text("ascii").split("\n")
    Path(log).unlink()
    handled = [int(line) for line in lines if line.isdigit()]
    lag = sorted((b - a) / 1e6 for a, b in zip(pressed, handled, strict=False))
    meter = next((line.split() for line in lines if line.startswith("meter")), ["", "0", "0"])
    print(
        json.dumps(
            {
                "size": options.size,
                "kib_per_second": options.kib or None,
                "keys_sent": len(pressed),
                "keys_handled": len(handled),
                "key_to_handler_ms": {
                    "p50": round(lag[len(lag) // 2], 2),
                    "p99": round(lag[min(int(len(lag) * 0.99), len(lag) - 1)], 2),
                },
                "kib_written": round(taken / 1024),
                "ticks": int(meter[1]),
                "skipped": int(meter[2]),
            }
        )
    )


if __name__ == "__main__":
    main()
