"""What a model file says it is, and everything that is refused before a runtime sees it."""

import numpy as np
import pytest

from core.errors import ModelError
from models.parse import MOST_BYTES, Graph, Port, parse
from tests.encoders.onnx import blob, constant, linear, model, node, number, port, varint

WEIGHTS = np.ones((3, 2), np.float32)
PORTS = port(11, "x", [1, 3]) + port(12, "y", [1, 3])


def refused(data: bytes) -> str:
    """Why."""
    with pytest.raises(ModelError, match=r"^m\.onnx: ") as caught:
        parse(data, "m.onnx")
    return str(caught.value)


def test_a_model_is_read() -> None:
    found = parse(linear(WEIGHTS, node("Relu", ["y"], ["z"]), last="z"), "m.onnx")
    ports = (Port("features", "float32", (-1, 3)),), (Port("z", "float32", (-1, 2)),)
    assert found == Graph(8, 17, ("MatMul", "Relu"), *ports)


def test_initializers_among_the_inputs_are_no_inputs() -> None:
    graph = node("Mul", ["x", "k"], ["y"]) + constant("k", np.ones(3, np.float32)) + port(11, "k", [3]) + PORTS
    assert [p.name for p in parse(model(graph), "m").inputs] == ["x"]


def test_the_learned_operators_have_their_domain() -> None:
    data = model(node("Scaler", ["x"], ["y"], domain="ai.onnx.ml") + PORTS, extra=blob(8, blob(1, "ai.onnx.ml")))
    assert parse(data, "m").ops == ("ai.onnx.ml:Scaler",)


@pytest.mark.parametrize("op", ["Loop", "If", "Scan", "RandomNormal", "Expand", "StringNormalizer", "", "relu"])
def test_operators_off_the_list(op: str) -> None:
    assert "operators not allowed" in refused(model(node(op, ["x"], ["y"]) + PORTS))


def test_foreign_operators() -> None:
    assert "foreign" in refused(model(node("Relu", ["x"], ["y"]) + PORTS, extra=blob(8, blob(1, "com.evil"))))
    assert "com.evil:Relu" in refused(model(node("Relu", ["x"], ["y"], domain="com.evil") + PORTS))


@pytest.mark.parametrize("field", [6, 11])
def test_subgraphs(field: int) -> None:
    inner = blob(5, blob(1, "body") + blob(field, b""))
    assert "graph of its own" in refused(model(node("Relu", ["x"], ["y"], inner) + PORTS))


def test_constants_outside_of_the_file() -> None:
    outside = blob(13, blob(1, "location") + blob(2, "../../etc/passwd"))
    for extra in (outside, number(14, 1)):
        graph = node("Mul", ["x", "k"], ["y"]) + constant("k", np.ones(3, np.float32), extra) + PORTS
        assert "outside of the file" in refused(model(graph))
    # also as the value of a Constant node
    value = number(2, 1) + outside
    assert "outside" in refused(model(node("Constant", [], ["y"], blob(5, blob(5, value))) + PORTS))


@pytest.mark.parametrize("field", [15])
def test_sparse_constants(field: int) -> None:
    assert "sparse" in refused(model(node("Relu", ["x"], ["y"]) + PORTS + blob(field, b"")))


@pytest.mark.parametrize("field", [20, 25])
def test_functions_and_training(field: int) -> None:
    assert "functions of its own" in refused(model(node("Relu", ["x"], ["y"]) + PORTS, extra=blob(field, b"")))


def test_sizes_are_bounded() -> None:
    def with_dims(*dims: int) -> bytes:
        body = b"".join(number(1, dim) for dim in dims) + number(2, 1) + blob(8, "k")
        return model(node("Relu", ["x"], ["y"]) + blob(5, body) + PORTS)

    assert "impossible shape" in refused(with_dims(2**62))
    assert "impossible shape" in refused(with_dims(-1))
    assert "impossible shape" in refused(with_dims(*[1] * 9))
    assert "too large" in refused(with_dims(8 << 20, 2))
    assert "too large" in refused(model(node("Relu", ["x"], ["y"]) * 5001 + PORTS))
    assert "too large" in refused(model(node("Relu", ["x"], ["y"]) + port(12, "y", [1]) * 17))
    assert "larger than 32 MiB" in refused(b"\0" * (MOST_BYTES + 1))
    assert "name of 1001 bytes" in refused(model(node("x" * 1001, ["x"], ["y"]) + PORTS))
    raw = model(node("Relu", ["x"], ["y"]) + blob(5, number(1, 5) + number(2, 1) + blob(9, b"1234")) + PORTS)
    assert "4 bytes for 5 elements" in refused(raw)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no graph"),
        (b"hello, I am a model", "not a usable ONNX file"),
        (varint(0), "number 0"),
        (b"\x80" * 20, "longer than 64 bits"),
        (b"\xff" * 9 + b"\x7f", "longer than 64 bits"),
        (b"\x80", "inside a number"),
        (varint(7 << 3 | 2) + varint(2**60), "says"),
        (varint(7 << 3 | 3), "unknown kind 3"),
        (blob(1, "x"), "not a number"),
        (number(7, 1), "not a text or message"),
        (model(b"") * 2, "two graphs"),
        (model(PORTS[:0]), "no output"),
        (model(node("Relu", ["x"], ["y"]) + port(11, "x", [1], 8) + port(12, "y", [1])), "not a tensor of a type"),
        (model(PORTS, opset=6), "operator set 6"),
        (model(PORTS, opset=99), "operator set 99"),
        (model(PORTS, ir=99), "format 99"),
        (model(blob(12, blob(1, b"\xff"))), "not UTF-8"),
        (model(port(12, "y", [1] * 9)), "9 dimensions"),
    ],
)
def test_what_is_no_model(data: bytes, reason: str) -> None:
    assert reason in refused(data)


def test_damage_is_refused_or_read_and_nothing_else() -> None:
    rng, whole = np.random.default_rng(3), linear(WEIGHTS, node("Relu", ["y"], ["z"]), last="z")
    read = 0
    for size in range(len(whole)):
        with pytest.raises(ModelError):
            parse(whole[:size], "m")
    for _ in range(2_000):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), int(rng.integers(1, 6))):
            data[at] = rng.integers(256)
        try:
            parse(bytes(data), "m")
            read += 1
        except ModelError as error:
            assert str(error).startswith("m: ")
    assert 0 < read < 2_000
