"""What the deck shows, without a deck: the summary of a whole replay, and the picture at one place."""

from pathlib import Path
from typing import Any

from app.deck.formats import Formats
from app.places import Start, parse
from core.clock import monotonic_ns
from core.engine import Engine, View
from core.enums import Side, Status
from core.instrument import Instrument
from core.records import NO_PRICE
from core.tape.tape import Tape
from core.transport import Verb

_LEVELS = 10


def replay(folder: Path) -> dict[str, Any]:
    """Play the whole tape at full speed through the engine and say what came of it."""
    tape = Tape(folder)
    engine = Engine(tape)
    started = monotonic_ns()
    while engine.index < len(engine.messages):
        engine.advance(engine.index + 20_000)
    seconds = (monotonic_ns() - started) / 1e9
    market = (engine.clock - engine.first_ts) / 1e9
    return {
        **_where(engine),
        "seconds": round(seconds, 3),
        "messages_per_second": round(len(engine.messages) / max(seconds, 1e-9)),
        "speed": round(market / max(seconds, 1e-9)),
        **_market(engine),
    }


def picture(folder: Path, at: str | None, group: int | None = None) -> dict[str, Any]:
    """Everything the screen shows at one place of the tape; the end when `at` is None. Raises `ConfigError`."""
    tape = Tape(folder)
    engine = Engine(tape, View(group=group) if group is not None else None)
    start = Start(tape.meta.first_ts, tape.meta.last_ts, len(tape.messages))
    place = parse(at or "close", start, Formats(tape.instrument)).command
    engine.seek(int(place.value) if place.verb == Verb.GOTO_INDEX else tape.index_at(int(place.value)))
    return {**_where(engine), **_market(engine), **_depth(engine), "prints": _prints(engine)}


def _where(engine: Engine) -> dict[str, Any]:
    instrument = engine.tape.instrument
    return {
        "tape": str(engine.tape.folder),
        "symbol": instrument.symbol,
        "venue": instrument.venue,
        "date": instrument.date,
        "clock": engine.clock,
        "index": engine.index,
        "messages": len(engine.messages),
    }


def _market(engine: Engine) -> dict[str, Any]:
    instrument, (bid, ask) = engine.tape.instrument, engine.book.best()
    done = engine.prints.before(engine.index)
    return {
        "status": Status(engine.book.status).name.lower(),
        "best_bid": price(instrument, bid),
        "best_ask": price(instrument, ask),
        "spread": price(instrument, ask - bid) if bid is not None and ask is not None else None,
        "last_price": price(instrument, int(engine.prints.records[done - 1]["price"])) if done else None,
        "prints_total": done,
        "volume": quantity(instrument, int(engine.prints.volume[done])),
        "bought": quantity(instrument, int(engine.prints.bought[done])),
        "sold": quantity(instrument, int(engine.prints.sold[done])),
        "orders": engine.book.orders,
        "crossed_events": engine.book.crossed,
        "anomalies": dict(engine.anomalies()),
    }


def _depth(engine: Engine) -> dict[str, Any]:
    instrument = engine.tape.instrument
    ask_price, ask_qty, bid_price, bid_qty = engine.book.depth(_LEVELS)
    return {
        name: [
            {"price": price(instrument, int(p)), "qty": quantity(instrument, int(q))}
            for p, q in zip(prices, quantities, strict=True)
            if q
        ]
        for name, prices, quantities in (("asks", ask_price, ask_qty), ("bids", bid_price, bid_qty))
    }


def _prints(engine: Engine) -> list[dict[str, Any]]:
    instrument, done = engine.tape.instrument, engine.prints.before(engine.index)
    return [
        {
            "ts_event": int(p["ts_event"]),
            "price": price(instrument, int(p["price"])),
            "qty": quantity(instrument, int(p["qty"])),
            "side": {1: "buy", -1: "sell"}.get(int(p["side"]), Side.NONE.name.lower()),
        }
        for p in engine.prints.records[max(0, done - 20) : done]
    ]


def price(instrument: Instrument, ticks: int | None) -> float | None:
    """Natural price as a JSON number."""
    return None if ticks is None or ticks == NO_PRICE else float(instrument.price(ticks))


def quantity(instrument: Instrument, lots: int) -> float | int:
    """Natural quantity as a JSON number, whole where lots are whole."""
    natural = instrument.quantity(lots)
    return int(natural) if natural == natural.to_integral_value() else float(natural)
