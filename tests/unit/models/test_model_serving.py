"""A model file answers within its bounds, and no file that is not what its card says is loaded."""

import json
import os
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.clock import monotonic_ns, sleep
from core.errors import ModelError
from core.features.spec import SPEC
from core.ports import ReadingStatus, Signal
from models.card import MOST_CARD, Budget, Card, Golden, Kind, Reads, Says, Trained
from models.parse import MOST_BYTES
from models.serving import OnnxModel, load, locate
from models.watch import Watched, watch
from tests.encoders.onnx import blob, card_of, constant, linear, model, node, number, port

N = len(SPEC)
WEIGHTS = np.linspace(-1, 1, N, dtype=np.float32).reshape(N, 1)
ROWS = np.random.default_rng(1).normal(size=(3, N)).astype(np.float32)
PLAIN = linear(WEIGHTS)


def put(folder: Path, data: bytes = PLAIN, **changes: Any) -> Path:
    """A model with its card."""
    path = folder / "test.onnx"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(card_of(data, ROWS, ROWS @ WEIGHTS, **changes).text())
    return path


def refusal(path: Path, **options: Any) -> str:
    """Why a model is not loaded, in one line that names a file."""
    with pytest.raises(ModelError) as caught:
        load(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert path.stem in text or path.name in text
    assert caught.value.exit_code == 3
    return text


def test_it_says_what_it_should_and_how_long_it_took(tmp_path: Path) -> None:
    loaded = load(put(tmp_path), Kind.SIGNAL)
    signal: Signal = loaded
    for row in ROWS:
        reading = signal.read(row)
        assert reading.status is ReadingStatus.OK
        assert reading.usable
        assert reading.value == pytest.approx(float((row @ WEIGHTS)[0]), abs=1e-5)
        assert 0 < reading.latency_ns < 10**9
    assert (loaded.name, loaded.spec_hash, loaded.actions) == ("test", SPEC.hash, ())


def test_a_policy_has_a_value_for_each_action(tmp_path: Path) -> None:
    weights = np.concatenate([WEIGHTS, -WEIGHTS], axis=1)
    path, data = tmp_path / "test.onnx", linear(weights)
    path.write_bytes(data)
    card = card_of(data, ROWS, ROWS @ weights, kind="policy", says=Says("lots", -99, 99, ("wait", "take")))
    path.with_suffix(".json").write_text(card.text())
    loaded = load(path, Kind.POLICY)
    assert loaded.actions == ("wait", "take")
    assert len(loaded.read(ROWS[0]).values) == 2
    assert refusal(path, kind=Kind.SIGNAL).endswith("is a policy, not a signal")


@pytest.mark.parametrize(
    ("feature", "status"),
    [
        (np.nan, ReadingStatus.NOT_FINITE),
        (np.inf, ReadingStatus.NOT_FINITE),
        (1e4, ReadingStatus.OUT_OF_RANGE),
        (-1e4, ReadingStatus.OUT_OF_RANGE),
    ],
)
def test_an_answer_that_is_none_is_flat(tmp_path: Path, feature: float, status: ReadingStatus) -> None:
    reading = load(put(tmp_path)).read(np.where(np.arange(N) > 15, np.float32(feature), np.float32(0)))
    assert (reading.values, reading.status, reading.usable) == ((0.0,), status, False)


def test_an_output_that_is_not_a_number_is_flat(tmp_path: Path) -> None:
    data = linear(WEIGHTS, node("Log", ["y"], ["z"]), last="z")
    row = np.zeros((1, N), np.float32)
    row[0, -1] = 1
    path = put(tmp_path, data, golden=Golden((tuple(map(float, row[0])),), ((0.0,),), 1e-5))
    loaded = load(path)
    assert loaded.read(row[0]).status is ReadingStatus.OK
    assert loaded.read(-row[0]).status is ReadingStatus.NOT_FINITE
    assert loaded.read(-row[0]).values == (0.0,)


def test_a_row_of_another_shape_is_a_defect_of_the_caller(tmp_path: Path) -> None:
    loaded = load(put(tmp_path))
    for shape in ((N - 1,), (1, N), (N + 1,), ()):
        with pytest.raises(ValueError, match="features"):
            loaded.read(np.zeros(shape, np.float32))


def test_over_the_soft_budget_is_slow_but_stands(tmp_path: Path) -> None:
    reading = load(put(tmp_path, budget=Budget(1e-3, 5e6))).read(ROWS[0])
    assert reading.status is ReadingStatus.SLOW
    assert reading.values != (0.0,)


def long_model(nodes: int) -> tuple[bytes, np.ndarray[Any, Any]]:
    """A chain of large products: the file is 9 MB, the work as long as is liked."""
    size = 1500
    names = [f"x{i}" for i in range(nodes + 1)]
    body = node("MatMul", ["features", "a"], [names[0]])
    body += b"".join(node("MatMul", [x, "m"], [y]) for x, y in pairwise(names))
    body += node("MatMul", [names[-1], "b"], ["y"]) + blob(2, "g")
    body += constant("a", np.zeros((N, size), np.float32)) + constant("m", np.zeros((size, size), np.float32))
    body += constant("b", np.zeros((size, 1), np.float32)) + port(11, "features", [1, N]) + port(12, "y", [1, 1])
    return model(body), np.zeros((3, 1))


def test_what_takes_too_long_is_cut_off(tmp_path: Path) -> None:
    data, said = long_model(200)
    card = card_of(data, ROWS[:1], said[:1], budget=Budget(1000, 20_000))
    started = monotonic_ns()
    loaded = OnnxModel(data, replace(card, golden=card.golden), "test.onnx")
    whole = (monotonic_ns() - started) / 1e6  # one golden row uncut, and a hundred that are cut off
    reading = loaded.read(ROWS[0])
    assert (reading.status, reading.values) == (ReadingStatus.LATE, (0.0,))
    assert reading.latency_ns < 0.5e9
    assert whole > reading.latency_ns / 1e6


def test_one_that_is_late_does_not_end_the_next() -> None:
    class Options:
        terminate = False

    one, old, new = Watched(), Options(), Options()
    watch(one)
    one.due = (old, monotonic_ns())
    for _ in range(200):
        if old.terminate:
            break
        sleep(0.005)
    one.due = (new, monotonic_ns() + 10**12)
    sleep(0.05)
    assert old.terminate
    assert not new.terminate
    assert sum(thread.name == "model-watch" for thread in threading.enumerate()) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": "0" * 64}, "was changed"),
        ({"size": len(PLAIN) + 1}, "its card says"),
        ({"ops": ("Add",)}, "uses operators MatMul"),
        ({"opset": 18}, "uses operators"),
        ({"reads": Reads("touch-flow", 0, "0" * 64)}, "reads features touch-flow version 0"),
        ({"kind": "oracle"}, "kind must be signal or policy"),
        ({"format": 2}, "format 2"),
        ({"sha256": "xyz"}, "64 hexadecimal digits"),
        ({"says": Says("ticks", 1.0, -1.0, ())}, "below says.high"),
        ({"says": Says("ticks", 1.0, 2.0, ())}, "must hold 0"),
        ({"says": Says("ticks", -1.0, 1.0, ("wait",))}, "a signal has one output"),
        ({"budget": Budget(0.0, 1.0)}, "budget"),
        ({"budget": Budget(2.0, 1.0)}, "budget"),
        ({"budget": Budget(1e-9, 1e-9)}, "budget.hard_us is 1e-09: no answer comes within 5 microseconds"),
        ({"golden": Golden((), (), 1e-5)}, "golden needs"),
        ({"golden": Golden(((0.0,) * N,), ((0.0, 1.0),), 1e-5)}, "golden.outputs must have 1 columns"),
        ({"golden": Golden(((0.0,) * N,), ((0.1,),), 1e-5)}, "0.1 away from its card on golden row 0"),
        ({"golden": Golden(((0.0,) * N,), ((1e39,),), 1e-5)}, "float32"),
        ({"golden": Golden(((0.0,) * N,), ((0.0,),), 0.5)}, "tolerance"),
        ({"says": Says("ticks", -1e-9, 1e-9, ())}, "leaves its range"),
    ],
)
def test_a_card_of_another_model_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(put(tmp_path, **changes))


