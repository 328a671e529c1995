"""Mutation testing of the gate: every kernel of the gate is damaged in one place, and the gate's tests must notice.

Damage is done to the syntax tree in memory: comparisons, numbers, boolean operators, arithmetic, conditions turned
round, max for min, dropped statements, module constants. Each mutant lives in a forked process, interpreted, and is
shown to the cases of `tests/oracle/gate_cases*.py`, the tests of `test_gate_latches.py`, and worlds beside the oracle.
Survivors are printed with their place; those listed in `EQUIVALENT` cannot be told from the original, and why.

    python tests/bench/mutate_gate.py              all of them, one JSON record at the end
    python tests/bench/mutate_gate.py --only rates --jobs 1
"""

import argparse
import ast
import copy
import inspect
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

os.environ["NUMBA_DISABLE_JIT"] = "1"

import numpy as np

from core.risk import exposure_checks, gate, hooks, order_checks, rates
from tests.oracle import gate_cases_desk, gate_cases_order
from tests.oracle.gate_world import run_world
from tests.unit.core import test_gate_latches

MODULES = [gate, order_checks, exposure_checks, rates, hooks]
CASES = [
    *gate_cases_desk.RATES, *gate_cases_desk.OPEN, *gate_cases_desk.MONEY, *gate_cases_desk.POSITION,
    *gate_cases_order.OWN, *gate_cases_order.PRICE, *gate_cases_order.WORLD, *gate_cases_order.FORM,
]  # fmt: skip
PATIENCE = 8  # processor seconds a mutant may take: damaged loops may never end
COMPARE: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq],
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
SWAPPED = {"max": "min", "min": "max"}


@dataclass(frozen=True)
class Mutant:
    """One damage: `apply` does it to the running process."""

    module: str
    function: str
    line: int
    before: str
    after: str
    apply: Callable[[], None]


