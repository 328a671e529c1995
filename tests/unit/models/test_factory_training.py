"""From tapes to a model with its card. What needs the training libraries is skipped where they are not installed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.book.state import EMPTY_ASK, EMPTY_BID
from core.errors import ConfigError, ModelError
from core.features.spec import BUCKET, LONG, SPEC
from core.feeds.source import Options
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.tape.importer import import_tape
from core.tape.tape import Tape
from models.card import Budget, Kind, Says, Trained
from models.factory import extra
from models.factory.dataset import SECOND, joined, sample, split
from models.factory.export import Description, graph_bytes, publish, reference
from models.factory.network import Fit, fit_values, forward, fresh, in_torch, scaling, softmax
from models.factory.train_signal import PARENT, SignalRecipe, classes, train_signal, with_other_futures
from models.serving import load


@pytest.fixture(scope="module")
def tapes(tmp_path_factory: pytest.TempPathFactory) -> list[Tape]:
    """Two thin synthetic days."""
    folder = tmp_path_factory.mktemp("tapes")
    for seed in (1, 2):
        import_tape(SyntheticSource(MarketProfile.named("default"), seed, 20_000), folder / f"{seed}.tape", Options())
    return [Tape(folder / f"{seed}.tape") for seed in (1, 2)]


@pytest.fixture
def libraries() -> None:
    """Skips where nothing can be trained."""
    for name in extra.LIBRARIES:
        pytest.importorskip(name, reason="the train extra is not installed")


def test_a_sample_is_the_touch_of_its_time_and_of_its_future(tapes: list[Tape]) -> None:
    found = sample(tapes[0], 5 * SECOND, 60 * SECOND)
    first = int(tapes[0].messages["ts_event"][0])
    assert found.time[0] == LONG * BUCKET
    assert len(found) > 300
    for i in (0, 17, 200):
        for touch, later in ((found.touch, 0), (found.later, 5 * SECOND)):
            index = tapes[0].index_at(first + int(found.time[i]) + later)
            assert tapes[0].at(index).book.best() == tuple(touch[i])
    assert found.move[17] == (found.later[17].sum() - found.touch[17].sum()) / 2
    assert not np.isin(found.touch, [EMPTY_BID, EMPTY_ASK]).any()


def test_a_split_leaves_out_what_would_tell(tapes: list[Tape]) -> None:
    whole = sample(tapes[0], 5 * SECOND, SECOND)
    before, after = split(whole, 0.8, 15 * SECOND)
    assert after.time[0] - before.time[-1] > 15 * SECOND
    assert len(before) + len(after) == pytest.approx(len(whole) - 15, abs=1)
    assert len(before) / len(whole) == pytest.approx(0.8, abs=0.01)


def test_tapes_are_blocks_of_their_own(tapes: list[Tape]) -> None:
    parts = [sample(tape, 5 * SECOND, 60 * SECOND, i) for i, tape in enumerate(tapes)]
    both = joined(parts)
    assert len(both) == sum(map(len, parts))
    assert set(parts[0].block).isdisjoint(parts[1].block)


def test_classes_and_the_placebo(tapes: list[Tape]) -> None:
    found = sample(tapes[0], 5 * SECOND, 10 * SECOND)
    labels = classes(found, 1.5)
    assert np.array_equal(labels == 2, found.move > 1.5)
    assert np.array_equal(labels == 0, found.move < -1.5)
    other = with_other_futures(found, np.random.default_rng(1))
    assert sorted(other.move) == sorted(found.move)
    assert np.array_equal(other.features, found.features)
    assert not np.array_equal(other.move, found.move)


def test_scaling_is_blind_to_what_says_nothing() -> None:
    rows = np.array([[1, 5, 2], [3, 5, 4]], np.float32)
    centre, scale = scaling(rows, [2])
    assert centre.tolist() == [2, 5, 3]
    assert scale.tolist() == [1, 0, 0]


def test_shares_sum_to_one() -> None:
    shares = softmax(np.array([[1000.0, 0.0, -1000.0], [0, 0, 0]]))
    assert shares.sum(axis=1) == pytest.approx([1, 1])
    assert np.isfinite(shares).all()


def test_without_the_libraries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extra, "import_module", absent)
    with pytest.raises(ConfigError, match=r"training needs torch: pip install 'tapedeck\[train\]'"):
        extra.library("torch")


def description(kind: Kind = Kind.SIGNAL) -> Description:
    says = Says("up", -1.0, 1.0, ()) if kind == Kind.SIGNAL else Says("ticks", -3.0, 3.0, ("wait", "take"))
    return Description("tiny", kind, says, Trained("test", 1, "", "", ()), (), Budget(1e6, 1e7), ())


def rows_like(seed: int, n: int = 500) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Feature rows of no market, some of them far out."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, len(SPEC))) * rng.choice([0.1, 1, 1000], (n, 1))).astype(np.float32)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_served_is_what_was_trained(tmp_path: Path, kind: Kind) -> None:
    rows = rows_like(1)
    network = fresh(rows, (8, 3 if kind == Kind.SIGNAL else 2), PARENT, np.random.default_rng(2))
    served = publish(network, description(kind), rows, tmp_path)
    wanted = reference(network, description(kind), rows)
    assert np.allclose(served.read_many(rows), wanted, rtol=0, atol=3e-5)
    assert np.allclose(in_torch(network, rows), forward(network, rows), rtol=0, atol=1e-4)
    assert served.read(rows[3]).values == pytest.approx(tuple(wanted[3]), abs=3e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.json", "tiny.onnx"]
    blind = rows.copy()
    blind[:, list(PARENT)] = 7
    assert np.array_equal(served.read_many(blind), served.read_many(rows))


@pytest.mark.usefixtures("libraries")
def test_a_model_that_is_served_differently_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_like(1)
    network = fresh(rows, (8, 3), PARENT, np.random.default_rng(2))
    other = replace(network, biases=(network.biases[0], network.biases[1] + np.float32([0.0, 0.0, 0.5])))
    monkeypatch.setattr("models.factory.export.graph_bytes", lambda _, said: graph_bytes(other, said))
    with pytest.raises(ModelError, match="away from its card on golden row"):
        publish(network, description(), rows, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("libraries")
def test_values_are_learned_for_the_action_that_was_taken() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(4000, len(SPEC))).astype(np.float32)
    action = rng.integers(0, 2, 4000)
    target = np.where(action == 1, rows[:, 0], -rows[:, 1]).astype(np.float32)
    network = fit_values(fresh(rows, (16, 2), (), rng), rows, action, target, rng, Fit(epochs=15, batch=256))
    said = forward(network, rows)
    assert np.corrcoef(said[:, 1], rows[:, 0])[0, 1] > 0.95
    assert np.corrcoef(said[:, 0], -rows[:, 1])[0, 1] > 0.95


@pytest.mark.usefixtures("libraries")
def test_a_signal_is_trained_twice_to_the_same_bytes(tmp_path: Path, tapes: list[Tape]) -> None:
    recipe = SignalRecipe(
        "twin", step=10 * SECOND, layers=(4,), fit=Fit(epochs=2), command="test", data="two", held_out="one"
    )
    for name in ("a", "b"):
        train_signal(tapes[:1], tapes[1:], 3, tmp_path / name, recipe)
    for suffix in (".onnx", ".json"):
        a, b = ((tmp_path / name / "twin").with_suffix(suffix).read_bytes() for name in ("a", "b"))
        assert a == b
    card = json.loads((tmp_path / "a" / "twin.json").read_text())
    names = {metric["name"] for metric in card["metrics"]}
    assert {"mcc", "log_loss_nats", "mcc_shuffled_labels", "profit_after_spread"} <= names
    assert card["trained"]["command"] == "test"
    assert load(tmp_path / "a" / "twin.onnx", Kind.SIGNAL).sha256 == card["sha256"]


def test_too_little_data_is_said(tapes: list[Tape], tmp_path: Path) -> None:
    for train, test in (([], tapes), (tapes, [])):
        with pytest.raises(ConfigError, match="ten minutes"):
            train_signal(train, test, 1, tmp_path)
