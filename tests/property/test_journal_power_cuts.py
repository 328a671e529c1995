"""The power goes at any moment: nothing acknowledged is lost, nothing is there twice, and one can go on."""

import contextlib
from dataclasses import dataclass, field

import numpy as np
import pytest

from core.records import EVENT
from sessions.journal.anchors import Anchor
from sessions.journal.journal import Journal
from sessions.journal.log import Log, Position, start_of
from sessions.journal.reading import Reader
from sessions.journal.recover import recover
from sessions.journal.streams import Section, section
from tests.oracle.sim_disk import PowerCut, SimDisk

GENESIS = bytes(range(32))


@dataclass
class Signed:
    """Anchors as far as they were signed."""

    log: "Log | None" = None
    all: list[Anchor] = field(default_factory=lambda: [Anchor(0, 0, GENESIS)])

    def add(self, at: Position) -> None:
        self.all.append(Anchor(at.blocks, at.records, at.head))


@dataclass
class Life:
    """A writer until the power goes: heads of all blocks begun, and how many of them were acknowledged."""

    heads: list[bytes] = field(default_factory=lambda: [GENESIS])
    acknowledged: int = 0
    signed: Signed = field(default_factory=Signed)


class Watched(Log):
    """Writes down the head of each block before the disk hears of it."""

    def __init__(self, disk: SimDisk, at: Position, segment: int, life: Life) -> None:
        super().__init__(disk, at, segment)
        self.life = life

    def append(self, sections: "list[Section]", flags: int = 0) -> Position:  # type: ignore[override]
        from sessions.journal.layout import pack

        self.life.heads.append(pack(self.at.blocks, self.at.records, self.at.head, sections, flags)[1])
        return super().append(sections, flags)


def _block(rng: np.random.Generator) -> list[Section]:
    count = int(rng.choice([1, 2, 7, 40, 200], p=[0.4, 0.3, 0.2, 0.07, 0.03]))
    return [section("events", rng.integers(0, 256, count * EVENT.itemsize, dtype=np.uint8).view(EVENT))]


def _write(disk: SimDisk, rng: np.random.Generator, at: Position, life: Life, durable: bool, blocks: int) -> None:
    log = Watched(disk, at, int(rng.choice([2048, 4096, 16384])), life)
    if durable:
        journal = Journal(log, life.signed, durable=True)  # type: ignore[arg-type]
        for _ in range(blocks):
            for each in _block(rng):
                journal.take(each.stream.name, each.records)
            journal.commit()
            life.acknowledged = log.at.blocks
            if rng.random() < 0.2:
                life.signed.add(log.at)
    else:
        for _ in range(blocks):
            log.append(_block(rng))
            if rng.random() < 0.15:
                log.sync()
                life.acknowledged = log.at.blocks
                life.signed.add(log.at)
    if rng.random() < 0.3:
        log.close()
        life.acknowledged = log.at.blocks


def _recovered(disk: SimDisk, rng: np.random.Generator, life: Life, durable: bool) -> tuple[SimDisk, Position]:
    """Recovery, in which the power may go too."""
    for _ in range(4):
        disk.die_at = int(rng.integers(1, 8)) if rng.random() < 0.3 else None
        disk.steps = 0
        try:
            found = recover(disk, GENESIS, "log", life.signed.all[-1], durable)
        except PowerCut:
            disk = disk.power_cut()
            continue
        disk.die_at = None
        return disk, found.at
    disk.die_at = None
    return disk, recover(disk, GENESIS, "log", life.signed.all[-1], durable).at


def _same(disk: SimDisk, life: Life, at: Position) -> None:
    reader = Reader(disk, start_of(GENESIS))
    heads = [GENESIS, *(block.hash for block in reader)]
    assert reader.fault == ""
    assert (reader.at.blocks, reader.at.head) == (at.blocks, at.head)
    assert heads == life.heads[: len(heads)], "the log is a prefix of what was written"
    assert len(heads) - 1 >= life.acknowledged, "an acknowledged block is lost"


def lose_power(seed: int, durable: bool) -> None:
    """One machine, whose power goes up to three times."""
    rng = np.random.default_rng([seed, durable])
    disk, life, at = SimDisk(rng), Life(), start_of(GENESIS)
    for _ in range(int(rng.integers(1, 4))):
        disk.steps, disk.die_at = 0, int(rng.integers(1, 90))
        with contextlib.suppress(PowerCut):
            _write(disk, rng, at, life, durable, blocks=int(rng.integers(1, 40)))
        dead = disk.power_cut() if rng.random() < 0.8 else disk.process_death()
        disk, at = _recovered(dead, rng, life, durable)
        _same(disk, life, at)
        del life.heads[at.blocks + 1 :]
        life.acknowledged = at.blocks  # what recovery has believed must stay, whoever has read it
        disk = disk.power_cut()
        disk, at = _recovered(disk, rng, life, durable)
        _same(disk, life, at)


@pytest.mark.parametrize("durable", [True, False])
def test_power_cuts(durable: bool) -> None:
    for seed in range(150):
        lose_power(seed, durable)


@pytest.mark.nightly
@pytest.mark.parametrize("durable", [True, False])
def test_ten_thousand_power_cuts(durable: bool) -> None:
    for seed in range(1_000, 6_000):
        lose_power(seed, durable)
