"""Prints collected from snapshots that overlap, or do not."""

from types import SimpleNamespace
from typing import cast

import numpy as np

from app.deck.print_log import KEPT, PrintLog
from core.records import PRINT
from core.snapshot import Snapshot


def seen(total: int, carried: int = 4, shift: int = 0) -> Snapshot:
    """A snapshot after `total` prints that carries the newest few; lots = number of the print."""
    first = max(total - carried, 0)
    prints = np.zeros(total - first, PRINT)
    prints["qty"] = np.arange(first + 1, total + 1)
    prints["index"] = prints["qty"] + shift
    return cast(Snapshot, SimpleNamespace(prints=prints, prints_total=total))


def sizes(log: PrintLog, count: int = 10, **options: int) -> list[int]:
    return [each.qty for each in log.view(count, **options)]


def test_overlapping_snapshots_are_joined() -> None:
    log = PrintLog()
    for total in (2, 3, 3, 6):
        log.extend(seen(total))
    assert sizes(log) == [6, 5, 4, 3, 2, 1]
    assert not any(each.missing for each in log.view(10))


def test_what_was_missed_is_counted() -> None:
    log = PrintLog()
    log.extend(seen(4))
    log.extend(seen(100))
    assert [(each.qty, each.missing) for each in log.view(6)] == [(100, 0), (99, 0), (98, 0), (97, 92), (4, 0), (3, 0)]


def test_a_tape_joined_in_the_middle_misses_nothing_it_could_have_had() -> None:
    log = PrintLog()
    log.extend(seen(1_000))
    assert sizes(log) == [1_000, 999, 998, 997]
    assert not any(each.missing for each in log.view(10))


def test_going_back_starts_over() -> None:
    log = PrintLog()
    log.extend(seen(100))
    log.extend(seen(50))
    assert sizes(log) == [50, 49, 48, 47]
    log.extend(seen(50, shift=7))
    assert [each.qty for each in log.view(2)] == [50, 49]


def test_held_and_counted() -> None:
    log = PrintLog()
    log.extend(seen(6))
    log.hold(True)
    for total in (7, 9, 60):
        log.extend(seen(total))
    assert log.waiting == 54
    assert sizes(log, 3) == [6, 5, 4]
    log.hold(False)
    assert sizes(log, 3) == [60, 59, 58]


def test_going_back_while_held_lets_go_of_the_old_anchor() -> None:
    log = PrintLog()
    log.extend(seen(60))
    log.hold(True)
    log.extend(seen(20))
    assert log.waiting == 0
    assert sizes(log, 2) == [20, 19]


def test_scrolled_and_filtered() -> None:
    log = PrintLog()
    for total in range(2, 40, 2):
        log.extend(seen(total))
    assert sizes(log, 3, back=5) == [33, 32, 31]
    assert sizes(log, 99, smallest=35) == [38, 37, 36, 35]
    assert sizes(log, 2, back=1, smallest=35) == [37, 36]
    assert sizes(log, 5, back=1_000) == []


def test_only_so_many_are_kept() -> None:
    log = PrintLog()
    total = 0
    for _ in range(300):
        total += 100
        log.extend(seen(total, carried=100))
    assert len(log.sizes()) <= 2 * KEPT
    assert sizes(log, KEPT)[-1] == total - KEPT + 1
    log.extend(seen(total + 20_000, carried=20_000))
    assert sizes(log, 2) == [total + 20_000, total + 19_999]
