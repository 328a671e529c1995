"""Stylised facts of the LOBSTER samples against synthetic days, as a Markdown table, and the generator's speed.

    python tests/bench/sim_facts.py ../shared/data/lobster

Each synthetic column is the mean over three seeds. Fitted columns come from the tape to their left.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.feeds.lobster import LobsterFeed
from core.feeds.source import Options
from core.sim.facts import facts
from core.sim.fit import fit
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.sim.rehearse import rehearse
from core.tape.importer import import_tape
from core.tape.tape import Tape

SOURCES = {
    "AMZN-5": "LOBSTER_SampleFile_AMZN_2012-06-21_5.zip",
    "AAPL-1": "LOBSTER_SampleFile_AAPL_2012-06-21_1.zip",
    "AAPL-50, 1 h": "AAPL_2012-06-21_34200000_37800000_message_50.csv.zst",
}
SEEDS = (101, 102, 103)
FACTS = (
    "rows",
    "share_execute",
    "share_trade",
    "spread_mean_cents",
    "spread_q05_ticks",
    "spread_median_ticks",
    "spread_q95_ticks",
    "bbo_move_share",
    "live_orders",
    "live_levels",
    "touch_orders",
    "depth_1_qty",
    "depth_5_qty",
    "depth_10_qty",
    "depth_2_ticks",
    "depth_5_ticks",
    "depth_10_ticks",
    "lifetime_q25_s",
    "lifetime_q50_s",
    "lifetime_q90_s",
    "sign_ac_1",
    "sign_ac_2",
    "sign_ac_5",
    "sign_ac_10",
    "sign_ac_20",
    "sign_ac_100",
    "volatility_5min",
    "volatility_10s",
    "kurtosis_1s",
    "kurtosis_10s",
    "kurtosis_1min",
    "return_ac_1s",
    "return_ac_1min",
    "abs_return_ac_10s_1",
    "abs_return_ac_10s_5",
    "abs_return_ac_1min_1",
    "ofi_r2_10s",
    "trade_r2_10s",
    "burstiness_1s",
    "volume",
    "volume_open_over_noon",
    "volume_close_over_noon",
)


def synthetic(profile: MarketProfile) -> dict[str, float]:
    """Mean facts of days of `profile`."""
    days = [facts(*rehearse(profile, seed, profile.messages_per_day)) for seed in SEEDS]
    return {name: float(np.mean([day[name] for day in days])) for name in days[0]}


def columns(folder: Path) -> dict[str, dict[str, float]]:
    """Facts by column of the table."""
    out = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, file in SOURCES.items():
            target = Path(scratch) / f"{name}.tape"
            import_tape(LobsterFeed().open([folder / file], Options()), target, Options())
            tape = Tape(target)
            out[name] = facts(tape.messages, tape.instrument)
            out[f"fit of {name}"] = synthetic(fit(tape))
            tape.close()
    for name in ("default", "dense"):
        out[name] = synthetic(MarketProfile.named(name))
    return out


def number(value: float) -> str:
    """Three significant digits."""
    return "-" if np.isnan(value) else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def speed() -> None:
    """Messages a second of one core, rows into memory, compiled before."""
    for name in ("default", "dense"):
        profile = MarketProfile.named(name)
        for messages in (10_000, 100_000, 1_000_000, 10_000_000):
            start = time.process_time()
            made = sum(len(batch.rows) for batch in SyntheticSource(profile, 1, messages).batches())
            took = time.process_time() - start
            print(f"{name:8} {made:>10,} messages: {made / took / 1e6:.2f} million a second")


if __name__ == "__main__":
    table = columns(Path(sys.argv[1]))
    print("| fact |" + "".join(f" {name} |" for name in table))
    print("|---|" + "---:|" * len(table))
    for fact in FACTS:
        print(f"| {fact} |" + "".join(f" {number(column[fact])} |" for column in table.values()))
    speed()
