"""The models that ship: they load, they are small, their cards say what they are."""

from pathlib import Path

import numpy as np
import pytest

from core.features.spec import SPEC
from core.ports import ReadingStatus
from models.card import Kind
from models.serving import ZOO, load, locate

MODELS = sorted(ZOO.glob("*.onnx"))


def test_the_zoo_has_a_signal() -> None:
    assert "touch_signal" in {path.stem for path in MODELS}
    assert {path.stem for path in MODELS} == {path.stem for path in ZOO.glob("*.json")}
    assert {path.suffix for path in ZOO.iterdir()} == {".onnx", ".json"}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_of_the_zoo(path: Path) -> None:
    model = load(path)
    card = model.card
    assert locate(path.stem) == path
    assert card.name == path.stem
    assert path.stat().st_size < 200_000
    assert card.trained.command.startswith("tapedeck model train ")
    assert card.metrics
    assert all(metric.low <= metric.value <= metric.high for metric in card.metrics)
    rows = np.random.default_rng(1).normal(0, 3, (200, len(SPEC))).astype(np.float32)
    readings = [model.read(row) for row in rows]
    assert {reading.status for reading in readings} <= {ReadingStatus.OK, ReadingStatus.SLOW}
    assert np.median([reading.latency_ns for reading in readings]) < 1e6


def test_the_signal_beats_its_baselines_by_more_than_chance() -> None:
    card = load(locate("touch_signal"), Kind.SIGNAL).card
    mcc = [metric for metric in card.metrics if metric.name == "mcc"]
    model, *baselines = mcc
    assert model.about.startswith("model")
    assert len(baselines) == 3
    assert all(model.low > baseline.high for baseline in baselines)
    placebo = next(metric for metric in card.metrics if metric.name == "hit_rate_shuffled_labels")
    assert placebo.low < 0.5 < placebo.high
    assert next(metric for metric in card.metrics if metric.name == "hit_rate").low > placebo.high


def test_the_signal_does_not_depend_on_who_asks() -> None:
    model = load(locate("touch_signal"))
    row = np.random.default_rng(1).normal(0, 1, len(SPEC)).astype(np.float32)
    other = row.copy()
    other[17:] = 1
    assert model.read(row).values == model.read(other).values
