"""Time of one whole gate check, of a check with its hooks, and of a fill, from inside compiled loops.

Every fourth draft is a replace; drafts move around the touch so that branches are not all learnt. Prints one JSON
record: ns per call, the best and the median of the rounds, processor time.

    python tests/bench/gate_speed.py --agents 4 --instruments 2
"""

import argparse
import json
from decimal import Decimal

import numpy as np

from core.account.account import Account, mark, new_account, settle
from core.account.money import money_scale
from core.clock import cpu_ns
from core.enums import Op, OrderType, Side, Status, TimeInForce
from core.jit import kernel
from core.plan import FeePlan
from core.records import DRAFT, MARKET, VERDICT
from core.risk.gate import Gate, check, new_gate
from core.risk.hooks import changed, sent
from core.risk.limits import default_limits, limit_set

START = 1_700_000_000_000_000_000


@kernel
def checks(gate: Gate, account: Account, drafts: np.ndarray, markets: np.ndarray, verdicts: np.ndarray) -> int:
    passed = 0
    for k in range(drafts.shape[0]):
        passed += check(gate, account, drafts[k], markets[drafts[k]["instrument"]], verdicts[0]) == 0
    return passed


@kernel
def orders(gate: Gate, account: Account, drafts: np.ndarray, markets: np.ndarray, verdicts: np.ndarray) -> int:
    """Check, send, and the order ends: what an order costs in all."""
    passed = 0
    for k in range(drafts.shape[0]):
        draft = drafts[k]
        if check(gate, account, draft, markets[draft["instrument"]], verdicts[0]) == 0 and draft["op"] == 1:
            passed += 1
            sent(gate, draft)
            changed(gate, draft["agent"], draft["instrument"], draft["side"], draft["price"], draft["qty"], 0)
    return passed


@kernel
def fills(account: Account, drafts: np.ndarray) -> int:
    booked = 0
    for k in range(drafts.shape[0]):
        draft = drafts[k]
        booked += settle(account, draft["agent"], draft["instrument"], draft["side"], draft["price"], draft["qty"], 300)
    return booked


def make(agents: int, instruments: int, count: int) -> tuple[Gate, Account, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    scale = money_scale([Decimal("0.01")] * instruments, [FeePlan()] * instruments)
    limits = limit_set(default_limits(), [f"a{k}" for k in range(agents)], [f"i{k}" for k in range(instruments)])
    gate, account = new_gate(limits, scale), new_account(agents, instruments, scale.tick_value)
    for instrument in range(instruments):
        mark(account, instrument, 20_001)
    markets = np.zeros(instruments, MARKET)
    markets["ts_market"], markets["best_bid"], markets["best_ask"] = START, 10_000, 10_001
    markets["bid_qty"] = markets["ask_qty"] = 500
    markets["last_price"], markets["status"], markets["session_open"] = 10_000, Status.TRADING, 1
    markets["window2"], markets["depth"], markets["volume"] = 20_000, 3_000, 1_000_000
    drafts = np.zeros(count, DRAFT)
    drafts["now"] = START + np.arange(count) * 100_000_000
    drafts["op"] = np.where(np.arange(count) % 4 == 3, int(Op.REPLACE), int(Op.NEW))
    drafts["agent"], drafts["instrument"] = rng.integers(0, agents, count), rng.integers(0, instruments, count)
    drafts["side"] = rng.choice([int(Side.BID), int(Side.ASK)], count)
    drafts["type"], drafts["tif"] = OrderType.LIMIT, TimeInForce.DAY
    drafts["price"], drafts["qty"] = 10_000 + rng.integers(-3, 4, count), rng.integers(1, 200, count)
    drafts["permission"], drafts["order_id"] = 1, np.arange(count)
    return gate, account, drafts, markets


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", type=int, default=1)
    parser.add_argument("--instruments", type=int, default=1)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    record: dict[str, object] = {"agents": options.agents, "instruments": options.instruments}
    verdicts = np.zeros(1, VERDICT)
    for name in ("check", "check_send_change", "settle"):
        times = []
        for round_ in range(options.rounds + 1):
            gate, account, drafts, markets = make(options.agents, options.instruments, options.count)
            began = cpu_ns()
            if name == "check":
                checks(gate, account, drafts, markets, verdicts)
            elif name == "check_send_change":
                orders(gate, account, drafts, markets, verdicts)
            else:
                fills(account, drafts)
            if round_:
                times.append((cpu_ns() - began) / options.count)
        record[f"{name}_ns"] = {"best": round(min(times), 1), "median": round(float(np.median(times)), 1)}
    print(json.dumps(record))


if __name__ == "__main__":
    main()
