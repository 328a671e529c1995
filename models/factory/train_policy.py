"""The policy: values of a few actions, from what parent orders in the real simulator did and what it cost them.

Fitted value iteration with a horizon: the window's end is in the state, so the last turn has no future, and nothing
is discounted. Rounds alternate: explore with what is known so far, then fit the values of everything seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError
from core.features.spec import SPEC
from core.plan import ParentPlan
from core.tape.tape import Tape
from core.tca.market import Market, read_market
from models.card import Budget, Kind, Metric, Says, Trained
from models.factory.export import Description, publish
from models.factory.extra import versions
from models.factory.judge import BASELINES, Job, compare, work
from models.factory.network import Dense, Fit, fit_values, forward, fresh
from models.factory.orders import NAMES, Choose, Exploring, Log, Outcome, run_orders
from models.serving import OnnxModel

SECOND = 1_000_000_000
#: Turns in a window: the policy is asked every sixtieth of it, as it will be when it is served.
TURNS = 60
#: Values are cut to this many ticks a lot of the order.
MOST = 100.0
#: Columns with a direction: they are turned to the order's side inside the network.
DIRECTED = tuple(
    SPEC.index(name)
    for name in SPEC.names
    if name.startswith(("imbalance", "ofi", "flow", "return")) or name == "microprice"
)


@dataclass(frozen=True, slots=True)
class PolicyRecipe:
    """What is explored, and how the values are fitted."""

    name: str = "order_worker"
    windows: tuple[int, ...] = (150 * SECOND, 300 * SECOND, 600 * SECOND)
    shares: tuple[float, ...] = (0.005, 0.02, 0.05)  #: of the volume that an average window of the tape sees
    rounds: int = 3
    passes: int = 3  #: runs over each tape in a round
    layers: tuple[int, ...] = (32, 32)
    sweeps: int = 12  #: of value iteration in each round
    fit: Fit = field(default_factory=lambda: Fit(epochs=3, batch=2048, rate=2e-3))
    explore: float = 0.15
    command: str = ""
    data: str = ""
    held_out: str = ""


@dataclass(slots=True)
class Turns:
    """Transitions: a feature row, the action, what it cost until the next turn, and the next row."""

    row: NDArray[np.float32]  #: shape (n, features)
    action: NDArray[np.int64]
    reward: NDArray[np.float64]  #: minus the ticks a lot of the order that this turn cost
    next_row: NDArray[np.float32]
    last: NDArray[np.bool_]  #: whether nothing was left to decide after it
    to_go: NDArray[np.float64]  #: sum of the rewards from here on, as it went


def train_policy(
    tapes: Sequence[Tape], held_out: Sequence[Tape], seed: int, out: Path, recipe: PolicyRecipe | None = None
) -> OnnxModel:
    """Learn from orders worked on `tapes`, measure on `held_out`, write model and card to `out`.

    Nothing is chosen on `held_out`: the network of the last round ships, whatever it is worth. Raises `ConfigError`.
    """
    recipe, rng = recipe or PolicyRecipe(), np.random.default_rng(seed)
    markets = [read_market(tape) for tape in tapes]
    turns: list[Turns] = []
    network: Dense | None = None
    for _ in range(recipe.rounds):
        turns += explored(tapes, markets, recipe, rng, network)
        network = fitted(turns, network, recipe, rng)
    if network is None:
        raise ConfigError("a policy needs at least one round of exploration")
    jobs = jobs_of(held_out, recipe, rng)
    outcomes = {recipe.name: work(jobs, "explore", {"explore": Exploring(Choose(rng, Values(network), 0.0))})}
    outcomes |= {name: work(jobs, name) for name in BASELINES}
    metrics = tuple(compare(jobs, outcomes, rng))
    rows = np.concatenate([one.row for one in turns])[: 1 << 16]
    return publish(network, described(recipe, seed, metrics, sum(len(one.action) for one in turns)), rows, out)


def jobs_of(tapes: Sequence[Tape], recipe: PolicyRecipe, rng: np.random.Generator) -> list[Job]:
    """Parent orders of every window and share over the tapes that are held out."""
    jobs: list[Job] = []
    for number, tape in enumerate(tapes):
        market = read_market(tape)
        for window, share in zip(recipe.windows, recipe.shares, strict=False):
            parents = draw_parents(market, window, share, rng, window // TURNS)
            jobs.append(Job(tape, market, tuple(parents), window // TURNS, len(jobs) + 1000 * number))
    return jobs


def described(recipe: PolicyRecipe, seed: int, metrics: tuple[Metric, ...], turns: int) -> Description:
    """What the card says."""
    windows = ", ".join(f"{window // SECOND} s" for window in recipe.windows)
    meaning = (
        "ticks a lot of the parent order that each action and the best ones after it are expected to cost, as a loss: "
        "the largest is the best"
    )
    return Description(
        recipe.name,
        Kind.POLICY,
        Says(meaning, -MOST, MOST, NAMES),
        Trained(recipe.command, seed, f"{recipe.data}; {turns:,} turns", recipe.held_out, versions()),
        metrics,
        Budget(1_000.0, 250_000.0),
        (
            f"Asked every sixtieth of a window of {windows}; other rhythms were not tried.",
            "Orders of 0.5 to 5 % of the volume of an average window, no fees, 0.1 ms latency each way.",
            "One training seed. Nothing was chosen on the held-out days.",
        ),
    )


def draw_parents(market: Market, window: int, share: float, rng: np.random.Generator, every: int) -> list[ParentPlan]:
    """Parent orders one after the other over a tape, sides at random; `share` of an average window's volume each."""
    first = market.first_ts + 600 * SECOND + int(rng.integers(window))
    seconds = max((market.last_ts - market.first_ts) / SECOND, 1.0)
    lots = max(1, round(float(market.continuous[-1]) / seconds * window / SECOND * share))
    starts = range(first, market.last_ts - window - 60 * SECOND, window + 2 * every)
    return [ParentPlan(int(rng.choice([1, -1])), lots, start, start + window) for start in starts]


