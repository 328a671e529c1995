"""Ticks and lots found while streaming reproduce every price and quantity exactly, however the rows are cut."""

import os
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.enums import Action
from core.errors import ConfigError, FeedError
from core.feeds.source import Batch, Options
from core.records import ABSENT, NO_PRICE, ROW
from core.tape.importer import import_tape
from core.tape.tape import Tape
from tests.oracle.tape import RowSource

UNIT, QTY_UNIT = Decimal("0.000001"), Decimal("0.0001")
START = 1_700_000_000_000_000_000
steps = st.sampled_from([1, 2, 5, 10, 25, 100, 250, 1000, 5000, 10_000, 1_000_000])
prices = st.tuples(st.integers(1, 2000), steps).map(lambda drawn: drawn[0] * drawn[1]).filter(lambda p: p < 2**31)
quantities = st.tuples(st.integers(1, 50), st.sampled_from([1, 10, 100, 10_000, 10**6])).map(lambda q: q[0] * q[1])
actions = st.sampled_from([Action.ADD] * 4 + [Action.TRADE] * 3 + [Action.LEVEL, Action.STATUS, Action.DELETE])
rows_drawn = st.lists(st.tuples(actions, prices, quantities, st.sampled_from([1, -1])), min_size=1, max_size=40)
cuts = st.lists(st.integers(0, 40), max_size=4)
tapes = settings(max_examples=80)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of small tapes; that they reach the disk is not the question here."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def folders() -> Iterator[Iterator[Path]]:
    """Names of tapes to be."""
    with tempfile.TemporaryDirectory() as root:
        yield (Path(root) / f"{i}.tape" for i in range(10**6))


def as_rows(drawn: list[tuple[Action, int, int, int]]) -> NDArray[np.void]:
    """ROW records; every order has its own id, a delete is of the order before it."""
    rows = np.zeros(len(drawn), ROW)
    for i, (action, price, qty, side) in enumerate(drawn):
        row = rows[i]
        row["action"], row["price"], row["qty"], row["side"] = action, price, qty, side
        row["order_id"] = row["new_order_id"] = i if action == Action.DELETE else i + 1
        if action == Action.STATUS:
            row["price"], row["qty"], row["side"] = ABSENT, 2, 0
    rows["ts_event"], rows["ts_recv"], rows["flags"] = START + np.arange(len(rows)), ABSENT, 3
    rows["source_row"] = np.arange(len(rows))
    return rows


def made(
    folder: Path, batches: list[NDArray[np.void]], usual: Decimal | None, options: Options | None = None
) -> tuple[Tape, Path]:
    """The batches as a tape."""
    source = RowSource(batches)
    source.info.price_unit, source.info.qty_unit = UNIT, QTY_UNIT
    source.info.usual_tick, source.info.usual_lot = usual, None
    import_tape(source, folder, options or Options())
    return Tape(folder), folder


def cut(rows: NDArray[np.void], at: list[int]) -> list[NDArray[np.void]]:
    """The rows in batches, none empty."""
    return [part for part in np.split(rows, sorted({min(c, len(rows)) for c in at})) if len(part)]


def natural(tape: Tape) -> list[tuple[Fraction | None, Fraction]]:
    """Natural price and quantity of every message; a trade may stand between ticks."""
    tick, lot = Fraction(tape.instrument.tick), Fraction(tape.instrument.lot)
    found: list[tuple[Fraction | None, Fraction]] = []
    for message in tape.messages:
        price = Fraction(int(message["price"]))
        if message["action"] == Action.TRADE:
            price += Fraction(int(message["slot"]), 1_000_000)
        status = message["action"] == Action.STATUS
        found.append(
            (
                None if message["price"] == NO_PRICE else price * tick,
                int(message["qty"]) * (Fraction(1) if status else lot),
            )
        )
    return found


def stated(rows: NDArray[np.void]) -> list[tuple[Fraction | None, Fraction]]:
    """The same from the source."""
    return [
        (
            None if row["price"] == ABSENT else int(row["price"]) * Fraction(UNIT),
            int(row["qty"]) * (Fraction(1) if row["action"] == Action.STATUS else Fraction(QTY_UNIT)),
        )
        for row in rows
    ]


