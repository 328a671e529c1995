"""How the models that ship were made: each recipe makes its own synthetic tapes, trains, and writes model and card."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from core.feeds.source import Options
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.tape.importer import import_tape
from core.tape.tape import Tape
from models.factory.train_policy import PolicyRecipe, train_policy
from models.factory.train_signal import SignalRecipe, train_signal
from models.serving import OnnxModel

#: What is made of each kind.
NAMES = {"signal": SignalRecipe().name, "policy": PolicyRecipe().name}
PROFILE, MESSAGES = "default", 400_000
#: Market seeds learned from, and those nobody looks at before the end.
SEEDS, HELD_OUT = tuple(range(101, 109)), tuple(range(201, 205))


@contextmanager
def synthetic(seeds: Sequence[int], messages: int = MESSAGES, profile: str = PROFILE) -> Iterator[list[Tape]]:
    """One synthetic day per market seed, on disk as long as the context lasts."""
    with TemporaryDirectory(prefix="tapedeck-train-") as folder:
        tapes = []
        for seed in seeds:
            path = Path(folder) / f"{profile}-{seed}.tape"
            import_tape(SyntheticSource(MarketProfile.named(profile), seed, messages), path, Options())
            tapes.append(Tape(path))
        try:
            yield tapes
        finally:
            for tape in tapes:
                tape.close()


def make_signal(out: Path, seed: int = 7, command: str = "tapedeck model train signal") -> OnnxModel:
    """The signal that ships, `out/touch_signal.onnx`. About a minute. Raises `ConfigError` without the libraries."""
    recipe = SignalRecipe(
        command=f"{command} --seed {seed}",
        data=_days(SEEDS) + "; the last fifth of each chose the epoch, 15 s before it were left out",
        held_out=_days(HELD_OUT),
    )
    with synthetic([*SEEDS, *HELD_OUT]) as tapes:
        return train_signal(tapes[: len(SEEDS)], tapes[len(SEEDS) :], seed, out, recipe)


def make_policy(out: Path, seed: int = 7, command: str = "tapedeck model train policy") -> OnnxModel:
    """The policy that ships, `out/order_worker.onnx`. A few minutes. Raises `ConfigError` without the libraries."""
    recipe = PolicyRecipe(command=f"{command} --seed {seed}", data=_days(SEEDS), held_out=_days(HELD_OUT))
    with synthetic([*SEEDS, *HELD_OUT]) as tapes:
        return train_policy(tapes[: len(SEEDS)], tapes[len(SEEDS) :], seed, out, recipe)


def _days(seeds: Sequence[int]) -> str:
    return (
        f"{len(seeds)} synthetic days, profile {PROFILE}, {MESSAGES:,} messages, market seeds {seeds[0]} to {seeds[-1]}"
    )
