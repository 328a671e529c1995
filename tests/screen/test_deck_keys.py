"""Every action of the table, by its key, on a running deck."""

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from drive import Driven, deck
from fake import SECOND, START, FakePlayer
from textual import events
from textual.command import CommandList
from textual.widgets import Input, OptionList

from app.config import DeckConfig
from app.deck.actions import ACTIONS, BY_NAME, keymap
from app.deck.application import DeckApp
from app.deck.controls import Controls
from app.deck.desk_viewer import DeskViewer
from app.deck.dialogs import BookmarkDialog, GotoDialog, NoteDialog
from app.deck.help import HelpScreen
from app.deck.journal_desk import JournalDesk
from app.deck.marks import LooseBookmarks
from app.deck.questions import Questions
from app.deck.trader import Trader
from app.deck.trading_keys import TradingKeys
from app.deck.viewer import Viewer
from core.snapshot import State
from core.transport import SPEEDS, Command, Verb
from sessions.bookmarks import Bookmark, BookmarkStore

TRIED: set[str] = set()


async def press(driven: Driven, action: str, which: int = 0) -> list[Command]:
    """Press the key of an action; the commands it sent."""
    TRIED.add(action)
    return await driven.press(keymap()[action][which])


async def eventually(driven: Driven, true: Callable[[], bool]) -> None:
    """Wait for something the library does in its own time."""
    for _ in range(200):
        await driven.pilot.pause(0.02)
        if true():
            return
    raise AssertionError("never")


async def test_play_pauses_and_plays() -> None:
    async with deck() as driven:
        assert await press(driven, "play") == [Command(Verb.TOGGLE)]
        assert driven.player.latest().state is State.PLAYING
        assert "PLAYING" in driven.lines()[0]
        await press(driven, "play")
        assert "PAUSED" in driven.lines()[0]


async def test_play_at_the_end_starts_again() -> None:
    async with deck(at=23_400) as driven:
        await press(driven, "play")
        driven.player.advance(1.0)
        await driven.draw()
        assert "ENDED" in driven.lines()[0]
        assert await press(driven, "play") == [Command(Verb.GOTO, START), Command(Verb.PLAY)]


async def test_steps_by_the_chosen_unit() -> None:
    async with deck() as driven:
        assert await press(driven, "step_forward") == [Command(Verb.STEP_MESSAGE, 1)]
        assert await press(driven, "step_back") == [Command(Verb.STEP_MESSAGE, -1)]
        await press(driven, "step_unit")
        assert "⟦trade⟧" in driven.panel("day")[-1]
        assert await press(driven, "step_forward") == [Command(Verb.STEP_TRADE, 1)]
        await press(driven, "step_unit")
        assert await press(driven, "step_back") == [Command(Verb.STEP_SECOND, -1)]
        await press(driven, "step_unit")
        assert "⟦message⟧" in driven.panel("day")[-1]


async def test_a_step_pauses_first() -> None:
    async with deck(playing=True) as driven:
        assert await press(driven, "step_forward") == [Command(Verb.PAUSE), Command(Verb.STEP_MESSAGE, 1)]


async def test_speeds_go_up_to_max_and_down_to_a_quarter() -> None:
    async with deck() as driven:
        for wanted in SPEEDS[SPEEDS.index(1.0) + 1 :]:
            assert await press(driven, "faster") == [Command(Verb.SPEED, wanted)]
        assert await press(driven, "faster", 1) == [Command(Verb.SPEED, float("inf"))]
        assert "⟦MAX⟧" in driven.panel("day")[-1]
        for wanted in SPEEDS[-2::-1]:
            assert await press(driven, "slower") == [Command(Verb.SPEED, wanted)]
        assert "⟦¼⟧" in driven.panel("day")[-1]


