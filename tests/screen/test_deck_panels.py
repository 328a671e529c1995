"""Rows of the panels as text, against a market small enough to work out by hand."""

import dataclasses
import math
from decimal import Decimal

import numpy as np
import pytest
from fake import SECOND as NS
from fake import START, FakePlayer
from hand import FUTURE, OPEN, board, history, ladder, market, prints
from rich.cells import cell_len

from app.config import DeckConfig
from app.deck.bars import KeyFooter, StatsLine, TopBar
from app.deck.board import Board
from app.deck.chart import ChartPanel, plot
from app.deck.day_bar import DayBar
from app.deck.heat import HeatPanel
from app.deck.ink import LEVELS, mix
from app.deck.ladder import LadderPanel
from app.deck.market import MarketPanel
from app.deck.strip_panel import StripPanel
from app.deck.strips import FastStrip
from app.deck.tape import TapePanel
from core.enums import Flag, Status
from core.snapshot import Mode, Snapshot, State
from core.transport import Command, Overview, Verb
from sessions.bookmarks import Bookmark

KINDS: tuple[type[StripPanel], ...] = (
    LadderPanel, HeatPanel, TapePanel, ChartPanel, MarketPanel, DayBar, TopBar, StatsLine, KeyFooter,
)  # fmt: skip


def text(panel: StripPanel, snapshot: Snapshot, width: int, height: int) -> list[str]:
    return [strip.text for strip in panel.picture(snapshot, width, height)]


def colours(strip: FastStrip, needle: str) -> tuple[str, str]:
    """Text and background colour of the run that holds `needle`."""
    for segment in strip:
        if needle in segment.text and segment.style is not None:
            fore, back = segment.style.color, segment.style.bgcolor
            assert fore is not None
            assert back is not None
            return fore.name, back.name
    raise AssertionError(f"{needle!r} is not a run of {strip.text!r}")


# the ladder


def test_ladder() -> None:
    assert text(LadderPanel(board()), market(), 56, 14) == [
        "┌─ 1 Ladder · 1t/row · spread 2t ──────────────────────┐",
        "│     BID    PRICE      ASK    SOLD    BGHT VOLUME     │",
        "│            26.25                                     │",
        "│            26.00                                     │",
        "│            25.75       40                            │",
        "│            25.50        5                            │",
        "│      4▲  ▶ 25.25       30               4 ███▋       │",
        "│            25.00                                     │",
        "│      10    24.75               12         ███████████│",
        "│      40    24.50                6       2 ███████▎   │",
        "│      20    24.25                                     │",
        "│            24.00                                     │",
        "│            23.75                                     │",
        "└──────────────────────────────── c centre  t T ticks ─┘",
    ]


def test_ladder_shows_fewer_columns_in_less_room() -> None:
    assert text(LadderPanel(board()), market(), 30, 8)[1:3] == [
        "│    BID    PRICE     ASK    │",
        "│           25.50       5    │",
    ]
    assert text(LadderPanel(board()), market(), 66, 8)[1].split() == [
        "│", "ORD", "BID", "PRICE", "ASK", "ORD", "SOLD", "BGHT", "VOLUME", "│"
    ]  # fmt: skip


def test_a_sold_last_print_stands_on_the_ask_side() -> None:
    rows = text(LadderPanel(board()), market(last_price=99, last_qty=12, last_side=-1), 56, 14)
    assert rows[8] == "│      10  ▶ 24.75      12▼      12         ███████████│"


def test_the_best_prices_are_stronger_and_bars_show_size() -> None:
    deck = board()
    strips = LadderPanel(deck).picture(market(), 56, 14)
    assert colours(strips[8], "24.75")[0] == deck.ink.bid
    assert colours(strips[6], "30")[0] == deck.ink.paper.strong
    assert colours(strips[9], "40")[1] == deck.ink.bid_fill
    assert colours(strips[4], "25.75")[0] == deck.ink.ask_dim


def test_crossed_locked_and_one_sided_books_are_said() -> None:
    assert "crossed" in text(LadderPanel(board()), market(best_bid=103, best_ask=101), 56, 14)[0]
    assert "locked" in text(LadderPanel(board()), market(best_bid=101, best_ask=101), 56, 14)[0]
    assert text(LadderPanel(board()), market(best_bid=None), 56, 14)[0].startswith("┌─ 1 Ladder · 1t/row ──")


