"""The card beside a model: what the file is, what it reads and says, how good it was, how fast it must be."""

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from core.errors import ModelError
from models.parse import MOST_BYTES, Graph, Port
from models.strict import build, parsed

FORMAT = 1
#: Largest card, bytes.
MOST_CARD = 1 << 20
_MOST_WIDE = 4096
#: The runtime's own way in and out takes longer, for a model that does nothing.
_LEAST_HARD_US = 5


class Kind(StrEnum):
    """What a model is for."""

    SIGNAL = "signal"  #: one number about the near future
    POLICY = "policy"  #: a value for each action


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output; -1 in a shape = any number of rows."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """The feature specification that the model was trained on."""

    name: str
    version: int
    hash: str


@dataclass(frozen=True, slots=True)
class Says:
    """What an output means, and the range that it keeps."""

    meaning: str
    low: float
    high: float
    actions: tuple[str, ...]  #: of a policy, one for each output


@dataclass(frozen=True, slots=True)
class Trained:
    """How the model came to be."""

    command: str
    seed: int
    data: str  #: what it was fitted on
    held_out: str  #: what the metrics were measured on
    libraries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number with its interval."""

    name: str
    value: float
    low: float
    high: float
    about: str  #: unit, sample, kind of interval


@dataclass(frozen=True, slots=True)
class Golden:
    """Feature rows and what the model says to them, checked whenever it is loaded."""

    inputs: tuple[tuple[float, ...], ...]
    outputs: tuple[tuple[float, ...], ...]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Budget:
    """Microseconds for one answer: over `soft_us` of processor time it is slow, over `hard_us` on the clock cut off."""

    soft_us: float
    hard_us: float


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that stands in the JSON file beside the model."""

    format: int
    name: str
    kind: str
    sha256: str
    size: int
    ir: int
    opset: int
    ops: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    reads: Reads
    says: Says
    trained: Trained
    metrics: tuple[Metric, ...]
    golden: Golden
    budget: Budget
    notes: tuple[str, ...]

    def text(self) -> str:
        """The JSON file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_card(text: bytes, source: Path | str) -> Card:
    """The card in `text`. Raises `ModelError` for anything that a card must not be."""
    if len(text) > MOST_CARD:
        raise ModelError(source, f"is larger than {MOST_CARD >> 10} KiB")
    card = build(Card, parsed(text, source), source)
    if reason := _wrong(card):
        raise ModelError(source, reason)
    return card


def _wrong(card: Card) -> str:
    """Why a card of the right types cannot be right; empty if it can."""
    if card.format != FORMAT:
        return f"is a card of format {card.format}, this version reads {FORMAT}"
    if card.kind not in set(Kind):
        return f"kind must be signal or policy, not {card.kind!r}"
    if len(card.sha256) != 64 or set(card.sha256) - set("0123456789abcdef"):
        return "sha256 must be 64 hexadecimal digits"
    if not 0 < card.size <= MOST_BYTES:
        return f"size must be 1 to {MOST_BYTES} bytes"
    if len(card.inputs) != 1 or len(card.outputs) != 1:
        return "a model has one input and one output"
    rows, says = (card.inputs[0], card.outputs[0]), card.says
    if any(t.dtype != "float32" or len(t.shape) != 2 or t.shape[0] not in (1, -1) for t in rows):
        return "input and output must be float32 of shape (rows, columns)"
    if not all(0 < t.shape[1] <= _MOST_WIDE for t in rows):
        return f"input and output must have 1 to {_MOST_WIDE} columns"
    if not says.low < says.high:
        return f"says.low must be below says.high, not {says.low} and {says.high}"
    if not says.low <= 0 <= says.high:
        return "the range must hold 0, the answer of a model that failed"
    wanted = 1 if card.kind == Kind.SIGNAL else len(says.actions)
    if card.outputs[0].shape[1] != wanted or (card.kind == Kind.SIGNAL and says.actions):
        return "a signal has one output and no actions, a policy one output for each action"
    if not 0 < card.budget.soft_us <= card.budget.hard_us <= 10_000_000:
        return "the budget must be 0 < soft_us <= hard_us <= 10 seconds"
    if card.budget.hard_us < _LEAST_HARD_US:
        return f"budget.hard_us is {card.budget.hard_us:g}: no answer comes within {_LEAST_HARD_US} microseconds"
    return _wrong_golden(card)


def _wrong_golden(card: Card) -> str:
    golden, shapes = card.golden, (card.inputs[0].shape[1], card.outputs[0].shape[1])
    if not golden.inputs or len(golden.inputs) != len(golden.outputs) or len(golden.inputs) > 1000:
        return "golden needs 1 to 1,000 inputs and as many outputs"
    for name, rows, width in zip(("inputs", "outputs"), (golden.inputs, golden.outputs), shapes, strict=True):
        if any(len(row) != width for row in rows):
            return f"golden.{name} must have {width} columns"
        if any(abs(value) > 3e38 for row in rows for value in row):
            return f"golden.{name} does not fit into float32"
    if not 0 < golden.tolerance <= 1e-3:
        return "golden.tolerance must be above 0 and at most 0.001"
    return ""


def not_the_file(card: Card, data: bytes) -> str:
    """Why `data` are not the bytes that the card is about; empty if they are."""
    if len(data) != card.size:
        return f"has {len(data)} bytes, its card says {card.size}"
    found = hashlib.sha256(data).hexdigest()
    if found != card.sha256:
        return f"has sha256 {found[:16]}..., its card says {card.sha256[:16]}...: the file or the card was changed"
    return ""


def contradiction(card: Card, graph: Graph) -> str:
    """Where the card says something else than the file; empty if they agree."""
    if (graph.ir, graph.opset, graph.ops) != (card.ir, card.opset, card.ops):
        return f"uses operators {', '.join(graph.ops)} of set {graph.opset}, its card says otherwise"
    for said, real in ((card.inputs, graph.inputs), (card.outputs, graph.outputs)):
        if tuple(Port(t.name, t.dtype, t.shape) for t in said) != real:
            return f"has {_ports(real)}, its card says {_ports(said)}"
    return ""


def _ports(ports: tuple[Tensor, ...] | tuple[Port, ...]) -> str:
    return ", ".join(f"{p.name} {p.dtype} {list(p.shape)}" for p in ports) or "nothing"
