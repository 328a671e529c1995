"""The pump: once a frame it takes the newest snapshot and hands it to the panels that can be seen.

The engine never posts to the screen. A frame is skipped while the terminal has not taken the last one: over
a slow link a queue of frames would otherwise stand between a key and its effect.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from app.config import DeckConfig
from app.deck.board import Meter
from core.snapshot import Snapshot

SECOND = 1_000_000_000
LOCAL_FPS, REMOTE_FPS = 30, 12


class Pushed(Protocol):
    """A panel, as the pump sees it."""

    @property
    def hertz(self) -> int:
        """Pushes a second, at most."""

    def push(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""


class Pump:
    """Counts frames, chooses who is pushed, and governs the output."""

    def __init__(
        self,
        latest: Callable[[], Snapshot],
        meter: Meter,
        clock: Callable[[], int],
        queued: Callable[[], int] = lambda: 0,
    ) -> None:
        self._latest, self._meter, self._clock, self._queued = latest, meter, clock, queued
        self._seen = -1
        self._since = 0
        self._frames = 0
        self._spent = 0
        self._late: set[int] = set()

    def tick(self, panels: Sequence[Pushed], force: bool = False) -> Snapshot | None:
        """One frame. Returns the snapshot shown, None when the frame was skipped.

        A panel slower than the frame rate is pushed in every n-th frame, the panels taking turns.
        """
        meter = self._meter
        started = self._clock()
        meter.ticks += 1
        self._rate(started)
        meter.busy = self._queued() > 0
        if meter.busy and not force:
            meter.skipped += 1
            return None
        snapshot = self._latest()
        fresh = snapshot.sequence != self._seen
        self._seen = snapshot.sequence
        for turn, panel in enumerate(panels):
            every = max(round(meter.asked / panel.hertz), 1)
            due = (meter.ticks + turn) % every == 0
            if fresh:
                self._late.add(id(panel))
            if force or (due and id(panel) in self._late):
                panel.push(snapshot)
                self._late.discard(id(panel))
        self._frames += 1
        self.spend(self._clock() - started)
        return snapshot

    def spend(self, nanoseconds: int) -> None:
        """Add time the event loop spent on painting."""
        self._spent += nanoseconds

    def _rate(self, now: int) -> None:
        """Once a second: frames and mean time a frame."""
        if not self._since:
            self._since = now
        passed = now - self._since
        if passed >= SECOND:
            self._meter.fps = self._frames * SECOND / passed
            self._meter.paint_ms = self._spent / max(self._frames, 1) / 1e6
            self._since, self._frames, self._spent = now, 0, 0


def frame_rate(config: DeckConfig, environ: Mapping[str, str] | None = None) -> int:
    """Frames a second: as configured, else 12 over ssh and 30 elsewhere."""
    environ = os.environ if environ is None else environ
    if config.fps is not None:
        return config.fps
    return REMOTE_FPS if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY") else LOCAL_FPS


def writer_queue(driver: object) -> int:
    """Writes the terminal has not taken yet; 0 where the driver has no writer thread (private, see the tests)."""
    queue = getattr(getattr(driver, "_writer_thread", None), "_queue", None)
    size = getattr(queue, "qsize", None)
    return int(size()) if callable(size) else 0
