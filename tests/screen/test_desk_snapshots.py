"""The desk as text, with a digest of each line's styles; `pictures.py` says how to write it anew."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drive import Driven, deck
from fake_desk import FakeDeskPlayer
from pictures import SIZES, compare, hues

from app.config import DeckConfig

PLAIN = DeckConfig()
LOOKS = {
    "default": PLAIN,
    "mono": replace(PLAIN, palette="mono"),
    "day-red-green": replace(PLAIN, theme="day", palette="red-green"),
    "ascii": replace(PLAIN, glyphs="ascii"),
}
CASES = [(look, size) for look in LOOKS for size in (SIZES if look == "default" else SIZES[:3:2])]


async def settled(driven: Driven) -> None:
    """The frames a new layout takes."""
    await driven.draw()
    await driven.draw()


@pytest.mark.parametrize(("look", "size"), CASES, ids=[f"{look}-{size[0]}x{size[1]}" for look, size in CASES])
async def test_many_agents_a_breach_and_thousands_of_orders(look: str, size: tuple[int, int]) -> None:
    player = FakeDeskPlayer(agents=40, orders=3_000, breach=True)
    async with deck(size, player=player, config=LOOKS[look], playing=True) as driven:
        await settled(driven)
        compare(driven, f"desk-{look}-{size[0]}x{size[1]}")
        assert look != "ascii" or all(line.isascii() for line in driven.lines())


@pytest.mark.parametrize("size", SIZES[::2], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_no_color(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with deck(size, player=FakeDeskPlayer(breach=True), playing=True) as driven:
        await driven.press("f2", "f10")
        await settled(driven)
        assert hues(driven) == []
        text = "\n".join(driven.lines())
        assert "BREACH" in text
        assert "KILLED desk" in text


@pytest.mark.parametrize(
    ("name", "size", "options", "keys"),
    [
        ("desk-kill-160x48", (160, 48), {}, ["f10"]),
        ("desk-kill-late-120x36", (120, 36), {"stuck": 3, "late_ms": 312.0}, ["f10"]),
        ("desk-kill-80x24", (80, 24), {}, ["f10"]),
        ("desk-entry-160x48", (160, 48), {}, ["f2", "o", "5", "0", "up", "up"]),
        ("desk-entry-80x24", (80, 24), {}, ["o", "s", "7", "tab", "tab", "5", "r"]),
        ("desk-flatten-120x36", (120, 36), {}, ["f8"]),
        ("desk-flatten-80x24", (80, 24), {}, ["f8", "tab"]),
        ("desk-rearm-120x36", (120, 36), {}, ["f10", "R", *"REARM", "enter", "enter"]),
        ("desk-fills-120x36", (120, 36), {}, ["k"]),
        ("desk-blotter-80x24", (80, 24), {}, ["k", "k"]),
        ("desk-agents-160x48", (160, 48), {}, ["j", "j", "7", "z"]),
        ("desk-orders-160x48", (160, 48), {}, ["9", "z", "down", "down"]),
        ("desk-progress-80x24", (80, 24), {}, ["0"]),
        ("desk-progress-120x36", (120, 36), {}, [">"]),
        ("desk-help-160x48", (160, 48), {}, ["question_mark"]),
        ("desk-small-70x20", (70, 20), {"stuck": 1, "late_ms": 400.0}, ["f10"]),
    ],
)
async def test_other_screens(name: str, size: tuple[int, int], options: dict[str, Any], keys: list[str]) -> None:
    player = FakeDeskPlayer()
    for option, value in options.items():
        setattr(player, option, value)
    async with deck(size, player=player) as driven:
        for key in keys:
            await driven.press(key)
        driven.clock.now = player.now = driven.clock.now + 4 * 10**9
        await settled(driven)
        compare(driven, name)


@pytest.mark.parametrize("size", SIZES[:3], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_an_empty_desk(size: tuple[int, int]) -> None:
    """A session that has just begun: nobody, no limits, no orders."""
    player = FakeDeskPlayer(agents=0, orders=0)
    none, nothing = np.zeros(0, np.int64), np.zeros((0, 4), np.int64)
    player.changes = {
        "risks": (), "orders": (), "fills": (), "fills_total": 0, "notes": (), "parents": (), "realised": 0,
        "unrealised": 0, "fees": 0, "open_orders": 0, "diverged_lots": 0, "own_bids": none, "own_asks": none,
        "own_bid_ahead": none, "own_ask_ahead": none, "own_fills": nothing, "currency": "",
    }  # fmt: skip
    async with deck(size, player=player) as driven:
        await settled(driven)
        compare(driven, f"desk-empty-{size[0]}x{size[1]}")
        for key in (
            "f4",
            "f6",
            "f8",
            "escape",
            "X",
            "j",
            "J",
            ">",
            "<",
            "k",
            "k",
            "9",
            "down",
            "7",
            "up",
            "8",
            "down",
            "0",
        ):
            await driven.press(key)
