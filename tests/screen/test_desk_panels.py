"""Rows of the trading panels as text, against a desk small enough to work out by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hand import OPEN, SECOND, board, history, market
from hand_desk import AGENT, FILL, KILL, ORDER, PARENT, RISK, trading, view
from rich.cells import cell_len

from app.deck import table
from app.deck.agents import COLUMNS, AgentsPanel
from app.deck.bars import KeyFooter, StatsLine, TopBar
from app.deck.board import Board
from app.deck.draft import Draft
from app.deck.entry import EntryPanel
from app.deck.heat import HeatPanel
from app.deck.kill_board import KillBoard, is_late, lines
from app.deck.ladder import LadderPanel
from app.deck.orders import FILL_COLUMNS, ORDER_COLUMNS, OrdersPanel
from app.deck.progress import ProgressPanel
from app.deck.risk import RiskPanel, stage
from app.deck.strip_panel import StripPanel
from core.desk_view import KillPart, NoteView, RiskView
from core.enums import AgentState
from core.records import ABSENT
from core.snapshot import Snapshot

NAN, INF, HUGE = float("nan"), float("inf"), 2**62


def text(panel: StripPanel, snapshot: Snapshot, width: int, height: int) -> list[str]:
    return [strip.text for strip in panel.picture(snapshot, width, height)]


# agents


def test_agents_in_a_narrow_panel_say_more_about_the_chosen_one() -> None:
    assert text(AgentsPanel(board()), trading(agents=(AGENT, replace(AGENT, name="arb"))), 50, 8) == [
        "┌─ 7 Agents · 2 of 2 run ────────────────────────┐",
        "│ AGENT     STATE    SYM       POS       P&L  ORD│",
        "│▶mm-01     ● RUNS   ESM4       −3 +1,144.50    2│",
        "│ arb       ● RUNS   ESM4       −3 +1,144.50    2│",
        "│                                                │",
        "│ mm-01 quotes both sides                        │",
        "│ why spread is wide  fair +0.410                │",
        "└───────────────────────────── j next  F4 pause ─┘",
    ]


def test_agents_in_a_wide_panel_say_everything_in_their_row() -> None:
    row = text(AgentsPanel(board()), trading(), 170, 6)[2]
    for part in ("+1,200.00", "−45.50", "+0.410", "8us", "quotes both sides", "spread is wide"):
        assert part in row


@pytest.mark.parametrize(
    ("columns", "order"),
    [
        (COLUMNS, ["why", "doing", "signal", "realised open", "latency", "symbol", "orders"]),
        (ORDER_COLUMNS, ["type", "symbol", "time", "qty", "reason", "id", "agent"]),
        (FILL_COLUMNS, ["trust", "fee", "symbol", "id"]),
    ],
)
def test_narrow_panels_drop_columns_in_the_stated_order(columns: tuple[table.Column, ...], order: list[str]) -> None:
    dropped, before = [], [column.name for column, _ in table.shown(columns, 300)]
    for width in range(299, 10, -1):
        now = [column.name for column, _ in table.shown(columns, width)]
        if now != before:
            dropped.append(" ".join(name for name in before if name not in now))
        before = now
    assert dropped == order


@pytest.mark.parametrize("state", list(AgentState))
def test_every_state_has_a_word_and_a_glyph(state: AgentState) -> None:
    for glyphs in ("unicode", "ascii"):
        row = text(AgentsPanel(board(glyphs=glyphs)), trading(agents=(replace(AGENT, state=state),)), 50, 5)[2]
        assert len(row[11:20].split()) == 2


def test_a_position_without_a_mark_has_no_profit() -> None:
    snapshot = trading(agents=(replace(AGENT, unrealised=ABSENT),), unrealised=ABSENT)
    row = text(AgentsPanel(board()), snapshot, 170, 6)[2]
    assert row.count(" -- ") == 2, "neither the total nor the open part"
    assert "+1,200.00" in row
    assert "open -- " in text(StatsLine(board()), snapshot, 160, 1)[0]
    assert "P&L -- " in text(TopBar(board()), snapshot, 160, 1)[0]


# risk


def gauge(used: float, level: int = 0, **changes: Any) -> RiskView:
    return replace(RISK, value=used * 100, limit=100.0, used=used, stage=level, **changes)


def test_risk_is_sorted_and_says_amber_red_and_breach_in_signs() -> None:
    risks = (
        gauge(0.10, control="calm"),
        gauge(0.75, 2, control="amber"),
        gauge(0.90, 3, control="red"),
        gauge(0.2, 4, control="broken", reason="17 lots, none allowed", scope="mm-01"),
        gauge(NAN, control="unknown"),
        gauge(0.749, 1, control="nearly"),
    )
    assert text(RiskPanel(board()), trading(risks=risks), 50, 10) == [
        "┌─ 8 Risk · 1 BREACHED ──────────────────────────┐",
        "│ mm-01 broken              20/100 ▍·  20% BREACH│",
        "│   17 lots, none allowed                        │",
        "│ red                       90/100 █████▍  90% !!│",
        "│ amber                     75/100 ████▌·  75% ! │",
        "│ nearly                 74.90/100 ████▌·  75%   │",
        "│ calm                      10/100 ▋·····  10%   │",
        "│ unknown                   --/100 ······   --   │",
        "│                                                │",
        "└───────────────────────────── L change a limit ─┘",
    ]


def test_a_low_panel_says_how_many_limits_it_does_not_show() -> None:
    risks = tuple(gauge(share / 10) for share in range(9))
    rows = text(RiskPanel(board()), trading(risks=risks), 50, 6)
    assert "6 more, calmer" in rows[4]


@pytest.mark.parametrize(
    ("used", "told", "shown"),
    [(0.5, 0, 0), (0.75, 0, 2), (0.9, 1, 3), (5.0, 3, 3), (0.1, 4, 4), (NAN, 0, 0), (NAN, 4, 4), (INF, 0, 3)],
)
def test_a_stage_is_never_calmer_than_its_number(used: float, told: int, shown: int) -> None:
    assert stage(gauge(used, told)) == shown


# orders, fills, blotter


def test_orders() -> None:
    deck = board()
    over = replace(ORDER, order_id=8840, side=-1, status="DENIED", leaves=0, ahead=-1, reason="price band")
    deck.desk.order = 8840
    assert text(OrdersPanel(deck), trading(orders=(ORDER, over)), 106, 5) == [
        "┌─ 9 Desk ⟦Orders 1⟧ Fills 1  Blotter 1  ────────────────────────────────────────────────────────────────┐",
        "│ TIME             ID AGENT     SYM    SIDE      QTY   LEFT     PRICE STATE    AHEAD/ENTRY REASON        │",
        "│ 09:30:16.000   8841 mm-01     ESM4   ▲ BUY       8      5     24.25 WORKING      142/410 requote       │",
        "│▶09:30:16.000   8840 mm-01     ESM4   ▼ SELL      8      0     24.25 DENIED               price band    │",
        "└────────────────────────────────────────────────────────────────────────────────────── k tab  X cancel ─┘",
    ]


def test_fills_and_blotter() -> None:
    deck = board()
    panel = OrdersPanel(deck)
    newer = replace(FILL, ts=OPEN + 59 * SECOND, side=-1, maker=False, fee=250, trust="the queue model")
    deck.desk.tab = "fills"
    rows = text(panel, trading(fills=(FILL, newer), fills_total=2), 112, 6)
    assert " ".join(rows[2].split()) == "│ 09:30:59.000 8841 mm-01 ESM4 ▼ SELL 3 24.25 TAKER 2.50 the queue model │"
    assert " ".join(rows[3].split()) == "│ 09:30:58.000 8841 mm-01 ESM4 ▲ BUY 3 24.25 MAKER −1.20 exact │"
    deck.desk.tab = "blotter"
    rows = text(panel, trading(notes=(NoteView(OPEN, "began", False), NoteView(OPEN + SECOND, "denied", True))), 60, 6)
    assert rows[2].split() == ["│", "09:30:01.000", "!", "denied", "│"]
    assert rows[3].split() == ["│", "09:30:00.000", "began", "│"]


def test_the_queue_is_unknown_where_it_means_nothing() -> None:
    rows = text(
        OrdersPanel(board()), trading(orders=(replace(ORDER, ahead_entry=-1), replace(ORDER, ahead=-1))), 112, 6
    )
    assert "142/?" in rows[2]
    assert "/" not in rows[3]


# ladder and heat map


def test_own_orders_on_the_ladder() -> None:
    rows = text(LadderPanel(board()), trading(), 66, 14)
    assert rows[1].split()[:6] == ["│MY(ahead)", "BID", "PRICE", "ASK", "MY(ahead)", "SOLD"]
    assert any(" 5(142)      20    24.25" in row for row in rows), "mine, and ahead of me"
    assert any(" 2      10    24.75" in row for row in rows), "mine, where the queue means nothing"


def test_own_orders_out_of_sight_are_counted() -> None:
    deck = board()
    panel = LadderPanel(deck)
    text(panel, trading(), 66, 6)
    deck.axis.scroll(8)
    assert "own 2↓" in text(panel, trading(), 80, 6)[0]


def test_the_cursor_of_an_order_stands_on_its_side() -> None:
    deck = board()
    deck.desk.draft = Draft(-1, "5", "25.50")
    rows = text(LadderPanel(deck), trading(), 66, 14)
    assert any("25.50" in row and "◀SELL" in row for row in rows)
    deck.desk.draft = Draft(1, "5", "24.25")
    assert any("│      BUY▶" in row and "24.25" in row for row in text(LadderPanel(deck), trading(), 66, 14))
    deck.desk.draft = Draft(1, "5", "abc")
    assert not any("BUY▶" in row for row in text(LadderPanel(deck), trading(), 66, 14))


def test_own_fills_on_the_heat_map() -> None:
    sold = [OPEN + 60 * SECOND, 101, -2, 0]
    outside = [[OPEN - 3_600 * SECOND, 101, 1, 1], [OPEN + 59 * SECOND, 900, 1, 1], [OPEN + 90 * SECOND, 101, 1, 1]]
    fills = np.array([[OPEN + 58 * SECOND, 97, 3, 1], sold, *outside], np.int64)
    snapshot = replace(trading(own_fills=fills), history=history(40))
    rows = text(HeatPanel(board()), snapshot, 46, 14)
    picture = [row[1:39] for row in rows[2:-1]]
    assert sum(row.count("B") + row.count("S") for row in picture) == 2
    assert next(row for row in rows[2:] if "B" in row[1:39]).index("B") == 37, (
        "two columns of a second each before the edge, two in a cell"
    )
    assert next(row for row in rows[2:] if "S" in row[1:39]).index("S") == 38


# progress


def test_progress() -> None:
    rows = text(ProgressPanel(board()), trading(), 60, 11)
    assert rows[1].strip("│ ") == "mm-01 twap  ▲ BUY 200 ESM4 limit 26.25"
    assert [" ".join(row[33:-1].split()) for row in rows[2:9]] == [
        "done 50 25%", "plan 49% 49 behind", "left 150", "to go 1m", "shortfall +2.500 bps", "average 25.125",
        "arrival 25.000",
    ]  # fmt: skip
    assert rows[9].split() == ["│", "09:30:00", "09:32:00", "│"]


@pytest.mark.parametrize(("filled", "words"), [(50, "49 behind"), (99, "on plan"), (150, "51 ahead")])
def test_behind_and_ahead(filled: int, words: str) -> None:
    """At 59.1 of 120 seconds 49.27 % of 200 lots are due."""
    rows = text(ProgressPanel(board()), trading(parents=(replace(PARENT, filled=filled),)), 60, 12)
    assert f"plan      49% {words}" in rows[3]


def test_a_parent_that_has_not_begun_and_one_that_is_over() -> None:
    later = replace(PARENT, start=OPEN + 90 * SECOND, end=OPEN + 200 * SECOND, average=NAN, shortfall_bps=NAN)
    rows = text(ProgressPanel(board()), trading(parents=(later,)), 60, 12)
    assert "to go     starts in 30s" in rows[5]
    assert "shortfall -- " in rows[6]
    over = replace(PARENT, start=OPEN - 200 * SECOND, end=OPEN)
    assert "to go     over" in text(ProgressPanel(board()), trading(parents=(over,)), 60, 12)[5]


def test_the_curves_start_together_and_the_future_is_empty() -> None:
    rows = text(ProgressPanel(board(glyphs="ascii")), trading(), 60, 11)
    plot = [row[2:34] for row in rows[2:9]]
    assert "*" in "".join(plot)
    assert "." in "".join(plot)
    assert not any("*" in row[12:] for row in plot), "nothing is done yet after a quarter"


# kill board, entry, bars


def test_kill_board() -> None:
    deck = board()
    kill = replace(
        KILL, parts=(KillPart("gate", True, "denies all"), KillPart("venue", False, "3 left")), open_orders=3
    )
    rows = text(KillBoard(deck), trading(kills=(kill,)), 90, 5)
    assert "KILLED desk 3 orders still open after 12.0 ms   KILL key 09:30:59.000" in rows[1]
    assert "done gate: denies all" in rows[2]
    assert "wait venue: 3 left" in rows[2]
    assert lines(deck.desk, view(kills=(kill,)), 90) == 4
    assert lines(deck.desk, view(), 90) == 0
    many = view(kills=tuple(replace(kill, scope=f"a{number}") for number in range(20)))
    assert lines(deck.desk, many, 90) == 10


@pytest.mark.parametrize(
    ("took", "left", "waited", "late"),
    [(12.0, 0, 0.0, False), (250.0, 0, 0.0, False), (250.1, 0, 0.0, True), (12.0, 1, 250.0, False),
     (12.0, 1, 251.0, True), (NAN, 0, 0.0, False), (NAN, 1, 300.0, True), (12.0, 0, 9_999.0, False)],
)  # fmt: skip
def test_when_a_kill_is_late(took: float, left: int, waited: float, late: bool) -> None:
    assert is_late(replace(KILL, elapsed_ms=took, open_orders=left), waited) is late


def test_a_kill_that_is_done_does_not_turn_red_with_time() -> None:
    deck = board()
    deck.desk.kill_sent, deck.desk.now = 0, 3_600 * SECOND
    assert "open orders 0 after 12.0 ms" in text(KillBoard(deck), trading(kills=(KILL,)), 90, 4)[1]


def test_the_preview_is_never_cut() -> None:
    deck = board()
    deck.desk.draft = Draft(1, "1234567", "5312.25", "5312.50", "1000000", reduce_only=True)
    deck.desk.draft = deck.desk.draft.next_type().next_type().next_type().next_tif().next_tif()
    whole = " ".join(" ".join(row.strip("│ ") for row in text(EntryPanel(deck), trading(), 80, 6)[2:4]).split())
    assert whole == ("preview BUY 1,234,567 ESM4 STOP-LIMIT 5312.25 stop 5312.50 FOK showing 1,000,000 reduce-only")


def test_bars_say_armed_and_killed_at_every_width() -> None:
    deck = board()
    for width in (60, 80, 120, 160, 200):
        [row] = text(TopBar(deck), trading(), width, 1)
        assert "REPLAY" in row and "DISARMED" in row and "kill off" in row
        [row] = text(TopBar(deck), trading(armed=True, armed_until=42 * SECOND), width, 1)
        assert " ARMED 42s " in row
        [row] = text(TopBar(deck), trading(armed=True, armed_until=42 * SECOND, kills=(KILL,)), width, 1)
        assert "DISARMED" in row and " KILLED " in row
        [row] = text(TopBar(deck), trading(kills=(replace(KILL, scope="mm-01"),)), width, 1)
        assert " KILLED mm-01 " in row
        [row] = text(TopBar(deck), trading(cut_off=("AMZN", "AAPL")), width, 1)
        assert "DISARMED" in row and "kill off" in row and " CUT OFF " in row
        assert (" CUT OFF AMZN +1 " in row) == (width > 80)
    [row] = text(StatsLine(deck), trading(), 160, 1)
    for part in ("realised +1,200.00", "open −45.50", "fees −10.00", "working 1", "fills 1", "risk 82%!", "R4 latency",
                 "conserving", "morning"):  # fmt: skip
        assert part in row
    assert "P&L +1,144.50" in text(StatsLine(deck), trading(), 80, 1)[0]


def test_a_desk_that_is_still_loading_is_disarmed() -> None:
    deck = board()
    assert "DISARMED" not in text(TopBar(deck), market(), 160, 1)[0]
    deck.desk.trading = True
    assert "DISARMED" in text(TopBar(deck), market(), 80, 1)[0]
    deck.desk.kill_sent = 0
    assert " KILL SENT " in text(TopBar(deck), market(), 80, 1)[0]
    assert lines(deck.desk, None, 80) == 3


def test_a_breach_is_in_the_bars_whatever_the_layout() -> None:
    broken = gauge(NAN, 4, control="loss of day")
    for width in (80, 160):
        assert "BREACH loss of day" in text(StatsLine(board()), trading(risks=(RISK, broken)), width, 1)[0]


def test_footer_shows_the_four_keys_at_80() -> None:
    deck = board()
    deck.desk.trading = True
    deck.focus = "ladder"
    [row] = text(KeyFooter(deck), trading(), 80, 1)
    for key in ("F2", "F4", "F6", "F8", "F10"):
        assert key in row


# what holds for all


def _entry(deck: Board) -> StripPanel:
    deck.desk.draft = Draft(1, "9" * 18, "9" * 18, field="price")
    return EntryPanel(deck)


def _tab(name: str) -> Callable[[Board], StripPanel]:
    def made(deck: Board) -> StripPanel:
        deck.desk.tab = name
        return OrdersPanel(deck)

    return made


KINDS: dict[str, Callable[[Board], StripPanel]] = {
    "agents": AgentsPanel, "risk": RiskPanel, "orders": _tab("orders"), "fills": _tab("fills"),
    "blotter": _tab("blotter"), "progress": ProgressPanel, "entry": _entry, "kill": KillBoard, "ladder": LadderPanel,
    "heat": HeatPanel, "top": TopBar, "stats": StatsLine,
}  # fmt: skip
EVIL = "\x1b[2J\x07\n天e\u0301 " * 9


def _huge() -> Snapshot:
    """Numbers as large as they come, texts as bad as they come, every float not a number."""
    lots = np.full(10, HUGE // 4, np.int64)
    return trading(
        session=EVIL, rung=EVIL, queue=EVIL, currency=EVIL, realised=HUGE, unrealised=-HUGE, fees=HUGE,
        open_orders=HUGE, diverged_lots=HUGE, fills_total=HUGE, armed=True, armed_until=HUGE,
        kills=(replace(KILL, scope=EVIL, reason=EVIL, elapsed_ms=NAN, open_orders=HUGE,
                       parts=(KillPart(EVIL, False, EVIL),) * 30),),
        agents=(replace(AGENT, name=EVIL, symbol=EVIL, doing=EVIL, why=EVIL, signal=EVIL, position=-HUGE,
                        realised=-HUGE, unrealised=HUGE, orders=HUGE, average=NAN, reading=NAN, latency_us=NAN),
                replace(AGENT, position=HUGE, reading=INF, latency_us=INF, orders=10**6)) * 20,
        risks=(replace(RISK, scope=EVIL, control=EVIL, reason=EVIL, value=NAN, limit=INF, used=NAN, stage=4),
               gauge(1e300), gauge(-INF), gauge(INF), gauge(NAN)) * 9,
        orders=(replace(ORDER, order_id=HUGE, agent=EVIL, symbol=EVIL, type=EVIL, status=EVIL, reason=EVIL, side=0,
                        price=2**31, qty=HUGE, leaves=HUGE, ahead=HUGE, ahead_entry=HUGE, ts_sent=2**62),) * 50,
        fills=(replace(FILL, agent=EVIL, symbol=EVIL, trust=EVIL, price=-(2**31), qty=HUGE, fee=-HUGE, side=0),) * 50,
        notes=(NoteView(OPEN, EVIL, True),) * 50,
        parents=(replace(PARENT, agent=EVIL, symbol=EVIL, policy=EVIL, qty=HUGE, filled=HUGE, end=OPEN, arrival=NAN,
                         average=INF, vwap=NAN, shortfall_bps=NAN, planned=np.full(9, NAN), done=np.full(9, INF)),),
        own_bids=lots, own_asks=lots, own_bid_ahead=lots, own_ask_ahead=lots,
        own_fills=np.array([[HUGE, HUGE, HUGE, 1], [-HUGE, -HUGE, -HUGE, 0]], np.int64),
    )  # fmt: skip


def _empty() -> Snapshot:
    none = np.zeros(0, np.int64)
    return trading(
        agents=(), risks=(), orders=(), fills=(), fills_total=0, notes=(), parents=(), own_bids=none, own_asks=none,
        own_bid_ahead=none, own_ask_ahead=none, own_fills=np.zeros((0, 4), np.int64),
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("glyphs", ["unicode", "ascii"])
def test_every_row_fills_its_panel_whatever_is_in_it(kind: str, glyphs: str) -> None:
    for snapshot in (trading(), _huge(), _empty(), market()):
        panel = KINDS[kind](board(glyphs=glyphs))
        for width, height in ((2, 2), (9, 3), (23, 7), (36, 19), (60, 12), (113, 24), (200, 5)):
            strips = panel.picture(snapshot, width, height)
            assert len(strips) == height
            for strip in strips:
                assert cell_len(strip.text) == width
                assert strip.text.isprintable()
                assert glyphs == "unicode" or strip.text.isascii()


@pytest.mark.parametrize("kind", KINDS)
def test_equal_snapshots_have_equal_keys(kind: str) -> None:
    """The diff relies on it: nothing changed, nothing painted."""
    panel = KINDS[kind](board())
    assert panel._all_keys(trading(), 60, 14) == panel._all_keys(trading(), 60, 14)
