"""What an ONNX file says it is: operators, versions, inputs, outputs - read without any ONNX library.

Refused here, before a runtime sees the bytes: external data, subgraphs, functions, sparse tensors, operators
that are not on the list, and anything too large.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import ModelError
from models.wire import Field, WireError, fields, integers

#: Largest model file, bytes.
MOST_BYTES = 32 << 20
_MOST_NODES, _MOST_DIMS, _MOST_PORTS = 5_000, 8, 16
_MOST_ELEMENTS = 8 << 20
#: Dense arithmetic and trees. No loops, no branches, no randomness, no texts, no functions of others.
# None whose result can be much larger than the file: Expand, Tile, Range, ConstantOfShape.
_STANDARD = (
    "Abs Add And ArgMax ArgMin BatchNormalization Cast CastLike Ceil Clip Concat Constant Conv Div Dropout Elu "
    "Equal Erf Exp Flatten Floor GRU Gather Gelu Gemm GlobalAveragePool Greater GreaterOrEqual HardSigmoid "
    "HardSwish Identity LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Mean "
    "Min Mul Neg Not Or PRelu Pow Reciprocal ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape "
    "Round Selu Shape Sigmoid Sign Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tanh TopK Transpose "
    "Unsqueeze Where Xor"
)
_LEARNED = (
    "LinearClassifier LinearRegressor Normalizer SVMClassifier SVMRegressor Scaler TreeEnsemble TreeEnsembleClassifier "
    "TreeEnsembleRegressor"
)
ALLOWED = frozenset(_STANDARD.split(" ")) | {f"ai.onnx.ml:{name}" for name in _LEARNED.split(" ")}
_DTYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
_BITS = {1: 32, 2: 8, 3: 8, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a graph."""

    name: str
    dtype: str
    shape: tuple[int, ...]  #: -1 = any size


@dataclass(frozen=True, slots=True)
class Graph:
    """The outside of a model."""

    ir: int
    opset: int
    ops: tuple[str, ...]  #: sorted, without repetition; "domain:Name" outside of the standard domain
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def parse(data: bytes, source: Path | str) -> Graph:
    """What `data` says it is. Raises `ModelError` that names `source` for everything that is refused."""
    if len(data) > MOST_BYTES:
        raise ModelError(source, f"is larger than {MOST_BYTES >> 20} MiB")
    try:
        return _model(memoryview(data))
    except WireError as error:
        raise ModelError(source, f"is not a usable ONNX file: {error}") from error


def _model(data: memoryview) -> Graph:
    ir, opsets, graph = 0, dict[str, int](), None
    for field in fields(data):
        if field.number == 1:
            ir = field.integer()
        elif field.number == 7:
            if graph is not None:
                raise WireError("it holds two graphs")
            graph = field.message()
        elif field.number == 8:
            domain, version = _opset(field.message())
            opsets[domain] = version
        elif field.number in (20, 25):
            raise WireError("it brings training steps or functions of its own")
    if graph is None:
        raise WireError("it holds no graph")
    if set(opsets) - {"", "ai.onnx", "ai.onnx.ml"}:
        raise WireError(f"it needs foreign operators: {', '.join(sorted(opsets))}")
    opset = opsets.get("", opsets.get("ai.onnx", 0))
    if not 7 <= opset <= 26 or not 3 <= ir <= 13:
        raise WireError(f"operator set {opset} with format {ir} is not known here")
    ops, inputs, outputs, held = _graph(graph)
    if not outputs:
        raise WireError("it has no output")
    # Old files repeat their initializers among the inputs.
    return Graph(ir, opset, tuple(sorted(ops)), tuple(i for i in inputs if i.name not in held), tuple(outputs))


