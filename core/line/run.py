"""The loop: messages of the tape, and between two of them whatever is due, in the order of time."""

import numpy as np
from numpy.typing import NDArray

from core.account.account import mark
from core.book.kernels import apply_one, judge
from core.enums import Action, EventKind, Flag, Op, OrderStatus, Reason
from core.features.flow import follow
from core.jit import inner, kernel, merged
from core.line.coast import GROW, STOP, coast, due, room, stand
from core.line.look import mid2_now, remember_mid
from core.line.settle import settle
from core.line.state import NEVER, Line
from core.line.submit import desk_event
from core.line.wake import find_next_wake, policy, prepare, turn
from core.records import NO_PRICE, NO_RECV
from core.tape.marks import is_print
from core.venue.connection import drop, is_down, lose, regain
from core.venue.impact import decay
from core.venue.latency import delay
from core.venue.match import move_market
from core.venue.orders import arrive, cancel, end_session, follow_pegs, replace, watch_stops
from core.venue.reactive import refill
from core.venue.requests import pop
from core.venue.tape import apply_beside, concerns

_NEW, _CANCEL = int(Op.NEW), int(Op.CANCEL)
_SENT = int(OrderStatus.SENT)
_FULL, _EVENT_END, _RECV_US = 11, int(Flag.EVENT_END), int(Flag.RECV_US)
_EXECUTE, _TRADE = int(Action.EXECUTE), int(Action.TRADE)
_FEED = 0
_SESSION = int(EventKind.SESSION)
_DISCONNECTED, _RECONNECTED = int(Reason.DISCONNECTED), int(Reason.RECONNECTED)

#: Why `run` came back.
UNTIL, DRAIN, ASK, BROKEN = 1, 3, 4, 5  # and STOP 0, GROW 2


@inner
def run(  # noqa: PLR0915 - the loop reads better in one piece
    line: Line, messages: NDArray[np.void], start: int, stop: int, until: int
) -> tuple[int, int]:
    """Play `messages` (MESSAGE) from `start` up to `stop` or past time `until` (ns UTC), doing what is due between.

    Returns the next index and why: STOP reached, UNTIL passed (everything due by then is done), GROW: the book
    needs room for message `index`, DRAIN: empty the output buffers, ASK: agent `top["asked"]` must answer,
    BROKEN: an invariant does not hold.
    """
    book, venue, flow, top = line.book, line.venue, line.flow, line.venue.top[0]
    watching, features = line.top[0]["agents"] > 0, line.top[0]["features"] > 0
    i, last = start, messages.shape[0]
    next_due, watch = top["next_due"], top["watch"]  # the loop writes neither, but the compiler cannot know
    if line.top[0]["answered"] != 0:
        next_due = 0  # an answer is served before anything else
    while i < stop or i == last:
        limit = until if i == last else min(messages[i]["ts_event"] - 1, until)
        if next_due <= limit:
            reason = serve(line, messages, i, limit)
            if reason != STOP:
                return i, reason
            next_due, watch = top["next_due"], top["watch"]
        if i >= stop:
            break
        if not features and top["stops"] == 0 and top["pegs"] == 0:
            # Nothing looks at each message: the tape plays up to the next thing to do.
            i, reason = coast(line, messages, i, stop, until)
            stand(top, messages, i)
            if reason == GROW:
                return i, GROW
            next_due, watch = top["next_due"], top["watch"]
            if top["drain"] != 0:
                break
            if i < stop and messages[i]["ts_event"] > until and next_due > until:
                return i, UNTIL
            continue
        message = messages[i]
        ts = message["ts_event"]
        if ts > until:
            stand(top, messages, i)
            return i, UNTIL
        action, side, flags, slot = message["action"], message["side"], message["flags"], np.int64(message["slot"])
        price, qty = np.int64(message["price"]), message["qty"]
        if watch > 0 and concerns(book, venue, action, side, slot, message["order_id"], price):
            top["cursor"] = i
            top["clock"] = max(top["clock"], ts)
            code = apply_beside(book, venue, messages, i)
            next_due, watch = top["next_due"], top["watch"]
        else:
            code = apply_one(book, action, side, flags, slot, message["order_id"], qty, price)
        if code != 0:
            if code == _FULL:
                stand(top, messages, i)
                return i, GROW
            book.results[code] += 1
        if flags & _EVENT_END:
            judge(book)
        if watching:
            if (action == _EXECUTE or action == _TRADE) and is_print(action, flags, qty) and price != NO_PRICE:
                top["last_price"] = price
                top["volume"] += qty
                top["worth"] += price * qty
                if top["stops"] > 0:
                    top["cursor"] = i
                    watch_stops(book, venue, max(top["clock"], ts), price + top["shift"])
                    next_due, watch = top["next_due"], top["watch"]
            if features:
                follow(flow, book, ts, action, side, flags, qty)
            if top["pegs"] > 0:
                top["cursor"] = i + 1
                follow_pegs(book, venue, max(top["clock"], ts))
                next_due, watch = top["next_due"], top["watch"]
        i += 1
        if watch > 0 and top["drain"] != 0:
            break
    stand(top, messages, i)
    return i, DRAIN if top["drain"] != 0 else STOP


