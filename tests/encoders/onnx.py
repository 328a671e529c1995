"""ONNX files, written byte by byte: small models for tests, and files that no exporter would write."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.features.spec import SPEC
from models.card import Budget, Card, Golden, Metric, Reads, Says, Tensor, Trained
from models.parse import parse


def varint(value: int) -> bytes:
    """A base-128 number."""
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    """A VARINT field."""
    return varint(field << 3) + varint(value)


def blob(field: int, data: bytes | str) -> bytes:
    """A text, bytes or message field."""
    raw = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], attributes: bytes = b"", domain: str = "") -> bytes:
    """A NodeProto field of a graph."""
    body = b"".join(blob(1, name) for name in inputs) + b"".join(blob(2, name) for name in outputs)
    return blob(1, body + blob(4, op) + attributes + (blob(7, domain) if domain else b""))


def constant(name: str, value: NDArray[np.float32], extra: bytes = b"") -> bytes:
    """An initializer field of a graph."""
    dims = b"".join(number(1, dim) for dim in value.shape)
    return blob(5, dims + number(2, 1) + blob(8, name) + blob(9, value.astype("<f4").tobytes()) + extra)


def port(field: int, name: str, shape: Sequence[int], dtype: int = 1) -> bytes:
    """An input (11) or output (12) field of a graph; -1 in the shape is a named size."""
    dims = b"".join(blob(1, blob(2, "n") if dim < 0 else number(1, dim)) for dim in shape)
    return blob(field, blob(1, name) + blob(2, blob(1, number(1, dtype) + blob(2, dims))))


def model(graph: bytes, opset: int = 17, ir: int = 8, extra: bytes = b"") -> bytes:
    """A ModelProto."""
    return number(1, ir) + blob(7, graph) + blob(8, blob(1, "") + number(2, opset)) + extra


def linear(weights: NDArray[np.float32], *more: bytes, last: str = "y") -> bytes:
    """features @ weights, then the nodes `more`, whose result is `last`."""
    body = node("MatMul", ["features", "w"], ["y"]) + b"".join(more) + blob(2, "g") + constant("w", weights)
    return model(body + port(11, "features", [-1, weights.shape[0]]) + port(12, last, [-1, weights.shape[1]]))


def card_of(data: bytes, asked: NDArray[np.float32], said: NDArray[Any], **changes: Any) -> Card:
    """The card of a model that says `said` to the rows `asked`."""
    graph = parse(data, "test")
    tensors = [tuple(Tensor(p.name, p.dtype, p.shape) for p in ports) for ports in (graph.inputs, graph.outputs)]
    fields: dict[str, Any] = {
        "format": 1,
        "name": "test",
        "kind": "signal",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "ir": graph.ir,
        "opset": graph.opset,
        "ops": graph.ops,
        "inputs": tensors[0],
        "outputs": tensors[1],
        "reads": Reads(SPEC.name, SPEC.version, SPEC.hash),
        "says": Says("ticks", -100.0, 100.0, ()),
        "trained": Trained("by hand", 0, "nothing", "nothing", ()),
        "metrics": (Metric("mcc", 0.0, -0.1, 0.1, "made up"),),
        "golden": Golden(_rows(asked), _rows(said), 1e-5),
        "budget": Budget(1e6, 5e6),
        "notes": (),
    }
    return Card(**(fields | changes))


def _rows(values: NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in values)
