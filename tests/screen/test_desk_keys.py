"""Every action of the trading half, by its key, on a running deck with an invented desk."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from drive import Driven, deck
from fake import SECOND, FakePlayer
from fake_desk import FakeDeskPlayer
from textual import events
from textual.widgets import Input

from app.config import DeckConfig
from app.deck.actions import ACTIONS, keymap
from app.deck.board import Board
from app.deck.desk_dialogs import FlattenDialog, RearmDialog
from app.deck.dialogs import GotoDialog, NoteDialog
from app.deck.help import HelpScreen
from app.deck.trader import Trader
from core.enums import AgentState, OrderFlag, OrderType, TimeInForce
from core.transport import Command, Ticket, Verb

TRIED: set[str] = set()


@asynccontextmanager
async def desk(size: tuple[int, int] = (160, 48), **options: Any) -> AsyncIterator[tuple[Driven, FakeDeskPlayer]]:
    """A deck with a desk; the engine's wall clock is the deck's."""
    player = options.pop("player", None) or FakeDeskPlayer()
    async with deck(size, player=player, **options) as driven:
        await driven.draw()
        yield driven, player


async def press(driven: Driven, action: str) -> list[Command]:
    """Press the key of an action; the commands it sent."""
    TRIED.add(action)
    return await driven.press(keymap()[action][0])


async def pass_time(driven: Driven, player: FakeDeskPlayer, seconds: float) -> None:
    """Let wall time pass for deck and engine, and draw."""
    driven.clock.now += round(seconds * SECOND)
    player.now = driven.clock.now
    await driven.draw()
    await driven.draw()


def top(driven: Driven) -> str:
    return driven.lines()[0]


def notice(driven: Driven) -> str:
    return driven.lines()[1]


# arming


async def test_arming_counts_down_and_expires_by_itself() -> None:
    async with desk() as (driven, player):
        assert "DISARMED" in top(driven)
        assert await press(driven, "arm") == [Command(Verb.ARM, 60)]
        assert " ARMED 60s " in top(driven)
        await pass_time(driven, player, 45.5)
        assert " ARMED 15s " in top(driven)
        await pass_time(driven, player, 14.6)
        assert "DISARMED" in top(driven), "though the engine has said nothing new"
        assert player.latest().desk.armed  # type: ignore[union-attr]


async def test_the_key_disarms_when_armed_and_the_time_is_configured() -> None:
    async with desk(config=DeckConfig(arm=5)) as (driven, _):
        assert await press(driven, "arm") == [Command(Verb.ARM, 5)]
        assert await press(driven, "arm") == [Command(Verb.DISARM)]
        assert "DISARMED" in top(driven)


async def test_an_armed_ladder_stands_still() -> None:
    async with desk(playing=True) as (driven, player):
        await press(driven, "arm")
        before = driven.app.board.axis.top
        player.advance(600.0)
        await driven.draw()
        assert driven.app.board.axis.top == before
        await press(driven, "arm")
        await driven.draw()
        assert driven.app.board.axis.top != before


# orders


async def test_an_order_is_previewed_and_then_sent_once() -> None:
    async with desk() as (driven, _):
        await press(driven, "arm")
        assert await press(driven, "order") == []
        await driven.press("1", "5", "0", "down")
        text = "\n".join(driven.panel("entry"))
        assert "preview BUY 150 AMZN LIMIT 223.56 DAY   " in text
        assert "33,534.00 USD" in text
        assert "1t behind the bid" in text
        assert "position −855 → −705" in text
        assert any("BUY▶" in row and "223.56" in row for row in driven.panel("ladder"))
        ticket = Ticket(0, 1, 150, 22_356)
        assert await driven.press("enter") == [Command(Verb.ORDER, ticket=ticket)]
        assert "sent: BUY 150 AMZN LIMIT 223.56 DAY" in notice(driven)
        assert "entry" not in [panel.slot for panel in driven.app.deck.shown()]
        assert await driven.press("enter") == []


async def test_disarmed_nothing_is_sent_and_the_notice_says_how_to_arm() -> None:
    async with desk() as (driven, player):
        await press(driven, "order")
        await driven.press("5")
        assert "DISARMED: F2 arms" in driven.panel("entry")[0]
        assert await driven.press("enter") == []
        assert "DISARMED: the order was not sent; F2 arms" in notice(driven)
        assert driven.app.board.desk.draft is not None, "the order is still there to be sent"
        await driven.press("f2")
        assert "ARMED 60s: enter sends" in driven.panel("entry")[0]
        await pass_time(driven, player, 10)
        assert "ARMED 50s: enter sends" in driven.panel("entry")[0], "though the market stands still"
        await pass_time(driven, player, 51)
        assert await driven.press("enter") == []
        await driven.press("f2")
        assert [command.verb for command in await driven.press("enter")] == [Verb.ORDER]


async def test_an_order_that_makes_no_sense_is_not_sent() -> None:
    async with desk() as (driven, _):
        await driven.press("f2", "o")
        for keys, problem in (
            ([], "type a quantity"),
            (["0"], "the quantity must be above zero"),
            (["backspace", "1", ".", "5"], "1.5 is not a multiple of the lot, 1"),
            (["backspace", "backspace", "tab", "1"], "223.571 is not a multiple of the tick, 0.01"),
            (["-"], "223.571- is not a price"),
        ):
            await driven.press(*keys)
            assert f"nothing yet: {problem}" in "\n".join(driven.panel("entry"))
            assert await driven.press("enter") == []
            assert problem in notice(driven)


async def test_every_part_of_an_order_has_a_key() -> None:
    async with desk() as (driven, _):
        await driven.press("f2", "o", "s", "4", "0")
        await driven.press("t", "t", "t")  # market, stop, stop-limit
        await driven.press("tab", "tab", *"223.50", "tab", "1", "0", "shift+tab", "backspace", "5", "i", "r")
        sent = await driven.press("enter")
        flags, kind = int(OrderFlag.REDUCE_ONLY), int(OrderType.STOP_LIMIT)
        assert [command.ticket for command in sent] == [
            Ticket(0, -1, 40, 22_357, kind, int(TimeInForce.IOC), flags, stop=22_355, display=10)
        ]


async def test_escape_forgets_the_order_and_gives_the_focus_back() -> None:
    async with desk() as (driven, _):
        await driven.press("9", "o", "5", "escape")
        assert driven.app.board.desk.draft is None
        assert driven.app.board.focus == "orders"
        await driven.press("o")
        assert driven.app.board.focus == "entry"
        assert "nothing yet: type a quantity" in "\n".join(driven.panel("entry"))


async def test_keys_typed_in_one_burst_are_the_orders() -> None:
    """A slow link delivers them together: digits must not turn into focus keys, nor enter outrun its preview."""
    async with desk() as (driven, _):
        await driven.press("f2")
        for key in ("o", "5", "0", "enter", "7"):
            driven.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await driven.settle()
        await driven.draw()
        assert driven.app.board.desk.draft is not None
        assert driven.app.board.desk.draft.qty == "507"
        assert "enter came before its preview was drawn" in notice(driven)
        assert all(command.verb is not Verb.ORDER for command in driven.player.sent)
        assert [command.verb for command in await driven.press("enter")] == [Verb.ORDER]


async def test_keys_that_do_not_write_go_on_while_an_order_is_written() -> None:
    async with desk() as (driven, _):
        await driven.press("o")
        assert await driven.press("f6") == [Command(Verb.CANCEL_ALL, -1)]
        assert await driven.press("space") == [Command(Verb.TOGGLE)]
        assert driven.app.board.desk.draft is not None
        await driven.press("1")
        assert driven.app.board.focus == "entry", "a digit is part of the order, not a focus key"


async def test_the_price_cursor_stays_in_sight() -> None:
    async with desk() as (driven, _):
        await driven.press("o", *["pageup"] * 6)
        assert any("BUY▶" in row for row in driven.panel("ladder"))
        assert driven.app.board.desk.draft.price == "224.17"  # type: ignore[union-attr]


async def test_pointing_chooses_prices_orders_and_agents() -> None:
    async with desk() as (driven, _):
        await driven.press("o", "5")
        line = next(number for number, row in enumerate(driven.panel("ladder")) if "223.50" in row)
        await driven.pilot.mouse_down("#ladder", offset=(20, line))
        await driven.draw()
        assert "BUY 5 AMZN LIMIT 223.50 DAY" in "\n".join(driven.panel("entry"))
        await driven.press("0", "escape")
        assert driven.app.board.desk.draft is None, "the keys are the order's again"
        await driven.pilot.mouse_down("#orders", offset=(20, 4))
        await driven.pilot.mouse_down("#agents", offset=(20, 3))
        await driven.draw()
        assert driven.panel("orders")[4].startswith("│▶")
        assert driven.app.board.desk.agent == "vwap-1"
        await driven.pilot.mouse_down("#agents", offset=(5, 12))
        assert driven.app.board.desk.agent == "vwap-1", "these lines are about the chosen one"


async def test_keys_act_while_the_terminal_has_not_taken_the_last_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk() as (driven, _):
        monkeypatch.setattr(driven.app.pump, "_queued", lambda: 3)
        skipped = driven.app.board.meter.skipped
        driven.app.frame()
        assert driven.app.board.meter.skipped == skipped + 1
        for key, verb in (("f10", Verb.KILL), ("f6", Verb.CANCEL_ALL)):
            driven.app.post_message(events.Key(key, None))
            await driven.settle()
            assert driven.player.sent[-1].verb is verb


async def test_one_order_is_cancelled_only_when_armed_and_chosen() -> None:
    async with desk() as (driven, _):
        assert await press(driven, "cancel_order") == []
        assert "no order is chosen: 9, then up and down" in notice(driven)
        await press(driven, "focus_orders")
        await driven.press("down", "down")
        assert driven.panel("orders")[3].startswith("│▶")
        chosen = driven.app.board.desk.order
        assert await press(driven, "cancel_order") == []
        assert "DISARMED: the cancel was not sent; F2 arms" in notice(driven)
        await driven.press("f2")
        assert await press(driven, "cancel_order") == [Command(Verb.CANCEL, chosen)]
        assert await press(driven, "cancel_order") == []
        assert "is over: canceled" in notice(driven)


async def test_the_chosen_order_is_kept_while_others_come() -> None:
    async with desk(player=FakeDeskPlayer(orders=500)) as (driven, player):
        await driven.press("9", "down", "down", "pagedown", "pagedown")
        chosen = driven.app.board.desk.order
        player.orders = 900
        player._dirty = True
        await driven.draw()
        assert driven.app.board.desk.order == chosen
        assert any(row.startswith("│▶") and f" {chosen} " in row for row in driven.panel("orders"))


# the four dangerous keys


async def test_pause_works_disarmed_and_resume_does_not() -> None:
    async with desk() as (driven, player):
        assert await press(driven, "pause_agent") == [Command(Verb.PAUSE_AGENT, 0)]
        assert "PAUSED" in driven.panel("agents")[2]
        assert await press(driven, "pause_agent") == []
        assert "DISARMED: resuming twap-1 was not sent; F2 arms" in notice(driven)
        await driven.press("f2")
        assert await press(driven, "pause_agent") == [Command(Verb.RESUME_AGENT, 0)]
        await press(driven, "agent_next")
        await press(driven, "agent_next")
        await press(driven, "agent_previous")
        assert await press(driven, "pause_agent") == [Command(Verb.PAUSE_AGENT, 1)]
        player._states[1] = AgentState.DONE
        player._dirty = True
        assert await press(driven, "pause_agent") == []
        assert "nothing left to do" in notice(driven)


async def test_the_arrows_choose_the_agent() -> None:
    async with desk() as (driven, _):
        await press(driven, "focus_agents")
        await driven.press("down", "down", "down", "up")
        assert driven.app.board.desk.agent == "pov-2"
        assert driven.panel("agents")[4].startswith("│▶pov-2")
        assert await driven.press("f4") == [], "it is paused, and the deck is not armed"


async def test_cancel_all_is_one_key() -> None:
    async with desk() as (driven, _):
        assert await press(driven, "cancel_all") == [Command(Verb.CANCEL_ALL, -1)]
        assert driven.app.screen is driven.app.deck
        assert "⟦Orders 0⟧" in driven.panel("orders")[0]


async def test_flatten_shows_what_it_would_send_and_waits() -> None:
    async with desk() as (driven, _):
        assert await press(driven, "flatten") == []
        assert isinstance(driven.app.screen, FlattenDialog)
        text = "\n".join(driven.lines())
        assert "twap-1    AMZN       +300  cancel 4 orders, SELL 300 near 223.57" in text
        assert "vwap-1    AMZN      −1200  cancel 3 orders, BUY 1200 near 223.58" in text
        assert "model-a   ES           −3  cancel 1 order, BUY 3" in text
        assert "manual" not in text[text.index("Flatten") : text.index("enter sends")]
        assert await driven.press("escape") == []
        await driven.press("f8")
        assert await driven.press("enter") == [Command(Verb.FLATTEN, -1)]
        assert driven.app.screen is driven.app.deck


async def test_flatten_of_one_agent_and_of_nothing() -> None:
    async with desk() as (driven, player):
        await driven.press("j", "f8", "tab")
        assert any("only vwap-1" in line for line in driven.lines())
        assert await driven.press("enter") == [Command(Verb.FLATTEN, 1)]
        player.changes = {"agents": ()}
        player._dirty = True
        await driven.press("f8", "tab")
        assert any("flat already, and no open orders" in line for line in driven.lines())


async def test_the_flatten_preview_follows_the_market() -> None:
    async with desk() as (driven, player):
        await driven.press("f8")
        player.changes = {"agents": player.latest().desk.agents[:1]}  # type: ignore[union-attr]
        player._dirty = True
        for _ in range(8):
            driven.app.frame(True)
        await driven.settle()
        text = "\n".join(driven.lines())
        assert "vwap-1" not in text[text.index("Flatten") : text.index("enter sends")]


@pytest.mark.parametrize("keys", [[], ["g"], ["b", "x"], ["question_mark"], ["f8"], ["o", "5"], ["ctrl+p"], ["9", "z"]])
async def test_kill_is_immediate_from_any_state(keys: list[str]) -> None:
    async with desk() as (driven, _):
        await driven.press(*keys)
        TRIED.add("kill")
        assert await driven.press("f10") == [Command(Verb.KILL, -1)]
        assert driven.app.screen is driven.app.deck, "nothing hides the acknowledgements"
        board = "\n".join(driven.panel("kill"))
        assert "KILLED desk open orders 0 after 12.4 ms" in board
        assert "done gate: denies every order" in board
        assert "done venue: 14 gone" in board
        assert " KILLED " in top(driven)
        assert "DISARMED" in top(driven)


async def test_the_other_kill_key_wants_two_presses_within_a_second() -> None:
    async with desk() as (driven, player):
        await driven.press("g")
        assert await press(driven, "kill_twice") == []
        await pass_time(driven, player, 1.1)
        assert await press(driven, "kill_twice") == []
        await pass_time(driven, player, 0.9)
        assert await press(driven, "kill_twice") == [Command(Verb.KILL, -1)]
        assert driven.app.screen is driven.app.deck
        assert await press(driven, "kill_twice") == [], "and it begins anew"


async def test_kill_works_armed_and_twice_and_from_a_rearm_dialog() -> None:
    async with desk() as (driven, _):
        await driven.press("f2")
        assert await driven.press("f10") == [Command(Verb.KILL, -1)]
        await driven.press("R", *"REA")
        assert isinstance(driven.app.screen, RearmDialog)
        assert await driven.press("f10") == [Command(Verb.KILL, -1)]
        assert driven.app.screen is driven.app.deck


async def test_the_board_turns_red_when_orders_stay_open() -> None:
    async with desk() as (driven, player):
        player.stuck, player.late_ms = 3, 40.0
        await driven.press("f10")
        assert "3 orders still open after 40.0 ms" in "\n".join(driven.panel("kill"))
        await pass_time(driven, player, 0.2)
        assert not _red(driven)
        await pass_time(driven, player, 0.06)
        assert "3 ORDERS STILL OPEN" in "\n".join(driven.panel("kill"))
        assert _red(driven)


async def test_the_board_turns_red_when_the_engine_does_not_answer() -> None:
    async with desk() as (driven, player):
        player.hang = True
        assert await driven.press("f10") == [Command(Verb.KILL, -1)]
        assert "KILL sent, waiting for the engine" in "\n".join(driven.panel("kill"))
        assert "KILL SENT" in top(driven)
        assert not _red(driven)
        await pass_time(driven, player, 0.3)
        assert "NO ANSWER after 300.0 ms" in "\n".join(driven.panel("kill"))
        assert _red(driven)
        player.hang = False
        player.kill()
        await driven.draw()
        assert "open orders 0" in "\n".join(driven.panel("kill"))


async def test_a_kill_that_was_slow_says_so() -> None:
    async with desk() as (driven, player):
        player.late_ms = 251.0
        await driven.press("f10")
        assert "all cancelled, but LATE: 251.0 ms" in "\n".join(driven.panel("kill"))
        assert _red(driven)


async def test_acknowledgements_come_in_one_by_one() -> None:
    async with desk() as (driven, player):
        player.kill(done=2)
        await driven.draw()
        await driven.draw()
        text = "\n".join(driven.panel("kill"))
        assert text.count("done ") == 2
        assert text.count("wait ") == 2
        player.kill(done=4)
        await driven.draw()
        assert "\n".join(driven.panel("kill")).count("done ") == 4


async def test_a_kill_stops_all_trading_until_it_is_rearmed() -> None:
    async with desk() as (driven, player):
        await driven.press("f10")
        assert await driven.press("f2") == []
        assert "the desk is killed: R re-arms it" in notice(driven)
        await driven.press("o", "5")
        assert "KILLED: nothing is sent, R re-arms" in driven.panel("entry")[0]
        assert await driven.press("enter") == []
        await driven.press("escape")
        assert await driven.press("f4") == []
        assert await press(driven, "rearm") == []
        assert isinstance(driven.app.screen, RearmDialog)
        await driven.press(*"rearm", "enter")
        assert any("the word is REARM, in capitals" in line for line in driven.lines())
        word = driven.app.screen.query_one("#word", Input)
        word.value = ""
        await driven.press(*"REARM", "enter")
        assert any("and why?" in line for line in driven.lines())
        await driven.press("enter")
        assert any("a reason is needed" in line for line in driven.lines())
        await driven.press("space", "space", "enter")
        assert isinstance(driven.app.screen, RearmDialog), "blanks are no reason"
        assert await driven.press(*"feed is back", "enter") == [Command(Verb.REARM, -1, "feed is back")]
        await driven.draw()
        assert "kill" not in [panel.slot for panel in driven.app.deck.shown()]
        assert "kill off" in top(driven)
        assert player.latest().desk.kills == ()  # type: ignore[union-attr]


async def test_a_killed_agent_is_rearmed_by_its_place() -> None:
    async with desk() as (driven, player):
        assert await driven.press("R") == []
        assert "nothing is killed" in notice(driven)
        player.kill("vwap-1")
        player.kill("desk")
        await driven.draw()
        await driven.press("R", "down", "up", "up")
        assert any("desk was killed" in line for line in driven.lines())
        await driven.press("down")
        sent = await driven.press(*"REARM", "enter", "x", "enter")
        assert sent == [Command(Verb.REARM, 1, "x")]


async def test_escape_leaves_it_killed() -> None:
    async with desk() as (driven, _):
        await driven.press("f10", "R", *"REARM")
        assert await driven.press("escape") == []
        assert " KILLED " in top(driven)


def test_kill_asks_nothing_before_it_is_sent() -> None:
    """Neither the newest snapshot nor the screen: an engine that hangs in one must not hold up the other."""

    class Deaf(FakeDeskPlayer):
        def latest(self) -> Any:
            raise AssertionError("asked")

    player = Deaf()
    board = Board(player.instrument, "x", DeckConfig(), False, player, lambda: 5)
    trader = Trader(player, board, lambda *_: None, lambda *_: None, lambda: None)
    trader.send_kill()
    trader.cancel_all()
    assert [command.verb for command in player.sent] == [Verb.KILL, Verb.CANCEL_ALL]


# looking


async def test_tabs_turn_and_fills_are_held_while_they_are_read() -> None:
    async with desk(playing=True) as (driven, player):
        await press(driven, "desk_tab")
        assert "⟦Fills" in driven.panel("orders")[0]
        first = driven.panel("orders")[2]
        await driven.press("9", "down")
        held = driven.panel("orders")[2:]
        assert held[0] != first
        assert "HELD" in driven.panel("orders")[0]
        player.advance(400.0)
        await driven.draw()
        assert driven.panel("orders")[2:] == held
        assert "HELD +" in driven.panel("orders")[0]
        await driven.press("up")
        assert "HELD" not in driven.panel("orders")[0]
        await driven.press("k")
        assert "⟦Blotter" in driven.panel("orders")[0]
        assert any("! model-a unwell" in row for row in driven.panel("orders"))
        await driven.press("k")
        assert "⟦Orders" in driven.panel("orders")[0]


async def test_only_the_orders_in_sight_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(player=FakeDeskPlayer(orders=5_000)) as (driven, player):
        panel: Any = driven.app.deck.panels["orders"]
        built: list[int] = []
        original = panel._order
        monkeypatch.setattr(panel, "_order", lambda order: built.append(order.order_id) or original(order))
        player._dirty = True
        await driven.draw()
        assert 0 < len(built) < 2 * 12


async def test_parent_orders_are_chosen_by_key() -> None:
    async with desk() as (driven, _):
        assert "twap-1" in driven.panel("progress")[1]
        await press(driven, "parent_next")
        assert "vwap-1" in driven.panel("progress")[1]
        assert "starts in 16m40s" in "\n".join(driven.panel("progress"))
        await press(driven, "parent_previous")
        assert "1 of 2" in driven.panel("progress")[0]


@pytest.mark.parametrize("slot", ["agents", "risk", "orders", "progress"])
async def test_focus_keys_reach_every_panel_on_a_small_screen(slot: str) -> None:
    async with desk((80, 24)) as (driven, _):
        await press(driven, f"focus_{slot}")
        assert driven.app.board.focus == slot
        assert driven.app.deck.panels[slot].display


async def test_layouts_begin_with_the_desk_and_come_round() -> None:
    async with desk() as (driven, _):
        assert driven.app.board.layout == "desk"
        seen = []
        for _ in range(4):
            await driven.press("w")
            seen.append(driven.app.board.layout)
        assert seen == ["deck", "book", "flow", "desk"]


async def test_a_layout_of_ones_own_is_kept() -> None:
    async with desk(config=DeckConfig(layout="flow")) as (driven, _):
        assert driven.app.board.layout == "flow"


async def test_a_breach_is_drawn_at_the_next_tick() -> None:
    async with desk() as (driven, player):
        player.breach = True
        player._dirty = True
        driven.app.board.meter.ticks = 100  # whatever turn it is
        driven.app.frame()
        assert "BREACH" in driven.panel("risk")[1]
        assert "207 messages a second, 200 allowed" in driven.panel("risk")[2]


async def test_agents_and_risk_are_pushed_five_times_a_second() -> None:
    async with desk() as (driven, player):
        shown = []
        for _ in range(30):
            player._clock += SECOND
            player._dirty = True
            driven.app.frame()
            shown.append("".join(driven.panel("agents")))
        assert len(set(shown)) <= 6


async def test_help_and_palette_know_the_desk() -> None:
    async with desk((200, 60)) as (driven, _):
        await driven.press("question_mark")
        assert isinstance(driven.app.screen, HelpScreen)
        text = "\n".join(driven.lines())
        assert all(action.description in text for action in ACTIONS)
        await driven.press("escape")
        titles = [command.title for command in driven.app.get_system_commands(driven.app.screen)]
        assert "KILL: stop all, cancel all, latched" in titles


async def test_a_terminal_too_small_still_kills_and_says_so() -> None:
    async with desk((50, 12)) as (driven, _):
        assert any("DISARMED kill off" in line for line in driven.lines())
        assert await driven.press("f10") == [Command(Verb.KILL, -1)]
        assert any("DISARMED KILLED" in line for line in driven.lines())
        await driven.press("o", "5", "enter")
        assert driven.app.board.desk.draft is None, "what cannot be previewed cannot be written"
        assert [command.verb for command in driven.player.sent] == [Verb.KILL]


# who may not


async def test_a_read_only_deck_cannot_trade() -> None:
    async with desk(read_only=True) as (driven, _):
        for action in ACTIONS:
            if action.desk and not action.viewer:
                assert await press(driven, action.name) == []
                assert driven.app.screen is driven.app.deck
                assert "read-only" in notice(driven)
        assert driven.app.board.desk.draft is None
        await driven.press("7", "down", "k", ">")
        assert driven.player.sent == []
        assert "F10" not in driven.lines()[-1]


async def test_where_nothing_trades_the_keys_say_so() -> None:
    async with deck(player=FakePlayer()) as driven:
        for action in ACTIONS:
            if action.desk:
                assert await press(driven, action.name) == [], action.name
                assert "nothing trades here" in notice(driven), action.name
                driven.app.board.notice = ""
        assert driven.app.screen is driven.app.deck
        assert driven.app.board.layout == "deck"


async def test_a_dead_engine_is_said_and_kill_is_still_sent() -> None:
    async with desk() as (driven, player):
        player.fault("engine stopped: LedgerBroken")
        await driven.draw()
        await driven.draw()
        assert "FAULT" in notice(driven)
        assert [command.verb for command in await driven.press("f10")] == [Verb.KILL]
        assert "KILLED desk" in "\n".join(driven.panel("kill"))


async def test_dialogs_take_letters_while_the_desk_trades() -> None:
    async with desk() as (driven, _):
        await driven.press("g", "o", "X", "R", "j")
        assert isinstance(driven.app.screen, GotoDialog)
        assert driven.app.screen.query_one(Input).value == "oXRj"
        await driven.press("escape", "b", "f2", "f6")
        assert isinstance(driven.app.screen, NoteDialog)
        assert [command.verb for command in driven.player.sent] == [], "only KILL works in a dialog"


def test_every_action_of_the_desk_was_tried() -> None:
    """Last of this file: the tests above pressed the key of every action."""
    if "PYTEST_XDIST_WORKER" in os.environ or len(TRIED) < 10:
        pytest.skip("only meaningful after the other tests of this file in one process")
    assert {action.name for action in ACTIONS if action.desk} <= TRIED


def _red(driven: Driven) -> bool:
    """Whether the board's header stands on the alarm colour."""
    alarm = driven.app.board.ink.paper.alarm
    strip = driven.app.deck.panels["kill"]._strips[1]
    return any(segment.style.bgcolor.name == alarm for segment in strip if segment.style and segment.style.bgcolor)