def damages(node: ast.AST) -> Iterator[ast.AST]:
    """Copies of one node, each damaged at its root."""

    def other(**fields: object) -> ast.AST:
        twin = copy.deepcopy(node)
        for name, value in fields.items():
            setattr(twin, name, value)
        return twin

    if isinstance(node, ast.Compare):
        for place, op in enumerate(node.ops):
            for wrong in COMPARE.get(type(op), []):
                ops = list(node.ops)
                ops[place] = wrong()
                yield other(ops=ops)
    elif isinstance(node, ast.BoolOp):
        yield other(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in ARITHMETIC:
        yield other(op=ARITHMETIC[type(node.op)]())
    elif isinstance(node, ast.UnaryOp):
        yield copy.deepcopy(node.operand)
    elif isinstance(node, ast.IfExp):
        yield other(body=copy.deepcopy(node.orelse), orelse=copy.deepcopy(node.body))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in SWAPPED:
            yield other(func=ast.Name(SWAPPED[node.func.id], ast.Load()))
        elif node.func.id == "abs":
            yield copy.deepcopy(node.args[0])
    if isinstance(node, ast.Assign | ast.AugAssign | ast.If | ast.For | ast.While | ast.Break | ast.Continue) or (
        isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
    ):
        yield ast.Pass()


class _Replace(ast.NodeTransformer):
    def __init__(self, target: int, wrong: ast.AST) -> None:
        self.target, self.wrong, self.seen = target, wrong, -1

    def visit(self, node: ast.AST) -> ast.AST:
        self.seen += 1
        return self.wrong if self.seen == self.target else self.generic_visit(node)


class _List(ast.NodeTransformer):
    """The nodes in the order in which `_Replace` meets them."""

    def __init__(self) -> None:
        self.nodes: list[ast.AST] = []

    def visit(self, node: ast.AST) -> ast.AST:
        self.nodes.append(node)
        return self.generic_visit(node)


def of_module(module: ModuleType) -> Iterator[Mutant]:
    """All mutants of the kernels and the numbers of a module."""
    short = module.__name__.rpartition(".")[2]
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef):
            yield from of_function(module, short, node)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            value = getattr(module, name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield Mutant(
                    short,
                    name,
                    node.lineno,
                    f"{name} = {value}",
                    "+ 1",
                    lambda n=name, v=value: setattr(module, n, v + 1),
                )


def of_function(module: ModuleType, short: str, node: ast.FunctionDef) -> Iterator[Mutant]:
    bare = copy.deepcopy(node)
    bare.decorator_list, bare.returns = [], None
    for argument in bare.args.args:
        argument.annotation = None
    listing = _List()
    listing.visit(copy.deepcopy(bare))
    for place, at in enumerate(listing.nodes):
        for wrong in damages(at):
            if isinstance(at, ast.Expr) and isinstance(at.value, ast.Constant):
                continue
            tree = _Replace(place, wrong).visit(copy.deepcopy(bare))
            code = _code(ast.Module([tree], []), module, node.name)
            before, after = (" ".join(ast.unparse(n).split())[:110] for n in (at, wrong))
            target = getattr(module, node.name)
            yield Mutant(
                short, node.name, getattr(at, "lineno", 0), before, after, lambda t=target, c=code: _install(t, c)
            )  # fmt: skip


def _code(tree: ast.Module, module: ModuleType, name: str) -> CodeType:
    space = dict(vars(module))
    exec(compile(ast.fix_missing_locations(tree), f"<mutant of {name}>", "exec"), space)  # our own source, damaged
    function = space[name]
    assert isinstance(function, FunctionType)
    return function.__code__


def _install(function: FunctionType, code: CodeType) -> None:
    function.__code__ = code


def battery() -> None:
    """Everything that may notice. Raises if it does."""
    run_world(0, 60)
    for case in CASES:
        case.run()
    for name, test in vars(test_gate_latches).items():
        if name.startswith("test_"):
            for arguments in _arguments(test):
                test(**arguments)
    for seed in range(1, 6):
        run_world(seed, 60)


def _arguments(test: Callable[..., None]) -> Iterator[dict[str, object]]:
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        yield {}
        return
    names, values = marks[0].args[0], marks[0].args[1]
    keys = [names] if isinstance(names, str) else list(names)
    for value in values:
        yield dict(zip(keys, [value] if isinstance(names, str) else value, strict=True))


def survives(mutant: Mutant) -> bool:
    """Whether nothing notices, in a process of its own."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.setitimer(
            signal.ITIMER_VIRTUAL, PATIENCE
        )  # its default action ends the process: a mutant that hangs is noticed
        verdict = 1
        try:
            np.seterr(all="ignore", over="raise")  # the suite takes an overflow for an error
            mutant.apply()
            battery()
            verdict = 0
        except BaseException:  # noqa: BLE001 - whatever it is, it was noticed
            verdict = 1
        finally:
            os._exit(verdict)
    _, status = os.waitpid(child, 0)
    return status == 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="part of a module name")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    battery()
    mutants = [m for module in MODULES if options.only in module.__name__ for m in of_module(module)]
    workers, reads = [], []
    for job in range(options.jobs):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            mine = range(job, len(mutants), options.jobs)
            alive = []
            for done, k in enumerate(mine, start=1):
                if survives(mutants[k]):
                    alive.append(k)
                if done % 50 == 0:
                    print(f"job {job}: {done} of {len(mine)}, {len(alive)} survive", file=sys.stderr, flush=True)
            with os.fdopen(write, "w") as pipe:
                json.dump(alive, pipe)
            os._exit(0)
        os.close(write)
        workers.append(child)
        reads.append(read)
    alive: list[int] = []
    for read, child in zip(reads, workers, strict=True):
        with os.fdopen(read) as pipe:
            alive += json.load(pipe)
        os.waitpid(child, 0)
    unexplained = 0
    for k in sorted(alive):
        mutant = mutants[k]
        why = EQUIVALENT.get((mutant.function, mutant.before, mutant.after), "")
        unexplained += not why
        print(f"{mutant.module}.{mutant.function}:{mutant.line}: {mutant.before}  ->  {mutant.after}   [{why or '?'}]")
    record = {
        "mutants": len(mutants), "killed": len(mutants) - len(alive), "survivors": len(alive),
        "rate": round(1 - len(alive) / max(1, len(mutants)), 4), "unexplained": unexplained,
    }  # fmt: skip
    print(json.dumps(record))
    sys.exit(record["rate"] < 0.95)


_ONE = "the array has one axis or one entry: its first is its last"
_SLOWER = "a row that could be passed over is judged one by one"
_SIGN = "only the size of the sum is used"
#: Survivors that do what the original does, by function, original and damage.
EQUIVALENT: dict[tuple[str, str, str], str] = {
    ("_judge", "True", "False"): _SLOWER,
    ("_judge", "if quiet: continue", "pass"): _SLOWER,
    ("_judge", "continue", "pass"): _SLOWER,
    ("desk_row", "0", "-1"): _ONE,
    ("row_ring", "0", "-1"): _ONE,
    ("exposure", "0", "-1"): _ONE,
    ("check", "0", "-1"): _ONE,
    ("_observe_latches", "0", "-1"): _ONE,
    ("fill_ring", "0", "-1"): _ONE,
    ("exposure", "longs += high * mark2 * half", "longs -= high * mark2 * half"): _SIGN,
    ("exposure", "shorts += low * mark2 * half", "shorts -= low * mark2 * half"): _SIGN,
    ("exposure", "abs(high)", "high"): "where all buys leave it short, all sells leave it shorter",
    ("_least", "limit < least", "limit <= least"): "the least of two that are equal",
    ("duplicates", "0", "-1"): "the place before the first holds no order of this time",
    ("observe_market", "1", "2"): "any negative age is not known",
}

if __name__ == "__main__":
    main()
