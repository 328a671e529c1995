"""The pump: who is pushed when, and when nothing is."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from app.config import DeckConfig
from app.deck.board import Meter
from app.deck.pump import SECOND, Pump, frame_rate, writer_queue
from core.snapshot import Snapshot


@dataclass(eq=False)
class Panel:
    hertz: int
    pushed: list[int] = field(default_factory=list)

    def push(self, snapshot: Snapshot) -> None:
        self.pushed.append(snapshot.sequence)


class World:
    """A clock, a link and a source that a test turns by hand."""

    def __init__(self, asked: int = 30) -> None:
        self.now, self.queued, self.sequence, self.asked = SECOND, 0, 0, 0
        self.meter = Meter(asked)
        self.pump = Pump(self.latest, self.meter, lambda: self.now, lambda: self.queued)

    def latest(self) -> Snapshot:
        self.asked += 1
        return cast(Snapshot, SimpleNamespace(sequence=self.sequence))

    def run(self, frames: int, *panels: Panel, moving: bool = True) -> None:
        for _ in range(frames):
            self.sequence += moving
            self.now += SECOND // self.meter.asked
            self.pump.tick(panels)


def test_rates() -> None:
    world, panels = World(), [Panel(30), Panel(10), Panel(5)]
    world.run(30, *panels)
    assert [len(panel.pushed) for panel in panels] == [30, 10, 5]


def test_rates_over_ssh() -> None:
    world, panels = World(12), [Panel(30), Panel(10), Panel(5)]
    world.run(12, *panels)
    assert [len(panel.pushed) for panel in panels] == [12, 12, 6]


def test_slow_panels_take_turns() -> None:
    world, panels = World(), [Panel(10), Panel(10), Panel(10)]
    for _ in range(6):
        world.run(1, *panels)
    counts = [len(panel.pushed) for panel in panels]
    assert counts == [2, 2, 2]
    assert {panel.pushed[0] % 3 for panel in panels} == {0, 1, 2}


def test_nothing_new_is_not_pushed_again_but_the_last_change_is_never_lost() -> None:
    world, fast, slow = World(), Panel(30), Panel(5)
    world.run(1, fast, slow)
    world.run(30, fast, slow, moving=False)
    assert fast.pushed == [1]
    assert slow.pushed == [1]


def test_force_pushes_everybody() -> None:
    world, slow = World(), Panel(5)
    world.run(2, slow)
    before = len(slow.pushed)
    world.pump.tick([slow], force=True)
    assert len(slow.pushed) == before + 1


def test_a_busy_link_skips_the_frame() -> None:
    world, panel = World(), Panel(30)
    world.queued = 1
    world.run(5, panel)
    assert (panel.pushed, world.meter.skipped, world.meter.busy, world.asked) == ([], 5, True, 0)
    world.queued = 0
    world.run(1, panel)
    assert (len(panel.pushed), world.meter.busy) == (1, False)


def test_the_meter_counts_frames_and_time() -> None:
    world, panel = World(), Panel(30)
    for _ in range(40):
        world.run(1, panel)
        world.pump.spend(4_000_000)
    assert world.meter.ticks == 40
    assert world.meter.fps == pytest.approx(30, abs=0.5)
    assert world.meter.paint_ms == pytest.approx(4.0, abs=0.2)


@pytest.mark.parametrize(
    ("config", "environ", "fps"),
    [
        (DeckConfig(), {}, 30),
        (DeckConfig(), {"SSH_CONNECTION": "1 2 3 4"}, 12),
        (DeckConfig(), {"SSH_TTY": "/dev/pts/1"}, 12),
        (DeckConfig(fps=20), {"SSH_TTY": "/dev/pts/1"}, 20),
    ],
)
def test_frame_rate(config: DeckConfig, environ: dict[str, str], fps: int) -> None:
    assert frame_rate(config, environ) == fps


def test_a_driver_without_a_writer_is_never_busy() -> None:
    assert writer_queue(None) == 0