def test_a_row_of_several_ticks_may_hold_both_sides() -> None:
    view = dataclasses.replace(
        ladder(), group=5, low=19, bids=np.array([60, 10], np.int64), asks=np.array([0, 75], np.int64),
        sold=np.zeros(2, np.int64), bought=np.zeros(2, np.int64), bid_orders=np.zeros(2, np.int32),
        ask_orders=np.zeros(2, np.int32),
    )  # fmt: skip
    rows = text(LadderPanel(board()), market(ladder=view, best_bid=101, best_ask=103, last_price=102), 56, 8)
    assert any("10  ▶ 25.00       75" in row for row in rows)
    assert "5t/row" in rows[0]


def test_negative_prices_and_fractional_lots() -> None:
    oil = dataclasses.replace(FUTURE, symbol="CL", tick=Decimal("0.01"), lot=Decimal("0.00001"))
    deck = Board(oil, "cl", DeckConfig())
    view = dataclasses.replace(ladder(low=-3763), bids=ladder().bids * 12_345)
    rows = text(LadderPanel(deck), market(ladder=view, best_bid=-3760, best_ask=-3758, last_price=None), 56, 14)
    assert any("1.235    -37.60" in row for row in rows)


# the heat map


def test_heat_map_rows_are_the_ladders() -> None:
    deck = board()
    left, right = LadderPanel(deck), HeatPanel(deck)
    snapshot = market()
    rows, heat = text(left, snapshot, 56, 14), text(right, snapshot, 46, 14)
    for line in range(2, 13):
        price = heat[line][-6:-1].strip()
        assert not price or price in rows[line]
    assert heat[6].endswith("25.25│")


def test_heat_map_marks_touch_and_prints_and_brightens_with_depth() -> None:
    deck = board()
    strips = HeatPanel(deck).picture(market(history=history(40)), 46, 14)
    assert strips[6].text[-10:-7] == "──·"
    assert colours(strips[6], "·")[0] == mix(deck.ink.bid, "#000000", 0.6), "against the light"
    assert colours(strips[8], "──")[0] == deck.ink.bid
    heat = deck.ink.heat
    depths = {99: 8, 98: 9, 97: 10}
    brightness = {tick: heat.index(_background(strips[line])) for tick, line in depths.items()}
    assert brightness[98] == LEVELS - 1
    assert 0 < brightness[99] < brightness[97] < brightness[98]
    assert heat.index(_background(strips[7])) == 0


def _background(strip: FastStrip) -> str:
    """Background of the last heat-map cell of a row."""
    position = 0
    for segment in strip:
        position += len(segment.text)
        if position >= 39 and segment.style is not None and segment.style.bgcolor is not None:
            return segment.style.bgcolor.name
    raise AssertionError("no cell")


def test_heat_map_of_another_group_is_blank_for_a_moment() -> None:
    view = dataclasses.replace(history(), group=2)
    assert all("─" not in row for row in text(HeatPanel(board()), market(history=view), 46, 14)[2:-1])


def test_prints_come_in_three_sizes_and_in_mono_with_a_direction() -> None:
    view = history(40)
    view.trade_row[:] = 101
    view.trade_qty[:] = [1, 2] * 14 + [10] * 8 + [500, -500] * 2
    row = text(HeatPanel(board()), market(history=view), 46, 14)[6]
    assert set("·•●") <= set(row)
    mono = text(HeatPanel(board(palette="mono")), market(history=view), 46, 14)[6]
    assert "▲" in mono
    assert "▼" in mono


# the tape


def test_tape() -> None:
    assert text(TapePanel(board()), market(), 40, 9) == [
        "┌─ 3 Tape ─────────────────────────────┐",
        "│ delta −6 in 6s ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁█      │",
        "│ 09:30:58.900 B▲ 25.25      4 ██▏     │",
        "│ 09:30:02.500 B▲ 24.50      2 █       │",
        "│ 09:30:02.000 S▼ 24.50      6 ███▏    │",
        "│ 09:30:01.000 S▼ 24.75     12 ██████▍ │",
        "│                                      │",
        "│                                      │",
        "└─────────────────── f filter  v hold ─┘",
    ]


