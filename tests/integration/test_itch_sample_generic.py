"""The decoded ITCH sample through the generic format: every step of the published 10-level book."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from core.feeds.source import Options
from core.feeds.tabular import FEED
from core.tape.importer import import_tape
from core.tape.rows import iter_book_rows
from core.tape.tape import Tape

_MIDNIGHT = 1548824400 * 10**9  # 2019-01-30 00:00 New York
_LEVELS = range(1, 11)
_COMPARED = 8


def _event_rows(event: dict[str, object]) -> list[str]:
    """The generic rows of one decoded message. A replace of an order we cannot know is a delete and an add."""
    side = "B" if event["direction"] == "1" else "A"
    kind, price, size, order = (event[name] for name in ("message_type", "price", "size", "order_id"))
    match kind:
        case "A" | "F":
            return [f"add,{side},{price},{size},{order}"]
        case "X":
            return [f"cancel,{side},{price},{size},{order}"]
        case "D":
            return [f"delete,{side},{price},{size},{order}"]
        case "E" | "C":
            return [f"execute,{side},{price},{size},{order}"]
        case "U":
            old = str(event["old_order_id"]).removesuffix(".0")
            gone = f"delete,{side},{event['old_price']},{event['old_size']},{old}"
            return [gone, f"add,{side},{price},{size},{order}"]
    raise AssertionError(f"message type {kind}")


def _seed_rows(event: dict[str, object]) -> list[str]:
    rows = ["clear,N,,,"]
    for name, side in (("ask", "A"), ("bid", "B")):
        for level in _LEVELS:
            price, size = event[f"{name}_price_{level}"], event[f"{name}_size_{level}"]
            if price and size:
                rows.append(f"level,{side},{price},{size},")
    return rows


@pytest.mark.jit_only
def test_every_step_of_the_decoded_sample(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "itch" / "AAPL_20190130_first10k_events.csv.zst"
    frame = pl.read_csv(source, infer_schema=False)
    events = list(frame.iter_rows(named=True))
    lines, ends = ["ts_event,action,side,price,qty,order_id"], []
    for before, event in pairwise(events):
        ts = _MIDNIGHT + int(event["timestamp_ns"])
        lines += [f"{ts},{row}" for row in (*_seed_rows(before), *_event_rows(event))]
        ends.append(len(lines) - 2)
    table = tmp_path / "AAPL.csv"
    table.write_text("\n".join(lines) + "\n")

    opened = FEED.open([table], Options(venue="NASDAQ"))
    import_tape(opened, tmp_path / "AAPL.tape", Options())
    assert not opened.skipped
    tape = Tape(tmp_path / "AAPL.tape")
    # One stub order stands at 0.0001.
    assert (tape.instrument.symbol, tape.instrument.date, str(tape.instrument.tick)) == ("AAPL", "2019-01-30", "0.0001")
    book = np.concatenate([chunk.levels for chunk in iter_book_rows(tape, _COMPARED)])
    assert len(book) == len(lines) - 1
    ours = book[ends]

    names = ["ask_price", "ask_size", "bid_price", "bid_size"]
    scale = {"price": 10_000, "size": 1}
    theirs = np.stack(
        [
            np.stack(
                [
                    (frame[f"{name}_{level}"].cast(pl.Float64).fill_null(0).to_numpy() * scale[name[4:]]).round()
                    for level in range(1, _COMPARED + 1)
                ],
                axis=1,
            )
            for name in names
        ],
        axis=1,
    )[1:]
    equal = (ours == theirs).all(axis=(1, 2))
    assert len(equal) == 9_999
    assert int(equal.sum()) == 9_999, f"first unequal step: {int(np.argmin(equal)) + 1}"
