"""The synthetic market as a source of rows, like any file."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from core.book.state import PAGE, new_state
from core.enums import Action, Depth, Flag, Status
from core.errors import ConfigError
from core.feeds.source import Batch, SourceFacts
from core.records import ABSENT, ROW
from core.sim.day import CELL, CELLS, new_day
from core.sim.flow import FEWEST, MOST, generate, open_book
from core.sim.profile import MarketProfile
from core.sim.state import FLOW, FREE, RING, Market
from core.sim.stream import new_stream
from core.sim.tables import FINE, HIGHEST, NUMBERS, acceptance, new_tables

_BATCH = 1 << 16
_TIMEZONE = "America/New_York"
_LEAST = 100


class SyntheticSource:
    """One trading day, 09:30-16:00 New York, of exactly `messages` messages.

    The same profile, seed and message count give the same rows on every machine. The opening book comes
    one second before the open, flagged SNAPSHOT; the day starts and ends with a STATUS message.
    """

    def __init__(
        self,
        profile: MarketProfile,
        seed: int,
        messages: int,
        date: str = "2024-01-02",
        symbol: str = "SYN",
        batch: int = _BATCH,
    ) -> None:
        """Raises `ConfigError` for fewer than 100 messages, or a date that is none. `batch`: rows at a time."""
        if messages < _LEAST:
            raise ConfigError(f"a synthetic day needs at least {_LEAST} messages, not {messages}")
        try:
            day = datetime.fromisoformat(f"{date}T09:30:00").replace(tzinfo=ZoneInfo(_TIMEZONE))
        except ValueError as error:
            raise ConfigError(f"date {date!r} is not of the form 2024-01-02") from error
        self.profile, self.seed, self.messages = profile, seed, messages
        self.paths: Sequence[Path] = ()
        self.skipped: Counter[str] = Counter()
        self.info = SourceFacts(
            symbol=symbol,
            venue="SYNTHETIC",
            date=date,
            depth=Depth.ORDERS,
            price_unit=profile.tick,
            qty_unit=Decimal(1),
            usual_tick=profile.tick,
            usual_lot=Decimal(1),
            timezone=_TIMEZONE,
            notes={
                "profile": profile.name,
                "profile_sha256": hashlib.sha256(profile.to_json().encode()).hexdigest(),
                "seed": str(seed),
                "messages": str(messages),
            },
        )
        self._open = int(day.timestamp()) * 1_000_000_000
        self._batch = max(batch, 2 * MOST)
        self._made = 0

    def progress(self) -> float:
        """Share of the messages made so far, 0 to 1."""
        return self._made / self.messages

    def batches(self) -> Iterator[Batch]:
        """Rows in time order."""
        self._made = 0
        resting = min(self.profile.live_orders, self.messages // 4)
        market = self._market(resting)
        opening = np.zeros(resting + 1, ROW)
        open_book(market, opening, resting, int(Flag.SNAPSHOT))
        market.flow["last_id"] += RING  # the opening orders are old
        market.flow["ts"] = self._open
        opening[-1:] = self._status(resting, self._open, Status.TRADING)
        market.flow["row"] += 1
        yield self._counted(opening)
        while int(market.flow[0]["done"]) < int(market.flow[0]["total"]):
            rows = np.zeros(self._batch, ROW)
            yield self._counted(rows[: generate(market, rows)])
        yield self._counted(self._status(self.messages - 1, self._open + CELLS * CELL, Status.CLOSED))

    def _counted(self, rows: NDArray[np.void]) -> Batch:
        self._made += len(rows)
        return Batch(rows)

    def _status(self, row: int, ts: int, status: Status) -> NDArray[np.void]:
        rows = np.zeros(1, ROW)
        rows["ts_event"], rows["ts_recv"], rows["price"], rows["source_row"] = ts, ABSENT, ABSENT, row
        rows["action"], rows["qty"], rows["flags"] = Action.STATUS, status, Flag.ROW_END | Flag.EVENT_END
        return rows

    def _market(self, resting: int) -> Market:
        profile, session = self.profile, self.messages - resting - 2
        tables = new_tables(profile, session, max(resting, 2 * FEWEST))
        high = int(tables[NUMBERS, HIGHEST])
        slots = 4 * max(resting, 2 * FEWEST) + 2 * MOST
        flow, pool = np.zeros(1, FLOW), np.zeros((4, slots), np.int64)
        pool[FREE] = np.arange(slots)[::-1]
        flow["ts"], flow["open"] = self._open - 1_000_000_000, self._open
        flow["price"], flow["total"] = profile.open_ticks << FINE, session
        flow["sign"], flow["free"] = 1, slots
        return Market(
            book=new_state(slots, 0, high, pages=min(slots, high // PAGE + 2)),
            tables=tables,
            accept=acceptance(profile),
            day=new_day(profile, self.seed, session),
            stream=new_stream(self.seed, "flow"),
            flow=flow,
            ring=np.zeros(RING, np.int64),
            pool=pool,
        )