def test_tape_says_what_no_snapshot_carried() -> None:
    panel = TapePanel(board())
    text(panel, market(), 40, 9)
    rows = text(panel, market(prints=prints((90, 102, 7, 1)), prints_total=1_239), 40, 9)
    assert "09:31:30.000 B▲ 25.50      7" in rows[2]
    assert rows[3].strip("│ ") == "1,234 more"
    assert "09:30:58.900" in rows[4]


def test_tape_marks_hidden_and_auction_prints() -> None:
    records = prints((1, 99, 12, -1), (2, 98, 6, 0))
    records["flags"] = [Flag.HIDDEN, Flag.CROSS]
    rows = text(TapePanel(board()), market(prints=records, prints_total=2), 40, 9)
    assert "6x" in rows[2]
    assert " -  " in rows[2]
    assert "12h" in rows[3]


def test_tape_starts_over_after_a_step_back() -> None:
    panel = TapePanel(board())
    text(panel, market(), 40, 9)
    rows = text(panel, market(prints=prints((1, 99, 12, -1)), prints_total=1), 40, 9)
    assert "24.75" in rows[2]
    assert rows[3].strip("│ ") == ""


# chart, market panel, bars


def test_a_plotted_line_is_connected() -> None:
    assert plot([0, 1, 2, 3], 2, 1, 0, 4, plain=False) == ["⣀⠔"]
    assert plot([0.5, 0.5, 3.5, 3.5], 4, 4, 0, 4, plain=True) == ["  **", "  * ", "  * ", "**  "]
    assert plot([math.nan, 1.0], 1, 1, 0, 2, plain=False) == ["⠠"]


def test_chart_of_a_day_fades_what_is_to_come() -> None:
    deck = board()
    deck.chart_day = True
    deck.overview = Overview(OPEN, OPEN + 23_400 * NS, (100.0,) * 200, (1,) * 200)
    snapshot = market(clock=OPEN + 11_700 * NS)
    panel = ChartPanel(deck)
    strips = panel.picture(snapshot, 60, 8)
    assert "whole tape" in strips[0].text
    assert "12:00" in strips[-2].text
    row = next(strip for strip in strips[1:-2] if strip.text.strip("│ 0123456789."))
    shades = [segment.style.color.name for segment in row if segment.style and segment.style.color][1:3]
    assert shades == [deck.ink.paper.text, deck.ink.paper.faint]


def test_market_panel() -> None:
    rows = text(MarketPanel(board()), market(anomalies=(("UNKNOWN_ORDER", 3), ("OVERFILL", 12))), 40, 13)
    assert rows[1:12] == [
        "│ touch           10 ▄▄▄▄▄▄▄▄▄ 30      │",
        "│ 10 rows         70 ▄▄▄▄▄▄▄▄▄ 75      │",
        "│ flow 6s          4 ▄▄▄▄▄▄▄▄▄ 10      │",
        "│ micro      24.875             −0.50t │",
        "│ range      24.75 to 25.25         2t │",
        "│ spread     2.00t mean                │",
        "│ prints     4                         │",
        "│ engine     0 msg/s       0.4ms/chunk │",
        "│ anomaly    overfill               12 │",
        "│ anomaly    unknown order           3 │",
        "│                                      │",
    ]


def test_top_bar_says_mode_state_time_speed_and_touch() -> None:
    [row] = text(TopBar(board()), market(mode=Mode.SIM, state=State.PLAYING, achieved=4.1, rate=412_345.0), 160, 1)
    for part in (" SIM ", "▶ PLAYING", "ESM4", "2024-06-03 09:30:59.123456 New York", "8→4.1×", "412k msg/s",
                 "24.75 / 25.25 2t", "last 25.25 ▲4", "0fps 0.0ms link ok 0 skip"):  # fmt: skip
        assert part in row
    [row] = text(TopBar(board()), market(), 80, 1)
    assert row.split() == ["REPLAY", "‖", "ESM4", "06-03", "09:30:59.123", "8×", "24.75", "/", "25.25", "2t", "last",
                           "25.25", "▲4"]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "word"),
    [(Status.HALTED, "HALTED"), (Status.PRE_OPEN, "PRE-OPEN"), (Status.TRADING, "TRADING"), (99, "STATUS 99")],
)
def test_stats_line_says_the_session_status(status: int, word: str) -> None:
    [row] = text(StatsLine(board()), market(status=int(status)), 160, 1)
    assert row.startswith(f" {word} ")


