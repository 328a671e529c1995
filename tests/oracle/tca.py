"""Implementation shortfall with fractions and plain loops: what the integer arithmetic has to agree with.

Prices are natural ticks as fractions, money is in money units; nothing is shared with `core.tca`.
"""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass
class OracleFill:
    """One execution; `lots` signed, mids in ticks or None."""

    lots: int
    price: Fraction
    fee: int
    mid: Fraction | None
    without: Fraction | None


@dataclass
class OracleOrder:
    """A parent order as a ledger of a paper portfolio and a real one."""

    target: int  #: signed lots
    tick_value: int
    decision: Fraction
    arrival: Fraction
    end: Fraction
    fills: list[OracleFill] = field(default_factory=list)

    def total(self) -> Fraction:
        """Perold: what the paper portfolio is worth at the end less what the real one is, per the definition."""
        paper = self.target * (self.end - self.decision)
        real = sum((fill.lots * (self.end - fill.price) for fill in self.fills), Fraction(0))
        return (paper - real) * self.tick_value + sum(fill.fee for fill in self.fills)

    def parts(self) -> dict[str, Fraction]:
        """Each part by its own words."""
        out = dict.fromkeys(("delay", "spread", "impact", "timing", "fees", "opportunity"), Fraction(0))
        out["delay"] = (self.arrival - self.decision) * self.target * self.tick_value
        left = self.target
        for fill in self.fills:
            mid = fill.mid if fill.mid is not None else fill.without
            mid = self.arrival if mid is None else mid
            without = mid if fill.without is None else fill.without
            out["spread"] += (fill.price - mid) * fill.lots * self.tick_value
            out["impact"] += (mid - without) * fill.lots * self.tick_value
            out["timing"] += (without - self.arrival) * fill.lots * self.tick_value
            out["fees"] += fill.fee
            left -= fill.lots
        out["opportunity"] = left * (self.end - self.arrival) * self.tick_value
        return out


def cvar(costs: list[Fraction], tail: Fraction) -> Fraction:
    """Mean of the worst `tail` of the costs, the last of them in part (Rockafellar and Uryasev 2002)."""
    mass, total = tail * len(costs), Fraction(0)
    left = mass
    for cost in sorted(costs, reverse=True):
        share = min(left, Fraction(1))
        total += share * cost
        left -= share
    return total / mass


def holm(p_values: list[Fraction]) -> list[Fraction]:
    """Holm (1979), step down."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    out, worst = [Fraction(0)] * len(p_values), Fraction(0)
    for rank, i in enumerate(order):
        worst = max(worst, min(Fraction(1), (len(p_values) - rank) * p_values[i]))
        out[i] = worst
    return out
