"""Which numbers a model is fed, in which order, and what each of them means. A model is bound to the hash."""

import hashlib
from dataclasses import dataclass

#: Width of a flow bucket, ns. Windows are whole buckets, so that they are sums of integers.
BUCKET = 100_000_000
#: Buckets of the short and of the long window.
SHORT, LONG = 10, 100


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of the float32 row."""

    name: str
    unit: str
    definition: str


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """A version of the row: any change of a name, a unit, a definition or the order is another one."""

    name: str
    version: int
    preamble: str  #: what all definitions rely on
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def text(self) -> str:
        """The canonical text that is hashed."""
        head = f"{self.name}\t{self.version}\t{self.preamble}\n"
        return head + "".join(f"{f.name}\t{f.unit}\t{f.definition}\n" for f in self.features)

    @property
    def hash(self) -> str:
        """BLAKE2b-256 of the canonical text, hexadecimal."""
        return hashlib.blake2b(self.text.encode(), digest_size=32).hexdigest()

    def index(self, name: str) -> int:
        """Column of a feature. Raises `ValueError` for a name that is not one."""
        if name not in self.names:
            raise ValueError(f"{self.name} version {self.version} has no feature {name!r}")
        return self.names.index(name)

    def __len__(self) -> int:
        return len(self.features)


def _imbalance(levels: int) -> Feature:
    text = (
        f"(bids - asks) / (bids + asks), lots resting in the best {levels} level(s) of each side; 0 when both are empty"
    )
    return Feature(f"imbalance_{levels}", "ratio -1..1", text)


def _windowed(name: str, unit: str, definition: str) -> tuple[Feature, Feature]:
    return Feature(f"{name}_1s", unit, f"w = {SHORT}: {definition}"), Feature(
        f"{name}_10s", unit, f"w = {LONG}: {definition}"
    )


_PREAMBLE = (
    "Bucket of a time t (ns): t // 100000000. A window of w buckets at a moment is its bucket and the w - 1 before it. "
    "A change is an event (flag EVENT_END) after which the best prices or the lots resting at them differ; the first, "
    "and one that a snapshot states, is in no window. The time of a change or print is the largest time of all changes "
    "and prints so far; a moment is never before it. Mid: of the last change with both sides, half ticks. Lots of one "
    "change and side, and of one print, count as at most 2**40. Sums are integers, the rest IEEE double in the order "
    "written, the result rounded to float32."
)

SPEC = FeatureSpec(
    "touch-flow",
    1,
    _PREAMBLE,
    (
        *(_imbalance(levels) for levels in (1, 3, 5, 10)),
        *_windowed(
            "ofi",
            "touch depths",
            "sum of order flow e of the changes, times 2 * changes / sum of (bid lots + ask lots) after each; e = "
            "[b >= b'] B - [b <= b'] B' - [a <= a'] A + [a >= a'] A' with prices b, a and lots B, A of the touch, "
            "' before (Cont, Kukanov and Stoikov 2014); 0 without changes",
        ),
        Feature(
            "microprice",
            "ticks",
            "(ask - bid) * (bid lots - ask lots) / (2 * (bid lots + ask lots)); 0 if a side is empty",
        ),
        Feature("spread", "ticks", "best ask - best bid; 0 if a side is empty"),
        *_windowed(
            "volatility",
            "ticks / sqrt(s)",
            "sqrt(sum of squared moves of the mid / (4 * seconds in w)), moves in half ticks, cut at 2**20",
        ),
        *_windowed(
            "flow",
            "ratio -1..1",
            "(bought - sold) / traded lots of the prints outside auctions, by aggressor; 0 without",
        ),
        *_windowed("prints", "1 / s", "prints outside auctions / seconds in w"),
        *_windowed("return", "ticks", "mid now - mid before the window; 0 if there was none"),
        Feature("depth", "octaves", "log2(bid lots + ask lots at the touch + 1), linear between powers of two"),
        Feature("side", "sign", "1 parent order buys, -1 sells, 0 none"),
        Feature("time_left", "ratio 0..1", "(end - now) / (end - start) of the parent order; 0 without"),
        Feature("quantity_left", "ratio 0..1", "(quantity - filled) / quantity of the parent order; 0 without"),
        Feature("working", "ratio 0..1", "working / quantity of the parent order; 0 without"),
        Feature("left", "octaves", "log2(quantity - filled + 1) of the parent order, as depth; 0 without"),
    ),
)
