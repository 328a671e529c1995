"""Own fills and denials as places, limits that a person changes, and the wait for the engine."""

from dataclasses import replace
from typing import Any

import pytest
from drive import Driven, deck
from fake import SECOND, FakePlayer
from fake_desk import NAMES, FakeDeskPlayer
from pictures import SIZES, compare
from textual.widgets import Label

from core.risk.limits import changed, default_limits, limit_set
from core.snapshot import Snapshot, State
from core.transport import Command, NewLimit, Verb

LIMITS = limit_set(default_limits(), NAMES, ("AMZN", "ES"))


def limited(**more: Any) -> FakeDeskPlayer:
    """A desk whose limits are known."""
    player = FakeDeskPlayer(**more)
    player.changes = {"limits": LIMITS}
    return player


async def typed(driven: Driven, *texts: str) -> list[Command]:
    """Type into the fields from the value on, tab between them, enter at the end."""
    keys: list[str] = []
    for text in texts:
        keys += [*text, "tab"]
    return await driven.press(*keys[:-1], "enter")


def answer(driven: Driven) -> str:
    """What the dialog says to what was typed."""
    return str(driven.app.screen.query_one("#answer", Label).render())


# --- own fills ---------------------------------------------------------------------------------


async def test_keys_go_to_what_is_ours() -> None:
    async with deck(player=limited()) as driven:
        assert await driven.press("n") == [Command(Verb.OWN_EVENT, 1)]
        assert await driven.press("N") == [Command(Verb.OWN_EVENT, -1)]
        await driven.press("u", "u", "u")
        assert await driven.press(".") == [Command(Verb.STEP_FILL, 1)]
        assert await driven.press(",") == [Command(Verb.STEP_FILL, -1)]
        assert await driven.press("u", ".") == [Command(Verb.STEP_MESSAGE, 1)]


async def test_on_a_tape_nothing_is_ours() -> None:
    async with deck() as driven:
        for key in ("n", "N"):
            assert await driven.press(key) == []
            assert "nothing on it is ours" in driven.lines()[1]
        await driven.press("u", "u", "u")
        assert await driven.press(".") == [Command(Verb.STEP_MESSAGE, 1)]
        assert not any("own fill" in line for line in driven.lines())


async def test_what_the_engine_answers_is_seen_once() -> None:
    player = limited()
    player.changes["told"] = (3, "an old story")
    async with deck(player=player) as driven:
        assert "an old story" not in driven.lines()[1]
        player.changes["told"] = (4, "no fill of ours after this")
        player._dirty = True
        await driven.draw()
        await driven.draw()
        assert "no fill of ours after this" in driven.lines()[1]
        driven.clock.now += 60 * SECOND
        await driven.draw()
        await driven.draw()
        assert "no fill of ours after this" not in driven.lines()[1]


# --- limits ------------------------------------------------------------------------------------


async def test_a_stricter_limit_needs_no_arming() -> None:
    async with deck(player=limited()) as driven:
        await driven.press("L")
        which = driven.app.screen.query_one("#which")
        assert which.value == "desk open_orders"  # type: ignore[attr-defined]
        [command] = await typed(driven, "20", "1.5", "", "a calm hour")
        assert command.limit == NewLimit("desk", "open_orders", 20.0, "operator", "a calm hour", 90.0)
        assert "limit sent: desk open_orders" in driven.lines()[1]


async def test_a_wider_limit_is_sent_only_while_armed_and_its_text_is_kept() -> None:
    async with deck(player=limited()) as driven:
        await driven.press("L")
        assert await typed(driven, "900", "", "", "busy") == []
        assert "DISARMED: the wider limit was not sent" in driven.lines()[1]
        await driven.press("f2")
        await driven.press("L")
        [command] = await driven.press("enter")
        assert command.limit == NewLimit("desk", "open_orders", 900.0, "operator", "busy", None)