def turns_of(log: Log, parents: Sequence[ParentPlan], outcome: Outcome) -> Turns:
    """What an explorer's log and its fills say about every turn.

    The cost of a turn is what its fills paid against the mid at its start, and the drift of the mid until the next
    turn on what was left then: over an order the turns sum to its shortfall. The turns that only finish are no
    choice; their cost belongs to the last one that was.
    """
    parent, now = np.array(log.parent), np.array(log.now)
    mid, action, rows = np.array(log.mid), np.array(log.action), np.array(log.row, np.float32)
    kept: list[tuple[int, float, int, bool, float]] = []
    for k in range(len(parents)):
        turns = np.flatnonzero((parent == k) & np.isfinite(mid))
        chosen = turns[action[turns] >= 0]
        if len(chosen) == 0:
            continue
        cost = _costs(now[turns], mid[turns], parents[k], k, outcome)
        over = len(chosen)
        rewards = -np.append(cost[: over - 1], cost[over - 1 :].sum())
        for i, turn in enumerate(chosen):
            following = int(chosen[i + 1]) if i + 1 < over else int(turn)
            kept.append((int(turn), float(rewards[i]), following, i + 1 == over, float(rewards[i:].sum())))
    at = np.array([one[0] for one in kept], np.int64)
    return Turns(
        rows[at],
        action[at].astype(np.int64),
        np.array([one[1] for one in kept]),
        rows[np.array([one[2] for one in kept], np.int64)],
        np.array([one[3] for one in kept], np.bool_),
        np.array([one[4] for one in kept]),
    )


def _costs(
    now: NDArray[np.int64], mid: NDArray[np.float64], parent: ParentPlan, number: int, outcome: Outcome
) -> NDArray[np.float64]:
    """Ticks a lot of the order that each turn cost; the last one carries what was never filled."""
    fills = outcome.fills[outcome.fills["parent"] == number]
    place = np.maximum(np.searchsorted(now, fills["ts"], "right") - 1, 0)
    paid = np.zeros(len(now))
    np.add.at(paid, place, parent.side * fills["qty"] * (fills["price"] - mid[place]))
    lots = np.zeros(len(now))
    np.add.at(lots, place, fills["qty"])
    left = parent.qty - np.cumsum(lots)
    drift = np.append(np.diff(mid), 0.0) * parent.side
    cost = (paid + left * drift) / parent.qty
    # The whole is known exactly: what the sum misses (what was left, the way from the arrival) is the last turn's.
    start = parent.side * (mid[0] - outcome.arrival[number])
    cost[-1] += outcome.shortfall[number] - start - cost.sum()
    rounded: NDArray[np.float64] = np.clip(cost, -MOST, MOST)
    return rounded


def explored(
    tapes: Sequence[Tape],
    markets: Sequence[Market],
    recipe: PolicyRecipe,
    rng: np.random.Generator,
    network: Dense | None,
) -> list[Turns]:
    """One round of exploration over every tape."""
    found = []
    for number in range(recipe.passes):
        for tape, market in zip(tapes, markets, strict=True):
            window = recipe.windows[number % len(recipe.windows)]
            share = float(rng.choice(recipe.shares))
            every = window // TURNS
            parents = draw_parents(market, window, share, rng, every)
            best = None if network is None else Values(network)
            explorer = Exploring(Choose(rng, best, recipe.explore).fresh())
            outcome = run_orders(
                tape, market, parents, "explore", every, models={"explore": explorer}, seed=int(rng.integers(1 << 30))
            )
            found.append(turns_of(explorer.log, parents, outcome))
    return found


class Values:
    """Action values of one row, fast enough to be asked at every turn."""

    def __init__(self, network: Dense) -> None:
        self._network = network

    def __call__(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        """Shape (actions,)."""
        values: NDArray[np.float64] = forward(self._network, row[None])[0]
        return values


def fitted(turns: Sequence[Turns], network: Dense | None, recipe: PolicyRecipe, rng: np.random.Generator) -> Dense:
    """The values of all turns seen so far."""
    row = np.concatenate([one.row for one in turns])
    action = np.concatenate([one.action for one in turns])
    reward = np.concatenate([one.reward for one in turns])
    following = np.concatenate([one.next_row for one in turns])
    last = np.concatenate([one.last for one in turns])
    target = np.concatenate([one.to_go for one in turns])  # how it went is where the first fit begins
    if network is None:
        network = fresh(row, (*recipe.layers, len(NAMES)), (), rng, DIRECTED, SPEC.index("side"))
    else:
        target = reward + np.where(last, 0.0, forward(network, following).max(axis=1))
    for _ in range(recipe.sweeps):
        network = fit_values(network, row, action, np.clip(target, -MOST, MOST).astype(np.float32), rng, recipe.fit)
        target = reward + np.where(last, 0.0, forward(network, following).max(axis=1))
    return network