def test_stats_line_says_a_failure_before_anything_else() -> None:
    deck = board()
    deck.notice = "speed 8"
    [row] = text(StatsLine(deck), market(state=State.FAULTED, failure="the book is corrupt"), 100, 1)
    assert row.rstrip() == " FAULT  the book is corrupt"


def test_stats_line_counts_anomalies() -> None:
    [row] = text(StatsLine(board()), market(anomalies=(("UNKNOWN_ORDER", 1_203), ("OVERFILL", 1))), 160, 1)
    assert "anomalies 1,204 unknown order 1,203" in row


def test_day_bar_shows_marks_inline_when_it_is_short() -> None:
    deck = board()
    deck.bookmarks = (Bookmark(OPEN + 11_700 * NS, "noon"),)
    snapshot = market(mark_in=OPEN + 5_850 * NS, mark_out=OPEN + 17_550 * NS)
    bar, controls = text(DayBar(deck), snapshot, 120, 2)
    assert bar[10] == "●"
    assert [bar.index(mark) for mark in "A◆B"] == [35, 60, 85]
    assert "A-B on" in controls
    tall = text(DayBar(deck), snapshot, 120, 5)
    assert tall[3].index("◆noon") == 60


def test_text_from_files_cannot_steer_the_terminal() -> None:
    evil = "\x1b[2J\x07\n天e\u0301"
    deck = Board(dataclasses.replace(FUTURE, symbol=evil, venue=evil), evil, DeckConfig())
    deck.bookmarks = (Bookmark(OPEN + 11_700 * NS, evil),)
    failed = market(state=State.FAULTED, failure=evil)
    for kind, snapshot in ((TopBar, market()), (StatsLine, failed), (StatsLine, market()), (DayBar, market())):
        for strip in kind(deck).picture(snapshot, 160, 5):
            assert strip.text.isprintable()
            assert cell_len(strip.text) == 160


def test_day_bar_cells_are_moments() -> None:
    panel = DayBar(board())
    assert panel.moment(60, 120) is None
    text(panel, market(), 120, 3)
    assert panel.moment(0, 120) == OPEN
    assert panel.moment(119, 120) == OPEN + 23_400 * NS
    assert panel.moment(60, 120) == OPEN + int(23_400 * NS * 50.5 / 100)


# what holds for all


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slot)
@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
def test_every_row_fills_its_panel_at_any_size(kind: type[StripPanel], glyphs: str) -> None:
    player = FakePlayer(messages=20_000)
    player.send(Command(Verb.GOTO, START + 9_000 * NS))
    snapshots = [player.latest(), market(), _loading()]
    for number, snapshot in enumerate(snapshots):
        deck = Board(player.instrument if number == 0 else FUTURE, "x", DeckConfig(glyphs=glyphs))
        deck.focus = "ladder"
        panel = kind(deck)
        for width, height in ((2, 2), (9, 3), (23, 7), (36, 19), (60, 12), (113, 24), (200, 5)):
            strips = panel.picture(snapshot, width, height)
            assert len(strips) == height
            for strip in strips:
                assert cell_len(strip.text) == width
                assert glyphs == "unicode" or strip.text.isascii()


def _loading() -> Snapshot:
    """What a player shows before its engine has read the tape."""
    empty, depth = np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
    orders = np.zeros(0, np.int32)
    return market(
        state=State.LOADING, best_bid=None, best_ask=None, bid_qty=0, ask_qty=0, last_price=None, prints=prints(),
        prints_total=0, status=0,
        ladder=dataclasses.replace(ladder(), low=0, bids=empty, asks=empty, sold=empty, bought=empty,
                                   bid_orders=orders, ask_orders=orders),
        history=dataclasses.replace(history(), end=0, low=empty, bids=depth, asks=depth, best_bid=empty,
                                    best_ask=empty, bought=empty, sold=empty, trade_row=empty, trade_qty=empty),
    )  # fmt: skip


def test_equal_snapshots_have_equal_keys() -> None:
    """The diff relies on it: nothing changed, nothing painted."""
    for kind in KINDS:
        panel = kind(board())
        assert panel._all_keys(market(), 60, 14) == panel._all_keys(market(), 60, 14)
