"""Drives a deck without a clock: a test says when time passes and when a frame is drawn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from fake import SECOND, START, FakePlayer
from textual import events
from textual.keys import _character_to_key, key_to_character
from textual.pilot import Pilot

from app.config import DeckConfig
from app.deck.application import DeckApp
from core.transport import Command, Verb


@dataclass
class Clock:
    """Wall time that stands still until it is told to move."""

    now: int = SECOND

    def __call__(self) -> int:
        return self.now


@dataclass
class Driven:
    """A running deck and everything around it."""

    app: DeckApp
    player: FakePlayer
    pilot: Pilot[int]
    clock: Clock

    async def draw(self) -> None:
        """One frame with everything pushed, painted."""
        await self.settle()
        self.app.board.meter.fps, self.app.board.meter.paint_ms = 30.0, 4.1
        self.app.frame(True)
        await self.settle()

    async def settle(self) -> None:
        """Let every message be handled. The pilot's own pause sleeps; this only gives way."""
        for _ in range(3):
            for _ in range(25):
                await asyncio.sleep(0)
            self.app.screen._on_timer_update()

    async def press(self, *keys: str) -> list[Command]:
        """Press keys; the commands they sent."""
        before = len(self.player.sent)
        for key in keys:
            name = _character_to_key(key) if len(key) == 1 else key
            self.app.post_message(events.Key(name, key_to_character(name)))
            await self.settle()
        await self.draw()
        return self.player.sent[before:]

    def lines(self) -> list[str]:
        """The screen as text."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def panel(self, slot: str) -> list[str]:
        """One panel as text."""
        panel = self.app.deck.panels[slot]
        return [strip.text for strip in panel._strips]

    def looks(self) -> list[str]:
        """A short digest of the styles of every line."""
        digests = []
        for strip in self.app.screen._compositor.render_strips():
            runs = "|".join(f"{len(segment.text)}:{segment.style}" for segment in strip.simplify())
            digests.append(blake2b(runs.encode("utf-8"), digest_size=4).hexdigest())
        return digests


@asynccontextmanager
async def deck(
    size: tuple[int, int] = (160, 48),
    *,
    at: float = 4000.0,
    player: FakePlayer | None = None,
    config: DeckConfig | None = None,
    playing: bool = False,
    **options: Any,
) -> AsyncIterator[Driven]:
    """A deck showing an invented market `at` seconds after the open."""
    player = player or FakePlayer()
    player.send(Command(Verb.GOTO, START + int(at * SECOND)))
    if playing:
        player.send(Command(Verb.PLAY))
    player.sent.clear()
    clock = Clock()
    app = DeckApp(player, config or DeckConfig(), timed=False, clock=clock, **options)
    async with app.run_test(size=size) as pilot:
        app.board.overview = player.overview()
        driven = Driven(app, player, pilot, clock)
        await driven.draw()
        await driven.draw()
        yield driven