@pytest.mark.parametrize(
    ("which", "value", "minutes", "words"),
    [
        ("desk open_ordres", "5", "", "no such control; did you mean"),
        ("desk order_qty", "-5", "", "a limit is a number from 0 on"),
        ("desk order_qty", "many", "", "many is not a number"),
        ("desk order_qty", "nan", "", "a limit is a number from 0 on"),
        ("desk order_qty", "5", "-1", "must last some minutes"),
        ("desk order_qty", "5", "x", "x is not a number of minutes"),
        ("desk order_qty", "", "", "type the new value"),
        ("desk self_match", "5", "", "no limit can be set on it"),
        ("twap-9 position", "5", "", "no such scope"),
    ],
)
async def test_what_cannot_be_is_refused_before_it_is_sent(which: str, value: str, minutes: str, words: str) -> None:
    async with deck(player=limited()) as driven:
        await driven.press("L")
        for name, text in (("which", which), ("value", value), ("minutes", minutes), ("reason", "why")):
            driven.app.screen.query_one(f"#{name}").value = text  # type: ignore[attr-defined]
        assert await driven.press("enter") == []
        assert words in answer(driven)
        assert len(driven.app.screen_stack) == 2


async def test_who_and_why_are_asked_for() -> None:
    async with deck(player=limited()) as driven:
        await driven.press("L")
        assert await typed(driven, "5") == []
        assert "and why?" in "\n".join(driven.lines())
        assert driven.app.screen.focused is driven.app.screen.query_one("#reason")
        [command] = await driven.press(*"calm", "enter")
        assert command.limit is not None and command.limit.reason == "calm"


async def test_up_and_down_choose_and_an_agent_may_be_named() -> None:
    async with deck(player=limited()) as driven:
        await driven.press("L")
        which: Any = driven.app.screen.query_one("#which")
        first = which.value
        await driven.press("down")
        assert which.value != first
        await driven.press("up")
        assert which.value == first
        which.value = "twap-1 position"
        [command] = await typed(driven, "100", "", "", "new")
        assert command.limit is not None and (command.limit.scope, command.limit.control) == (
            "agent.twap-1",
            "position",
        )


async def test_a_limit_that_would_not_count_says_so() -> None:
    player = limited()
    player.changes["limits"] = changed(LIMITS, "agent.twap-1", "position", 5.0, "me", "why", 0)
    async with deck(player=player) as driven:
        await driven.press("L")
        driven.app.screen.query_one("#which").value = "agent.twap-1 position"  # type: ignore[attr-defined]
        await driven.press(*"90000")
        assert "the desk's 20,000 is stricter and counts" in answer(driven)


async def test_without_limits_or_a_desk_there_is_nothing_to_change() -> None:
    async with deck(player=FakeDeskPlayer()) as driven:
        await driven.press("L")
        assert "the limits are not known yet" in driven.lines()[1]
    async with deck() as driven:
        assert await driven.press("L") == []
        assert "nothing trades here" in driven.lines()[1]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_dialog(size: tuple[int, int]) -> None:
    async with deck(size, player=limited()) as driven:
        await driven.press("L", *"60")
        compare(driven, f"desk-limit-{size[0]}x{size[1]}")


async def test_going_back_in_a_session_says_what_becomes_of_it() -> None:
    async with deck((80, 24), player=limited()) as driven:
        await driven.press("g", *"9:45")
        assert "back: replays session and acts up to there; later acts are forgotten" in answer(driven)
    async with deck((80, 24)) as driven:
        await driven.press("g", *"9:45")
        assert "back: rebuilt from a checkpoint" in answer(driven)


# --- the wait for the engine -------------------------------------------------------------------


class Starting(FakePlayer):
    """An engine that is not there yet."""

    state = State.LOADING

    def latest(self) -> Snapshot:
        """A picture without a market."""
        found = super().latest()
        none = found.ladder.bids[:0]
        return replace(found, state=self.state, best_bid=None, best_ask=None, ladder=replace(found.ladder, bids=none))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", [State.LOADING, State.COMPILING])
async def test_loading_is_said_with_its_seconds(state: State, size: tuple[int, int]) -> None:
    player = Starting()
    player.state = state
    async with deck(size, player=player, playing=True) as driven:
        word = state.value.upper()
        assert word in driven.lines()[0]
        driven.clock.now += 12 * SECOND
        await driven.draw()
        assert f"{word} 12s" in driven.lines()[0]
        assert "12s" in driven.lines()[1]
        text = "\n".join(driven.lines())
        assert "PLAYING" not in text
        assert "no limits" not in text
        compare(driven, f"{state.value}-{size[0]}x{size[1]}")


async def test_a_search_says_so_on_the_smallest_screen() -> None:
    player = limited()
    async with deck((80, 24), player=player) as driven:
        player._state = State.SEEKING
        player._dirty = True
        await driven.draw()
        assert "SEEKING" in driven.lines()[0]