async def test_presses_before_the_engine_answers_add_up() -> None:
    async with deck() as driven:
        send = driven.player.send
        waiting: list[Command] = []
        driven.player.send = waiting.append  # type: ignore[method-assign]
        for _ in range(3):
            await press(driven, "faster")
        assert [command.value for command in waiting] == [2.0, 4.0, 8.0]
        send(waiting[1])
        await press(driven, "faster")
        assert waiting[-1].value == 16.0


async def test_asked_and_achieved_speed() -> None:
    async with deck(playing=True) as driven:
        driven.player.send(Command(Verb.SPEED, float("inf")))
        await driven.draw()
        assert "MAX→2.8k×" in driven.lines()[0]


async def test_jumps() -> None:
    async with deck() as driven:
        now = START + 4000 * SECOND
        assert await press(driven, "jump_back") == [Command(Verb.GOTO, now - 10 * SECOND)]
        assert await press(driven, "jump_forward") == [Command(Verb.GOTO, now)]
        assert await press(driven, "day_start") == [Command(Verb.GOTO, driven.player.first_ts)]
        assert await press(driven, "day_end") == [Command(Verb.GOTO, driven.player.last_ts)]


async def test_going_back_says_that_the_book_was_rebuilt() -> None:
    async with deck() as driven:
        await press(driven, "jump_back")
        assert "rebuilt from a checkpoint" in driven.lines()[1]
        driven.clock.now += 10 * SECOND
        await driven.draw()
        assert "rebuilt" not in driven.lines()[1]
        await press(driven, "jump_forward")
        assert "rebuilt" not in driven.lines()[1]


async def test_go_to_a_place() -> None:
    async with deck() as driven:
        await press(driven, "go_to")
        assert isinstance(driven.app.screen, GotoDialog)
        sent = await driven.press(*"11:30", "enter")
        assert sent == [Command(Verb.GOTO, START + 7200 * SECOND)]
        assert "11:30:00.000000" in driven.lines()[0]


async def test_go_to_nonsense_stays_open_with_a_message() -> None:
    async with deck() as driven:
        await press(driven, "go_to")
        assert await driven.press(*"25:99", "enter") == []
        assert isinstance(driven.app.screen, GotoDialog)
        assert any("is not a time of day" in line for line in driven.lines())
        await driven.press("escape")
        assert driven.app.screen is driven.app.deck


async def test_bookmarks_are_kept_listed_jumped_to_and_deleted(tmp_path: Path) -> None:
    store = BookmarkStore(tmp_path, "fake-day")
    async with deck(bookmarks=store) as driven:
        await press(driven, "bookmark")
        assert isinstance(driven.app.screen, NoteDialog)
        await driven.press(*"sweep", "enter")
        assert BookmarkStore(tmp_path, "fake-day").load() == (Bookmark(START + 4000 * SECOND, "sweep"),)
        assert "◆sweep" in driven.panel("day")[-2]
        await press(driven, "day_end")
        await press(driven, "bookmarks")
        assert isinstance(driven.app.screen, BookmarkDialog)
        assert await driven.press("enter") == [Command(Verb.GOTO, START + 4000 * SECOND)]
        await press(driven, "bookmarks")
        await driven.press("d")
        assert store.load() == ()
        assert driven.app.screen.query_one(OptionList).option_count == 0
        await driven.press("escape")


async def test_escape_keeps_no_bookmark() -> None:
    async with deck() as driven:
        await press(driven, "bookmark")
        await driven.press("escape")
        assert driven.app.board.bookmarks == ()


async def test_a_bookmark_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", "utf-8")
    async with deck(bookmarks=BookmarkStore(blocked, "x")) as driven:
        await press(driven, "bookmark")
        await driven.press("enter")
        assert "cannot be kept" in driven.lines()[1]


async def test_a_damaged_bookmark_file_is_said(tmp_path: Path) -> None:
    store = BookmarkStore(tmp_path, "x")
    store.path.write_text("{", "utf-8")
    async with deck(bookmarks=store) as driven:
        assert "not valid JSON" in driven.lines()[1]


