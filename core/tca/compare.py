"""The paired protocol from end to end: draw the parent orders, have every policy work each, weigh what it cost."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.enums import Rung
from core.errors import ConfigError
from core.tape.intact import require_intact
from core.tca.crew import Progress, work_all
from core.tca.paired import RESAMPLES, figures
from core.tca.parents import Wanted, block_length, draw
from core.tca.result import CompareResult, Figure, Plain, TapeNote, Trial, new_costs, put
from core.tca.shortfall import Leftover
from core.tca.work import Bench, Outcome, Terms, digest_of

#: What differences are told against.
BASELINE = "twap"
LEVEL = 0.95


def compare(
    terms: Terms, wanted: Wanted, *, jobs: int = 1, resamples: int = RESAMPLES, progress: Progress | None = None
) -> CompareResult:
    """Every policy of `terms` on the same `wanted` parent orders, met by the same latencies. `jobs` changes nothing.

    Raises `ConfigError` where the orders cannot be drawn, `TapeError`, and `WorkFailed` naming order and policy.
    """
    labels = tuple(contender.label for contender in terms.contenders)
    twice = {label for label in labels if labels.count(label) > 1}
    if twice or not labels:
        raise ConfigError(f"policy {min(twice)} is named twice" if twice else "a comparison needs at least one policy")
    if jobs < 1:
        raise ConfigError(f"a comparison needs at least one process, not {jobs}")
    bench = Bench(terms)
    for tape in bench.tapes:
        require_intact(tape)
    orders = draw(bench.markets, wanted)
    outcomes = work_all(bench, orders, jobs, progress)
    costs = new_costs(len(labels), len(orders))
    for i, row in enumerate(outcomes):
        for k, outcome in enumerate(row):
            put(costs, k, i, outcome.shortfall, outcome.fills)
    found = figures(
        labels, orders, costs, np.random.default_rng([wanted.seed, 1]), baseline=BASELINE, resamples=resamples,
        level=LEVEL,
    )  # fmt: skip
    return CompareResult(
        title=f"{len(labels)} policies, {len(orders)} parent orders",
        policies=labels,
        baseline=BASELINE,
        rung=terms.rung,
        queue=terms.queue,
        queue_model=terms.queue_model,
        leftover=Leftover.COMPLETE,
        orders=orders,
        costs=costs,
        columns=found.columns,
        blocks=found.blocks,
        level=LEVEL,
        resamples=resamples,
        tapes=_tapes(bench, orders),
        settings=_settings(terms, wanted, bench, orders),
        pairs=found.pairs,
        trials=_trials(terms, found.columns),
        notes=tuple(_notes(terms, outcomes)),
        digest=digest_of(outcomes),
    )


def _tapes(bench: Bench, orders: NDArray[np.void]) -> tuple[TapeNote, ...]:
    return tuple(
        TapeNote(
            meta.symbol, meta.venue, meta.date, meta.messages_sha256, meta.messages, int((orders["tape"] == k).sum())
        )
        for k, meta in enumerate(tape.meta for tape in bench.tapes)
    )


def _settings(terms: Terms, wanted: Wanted, bench: Bench, orders: NDArray[np.void]) -> dict[str, Plain]:
    """Everything asked for, and what was made of it."""
    market = bench.markets[0]
    length = wanted.block or block_length(market.last_ts - market.first_ts, wanted.window)
    found: dict[str, Plain] = {
        "seed": wanted.seed,
        "orders": wanted.orders,
        "window_s": wanted.window / 1e9,
        "block_s": length / 1e9,
        "adv_share": wanted.adv_share,
        "lots": ", ".join(str(lots) for lots in np.unique(orders["qty"])),
        "every_s": terms.every / 1e9,
        "rung": f"R{int(terms.rung)}",
        "queue": terms.queue.name.lower(),
        "queue_model": terms.queue_model,
        "maker_per_lot": terms.fees.maker_per_lot,
        "taker_per_lot": terms.fees.taker_per_lot,
        "maker_bps": terms.fees.maker_bps,
        "taker_bps": terms.fees.taker_bps,
    }
    for kind in ("feed", "order", "response"):
        model = getattr(terms.latency, kind)
        spread = f", spread {model.spread:g}" if model.spread else ""
        plain = model.kind if model.kind == "recorded" else f"{model.kind} {model.ns} ns{spread}"
        found[f"latency_{kind}"] = plain if terms.rung >= Rung.LATENCY else "none at this rung"
    return found


def _trials(terms: Terms, columns: dict[str, dict[str, Figure]]) -> tuple[Trial, ...]:
    trials = []
    for contender in terms.contenders:
        mean = columns[contender.label]["shortfall_bps"]
        trials.append(Trial(contender.label, dict(contender.params), mean if isinstance(mean, float) else None))
    return tuple(trials)


def _notes(terms: Terms, outcomes: Sequence[Sequence[Outcome]]) -> list[str]:
    """What a reader must know, by kind and count."""
    notes = []
    if all(contender.label != BASELINE for contender in terms.contenders):
        notes.append(f"{BASELINE} was not run: no difference to it can be told.")
    for k, contender in enumerate(terms.contenders):
        notes += [f"{contender.label}: {words}." for words in _told([row[k] for row in outcomes])]
    return notes


def _told(mine: Sequence[Outcome]) -> Iterator[str]:
    """What there is to say of one policy."""
    denied, assumed = Counter[str](), Counter[str]()
    for outcome in mine:
        denied.update(outcome.denied)
        assumed.update(outcome.assumed)
    if denied:
        count = sum(outcome.denials for outcome in mine)
        yield f"the gate denied {count} orders, by control " + ", ".join(f"{name} {n}" for name, n in denied.items())
    left = [outcome.shortfall.lots - outcome.shortfall.filled for outcome in mine]
    for count, words in (
        (sum(o.unhealthy for o in mine), "orders on which it failed and was paused"),
        (sum(lots > 0 for lots in left), f"of {len(mine)} orders not done in full"),
        (sum(lots < 0 for lots in left), "orders overdone"),
        (sum(o.beyond for o in mine), "lots left that the visible book did not hold at the end"),
    ):
        if count:
            yield f"{count} {words}"
    filled = max(sum(outcome.shortfall.filled for outcome in mine), 1)
    told = [f"{name} {100 * lots / filled:.1f} %" for name, lots in assumed.items() if lots]
    if told:
        yield "lots filled on an assumption: " + ", ".join(told)
