"""The accounts, slowly: whole numbers without bounds, one dict per thing, everything summed anew when asked."""

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class OracleAccount:
    """Average cost accounts of named owners. The desk is the owner "desk": the sum of the others."""

    tick_value: list[int]
    position: dict[tuple[object, int], int] = field(default_factory=lambda: defaultdict(int))
    cost: dict[tuple[object, int], int] = field(default_factory=lambda: defaultdict(int))
    volume: dict[tuple[object, int], int] = field(default_factory=lambda: defaultdict(int))
    cash: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    fees: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    realised: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    peak: dict[object, int] = field(default_factory=lambda: defaultdict(int))
    mid2: dict[int, int] = field(default_factory=dict)
    owners: set[object] = field(default_factory=lambda: {"desk"})

    def settle(self, owner: object, instrument: int, side: int, price: int, qty: int, fee: int) -> None:
        """One fill, lot by lot as it were: first what it closes, then what it opens."""
        self.owners.add(owner)
        value = self.tick_value[instrument]
        held = self.position[owner, instrument]
        closes = 0 if held == 0 or (held > 0) == (side > 0) else min(qty, abs(held))
        out_of_cost = self.cost[owner, instrument] * closes // abs(held) if closes else 0
        won = (price * closes * value if side < 0 else -price * closes * value) - out_of_cost if closes else 0
        paid_for_opening = side * price * value * (qty - closes)
        for who in (owner, "desk"):
            self.position[who, instrument] += side * qty
            self.volume[who, instrument] += qty
            self.cash[who] += -side * price * qty * value - fee
            self.fees[who] += fee
            self.realised[who] += won
            self.cost[who, instrument] += paid_for_opening - out_of_cost
        self._look_for_peaks([owner])

    def mark(self, instrument: int, mid2: int | None) -> None:
        """A new mid, or none."""
        if mid2 is None:
            self.mid2.pop(instrument, None)
        else:
            self.mid2[instrument] = mid2
        self._look_for_peaks(list(self.owners))

    def _look_for_peaks(self, owners: list[object]) -> None:
        for who in owners:
            now = self.pnl(who)
            if now is not None:
                self.peak[who] = max(self.peak[who], now)

    def worth(self, who: object) -> int | None:
        """All positions at their mids; None if one of them has none."""
        total = 0
        for (owner, instrument), lots in self.position.items():
            if owner == who and lots:
                if instrument not in self.mid2:
                    return None
                doubled = lots * self.mid2[instrument] * self.tick_value[instrument]
                assert doubled % 2 == 0
                total += doubled // 2
        return total

    def unrealised(self, who: object) -> int | None:
        """What closing at the mids would add to the realised profit."""
        worth = self.worth(who)
        return None if worth is None else worth - sum(c for (owner, _), c in self.cost.items() if owner == who)

    def pnl(self, who: object) -> int | None:
        """Realised and unrealised profit, less fees."""
        open_profit = self.unrealised(who)
        return None if open_profit is None else self.realised[who] + open_profit - self.fees[who]

    def drawdown(self, who: object) -> int | None:
        """How far the profit is below its best."""
        now = self.pnl(who)
        return None if now is None else self.peak[who] - now