async def test_marks_before_and_after() -> None:
    marks = LooseBookmarks(Bookmark(START + 3000 * SECOND), Bookmark(START + 9000 * SECOND))
    async with deck(bookmarks=marks) as driven:
        assert await press(driven, "mark_previous") == [Command(Verb.GOTO, START + 3000 * SECOND)]
        assert await press(driven, "mark_previous") == [Command(Verb.GOTO, driven.player.first_ts)]
        assert await press(driven, "mark_next") == [Command(Verb.GOTO, START + 3000 * SECOND)]
        assert await press(driven, "mark_next") == [Command(Verb.GOTO, START + 9000 * SECOND)]
        assert await press(driven, "mark_next") == [Command(Verb.GOTO, driven.player.last_ts)]


async def test_a_mark_just_passed_while_playing_does_not_hold_back() -> None:
    marks = LooseBookmarks(Bookmark(START + 3000 * SECOND), Bookmark(START + 4000 * SECOND - SECOND // 2))
    async with deck(bookmarks=marks, playing=True) as driven:
        assert await press(driven, "mark_previous") == [Command(Verb.GOTO, START + 3000 * SECOND)]


async def test_loop_a_then_b_then_off() -> None:
    async with deck() as driven:
        assert await press(driven, "loop") == [Command(Verb.LOOP_IN, START + 4000 * SECOND)]
        assert await press(driven, "loop") == []
        assert "B must be later than A" in driven.lines()[1]
        await press(driven, "jump_forward")
        assert await press(driven, "loop") == [Command(Verb.LOOP_OUT, START + 4010 * SECOND)]
        assert "A-B on" in driven.panel("day")[-1]
        assert await press(driven, "loop") == [Command(Verb.LOOP_OFF, 0)]


async def test_ticks_per_row() -> None:
    async with deck() as driven:
        assert await press(driven, "group_more") == [Command(Verb.GROUP, 2)]
        assert "2t/row" in driven.panel("ladder")[0]
        assert await press(driven, "group_less") == [Command(Verb.GROUP, 1)]


async def test_seconds_per_column() -> None:
    async with deck() as driven:
        assert await press(driven, "column_more") == [Command(Verb.COLUMN, 2 * SECOND)]
        assert "2s/col" in driven.panel("heat")[0]
        assert await press(driven, "column_less") == [Command(Verb.COLUMN, SECOND)]
        assert await press(driven, "column_less") == [Command(Verb.COLUMN, SECOND // 2)]


async def test_the_cut_of_the_heat_map() -> None:
    async with deck() as driven:
        before = driven.looks()
        await press(driven, "cut_less")
        assert "cut 95%" in driven.panel("heat")[0]
        assert driven.looks() != before
        await press(driven, "cut_more")
        assert "cut 97%" in driven.panel("heat")[0]


async def test_the_axis_scrolls_is_held_and_comes_back() -> None:
    async with deck() as driven:
        axis = driven.app.board.axis
        top = axis.top
        await press(driven, "scroll_up")
        assert axis.top == top + 1
        await press(driven, "scroll_down")
        await press(driven, "page_up")
        assert axis.top == top + axis.lines - 2
        assert "held" in driven.panel("ladder")[0]
        await press(driven, "page_up")
        assert "rows below" in driven.panel("ladder")[-1]
        for _ in range(4):
            await press(driven, "page_down")
        assert "rows above" in driven.panel("ladder")[-1]
        await press(driven, "centre")
        assert axis.top == top
        assert "held" not in driven.panel("ladder")[0]


async def test_the_wheel_scrolls_what_is_under_it() -> None:
    async with deck() as driven:
        top = driven.app.board.axis.top
        where = {"button": 0, "shift": False, "meta": False, "ctrl": False}
        up = events.MouseScrollUp(None, 5, 5, 0, -1, screen_x=10, screen_y=10, **where)
        driven.app.post_message(up)
        await driven.draw()
        assert driven.app.board.axis.top == top + 3
        down = events.MouseScrollDown(None, 5, 5, 0, 1, screen_x=130, screen_y=10, **where)
        driven.app.post_message(down)
        await driven.draw()
        assert driven.app.board.held


async def test_the_tape_filters_holds_and_scrolls() -> None:
    async with deck(playing=True) as driven:
        first = driven.panel("tape")[2]
        await press(driven, "tape_filter")
        assert "≥" in driven.panel("tape")[0]
        least = driven.app.board.smallest
        sizes = [int(line[28:38].split()[0]) for line in driven.panel("tape")[2:-1] if line[1:-1].strip()]
        assert sizes and min(sizes) >= least
        while driven.app.board.smallest:
            await press(driven, "tape_filter")
        assert driven.panel("tape")[2] == first
        await press(driven, "tape_hold")
        driven.player.advance(300.0)
        await driven.draw()
        assert driven.panel("tape")[2] == first
        new = driven.player.latest().prints_total - driven.app.deck.panels["tape"].prints.anchor  # type: ignore[attr-defined]
        assert f"HELD +{new} new" in driven.panel("tape")[0]
        await press(driven, "focus_tape")
        await driven.press("down")
        assert driven.panel("tape")[2] != first
        await press(driven, "tape_hold")
        assert "HELD" not in driven.panel("tape")[0]


async def test_the_chart_shows_window_or_day() -> None:
    async with deck() as driven:
        assert "last 8m" in driven.panel("chart")[0]
        await press(driven, "chart_span")
        assert "whole tape" in driven.panel("chart")[0]
        assert "15:00" in driven.panel("chart")[-2]


@pytest.mark.parametrize("slot", ["ladder", "heat", "tape", "chart", "market", "day"])
async def test_focus(slot: str) -> None:
    async with deck() as driven:
        await press(driven, f"focus_{slot}")
        assert driven.app.board.focus == slot
        assert driven.app.focused is driven.app.deck.panels[slot]


async def test_focusing_a_hidden_panel_zooms_it() -> None:
    async with deck((80, 24)) as driven:
        assert not driven.app.deck.panels["tape"].display
        await press(driven, "focus_tape")
        assert driven.app.deck.panels["tape"].size == (80, 19)
        await press(driven, "focus_ladder")
        assert driven.app.deck.panels["heat"].display


async def test_zoom_and_back() -> None:
    async with deck() as driven:
        before = driven.lines()
        await press(driven, "focus_heat")
        await press(driven, "zoom")
        assert [panel.slot for panel in driven.app.deck.shown()] == ["heat", "day", "top", "stats", "keys"]
        assert driven.app.deck.panels["heat"].size.width == 160
        await press(driven, "zoom")
        await press(driven, "focus_ladder")
        assert driven.lines() == before


async def test_layouts_cycle() -> None:
    async with deck() as driven:
        seen = []
        for _ in range(3):
            await press(driven, "layout")
            seen.append([panel.slot for panel in driven.app.deck.shown()][:4])
        assert seen[0][:2] == ["ladder", "heat"]
        assert seen[1] == ["ladder", "tape", "chart", "market"]
        assert seen[2] == ["ladder", "heat", "tape", "chart"]


@pytest.mark.parametrize(("action", "turns"), [("theme", 3), ("palette", 5), ("glyphs", 2)])
async def test_colours_and_glyphs_cycle(action: str, turns: int) -> None:
    async with deck() as driven:
        looks = [driven.looks()[10:20] + driven.lines()[10:20]]
        for _ in range(turns):
            await press(driven, action)
            looks.append(driven.looks()[10:20] + driven.lines()[10:20])
        assert looks[0] == looks[-1]
        assert all(a != b for a, b in pairwise(looks))


async def test_help_lists_every_action_and_closes() -> None:
    async with deck((160, 48)) as driven:
        await press(driven, "help")
        assert isinstance(driven.app.screen, HelpScreen)
        text = "\n".join(driven.lines())
        assert all(action.description in text for action in ACTIONS if not action.desk)
        assert "KILL" not in text, "nothing trades here"
        await driven.press("escape")
        await press(driven, "help", 1)
        assert isinstance(driven.app.screen, HelpScreen)


async def test_the_palette_finds_actions() -> None:
    async with deck() as driven:
        await press(driven, "command_palette")
        await driven.press(*"whole")
        await eventually(driven, lambda: driven.app.screen.query_one(CommandList).highlighted is not None)
        await driven.press("enter")
        await eventually(driven, lambda: driven.app.board.chart_day)


async def test_quit_works_in_a_dialog_too() -> None:
    async with deck() as driven:
        await press(driven, "go_to")
        await driven.pilot.press("ctrl+q")
        TRIED.add("quit")
        await driven.pilot.pause()
        assert driven.app.return_value == 0


async def test_letters_in_a_dialog_are_text() -> None:
    async with deck() as driven:
        await press(driven, "go_to")
        assert await driven.press("space", "comma") == []
        assert driven.app.screen.query_one(Input).value == " ,"


async def test_a_key_of_ones_own() -> None:
    async with deck(config=DeckConfig(keys={"play": ("p",), "palette": ("P",)})) as driven:
        assert await driven.press("p") == [Command(Verb.TOGGLE)]
        assert await driven.press("space") == []
        await driven.press("P")
        assert driven.app.board.ink.palette == "green-red"


async def test_read_only_sends_nothing() -> None:
    async with deck(read_only=True) as driven:
        for name, keys in keymap().items():
            if not BY_NAME[name].viewer:
                assert await driven.press(keys[0]) == []
                assert driven.app.screen is driven.app.deck
        assert "read-only" in driven.lines()[1]
        await driven.pilot.click("#day", offset=(80, 4))
        await driven.draw()
        assert driven.player.sent == []
        await driven.press("z")
        assert driven.app.board.zoomed
        assert "play" not in driven.lines()[-1]


async def test_pointing_at_the_day_bar_seeks_with_the_next_frame() -> None:
    async with deck() as driven:
        bar = driven.app.deck.panels["day"]
        await driven.pilot.mouse_down("#day", offset=(80, 3))
        await driven.pilot.hover("#day", offset=(100, 3))
        await driven.pilot.mouse_up("#day", offset=(100, 3))
        driven.app.frame()
        sent = [command for command in driven.player.sent if command.verb is Verb.GOTO]
        assert len(sent) == 1, "a drag is one seek a frame"
        assert sent[0].value == bar.moment(100, 160)  # type: ignore[attr-defined]


async def test_a_tape_has_neither_journal_nor_report() -> None:
    async with deck() as driven:
        assert await press(driven, "report") == []
        assert "no journal" in driven.lines()[1]
        assert await press(driven, "journal") == []
        assert "there is no journal" in "\n".join(driven.lines())


def test_every_action_has_a_method() -> None:
    for action in ACTIONS:
        known = (Viewer, Controls, Questions, DeskViewer, Trader, TradingKeys, JournalDesk)
        owners = (DeckApp, f"do_{action.name}"), *((owner, action.name) for owner in known)
        found = [owner.__name__ for owner, method in owners if hasattr(owner, method)]
        assert len(found) == 1, f"{action.name}: {found}"


def test_every_action_was_tried() -> None:
    """Last of this file: the tests above pressed the key of every action."""
    if "PYTEST_XDIST_WORKER" in os.environ or len(TRIED) < 10:
        pytest.skip("only meaningful after the other tests of this file in one process")
    assert {action.name for action in ACTIONS if not action.desk} == TRIED


def test_the_fake_is_deterministic() -> None:
    pictures = []
    for _ in range(2):
        player = FakePlayer(seed=3)
        player.send(Command(Verb.GOTO, START + 500 * SECOND))
        pictures.append(player.latest())
    assert pictures[0].ladder.bids.tolist() == pictures[1].ladder.bids.tolist()
    assert pictures[0].prints.tobytes() == pictures[1].prints.tobytes()