@tapes
@given(drawn=rows_drawn, at=cuts, usual=st.sampled_from([None, Decimal("0.01"), Decimal("0.25"), Decimal("0.000005")]))
def test_every_price_and_quantity_is_reproduced(
    folders: Iterator[Path], drawn: list[tuple[Action, int, int, int]], at: list[int], usual: Decimal | None
) -> None:
    rows = as_rows(drawn)
    tape, _ = made(next(folders), cut(rows.copy(), at), usual)
    tick = Fraction(tape.instrument.tick)
    for message, (price, qty), (true_price, true_qty) in zip(tape.messages, natural(tape), stated(rows), strict=True):
        assert qty == true_qty
        if message["action"] == Action.TRADE and tick > 1:
            assert price is not None and true_price is not None
            assert 0 <= true_price - price < tick / 100_000  # millionths of a tick are kept
        else:
            assert price == true_price
    assert tape.meta.skipped == {}
    tape.close()


@tapes
@given(drawn=rows_drawn, at=cuts)
def test_cuts_make_no_difference(
    folders: Iterator[Path], drawn: list[tuple[Action, int, int, int]], at: list[int]
) -> None:
    rows = as_rows(drawn)
    one, one_folder = made(next(folders), [rows.copy()], Decimal("0.01"))
    many, many_folder = made(next(folders), cut(rows.copy(), at), Decimal("0.01"))
    assert natural(one) == natural(many)
    steps_of = [(tape.meta.tick_size, tape.meta.lot_size) for tape in (one, many)]
    ratio = Fraction(one.instrument.tick) / Fraction(many.instrument.tick)
    assert ratio.denominator == 1  # refining by and by never ends coarser
    if steps_of[0] == steps_of[1]:
        for name in ("messages.npy", "marks.npz", "tape.json"):
            assert (one_folder / name).read_bytes() == (many_folder / name).read_bytes()
    one.close()
    many.close()


@pytest.mark.parametrize("finer", [1, 10, 25, 200, 1000, 5000])
def test_a_price_that_turns_finer_refines_all_before_it(tmp_path: Path, finer: int) -> None:
    rng, rows = np.random.default_rng(finer), as_rows([(Action.ADD, 1, 1, 1)] * 300)
    rows["action"] = rng.choice([Action.ADD, Action.ADD, Action.TRADE], 300)
    rows["side"] = rng.choice([1, -1], 300)
    rows["price"] = 50_000_000 + rng.integers(-400, 400, 300) * 10_000
    rows["price"][250:] += rng.integers(0, 3, 50) * finer
    trades = rows["action"] == Action.TRADE
    rows["price"][trades] += rng.integers(0, 10_000, int(trades.sum()))
    rows["qty"] = rng.integers(1, 90, 300) * 10_000
    rows["qty"][270:] += 5 * finer
    one, one_folder = made(tmp_path / "one.tape", [rows.copy()], Decimal("0.01"))
    many, many_folder = made(tmp_path / "many.tape", np.split(rows.copy(), [100, 200, 260]), Decimal("0.01"))
    assert natural(one) == natural(many) == stated(rows)
    assert Fraction(one.instrument.tick) <= Fraction(finer) * Fraction(UNIT)
    for name in ("messages.npy", "marks.npz", "tape.json"):
        assert (one_folder / name).read_bytes() == (many_folder / name).read_bytes()


def test_trades_before_the_first_order_keep_their_prices(tmp_path: Path) -> None:
    rows = as_rows(
        [(Action.TRADE, 100_015_000, 10_000, 1), (Action.TRADE, 100_014_900, 10_000, -1), (Action.STATUS, 0, 0, 0)]
        + [(Action.ADD, 100_010_000 + 10_000 * i, 10_000, 1) for i in range(5)]
    )
    for number, batches in enumerate(([rows], np.split(rows, [1, 2, 3]), np.split(rows, [3]))):
        tape, _ = made(tmp_path / f"{number}.tape", [batch.copy() for batch in batches], Decimal("0.01"))
        assert tape.meta.tick_size == "0.01"
        assert natural(tape) == stated(rows)


