"""A model file at work: checked when it is loaded, bounded and measured whenever it is asked."""

import math
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.clock import cpu_ns, monotonic_ns
from core.errors import ModelError
from core.features.spec import SPEC, FeatureSpec
from core.naming import nearest
from core.ports import Reading, ReadingStatus
from models.card import MOST_CARD, Card, Kind, contradiction, not_the_file, read_card
from models.files import read_once
from models.parse import MOST_BYTES, parse
from models.watch import Watched, watch

#: Models that ship with the product.
ZOO = Path(__file__).parent / "zoo"
#: Answers before the first that counts, and the time after which it is enough.
_WARM, _WARM_NS = 100, 50_000_000
#: Time for one golden row, whatever the budget says: loading must end.
_GOLDEN_NS = 2_000_000_000


class OnnxModel:
    """One model, loaded: a `core.ports.Signal`, or the values of a policy's actions."""

    def __init__(self, data: bytes, card: Card, source: Path | str) -> None:
        """`data`: the bytes of the file. Raises `ModelError` when they are not what `card` says."""
        self.card, self.source = card, source
        self.name, self.sha256, self.spec_hash = card.name, card.sha256, card.reads.hash
        if reason := not_the_file(card, data) or contradiction(card, parse(data, source)):
            raise ModelError(source, reason)
        self._failures = _failures()
        self._session = _session(data, source, self._failures)
        self._options: Any = import_module("onnxruntime").RunOptions
        self._input = np.zeros((1, card.inputs[0].shape[1]), np.float32)
        self._feed, self._fetch = {card.inputs[0].name: self._input}, [card.outputs[0].name]
        self._low, self._high = card.says.low, card.says.high
        self._flat = (0.0,) * card.outputs[0].shape[1]
        self._soft, self._hard = round(card.budget.soft_us * 1000), round(card.budget.hard_us * 1000)
        self._watched = Watched()
        watch(self._watched)
        self._check_golden()
        self._warm_up()

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of a policy's actions, in the order of its outputs."""
        return self.card.says.actions

    def give_time(self, hard_ns: int) -> None:
        """Another hard budget than the card's: a session that is repeated does not hurry its models."""
        self._hard = hard_ns

    def read(self, row: NDArray[np.float32]) -> Reading:
        """The answer to one feature row, shape (features,). Raises `ValueError` for another shape."""
        started, spent = monotonic_ns(), cpu_ns()
        if row.shape != self._input.shape[1:]:
            raise ValueError(f"{self.name} reads {self._input.shape[1]} features, not an array of shape {row.shape}")
        self._input[0] = row
        if not np.isfinite(self._input).all():
            return Reading(self._flat, monotonic_ns() - started, ReadingStatus.NOT_FINITE)
        options = self._options()
        self._watched.due = (options, started + self._hard)
        try:
            values = tuple(self._session.run(self._fetch, self._feed, options)[0][0].tolist())
        except self._failures:
            values = ()
        self._watched.due = None
        # Slow is a matter of the model, so processor time says it: a busy machine must not change what a replay does.
        taken, spent = monotonic_ns() - started, cpu_ns() - spent
        status = self._status(values, taken, spent)
        return Reading(values if status < ReadingStatus.LATE else self._flat, taken, status)

    def read_many(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """Answers to many rows at once, unbounded and unmeasured: for training and reports. Shape (n, outputs)."""
        said: NDArray[np.float32] = self._session.run(self._fetch, {self.card.inputs[0].name: rows})[0]
        return said.astype(np.float64)

    def _status(self, values: tuple[float, ...], taken: int, spent: int) -> ReadingStatus:
        if taken > self._hard:
            return ReadingStatus.LATE
        if len(values) != len(self._flat):
            return ReadingStatus.FAILED
        for value in values:
            if not self._low <= value <= self._high:
                return ReadingStatus.OUT_OF_RANGE if math.isfinite(value) else ReadingStatus.NOT_FINITE
        return ReadingStatus.SLOW if spent > self._soft else ReadingStatus.OK

    def _warm_up(self) -> None:
        row, end = self._input[0].copy(), monotonic_ns() + _WARM_NS
        for _ in range(_WARM):
            self.read(row)
            if monotonic_ns() > end:
                break

    def _check_golden(self) -> None:
        """Raises `ModelError` when the model does not say to the card's rows what the card says it says."""
        golden = self.card.golden
        for i, (row, wanted) in enumerate(zip(golden.inputs, golden.outputs, strict=True)):
            self._input[0] = row
            options = self._options()
            self._watched.due = (options, monotonic_ns() + _GOLDEN_NS)
            try:
                said = self._session.run(self._fetch, self._feed, options)[0]
            except self._failures as error:
                reason = "takes too long" if options.terminate else f"fails: {first_line(error)}"
                raise ModelError(self.source, f"{reason} on golden row {i}") from error
            finally:
                self._watched.due = None
            if said.shape != (1, len(wanted)) or said.dtype != np.float32:
                raise ModelError(self.source, f"answers golden row {i} with {said.dtype} of shape {said.shape}")
            off = float(np.max(np.abs(said[0].astype(np.float64) - wanted)))
            if not off <= golden.tolerance * max(1.0, *(abs(value) for value in wanted)):
                raise ModelError(self.source, f"is {off:.3g} away from its card on golden row {i}")
            if not all(self._low <= value <= self._high for value in said[0].tolist()):
                raise ModelError(self.source, f"leaves its range {self._low} to {self._high} on golden row {i}")


def load(path: Path, kind: Kind | None = None, spec: FeatureSpec = SPEC) -> OnnxModel:
    """The model in `path`, whose card is the `.json` file beside it, of a `kind` (None: any), reading `spec`.

    Raises `ModelError` that names the file and what is wrong with it.
    """
    if path.suffix != ".onnx":
        raise ModelError(path, "is not an .onnx file")
    beside = path.with_suffix(".json")
    data = read_once(path, MOST_BYTES)
    try:
        text = read_once(beside, MOST_CARD)
    except ModelError as error:
        raise ModelError(path, f"has no usable card: {beside.name} {error.reason}") from error
    card = read_card(text, beside)
    if kind is not None and card.kind != kind:
        raise ModelError(path, f"is a {card.kind}, not a {kind.value}")
    if card.reads.hash != spec.hash or card.inputs[0].shape[1] != len(spec):
        said = f"{card.reads.name} version {card.reads.version} ({card.reads.hash[:8]})"
        raise ModelError(path, f"reads features {said}, here are {spec.name} version {spec.version} ({spec.hash[:8]})")
    return OnnxModel(data, card, path)


def locate(name: str, base: Path = Path()) -> Path:
    """The file that a session means by "onnx:NAME": a path from `base`, or a model that ships. Raises `ModelError`."""
    if Path(name).name == "":
        raise ModelError(repr(name), "names no file")
    try:
        path = base / name
        if path.is_symlink() or path.exists():
            return path
    except ValueError as error:
        raise ModelError(repr(name), "is not a file name") from error
    if Path(name).name == name:
        shipped = ZOO / (name if name.endswith(".onnx") else f"{name}.onnx")
        if shipped.is_file():
            return shipped
    known = sorted(file.stem for file in ZOO.glob("*.onnx"))
    raise ModelError(name, f"does not exist, and is none of the models that ship{nearest(name[:80], known)}")


def first_line(error: BaseException) -> str:
    """The first line of what a runtime has to say, not too long."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _failures() -> tuple[type[Exception], ...]:
    """What the runtime raises: its errors have no common base of their own."""
    state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    own = [value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception)]
    return (*own, RuntimeError, ValueError, IndexError)


def _session(data: bytes, source: Path | str, failures: tuple[type[Exception], ...]) -> Any:
    """A runtime session of one thread that never spins. Raises `ModelError`."""
    runtime: Any = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # what is wrong comes as an exception; the screen is not a log
    for pool in ("intra_op", "inter_op"):
        options.add_session_config_entry(f"session.{pool}.allow_spinning", "0")
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except failures as error:
        raise ModelError(source, f"cannot be loaded: {first_line(error)}") from error