def test_ports_that_the_card_does_not_name_are_refused(tmp_path: Path) -> None:
    card = card_of(PLAIN, ROWS, ROWS @ WEIGHTS)
    other = replace(card, inputs=(replace(card.inputs[0], shape=(1, N)),))
    path = put(tmp_path)
    path.with_suffix(".json").write_text(other.text())
    assert f"has features float32 [-1, {N}], its card says features float32 [1, {N}]" in refusal(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[]", "must be an object"),
        (b'{"format": NaN}', "NaN is no number"),
        (b'{"format": 1, "format": 1}', "stands twice"),
        (b"[" * 50_000, "nested too deeply"),
        (b'{"format": 1}', "name is missing"),
        (b'{"formta": 1}', "formta is not a known key; near: format"),
        (b" " * (MOST_CARD + 1), "more than the"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_card_that_is_none_is_refused(tmp_path: Path, text: bytes, reason: str) -> None:
    path = put(tmp_path)
    path.with_suffix(".json").write_bytes(text)
    assert reason in refusal(path)


def test_every_key_of_a_card_is_needed_and_of_its_type(tmp_path: Path) -> None:
    path, card = put(tmp_path), card_of(PLAIN, ROWS, ROWS @ WEIGHTS)
    for name in Card.__dataclass_fields__:
        for value in (object, [None], "a text where a number or list is due"):
            if isinstance(value, str) and isinstance(getattr(card, name), str):
                continue
            broken = card.text().replace(f'"{name}":', f'"{name}_":', 1) if value is object else None
            if broken is None:
                broken = json.dumps(json.loads(card.text()) | {name: value})
            path.with_suffix(".json").write_text(broken)
            assert name in refusal(path)


def test_links_pipes_folders_and_giants_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path)
    link = tmp_path / "link.onnx"
    link.symlink_to(path)
    link.with_suffix(".json").symlink_to(path.with_suffix(".json"))
    assert "symbolic link" in refusal(link)
    link.unlink()
    link.hardlink_to(path)
    assert "link.json is a symbolic link" in refusal(link)
    link.with_suffix(".json").unlink()
    link.with_suffix(".json").hardlink_to(path.with_suffix(".json"))
    assert load(link).name == "test"  # another name of the very same bytes
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "not a regular file" in refusal(tmp_path / "pipe.onnx")
    (tmp_path / "folder.onnx").mkdir()
    assert "not a regular file" in refusal(tmp_path / "folder.onnx")
    with (tmp_path / "giant.onnx").open("wb") as giant:
        giant.truncate(MOST_BYTES + 1)
    assert "more than the" in refusal(tmp_path / "giant.onnx")
    assert "does not exist" in refusal(tmp_path / "absent.onnx")
    assert "not an .onnx file" in refusal(path.with_suffix(".json"))
    path.with_suffix(".json").unlink()
    assert "has no usable card: test.json does not exist" in refusal(path)


def test_damaged_files_are_refused_by_their_hash(tmp_path: Path) -> None:
    path, rng = put(tmp_path), np.random.default_rng(5)
    for kind in range(300):
        data = bytearray(PLAIN)
        at = int(rng.integers(len(data)))
        if kind % 3 == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind % 3 == 1:
            del data[at:]
        else:
            data[at:at] = rng.integers(0, 256, int(rng.integers(1, 9)), dtype=np.uint8).tobytes()
        path.write_bytes(data)
        assert "its card says" in refusal(path)


def test_a_file_that_cannot_run_is_refused(tmp_path: Path) -> None:
    data = linear(WEIGHTS, node("Add", ["y", "nowhere"], ["z"]), last="z")
    assert "cannot be loaded" in refusal(put(tmp_path, data))


def test_names_of_models(tmp_path: Path) -> None:
    path = put(tmp_path)
    assert locate("test.onnx", tmp_path) == path
    assert locate(str(path)) == path
    for name in ("absent", "../absent.onnx", "x\0y"):
        with pytest.raises(ModelError):
            locate(name, tmp_path)


def test_the_card_says_how_it_was_made() -> None:
    card = card_of(PLAIN, ROWS, ROWS @ WEIGHTS)
    assert card.trained == Trained("by hand", 0, "nothing", "nothing", ())
    assert number(1, 8) in PLAIN