def first_refused(batches: list[NDArray[np.void]], off_price: set[int], off_qty: set[int]) -> int:
    """The row to be named: the first of the first batch with any; prices are looked at first."""
    for batch in batches:
        for off in (off_price, off_qty):
            found = sorted(off & set(batch["source_row"].tolist()))
            if found:
                return found[0]
    raise AssertionError("every row fits")


@tapes
@given(
    drawn=rows_drawn, at=cuts, tick=st.sampled_from([1, 2, 25, 1000, 10_000]), lot=st.sampled_from([1, 10, 100, 10_000])
)
def test_a_step_that_was_given_holds_or_names_the_row(
    folders: Iterator[Path], drawn: list[tuple[Action, int, int, int]], at: list[int], tick: int, lot: int
) -> None:
    rows, folder = as_rows(drawn), next(folders)
    options = Options(tick=tick * UNIT, lot=lot * QTY_UNIT)
    sized = rows["action"] != Action.STATUS
    ordered = sized & (rows["action"] != Action.TRADE)
    off_price = set(np.flatnonzero(ordered & (rows["price"] % tick != 0)).tolist())
    off_qty = set(np.flatnonzero(sized & (rows["qty"] % lot != 0)).tolist())
    if not off_price and not off_qty:
        tape, _ = made(folder, cut(rows.copy(), at), None, options)
        assert (Decimal(tape.meta.tick_size), Decimal(tape.meta.lot_size)) == (tick * UNIT, lot * QTY_UNIT)
        if tick <= 10_000:
            assert natural(tape) == stated(rows)
        tape.close()
        return
    with pytest.raises(FeedError, match="is not a multiple of the (tick|lot)") as refused:
        made(folder, cut(rows.copy(), at), None, options)
    assert refused.value.row == first_refused(cut(rows, at), off_price, off_qty)
    assert not folder.exists()


@tapes
@given(drawn=rows_drawn)
def test_a_tick_finer_than_the_source_is_kept(
    folders: Iterator[Path], drawn: list[tuple[Action, int, int, int]]
) -> None:
    assume(all(price * 8 < 2**31 for _, price, _, _ in drawn))
    rows = as_rows(drawn)
    tape, _ = made(next(folders), [rows.copy()], None, Options(tick=UNIT / 8))
    assert natural(tape) == stated(rows)
    assert Fraction(tape.instrument.tick) == Fraction(UNIT) / 8
    tape.close()


def test_a_stated_book_between_ticks_or_lots_is_refused(tmp_path: Path) -> None:
    rows = as_rows([(Action.ADD, 1_000_000, 100, 1)] * 2)
    for number, (window, options) in enumerate(
        (
            ([1_000_050, 100, 1_000_000, 100], Options(tick=100 * UNIT)),
            ([1_000_100, 150, 1_000_000, 100], Options(lot=100 * QTY_UNIT)),
        )
    ):
        source = RowSource([])
        source.info.price_unit, source.info.qty_unit, source.info.window = UNIT, QTY_UNIT, 1
        stated_book = Batch(rows.copy(), np.array([window] * 2, np.int64))
        source.batches = lambda one=stated_book: iter([one])  # type: ignore[method-assign,misc]
        with pytest.raises(FeedError, match="book file has"):
            import_tape(source, tmp_path / f"{number}.tape", options)


@pytest.mark.parametrize("tick", ["0", "-0.01", "nan", "inf", "1e-30"])
def test_ticks_that_are_none(tmp_path: Path, tick: str) -> None:
    with pytest.raises(ConfigError):
        made(tmp_path / "x.tape", [as_rows([(Action.ADD, 100, 1, 1)])], None, Options(tick=Decimal(tick)))
    assert list(tmp_path.iterdir()) == []
