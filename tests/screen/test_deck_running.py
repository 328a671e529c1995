"""A running deck: failure, sizes, modal dialogs, the web view, and where it refuses to run."""

import builtins
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drive import deck
from fake import SECOND, FakePlayer

from app import deck as package
from app.deck import require_terminal, web
from app.deck.dialogs import GotoDialog
from app.deck.heat import HeatPanel
from app.deck.strip_panel import StripPanel
from core.clock import monotonic_ns, sleep
from core.errors import ConfigError
from core.snapshot import LadderView, State
from core.transport import Command, Verb

DEMO = Path(__file__).with_name("demo.py")


async def test_a_failure_closes_dialogs_and_turns_everything_red() -> None:
    async with deck() as driven:
        calm = driven.app.board.ink.paper.panel
        await driven.press("g")
        assert isinstance(driven.app.screen, GotoDialog)
        driven.player.fault("engine stopped: BookCorrupt: crossed queue")
        await driven.draw()
        await driven.draw()
        assert driven.app.screen is driven.app.deck
        assert driven.app.board.ink.fault
        assert "FAULTED" in driven.lines()[0]
        assert "FAULT  engine stopped: BookCorrupt: crossed queue" in driven.lines()[1]
        backgrounds = {
            segment.style.bgcolor.get_truecolor()
            for strip in driven.app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.bgcolor
        }
        assert f"#{calm}"[1:] not in backgrounds
        plain = [colour for colour in backgrounds if colour.red < max(colour.green, colour.blue) and colour.red < 0x20]
        assert not plain, "no background keeps its calm"


async def test_the_last_market_before_a_failure_stays() -> None:
    async with deck() as driven:
        before = driven.panel("ladder")
        empty = np.zeros(0, np.int64)
        failed = replace(
            driven.player.latest(), state=State.FAULTED, failure="gone", sequence=99, best_bid=None, best_ask=None,
            ladder=LadderView(1, 0, empty, empty, empty, empty, empty.astype(np.int32), empty.astype(np.int32)),
        )  # fmt: skip
        driven.player.latest = lambda: failed  # type: ignore[method-assign]
        await driven.draw()
        await driven.draw()
        assert driven.panel("ladder") == before
        assert "FAULT  gone" in driven.lines()[1]


async def test_panels_under_a_dialog_are_left_alone() -> None:
    async with deck(playing=True) as driven:
        before = driven.panel("tape")
        await driven.press("g")
        driven.player.advance(500.0)
        await driven.draw()
        assert driven.panel("tape") == before
        await driven.press("escape")
        assert driven.panel("tape") != before


async def test_hidden_panels_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with deck((80, 24), playing=True) as driven:
        pushed: list[str] = []
        original = StripPanel.push

        def push(self: StripPanel, snapshot: Any) -> None:
            pushed.append(self.slot)
            original(self, snapshot)

        monkeypatch.setattr(StripPanel, "push", push)
        driven.player.advance(1.0)
        await driven.draw()
        assert set(pushed) == {"ladder", "heat", "day", "top", "stats", "keys"}


async def test_only_changed_rows_are_painted() -> None:
    async with deck() as driven:
        ladder = driven.app.deck.panels["ladder"]
        strips = list(ladder._strips)
        driven.player.send(Command(Verb.STEP_MESSAGE, 3))
        driven.app.frame(True)
        kept = sum(old is new for old, new in zip(strips, ladder._strips, strict=True))
        assert len(strips) - 12 < kept < len(strips)


async def test_resizing_goes_through_all_layouts() -> None:
    async with deck((160, 48)) as driven:
        for width, height, found in (
            (50, 12, "too small"), (70, 20, "1 Ladder"), (80, 24, "2 Book heat map"), (200, 60, "5 Market"),
        ):  # fmt: skip
            await driven.pilot.resize_terminal(width, height)
            await driven.pilot.pause(0.2)
            await driven.draw()
            lines = driven.lines()
            assert len(lines) == height
            assert any(found in line for line in lines), (width, height)


async def test_the_heat_map_moves_with_the_ladder_in_the_same_frame() -> None:
    """The ladder is drawn more often; were the heat map to follow later, prices would not line up."""
    async with deck() as driven:
        heat = driven.app.deck.panels["heat"]
        assert isinstance(heat, HeatPanel)
        for second in range(4_000, 15_000, 500):
            driven.player.send(Command(Verb.GOTO, driven.player.first_ts + second * SECOND))
            driven.app.frame()
            axis = driven.app.board.axis
            assert heat.drawn_at == (axis.top, axis.group)
            prices = [line[-7:-1] for line in driven.panel("heat")[2:-1]]
            for price, row in zip(prices, driven.panel("ladder")[2:-1], strict=True):
                assert not price.strip() or price in row


