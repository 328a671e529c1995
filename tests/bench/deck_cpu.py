"""CPU of the deck per tick, headless but with all terminal codes made; prints JSON.

    python tests/bench/deck_cpu.py                       # invented market, everything changes every tick
    python tests/bench/deck_cpu.py --desk                # and trading on it
    python tests/bench/deck_cpu.py --tape AMZN.tape      # the engine replays it at MAX in its own thread

`cpu_ms` is the event loop's thread only (`time.thread_time`), from one tick to the next: pushing, painting,
terminal codes, timers, input. The budget at 160x48 is a mean below 8 ms and 30 ticks a second.
"""

import argparse
import asyncio
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "screen")]

from fake import CannedPlayer, FakePlayer  # noqa: E402
from fake_desk import FakeDeskPlayer  # noqa: E402
from textual import events  # noqa: E402

from app.config import DeckConfig  # noqa: E402
from app.deck import SWITCH_SECONDS  # noqa: E402
from app.deck.application import DeckApp  # noqa: E402
from core.transport import Command, Player, Verb  # noqa: E402


class MeasuredApp(DeckApp):
    """Makes the terminal codes that a headless app would skip, and notes the thread's CPU at every frame."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cpu: list[float] = []
        self.lag: list[float] = []
        self.written = 0

    def frame(self, force: bool = False) -> None:
        """Note, then draw."""
        if not force:
            self.cpu.append(time.thread_time())
        super().frame(force)

    def _display(self, screen: Any, renderable: Any) -> None:
        if renderable is not None and hasattr(renderable, "render_segments"):
            self.written += len(renderable.render_segments(self.console))
        super()._display(screen, renderable)

    def action_act(self, name: str) -> None:
        """Note how long the key took to get here."""
        self.lag.append(time.perf_counter() - self.pressed)
        super().action_act(name)


def invented(frames: int, desk: bool) -> Player:
    """Prepared frames, so that making up the market is not measured."""
    source = FakeDeskPlayer(agents=8, orders=2_000) if desk else FakePlayer()
    source.send(Command(Verb.GOTO, source.first_ts + 600 * 10**9))
    source.send(Command(Verb.PLAY))
    return CannedPlayer(source, frames, 1.0)


def replayed(folder: Path) -> Player:
    """The real engine at MAX."""
    from app.runner import TapePlayer

    player = TapePlayer(folder, None, 1.0, math.inf, playing=True)
    player.start()
    while player.latest().state.value == "loading":
        time.sleep(0.05)
    player.send(Command(Verb.LOOP_IN, player.first_ts))
    player.send(Command(Verb.LOOP_OUT, player.last_ts - 10**9))
    player.send(Command(Verb.PLAY))
    return player


async def measure(player: Player, size: tuple[int, int], ticks: int) -> dict[str, object]:
    """Run the deck for `ticks` ticks, pressing a key now and then."""
    app = MeasuredApp(player, DeckConfig(fps=30))
    app.pressed = 0.0
    sys.setswitchinterval(SWITCH_SECONDS)
    async with app.run_test(size=size) as pilot:
        await pilot.pause(1.5)
        app.cpu.clear()
        app.written = 0
        started = time.perf_counter()
        presses = 0
        while len(app.cpu) <= ticks:
            await asyncio.sleep(0.037 + 0.011 * (presses % 5))
            presses += 1
            app.pressed = time.perf_counter()
            if presses % 4 == 0:
                app.post_message(events.Key("u", "u"))
        seconds = time.perf_counter() - started
        cpu = sorted((b - a) * 1e3 for a, b in zip(app.cpu, app.cpu[1:], strict=False))
        lag = sorted(each * 1e3 for each in app.lag)
        meter = app.board.meter
        result = {
            "player": type(player).__name__,
            "size": f"{size[0]}x{size[1]}",
            "panels": [panel.slot for panel in app.deck.shown()],
            "ticks": len(cpu),
            "ticks_per_second": round(len(cpu) / seconds, 2),
            "cpu_ms": {"mean": _mean(cpu), "p50": _at(cpu, 0.5), "p99": _at(cpu, 0.99), "max": _at(cpu, 1.0)},
            "key_to_handler_ms": {"count": len(lag), "p50": _at(lag, 0.5), "p99": _at(lag, 0.99)},
            "kib_per_tick": round(app.written / 1024 / max(len(cpu), 1), 2),
            "skipped": meter.skipped,
            "messages_per_second": round(player.latest().rate),
        }
        app.exit()
    return result


def _mean(values: list[float]) -> float:
    return round(sum(values) / max(len(values), 1), 3)


def _at(values: list[float], share: float) -> float:
    return round(values[min(int(share * len(values)), len(values) - 1)], 3) if values else math.nan


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tape", type=Path, help="tape folder; without one the market is invented")
    parser.add_argument("--desk", action="store_true", help="with agents and 2,000 orders of our own")
    parser.add_argument("--size", default="160x48")
    parser.add_argument("--ticks", type=int, default=300)
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    player = replayed(options.tape) if options.tape else invented(options.ticks, options.desk)
    try:
        print(json.dumps(asyncio.run(measure(player, (width, height), options.ticks))))
    finally:
        player.close()


if __name__ == "__main__":
    main()
