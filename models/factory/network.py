"""Small dense networks: fitted with torch, one thread, every random number from the generator that is passed in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.factory.extra import library

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Dense:
    """A network as arrays: inputs are turned, centred, scaled and clipped, then layers with ReLU between them."""

    centre: Rows  #: shape (features,)
    scale: Rows  #: what a centred input is multiplied with; 0 = not looked at
    clip: float
    weights: tuple[Rows, ...]  #: shape (in, out) each
    biases: tuple[Rows, ...]
    turned: Rows  #: 1 for columns that are multiplied with the column `side` first, else 0; shape (features,)
    side: int  #: column of the order's side


def scaling(features: Rows, unused: Sequence[int]) -> tuple[Rows, Rows]:
    """Centre and scale of every column, from the training part only; constant and `unused` columns get scale 0."""
    centre, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 1e-9)
    scale[list(unused)] = 0.0
    return centre.astype(np.float32), scale.astype(np.float32)


def fresh(
    features: Rows,
    sizes: Sequence[int],
    unused: Sequence[int],
    rng: np.random.Generator,
    turned: Sequence[int] = (),
    side: int = 0,
) -> Dense:
    """An untrained network for inputs like `features`; `sizes`: of the layers, the output last.

    Columns `turned` are seen from the order's `side`: a network that buys then sells as well as it buys.
    """
    turns = np.zeros(features.shape[1], np.float32)
    turns[list(turned)] = 1
    centre, scale = scaling(_turned(features, turns, side), [*unused, *([side] if turned else [])])
    widths = [features.shape[1], *sizes]
    weights = [rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32) for a, b in pairwise(widths)]
    weights[-1] *= np.float32(0.1)
    return Dense(centre, scale, 5.0, tuple(weights), tuple(np.zeros(size, np.float32) for size in sizes), turns, side)


@dataclass(frozen=True, slots=True)
class Fit:
    """How a network is fitted."""

    epochs: int = 30
    batch: int = 1024
    rate: float = 3e-3
    decay: float = 1e-4
    patience: int = 6  #: epochs without a better validation loss


def forward(network: Dense, rows: Rows) -> NDArray[np.float64]:
    """What the network says, in double precision, shape (n, outputs)."""
    x = _turned(rows, network.turned, network.side).astype(np.float64)
    x = np.clip((x - network.centre) * network.scale, -network.clip, network.clip)
    for i, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        x = x @ weight.astype(np.float64) + bias
        if i + 1 < len(network.weights):
            x = np.maximum(x, 0)
    return x


def softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of each row."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def fit_classes(
    network: Dense,
    train: tuple[Rows, NDArray[np.int64]],
    validation: tuple[Rows, NDArray[np.int64]],
    rng: np.random.Generator,
    how: Fit,
) -> Dense:
    """The network fitted to classes by cross-entropy; of all epochs the one with the lowest validation loss."""
    torch = library("torch")
    torch.set_num_threads(1)
    parameters = [torch.tensor(value, requires_grad=True) for pair in _pairs(network) for value in pair]
    inputs, labels = torch.tensor(_scaled(network, train[0])), torch.tensor(train[1])
    held, wanted = torch.tensor(_scaled(network, validation[0])), torch.tensor(validation[1])
    optimiser = torch.optim.AdamW(parameters, lr=how.rate, weight_decay=how.decay)
    best, best_loss, waited = _arrays(network, parameters), float("inf"), 0
    for _ in range(how.epochs):
        order = rng.permutation(len(labels))
        for start in range(0, len(order), how.batch):
            rows = torch.tensor(order[start : start + how.batch])
            loss = torch.nn.functional.cross_entropy(_layers(parameters, inputs[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            now = float(torch.nn.functional.cross_entropy(_layers(parameters, held), wanted))
        waited += 1
        if now < best_loss:
            best, best_loss, waited = _arrays(network, parameters), now, 0
        if waited >= how.patience:
            break
    return best


def fit_values(
    network: Dense,
    rows: Rows,
    action: NDArray[np.int64],
    target: NDArray[np.float32],
    rng: np.random.Generator,
    how: Fit,
) -> Dense:
    """The network fitted so that its output `action[i]` at `rows[i]` is `target[i]`, by the Huber loss."""
    torch = library("torch")
    torch.set_num_threads(1)
    parameters = [torch.tensor(value, requires_grad=True) for pair in _pairs(network) for value in pair]
    inputs, chosen, wanted = torch.tensor(_scaled(network, rows)), torch.tensor(action), torch.tensor(target)
    optimiser = torch.optim.AdamW(parameters, lr=how.rate, weight_decay=how.decay)
    for _ in range(how.epochs):
        order = rng.permutation(len(target))
        for start in range(0, len(order), how.batch):
            part = torch.tensor(order[start : start + how.batch])
            said = _layers(parameters, inputs[part]).gather(1, chosen[part][:, None])[:, 0]
            loss = torch.nn.functional.smooth_l1_loss(said, wanted[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return _arrays(network, parameters)


def in_torch(network: Dense, rows: Rows) -> Rows:
    """What torch says, single precision: one side of the parity gate."""
    torch = library("torch")
    with torch.no_grad():
        parameters = [torch.tensor(value) for pair in _pairs(network) for value in pair]
        said: Rows = _layers(parameters, torch.tensor(_scaled(network, rows))).numpy()
    return said


def _pairs(network: Dense) -> list[tuple[Rows, Rows]]:
    return list(zip(network.weights, network.biases, strict=True))


def _scaled(network: Dense, rows: Rows) -> Rows:
    turned = _turned(rows, network.turned, network.side)
    scaled: Rows = np.clip((turned - network.centre) * network.scale, -network.clip, network.clip).astype(np.float32)
    return scaled


def _turned(rows: Rows, turned: Rows, side: int) -> Rows:
    """Every column times 1, those that are turned times the side."""
    seen: Rows = rows * (rows[:, side : side + 1] * turned + (1 - turned))
    return seen


def _arrays(network: Dense, parameters: Sequence[Any]) -> Dense:
    values = [np.array(p.detach().numpy()) for p in parameters]
    return replace(network, weights=tuple(values[0::2]), biases=tuple(values[1::2]))


def _layers(parameters: Sequence[Any], x: Any) -> Any:
    torch = library("torch")
    last = len(parameters) // 2 - 1
    for i in range(last + 1):
        x = x @ parameters[2 * i] + parameters[2 * i + 1]
        if i < last:
            x = torch.relu(x)
    return x