@inner
def serve(line: Line, messages: NDArray[np.void], i: int, limit: int) -> int:
    """Do everything that is due up to market time `limit`; `i` is the next message. Returns why it must stop."""
    venue, top = line.venue, line.venue.top[0]
    stand(top, messages, i)
    while top["next_due"] <= limit or line.top[0]["answered"] != 0:
        if not room(line):
            return DRAIN
        if line.top[0]["broken"] != 0:
            return BROKEN
        at, feed = max(top["next_due"], top["served"]), top["feed_now"]
        top["next_due"] = top["served"] = at
        if line.top[0]["answered"] != 0:
            line.top[0]["answered"] = 0
            agent = line.top[0]["asked"]
            line.top[0]["asked"] = -1
            turn(line, agent, line.seen[0]["now"], line.top[0]["answers"])
        elif top["link_ts"] <= at:
            _link(line, top["link_ts"])
        elif top["requests"] > 0 and venue.requests[0]["ts"] <= at:
            _arrival(line)
        elif top["next_tick"] <= at:
            remember_mid(line)
        elif top["ts_decay"] <= at:
            _reaction(line, at)
        elif top["ended"] == 0 and venue.rules[0]["end"] <= at:
            _end(line)
        elif (
            top["note_tail"] > top["note_head"]
            and venue.notes[top["note_head"] % venue.notes.shape[0]]["ts"] - feed <= at
        ):
            place = top["note_head"] % venue.notes.shape[0]
            top["note_head"] += 1
            settle(line, place)
        elif _wake(line, messages, i):
            return ASK
        due(line)
    return STOP


@inner
def _wake(line: Line, messages: NDArray[np.void], i: int) -> bool:
    """The turn of the agent that is due. True when Python must answer for it."""
    agent = _who(line)
    if agent < 0:
        find_next_wake(line)
        return False
    now = line.agents[agent]["next_wake"]
    _see(line, messages, i, now)
    prepare(line, agent, now)
    if line.agents[agent]["asks"] != 0:
        line.top[0]["asked"] = agent
        return True
    turn(line, agent, now, policy(line, agent))
    return False


@inner
def _end(line: Line) -> None:
    """The session is over: what still lives expires, nobody is asked again."""
    venue = line.venue
    end_session(venue, venue.rules[0]["end"])
    venue.top[0]["ended"] = 1
    venue.top[0]["next_tick"] = NEVER
    venue.top[0]["next_wake"] = NEVER
    if not is_down(venue):
        regain(venue)
    for agent in range(line.agents.shape[0]):
        if line.agents[agent]["instrument"] == venue.rules[0]["instrument"]:
            line.agents[agent]["next_wake"] = NEVER


@merged
def _who(line: Line) -> int:
    """The agent of this instrument whose turn it is, the first of several; -1 if none."""
    wake, instrument = line.venue.top[0]["next_wake"], line.venue.rules[0]["instrument"]
    for agent in range(line.agents.shape[0]):
        if line.agents[agent]["next_wake"] == wake and line.agents[agent]["instrument"] == instrument:
            return agent
    return -1


@merged
def _see(line: Line, messages: NDArray[np.void], i: int, now: int) -> None:
    """How late we see the market now, and what our positions are worth."""
    venue = line.venue
    if venue.rules[0]["recorded_feed"] != 0 and i > 0 and venue.rules[0]["rung"] >= 4:
        delta = messages[i - 1]["recv_delta"]
        if delta != NO_RECV:
            venue.top[0]["feed_now"] = max(0, delta * 1000 if messages[i - 1]["flags"] & _RECV_US else delta)
    else:
        venue.top[0]["feed_now"] = delay(venue, _FEED, now)
    mark(line.account, venue.rules[0]["instrument"], mid2_now(line))


@inner
def _arrival(line: Line) -> None:
    """The first request on its way reaches the venue."""
    venue = line.venue
    pop(venue)
    found = venue.requests[venue.requests.shape[0] - 1]
    op, slot, ts = found["op"], np.int64(found["slot"]), found["ts"]
    if found["lost"] != 0:
        drop(venue, op, slot, found["order_id"], found["qty"], np.int64(found["price"]), ts)
    elif op == _NEW:
        order = venue.orders[slot]
        if order["order_id"] == found["order_id"] and order["status"] == _SENT:  # not called back meanwhile
            arrive(line.book, venue, slot, ts)
    elif op == _CANCEL:
        cancel(venue, slot, found["order_id"], ts, found["reason"])
    else:
        replace(line.book, venue, slot, found["order_id"], found["qty"], np.int64(found["price"]), ts)


@kernel
def flush(line: Line) -> None:
    """Let everything that the venue has said reach us at once: after a kill nobody waits for the wire.

    Nothing comes while there is none.
    """
    top, size = line.venue.top[0], line.venue.notes.shape[0]
    if is_down(line.venue):
        return
    while top["note_head"] < top["note_tail"]:
        place = top["note_head"] % size
        top["note_head"] += 1
        settle(line, place)


@inner
def _link(line: Line, ts: int) -> None:
    """The connection to the venue is lost, and with it our orders there; or it is back."""
    if is_down(line.venue):
        regain(line.venue)
        desk_event(line, ts, _SESSION, -1, 0, _RECONNECTED, 0, 0)
    else:
        count = lose(line.venue, ts)
        desk_event(line, ts, _SESSION, -1, 0, _DISCONNECTED, count, line.venue.top[0]["down_until"])


@inner
def _reaction(line: Line, ts: int) -> None:
    """A step of the reactive rung: our impact decays, what we took comes back."""
    decay(line.venue, ts)
    move_market(line.book, line.venue, ts)
    refill(line.book, line.venue, ts)
