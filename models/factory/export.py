"""A network as an ONNX file with its card, written only when the runtime says what the network says."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.features.spec import SPEC
from models.card import FORMAT, Budget, Card, Golden, Kind, Metric, Reads, Says, Tensor, Trained
from models.factory.extra import library
from models.factory.network import Dense, in_torch, softmax
from models.parse import parse
from models.serving import OnnxModel, load

OPSET, IR = 17, 8
#: Largest difference between what was trained and what is served.
PARITY = 1e-5
_GOLDEN = 8


@dataclass(frozen=True, slots=True)
class Description:
    """What a card says that is not in the file."""

    name: str
    kind: Kind
    says: Says
    trained: Trained
    metrics: tuple[Metric, ...]
    budget: Budget
    notes: tuple[str, ...]


def graph_bytes(network: Dense, description: Description) -> bytes:
    """The ONNX file: centring, scaling and clipping inside, the output in its range by construction.

    A signal has three classes (down, flat, up) and says P(up) - P(down); a policy's values are clipped to its range.
    """
    onnx = library("onnx")
    held: dict[str, NDArray[np.float32]] = {
        "centre": network.centre,
        "scale": network.scale,
        "least": np.array(-network.clip, np.float32),
        "most": np.array(network.clip, np.float32),
    }
    make = onnx.helper.make_node
    nodes = _turning(make, network, held)
    nodes += [
        make("Sub", [nodes[-1].output[0] if nodes else "features", "centre"], ["centred"]),
        make("Mul", ["centred", "scale"], ["scaled"]),
        make("Clip", ["scaled", "least", "most"], ["x0"]),
    ]
    last = len(network.weights) - 1
    for i, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        held |= {f"w{i}": weight, f"b{i}": bias}
        nodes.append(make("Gemm", [f"x{i}", f"w{i}", f"b{i}"], [f"y{i}"]))
        if i < last:
            nodes.append(make("Relu", [f"y{i}"], [f"x{i + 1}"]))
    if description.kind == Kind.SIGNAL:
        held["signs"] = np.array([[-1], [0], [1]], np.float32)
        nodes.append(make("Softmax", [f"y{last}"], ["shares"], axis=1))
        nodes.append(make("MatMul", ["shares", "signs"], ["answer"]))
    else:
        held |= {"low": np.array(description.says.low, np.float32), "high": np.array(description.says.high, np.float32)}
        nodes.append(make("Clip", [f"y{last}", "low", "high"], ["answer"]))
    return _file(onnx, nodes, held, description)


def _turning(make: Any, network: Dense, held: dict[str, NDArray[np.float32]]) -> list[Any]:
    """Nodes that multiply the turned columns with the order's side."""
    if not network.turned.any():
        return []
    pick = np.zeros((len(network.turned), len(network.turned)), np.float32)
    pick[network.side] = network.turned
    held |= {"pick": pick, "unturned": 1 - network.turned}
    return [
        make("MatMul", ["features", "pick"], ["sides"]),
        make("Add", ["sides", "unturned"], ["signs_of_columns"]),
        make("Mul", ["features", "signs_of_columns"], ["turned"]),
    ]


def _file(onnx: Any, nodes: list[Any], held: dict[str, NDArray[np.float32]], description: Description) -> bytes:
    kind, helper = onnx.TensorProto.FLOAT, onnx.helper
    width = 1 if description.kind == Kind.SIGNAL else len(description.says.actions)
    graph = helper.make_graph(
        nodes,
        description.name,
        [helper.make_tensor_value_info("features", kind, ["rows", len(SPEC)])],
        [helper.make_tensor_value_info("answer", kind, ["rows", width])],
        [onnx.numpy_helper.from_array(value, name) for name, value in held.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR, producer_name="tapedeck")
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def reference(network: Dense, description: Description, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the trained network says, in torch, in the units of the answer."""
    said = in_torch(network, rows).astype(np.float64)
    if description.kind == Kind.SIGNAL:
        shares = softmax(said)
        return shares[:, 2:3] - shares[:, 0:1]
    return np.clip(said, description.says.low, description.says.high)


def publish(network: Dense, description: Description, held_out: NDArray[np.float32], folder: Path) -> OnnxModel:
    """Write `folder/NAME.onnx` and its card, and load them. `held_out`: rows for the parity gate and the golden ones.

    Raises `ModelError`, with nothing written, when the runtime's answers differ from torch's.
    """
    data = graph_bytes(network, description)
    source, graph = folder / f"{description.name}.onnx", parse(data, description.name)
    tensors = [tuple(Tensor(p.name, p.dtype, p.shape) for p in ports) for ports in (graph.inputs, graph.outputs)]
    chosen = held_out[np.linspace(0, len(held_out) - 1, _GOLDEN).astype(np.int64)]
    golden = reference(network, description, chosen).astype(np.float32)
    card = Card(
        FORMAT, description.name, description.kind.value, hashlib.sha256(data).hexdigest(), len(data), graph.ir,
        graph.opset, graph.ops, tensors[0], tensors[1], Reads(SPEC.name, SPEC.version, SPEC.hash), description.says,
        description.trained, description.metrics, Golden(_listed(chosen), _listed(golden), PARITY),
        description.budget, description.notes,
    )  # fmt: skip
    served = OnnxModel(data, card, source)
    wanted = reference(network, description, held_out)
    off = float(np.max(np.abs(served.read_many(held_out) - wanted)))
    if not off <= PARITY * max(1.0, float(np.abs(wanted).max())):
        raise ModelError(source, f"the runtime is {off:.3g} away from torch; nothing was written")
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in ((source, data), (source.with_suffix(".json"), card.text().encode())):
        draft = path.with_suffix(path.suffix + ".part")
        draft.write_bytes(content)
        os.replace(draft, path)
    return load(source)


def _listed(values: NDArray[np.float32]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in values)
