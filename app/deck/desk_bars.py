"""What a desk adds to the bars: armed or not, the kill, P&L, the session and how honest its fills are."""

import math

from app.deck import table
from app.deck.board import Board
from app.deck.figures import net, percent, signed_money
from app.deck.formats import plain, thousands
from app.deck.pieces import Item
from app.deck.risk import BREACH, stage
from core.desk_view import DeskView, RiskView
from core.snapshot import Snapshot

WIDE = 100  #: from here on the top bar has room for the P&L


def top_items(board: Board, snapshot: Snapshot) -> list[Item]:
    """ARMED or DISARMED and the kill state, always; the day's P&L where there is room."""
    view = snapshot.desk
    if view is None:
        sent = board.desk.kill_sent is not None
        waiting = [Item("   DISARMED ", "text", 0), *[Item(" KILL SENT ", "on-alarm", 0, True)] * sent]
        return waiting if board.desk.trading else []
    total = net(view.realised, view.unrealised, view.fees)
    word = signed_money(total, view.money_digits, 14, board.glyphs.minus)
    return [
        *state_items(board, view),
        Item("  P&L ", "muted", 3),
        Item(f"{word} {plain(view.currency)}".rstrip(), table.sign_colour(total), 3, True),
    ]


def state_items(board: Board, view: DeskView) -> list[Item]:
    """Armed or not, killed or not, and a venue that cannot be reached; words, never only colours."""
    seconds = board.desk.seconds_armed(view)
    armed = Item(f" ARMED {seconds}s ", "on-warn", 0, True) if seconds else Item(" DISARMED ", "text", 0)
    scopes = [kill.scope for kill in view.kills]
    if "desk" in scopes:
        killed = Item(" KILLED ", "on-alarm", 0, True)
    elif board.desk.kill_sent is not None:
        killed = Item(" KILL SENT ", "on-alarm", 0, True)
    elif scopes:
        killed = Item(f" KILLED {plain(scopes[0])}{f' +{len(scopes) - 1}' * (len(scopes) > 1)} ", "on-alarm", 0, True)
    else:
        killed = Item(" kill off", "muted", 0)
    away = f"{plain(view.cut_off[0])}{f' +{len(view.cut_off) - 1}' * (len(view.cut_off) > 1)}" if view.cut_off else ""
    lost = [Item(" CUT OFF ", "on-alarm", 0, True), Item(f"{away} ", "on-alarm", 1, True)] if away else []
    return [Item("  ", "text", 0), armed, killed, *lost]


def stats_items(board: Board, view: DeskView, width: int) -> list[Item]:
    """P&L and its parts, what works, the fullest limit, and on what all of it rests."""
    digits, minus, total = view.money_digits, board.glyphs.minus, net(view.realised, view.unrealised, view.fees)
    profit = [
        Item(" P&L ", "muted", 0),
        Item(signed_money(total, digits, 14, minus), table.sign_colour(total), 0, True),
    ]
    items = [
        *(profit if width < WIDE else ()),
        Item("  realised ", "muted", 6),
        Item(signed_money(view.realised, digits, 14, minus), table.sign_colour(view.realised), 6),
        Item("  open ", "muted", 4),
        Item(signed_money(view.unrealised, digits, 14, minus), table.sign_colour(view.unrealised), 4),
        Item("  fees ", "muted", 5),
        Item(signed_money(-view.fees, digits, 14, minus), "text", 5),
        Item("  working ", "muted", 2),
        Item(thousands(view.open_orders), "text", 2),
        Item("  fills ", "muted", 3),
        Item(thousands(view.fills_total), "text", 3),
        *_worst(view.risks),
        Item(f"  {plain(view.rung)}", "accent", 1, True),
        Item(f" {plain(view.queue)}", "muted", 7),
        Item(f"  {plain(view.session)}", "text", 4),
    ]
    if view.diverged_lots:
        items.append(Item(f"  diverged {thousands(view.diverged_lots)} lots", "warn", 6))
    return items


def _worst(risks: tuple[RiskView, ...]) -> list[Item]:
    known = [risk for risk in risks if not math.isnan(risk.used) or stage(risk) == BREACH]
    if not known:
        return []
    worst = max(known, key=lambda risk: (stage(risk) == BREACH, 0.0 if math.isnan(risk.used) else risk.used))
    level = stage(worst)
    if level == BREACH:
        return [Item("  ", "text", 0), Item(f" BREACH {plain(worst.control)} ", "on-alarm", 0, True)]
    sign, colour = {2: ("!", "warn"), 3: ("!!", "alarm")}.get(level, ("", "text"))
    return [Item("  risk ", "muted", 2), Item(f"{percent(worst.used)}{sign}", colour, 2, level >= 2)]
