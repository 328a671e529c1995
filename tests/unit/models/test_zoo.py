"""The models that ship: they load, they are small, their cards say what they are."""

from pathlib import Path

import numpy as np
import pytest

from core.features.spec import SPEC
from core.ports import ReadingStatus
from models.card import Kind
from models.policy import PolicyModel
from models.serving import ZOO, load, locate

MODELS = sorted(ZOO.glob("*.onnx"))


def test_the_zoo_has_a_signal_and_a_policy() -> None:
    assert {"touch_signal", "order_worker"} <= {path.stem for path in MODELS}
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


def test_the_policy_is_cheaper_than_every_plain_one() -> None:
    policy = PolicyModel(load(locate("order_worker"), Kind.POLICY))
    card = policy.model.card
    assert policy.model.actions == ("wait", "rest", "improve", "take")
    for name in ("twap", "vwap", "pov", "ac", "passive"):
        difference = next(metric for metric in card.metrics if metric.name == f"vs_{name}_bps")
        assert difference.high < 0, name
    assert next(metric for metric in card.metrics if metric.name == "fill_rate").value > 0.99


def test_the_policy_sells_as_it_buys() -> None:
    model = load(locate("order_worker"))
    rows = np.random.default_rng(1).normal(0, 1, (50, len(SPEC))).astype(np.float32)
    rows[:, 17] = 1
    mirrored = rows.copy()
    turned = ("imbalance", "ofi", "microprice", "flow", "return", "side")
    mirrored[:, [i for i, name in enumerate(SPEC.names) if name.startswith(turned)]] *= -1
    assert np.allclose(model.read_many(rows), model.read_many(mirrored), atol=1e-5)


def test_the_signal_does_not_depend_on_who_asks() -> None:
    model = load(locate("touch_signal"))
    row = np.random.default_rng(1).normal(0, 1, len(SPEC)).astype(np.float32)
    other = row.copy()
    other[17:] = 1
    assert model.read(row).values == model.read(other).values
