"""The signal: where the mid goes within the next seconds, and what that is worth, said beside plain baselines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.features.spec import BUCKET, LONG, SPEC
from core.tape.tape import Tape
from models.card import Budget, Kind, Metric, Says, Trained
from models.factory.dataset import SECOND, Samples, joined, sample, split
from models.factory.export import Description, publish
from models.factory.extra import versions
from models.factory.measures import (
    calibration_error,
    confusion,
    hits,
    interval,
    log_losses,
    macro_f1,
    mcc,
    round_trips,
)
from models.factory.network import Dense, Fit, fit_classes, forward, fresh, softmax
from models.serving import OnnxModel

#: Columns that are about the parent order: a signal must not depend on who asks.
PARENT = tuple(SPEC.index(name) for name in ("side", "time_left", "quantity_left", "working", "left"))
#: Trainings with other random numbers, and as many with shuffled labels.
_TWINS = 5
_FLOW = tuple(SPEC.index(name) for name in ("ofi_1s", "ofi_10s"))


@dataclass(frozen=True, slots=True)
class SignalRecipe:
    """What is predicted, from what."""

    name: str = "touch_signal"
    horizon: int = 5 * SECOND  #: ns
    step: int = SECOND  #: ns between rows
    layers: tuple[int, ...] = (32, 32)
    fit: Fit = field(default_factory=Fit)
    command: str = ""
    data: str = ""  #: what the tapes are
    held_out: str = ""


def train_signal(
    tapes: Sequence[Tape], held_out: Sequence[Tape], seed: int, out: Path, recipe: SignalRecipe | None = None
) -> OnnxModel:
    """Fit on `tapes`, measure on `held_out`, write model and card to `out`.

    Nothing looks at `held_out` before the last choice is made. The last fifth of each tape's time chooses the
    epoch. Raises `ConfigError` when there is too little data.
    """
    recipe, rng = recipe or SignalRecipe(), np.random.default_rng(seed)
    purge = recipe.horizon + LONG * BUCKET
    parts = [split(sample(tape, recipe.horizon, recipe.step, i), 0.8, purge) for i, tape in enumerate(tapes)]
    if not parts or min(len(part) for pair in parts for part in pair) < 100 or not held_out:
        raise ConfigError("a signal needs tapes of at least ten minutes to learn from, and others to be judged by")
    train, validation = joined([part[0] for part in parts]), joined([part[1] for part in parts])
    flat = float(np.quantile(np.abs(train.move), 1 / 3))
    network = _fitted(train, validation, flat, PARENT, recipe, rng)
    others = [_fitted(train, validation, flat, PARENT, recipe, rng) for _ in range(_TWINS)]
    placebos = [
        _fitted(with_other_futures(train, rng), with_other_futures(validation, rng), flat, PARENT, recipe, rng)
        for _ in range(_TWINS)
    ]
    plain = replace(recipe, layers=())
    flow = _fitted(train, validation, flat, _only(train.features.shape[1], _FLOW), plain, rng)
    edge = _edge(validation, _said(network, validation), recipe)
    test = joined([sample(tape, recipe.horizon, recipe.step, len(tapes) + i) for i, tape in enumerate(held_out)])
    prior = np.bincount(classes(train, flat), minlength=3) / len(train)
    baselines = (
        ("logistic on order-flow imbalance", _said(flow, test)),
        ("time of day alone", _by_time(train, test, flat)),
        ("class prior", np.tile(prior, (len(test), 1))),
    )
    model = _said(network, test)
    metrics = [
        metric for name, said in (("model", model), *baselines) for metric in _measure(test, flat, name, said, rng)
    ]
    for name, group in (("other_training_seeds", others), ("shuffled_labels", placebos)):
        metrics += _over_seeds(name, [_said(one, test) for one in group], test, flat)
    metrics += _profits(test, model, edge, recipe, rng)
    return publish(network, _described(recipe, seed, flat, edge, tuple(metrics)), test.features, out)


def classes(samples: Samples, flat: float) -> NDArray[np.int64]:
    """0 down, 1 flat (a move of at most `flat` ticks), 2 up; shape (n,)."""
    return np.where(samples.move > flat, 2, np.where(samples.move < -flat, 0, 1)).astype(np.int64)


def with_other_futures(samples: Samples, rng: np.random.Generator) -> Samples:
    """The same rows, each with the future of another: a placebo."""
    order = rng.permutation(len(samples))
    return replace(samples, later=samples.touch + samples.later[order] - samples.touch[order])


def _by_time(train: Samples, test: Samples, flat: float, stretch: int = 1800 * SECOND) -> NDArray[np.float64]:
    """How often each class came in the same half hour of the tapes that were learned from."""
    place = np.concatenate([train.time, test.time]) // stretch
    counts = np.ones((int(place.max()) + 1, 3))
    np.add.at(counts, (train.time // stretch, classes(train, flat)), 1.0)
    shares: NDArray[np.float64] = (counts / counts.sum(axis=1, keepdims=True))[test.time // stretch]
    return shares


def _only(width: int, kept: Sequence[int]) -> tuple[int, ...]:
    return tuple(column for column in range(width) if column not in kept)


def _fitted(
    train: Samples,
    validation: Samples,
    flat: float,
    unused: Sequence[int],
    recipe: SignalRecipe,
    rng: np.random.Generator,
) -> Dense:
    start = fresh(train.features, (*recipe.layers, 3), unused, rng)
    learn, check = ((part.features, classes(part, flat)) for part in (train, validation))
    return fit_classes(start, learn, check, rng, recipe.fit)


def _said(network: Dense, samples: Samples) -> NDArray[np.float64]:
    """Probabilities of down, flat and up, shape (n, 3)."""
    return softmax(forward(network, samples.features))


def _over_seeds(name: str, said: Sequence[NDArray[np.float64]], test: Samples, flat: float) -> list[Metric]:
    """Mean, least and most MCC and hit rate of several trainings."""
    truth = classes(test, flat)
    out = []
    for which, values in (
        ("mcc", [mcc(confusion(truth, one.argmax(axis=1))) for one in said]),
        ("hit_rate", [float(np.divide(*hits(truth, one).sum(axis=0))) for one in said]),
    ):
        about = f"{len(said)} trainings; mean, and least and most of them"
        if name == "shuffled_labels" and which == "mcc":
            about += "; above 0 because the commonest class, flat, is likelier in quiet times; the hit rate is not"
        found = [round(value, 5) for value in values]
        out.append(Metric(f"{which}_{name}", round(float(np.mean(found)), 5), min(found), max(found), about))
    return out


def _measure(
    test: Samples, flat: float, name: str, probability: NDArray[np.float64], rng: np.random.Generator
) -> list[Metric]:
    """MCC, macro-F1, hit rate, log loss and calibration, with intervals where blocks give them."""
    truth, chosen = classes(test, flat), probability.argmax(axis=1)
    cells = np.eye(9)[truth * 3 + chosen]
    losses = np.stack([log_losses(truth, probability), np.ones(len(test))], axis=1)
    about = f"{name}; {len(test):,} held-out rows; 95 % interval, blocks of 5 minutes resampled"
    error = round(calibration_error(truth, probability), 5)
    return [
        _metric("mcc", about, test.block, lambda row: mcc(row.reshape(3, 3)), cells, rng),
        _metric("macro_f1", about, test.block, lambda row: macro_f1(row.reshape(3, 3)), cells, rng),
        _metric("hit_rate", about, test.block, _ratio, hits(truth, probability), rng),
        _metric("log_loss_nats", about, test.block, _ratio, losses, rng),
        Metric("calibration_error", error, error, error, f"{name}; expected, 15 bins; no interval"),
    ]


def _ratio(sums: NDArray[np.float64]) -> float:
    return float(sums[0] / max(sums[1], 1.0))


def _metric(
    name: str,
    about: str,
    blocks: NDArray[np.int64],
    statistic: Callable[[NDArray[np.float64]], float],
    parts: NDArray[np.float64],
    rng: np.random.Generator,
) -> Metric:
    low, high = interval(blocks, statistic, parts, rng)
    return Metric(name, round(statistic(parts.sum(axis=0)), 5), round(low, 5), round(high, 5), about)


def _edge(samples: Samples, probability: NDArray[np.float64], recipe: SignalRecipe) -> float:
    """The strength from which crossing the spread paid most on the validation part."""
    score = probability[:, 2] - probability[:, 0]
    best, best_won = 1.0, 0.0
    for edge in np.quantile(np.abs(score), [0.5, 0.8, 0.9, 0.95, 0.99]):
        won = _trades(samples, score, float(edge), recipe)[:, 0].sum()
        if won > best_won:
            best, best_won = float(edge), float(won)
    return best


def _trades(samples: Samples, score: NDArray[np.float64], edge: float, recipe: SignalRecipe) -> NDArray[np.float64]:
    """Ticks won and whether there was a trade, one position at a time, shape (n, 2)."""
    every = max(1, recipe.horizon // recipe.step)
    sign = np.where(np.abs(score) >= edge, np.sign(score), 0).astype(np.int64)
    sign[np.arange(len(sign)) % every != 0] = 0
    won = round_trips(sign, samples.touch, samples.later)
    return np.stack([won, (sign != 0).astype(np.float64)], axis=1)


def _profits(
    test: Samples, probability: NDArray[np.float64], edge: float, recipe: SignalRecipe, rng: np.random.Generator
) -> list[Metric]:
    """What a round trip at the touch wins: at the chosen strength, and for the strongest tenth whatever was chosen."""
    score = probability[:, 2] - probability[:, 0]
    strongest = float(np.quantile(np.abs(score), 0.9))
    out = []
    for which, strength in (("at the strength chosen on validation", edge), ("strongest tenth", strongest)):
        trades = _trades(test, score, strength, recipe)
        count = int(trades[:, 1].sum())
        about = f"ticks a round trip after the spread, {which}, {count:,} round trips" + " (none)" * (count == 0)
        out.append(_metric("profit_after_spread", about, test.block, _ratio, trades, rng))
    return out


def _described(recipe: SignalRecipe, seed: int, flat: float, edge: float, metrics: tuple[Metric, ...]) -> Description:
    seconds = recipe.horizon / SECOND
    meaning = f"P(up) - P(down): the mid {seconds:g} s from now more than {flat:g} ticks above, or below, the mid now"
    return Description(
        recipe.name,
        Kind.SIGNAL,
        Says(meaning, -1.0, 1.0, ()),
        Trained(recipe.command, seed, recipe.data, recipe.held_out, versions()),
        metrics,
        Budget(1_000.0, 250_000.0),
        (
            "Columns of the parent order are not looked at.",
            f"Strength chosen on validation for crossing the spread: {edge:.4f} (1 = never).",
            "LightGBM is not among the baselines yet.",
        ),
    )
