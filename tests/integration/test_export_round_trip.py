"""What `tape export` writes, `tape import` reads back to the same book."""

from pathlib import Path

import numpy as np

from core.feeds.lobster import FEED as LOBSTER
from core.feeds.source import Options, Source
from core.feeds.tabular import FEED as TABULAR
from core.sim.market import SyntheticSource
from core.sim.profile import MarketProfile
from core.tape.check import same_book
from core.tape.export import write_messages
from core.tape.importer import import_tape
from core.tape.tape import Tape


def _both(source: Source, folder: Path) -> tuple[Tape, Tape]:
    import_tape(source, folder / "one.tape", Options())
    one = Tape(folder / "one.tape")
    rows = write_messages(one, folder / "one.parquet")
    assert rows == len(one.messages)
    options = Options(tick=one.instrument.tick, lot=one.instrument.lot)
    import_tape(TABULAR.open([folder / "one.parquet"], options), folder / "two.tape", options)
    return one, Tape(folder / "two.tape")


def _compare(one: Tape, two: Tape) -> None:
    for name in ("ts_event", "qty", "price", "action", "side", "order_id"):
        assert np.array_equal(one.messages[name], two.messages[name]), name
    for index in np.linspace(0, len(one.messages), 7).astype(int):
        assert same_book(one.at(int(index)).book, two.at(int(index)).book), index
    assert (one.meta.prints, one.meta.volume) == (two.meta.prints, two.meta.volume)


def test_a_synthetic_day(tmp_path: Path) -> None:
    _compare(*_both(SyntheticSource(MarketProfile.default(), 5, 20_000), tmp_path))


def test_a_windowed_day_keeps_its_wipes(tmp_path: Path, shared_data: Path) -> None:
    source = LOBSTER.open([shared_data / "lobster" / "LOBSTER_SampleFile_AMZN_2012-06-21_1.zip"], Options())
    _compare(*_both(source, tmp_path))
