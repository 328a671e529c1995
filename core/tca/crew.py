"""The runs of a comparison on several cores. Processes, not threads: half of a short session is Python.

A process needs seconds to load the kernels, a run milliseconds: this process works as well, and whoever is ready takes
what is left. Whatever the number of workers, and whoever takes which order, the outcomes are the same.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait

import numpy as np
from numpy.typing import NDArray

from core.errors import TapedeckError
from core.tca.result import PAIRED
from core.tca.work import Bench, Outcome, Terms, WorkFailed

#: Told how many orders are done.
Progress = Callable[[int], None]
_NONE: NDArray[np.void] = np.zeros(0, PAIRED)
_CHUNK = 4  # orders at a time, some 50 ms: small enough that the last ones end together


def work_all(
    bench: Bench, orders: NDArray[np.void], jobs: int, progress: Progress | None = None
) -> list[list[Outcome]]:
    """The outcomes of each of `orders` (PAIRED), by policy, in order; on `jobs` processes, this one and others.

    Raises `WorkFailed` naming order and policy; no process is left then, nor after an interrupt.
    """
    tell = progress or (lambda done: None)
    found: list[list[Outcome] | None] = [None] * len(orders)
    # The first order is worked here: its kernels are compiled and kept before several processes ask for them.
    alone = len(orders) if jobs == 1 else 1
    for k in range(min(alone, len(orders))):
        found[k] = bench.work(orders[k])
        tell(k + 1)
    chunks = [(k, orders[k : k + _CHUNK]) for k in range(alone, len(orders), _CHUNK)]
    done = alone
    for start, outcomes in _spread(bench, chunks, min(jobs, len(chunks))):
        found[start : start + len(outcomes)] = outcomes
        done += len(outcomes)
        tell(done)
    return [each for each in found if each is not None]


def _spread(
    bench: Bench, chunks: list[tuple[int, NDArray[np.void]]], jobs: int
) -> Iterator[tuple[int, list[list[Outcome]]]]:
    """Each chunk to whoever is free, ourselves included; yields them as they are done."""
    todo, busy = list(reversed(chunks)), dict[Connection, tuple[int, NDArray[np.void]]]()
    with _crew(bench.terms, jobs - 1) as ends:
        while todo or busy:
            free = wait(ends, 0 if todo else None)
            for end in [each for each in ends if each in free]:
                start, rows = busy.pop(end, (-1, _NONE))
                answer = _answer(end, rows)
                if start >= 0:
                    yield start, answer
                if todo:
                    busy[end] = todo.pop()
                    end.send(busy[end][1])
            if todo and not free:
                start, rows = todo.pop()
                yield start, [bench.work(row) for row in rows]


def _answer(end: Connection, rows: NDArray[np.void]) -> list[list[Outcome]]:
    try:
        answer = end.recv()
    except (EOFError, ConnectionError):
        what = f"orders {int(rows['number'][0])} to {int(rows['number'][-1])}: " if len(rows) else ""
        raise WorkFailed(f"{what}a process of the comparison died") from None
    if isinstance(answer, tuple):
        raise WorkFailed(*answer)
    outcomes: list[list[Outcome]] = answer
    return outcomes


@contextmanager
def _crew(terms: Terms, jobs: int) -> Iterator[list[Connection]]:
    """Workers for as long as the block lasts, and never longer."""
    context = get_context("spawn")
    crew, ends = [], []
    try:
        with _deaf():
            for _ in range(jobs):
                ours, theirs = context.Pipe()
                process = context.Process(target=_labour, args=(terms, theirs), daemon=True)
                process.start()
                theirs.close()  # so that its end is the end of the pipe
                crew.append(process)
                ends.append(ours)
        yield ends
    finally:
        for process in crew:
            process.terminate()
        for process in crew:
            process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that start here do not hear ctrl-c: it is for us, who end them. One pressed meanwhile comes after."""
    resource_tracker.ensure_running()  # started later it would let the signal in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _labour(terms: Terms, end: Connection) -> None:
    """A worker: says that it is ready, then parent orders in, outcomes out, until nobody is there any more."""
    with suppress(EOFError, ConnectionError):
        try:
            bench = Bench(terms)
            answer: list[list[Outcome]] = []  # ready
            while True:
                end.send(answer)
                answer = [bench.work(row) for row in end.recv()]
        except TapedeckError as error:
            end.send((str(error), error.exit_code))