async def test_the_timer_drives_and_the_collector_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.config import DeckConfig
    from app.deck.application import DeckApp

    frozen: list[bool] = []
    monkeypatch.setattr("gc.freeze", lambda: frozen.append(True))
    app = DeckApp(FakePlayer(live=True), DeckConfig(fps=30))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause(1.2)
        assert app.board.meter.ticks > 15
        assert frozen == [True]


def test_run_refuses_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"TERM=dumb .*: tapedeck play TAPE --json"):
        require_terminal({"TERM": "dumb"})
    monkeypatch.setattr(sys, "__stdin__", None)
    with pytest.raises(ConfigError, match=r"standard input is not a terminal; .* --json"):
        package.run(FakePlayer())
    require_terminal({"TERM": "dumb", "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver"})


@pytest.mark.skipif(importlib.util.find_spec("textual_serve") is None, reason="the extra `web` is not installed")
def test_the_browser_view_is_read_only_and_local(monkeypatch: pytest.MonkeyPatch) -> None:
    from textual_serve.server import Server

    served: list[Server] = []
    monkeypatch.setattr(Server, "serve", lambda server: served.extend([server]))
    web.serve(Path("a tape; rm -rf .tape"), 8123)
    [server] = served
    assert (server.host, server.port) == ("localhost", 8123)
    assert server.command.endswith(" play 'a tape; rm -rf .tape' --read-only")


def test_the_browser_view_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    original: Callable[..., Any] = builtins.__import__

    def without(name: str, *args: Any, **options: Any) -> Any:
        if name.startswith("textual_serve"):
            raise ImportError(name)
        return original(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'tapedeck\[web\]'"):
        web.serve(Path("x.tape"), 8124)
    with pytest.raises(ConfigError, match="--port 0 is not a port"):
        web.serve(Path("x.tape"), 0)


class Tmux:
    """One detached session."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self.command = ""

    def start(self, *options: str) -> None:
        """Run the demo."""
        run = f"{' '.join([self.command, *options])}; echo exit code $?; sleep 20"
        self("new-session", "-d", "-s", "deck", "-x", "160", "-y", "48", run)

    def keys(self, *keys: str) -> None:
        """Type, all at once."""
        self("send-keys", "-t", "deck", *keys)

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-L", self.socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout

    def until(self, found: str, seconds: float = 20.0) -> str:
        """The screen, once `found` is on it."""
        deadline = monotonic_ns() + int(seconds * 1e9)
        while monotonic_ns() < deadline:
            screen = self("capture-pane", "-p", "-t", "deck")
            if found in screen:
                return screen
            sleep(0.1)
        raise AssertionError(f"{found!r} did not appear:\n{self('capture-pane', '-p', '-t', 'deck')}")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    session = Tmux(f"deck-{os.getpid()}")
    environ = f"TAPEDECK_HOME={tmp_path} COLORTERM=truecolor TERM=screen-256color"
    session.command = f"env -u COLUMNS -u LINES {environ} {sys.executable} {DEMO}"
    yield session
    session("kill-server")


def test_a_person_at_a_terminal(tmux: Tmux) -> None:
    tmux.start()
    for part in ("REPLAY", "1 Ladder", "2 Book heat map", "3 Tape", "4 Mid price", "5 Market", "link ok", "16:00:00"):
        tmux.until(part)
    tmux.until("PLAYING")
    tmux("send-keys", "-t", "deck", "Space")
    tmux.until("PAUSED")
    tmux("send-keys", "-t", "deck", "g")
    tmux.until("Go to")
    tmux("send-keys", "-t", "deck", "9:45:30.25", "Enter")
    tmux.until("09:45:30.250000")
    tmux.until("the book was rebuilt from a checkpoint")
    tmux("resize-window", "-t", "deck", "-x", "80", "-y", "24")
    tmux.until("sec ")
    tmux("send-keys", "-t", "deck", "w", "w")
    tmux.until("3 Tape")
    tmux("send-keys", "-t", "deck", "C-q")
    tmux.until("exit code 0")


def test_a_trader_at_a_terminal(tmux: Tmux) -> None:
    tmux.start("--desk")
    for part in ("DISARMED", "kill off", "7 Agents", "8 Risk", "9 Desk", "0 Progress", "R4 latency"):
        tmux.until(part)
    tmux.keys("F2")
    tmux.until(" ARMED ")
    tmux.keys("o", "5", "0")
    tmux.until("preview BUY 50 AMZN LIMIT")
    tmux.keys("Enter")
    tmux.until("sent: BUY 50 AMZN LIMIT")
    tmux.keys("F8")
    tmux.until("enter sends")
    tmux.keys("F10")
    screen = tmux.until("KILLED desk open orders 0")
    assert "enter sends" not in screen
    tmux.keys("R")
    tmux.until("type REARM, then why")
    tmux.keys("REARM", "Enter")
    tmux.until("and why?")
    tmux.keys("over", "Enter")
    tmux.until("kill off")
    tmux.keys("C-q")
    tmux.until("exit code 0")