def _opset(data: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for field in fields(data):
        if field.number == 1:
            domain = field.text()
        elif field.number == 2:
            version = field.integer()
    return domain, version


def _graph(data: memoryview) -> tuple[set[str], list[Port], list[Port], set[str]]:
    ops, inputs, outputs, held = set[str](), list[Port](), list[Port](), set[str]()
    nodes, elements = 0, 0
    for field in fields(data):
        if field.number == 1:
            nodes += 1
            op, inside = _node(field.message())
            elements += inside
            ops.add(op)
        elif field.number == 5:
            name, size = _tensor(field.message())
            elements += size
            held.add(name)
        elif field.number in (11, 12):
            (inputs if field.number == 11 else outputs).append(_port(field.message()))
        elif field.number == 15:
            raise WireError("it holds sparse tensors")
        if nodes > _MOST_NODES or elements > _MOST_ELEMENTS or len(outputs) > _MOST_PORTS:
            raise WireError(f"it is too large: {nodes} operators, {elements} constants, {len(outputs)} outputs so far")
    if unknown := sorted(ops - ALLOWED):
        raise WireError(f"operators not allowed: {', '.join(unknown[:5])}")
    return ops, inputs, outputs, held


def _node(data: memoryview) -> tuple[str, int]:
    """Operator of a node, and how many constants its attributes hold."""
    op, domain, elements = "", "", 0
    for field in fields(data):
        if field.number == 4:
            op = field.text()
        elif field.number == 7:
            domain = field.text()
        elif field.number == 5:
            for part in fields(field.message()):
                if part.number in (6, 11):
                    raise WireError(f"an operator {op or '?'} holds a graph of its own")
                if part.number in (22, 23):
                    raise WireError(f"an operator {op or '?'} holds sparse tensors")
                if part.number in (5, 10):
                    elements += _tensor(part.message())[1]
    if domain in ("", "ai.onnx"):
        return op, elements
    return f"{domain}:{op}", elements


def _tensor(data: memoryview) -> tuple[str, int]:
    """Name and number of elements of a constant that lies inside of the file."""
    name, dims, kind, raw = "", list[int](), 0, -1
    for field in fields(data):
        if field.number == 13 or (field.number == 14 and field.integer() != 0):
            raise WireError("its constants lie outside of the file")
        if field.number == 1:
            dims += integers(field)
        elif field.number == 2:
            kind = field.integer()
        elif field.number == 8:
            name = field.text()
        elif field.number == 9:
            raw = len(field.message())
    if kind not in _DTYPES:
        raise WireError(f"the constant {name!r} is of type {kind}, which is not known here")
    if len(dims) > _MOST_DIMS or any(not 0 <= dim <= _MOST_ELEMENTS for dim in dims):
        raise WireError(f"the constant {name!r} has the impossible shape {dims[:9]}")
    size = 1
    for dim in dims:
        size *= dim
    if raw >= 0 and raw * 8 != size * _BITS[kind]:
        raise WireError(f"the constant {name!r} has {raw} bytes for {size} elements")
    return name, size


def _port(data: memoryview) -> Port:
    name, dtype, shape = "", 0, tuple[int, ...]()
    for field in fields(data):
        if field.number == 1:
            name = field.text()
        elif field.number == 2:
            dtype, shape = _type(field.message())
    if dtype not in _DTYPES:
        raise WireError(f"{name!r} is not a tensor of a type known here")
    return Port(name, _DTYPES[dtype], shape)


def _type(data: memoryview) -> tuple[int, tuple[int, ...]]:
    """Element type and shape of a TypeProto."""
    kind, shape = 0, list[int]()
    for tensor in (inner for field in fields(data) if field.number == 1 for inner in fields(field.message())):
        if tensor.number == 1:
            kind = tensor.integer()
        elif tensor.number == 2:
            shape += [_dim(field) for field in fields(tensor.message()) if field.number == 1]
    if len(shape) > _MOST_DIMS:
        raise WireError(f"a shape has {len(shape)} dimensions")
    return kind, tuple(shape)


def _dim(field: Field) -> int:
    """Size of a dimension, -1 where it is only named."""
    for part in _inner(field):
        if part.number == 1:
            return part.integer()
    return -1


def _inner(field: Field) -> Iterator[Field]:
    return fields(field.message())
