"""Tables from a tape, streamed to Parquet: the book per source row, and the messages."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.enums import Action, Flag, Side
from core.errors import TapeError
from core.records import ABSENT, MAX_QTY, NO_PRICE, ts_recv
from core.tape.check import natural
from core.tape.rows import iter_book_rows
from core.tape.tape import Tape

_CHUNK = 1 << 17
_ACTIONS = {0: "status"} | {int(action): action.name.lower() for action in Action}
_SIDES = {int(Side.BID): "B", int(Side.ASK): "A", int(Side.NONE): "N"}


def write_book(tape: Tape, output: Path, levels: int, force: bool = False) -> int:
    """Write one row per source row: source_row, ts_event, then price and quantity per level in natural units.

    Null where there is no level. Memory is bounded. Returns the rows. Raises `TapeError`.
    """
    schema: dict[str, pl.DataType] = {"source_row": pl.Int64(), "ts_event": pl.Int64()}
    names = ("ask_price", "ask_qty", "bid_price", "bid_qty")
    schema |= {f"{name}_{level}": pl.Float64() for level in range(1, levels + 1) for name in names}

    def frames() -> Iterator[pl.DataFrame]:
        for chunk in iter_book_rows(tape, levels):
            values = natural(chunk.levels, tape).transpose(0, 2, 1).reshape(len(chunk.ts_event), -1)
            columns: dict[str, NDArray[Any]] = {
                "source_row": np.arange(chunk.first, chunk.first + len(chunk.ts_event)),
                "ts_event": chunk.ts_event,
            }
            columns |= {name: values[:, i] for i, name in enumerate(list(schema)[2:])}
            yield pl.DataFrame(columns, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))

    return _sink(tape, output, schema, frames, force)


def write_messages(tape: Tape, output: Path, force: bool = False) -> int:
    """Write the messages in the columns of the generic format, with slots and flags beside them."""
    schema: dict[str, pl.DataType] = {
        "ts_event": pl.Int64(),
        "ts_recv": pl.Int64(),
        "action": pl.String(),
        "side": pl.String(),
        "price": pl.Float64(),
        "qty": pl.Float64(),
        "order_id": pl.UInt64(),
        "new_order_id": pl.UInt64(),
        "slot": pl.Int32(),
        "flags": pl.UInt16(),
    }

    def frames() -> Iterator[pl.DataFrame]:
        previous: dict[int, int] = {}
        for start in range(0, len(tape.messages), _CHUNK):
            yield _message_frame(tape, tape.messages[start : start + _CHUNK], schema, previous)

    return _sink(tape, output, schema, frames, force)


def _message_frame(
    tape: Tape, messages: NDArray[np.void], schema: dict[str, pl.DataType], previous: dict[int, int]
) -> pl.DataFrame:
    """`previous`: order id by slot, so that a REPLACE can name the id it replaces; kept across frames."""
    instrument = tape.instrument
    ticks = messages["price"].astype(np.float64)
    trade = messages["action"] == Action.TRADE
    ticks[trade] += messages["slot"][trade] / 1e6
    price = np.round(ticks * float(instrument.tick), instrument.price_digits + 6)
    price[messages["price"] == NO_PRICE] = np.nan
    qty = np.round(messages["qty"] * float(instrument.lot), instrument.quantity_digits)
    qty[messages["qty"] > MAX_QTY] = np.nan  # refused at import: what it was is not on the tape
    status = messages["action"] == Action.STATUS
    qty[status] = messages["qty"][status]
    received = ts_recv(messages)
    order_id, new_id = _ids(messages, previous)
    frame = pl.DataFrame(
        {
            "ts_event": messages["ts_event"],
            "ts_recv": received,
            "action": [_ACTIONS.get(code, f"unknown_{code}") for code in messages["action"].tolist()],
            "side": [_SIDES.get(code, "N") for code in messages["side"].tolist()],
            "price": price,
            "qty": qty,
            "order_id": order_id,
            "new_order_id": new_id,
            "slot": messages["slot"],
            "flags": messages["flags"],
        },
        schema=schema,
    )
    recv = pl.when(pl.col("ts_recv") == ABSENT).then(None).otherwise(pl.col("ts_recv")).alias("ts_recv")
    replaced = pl.when(pl.col("action") == "replace").then(pl.col("new_order_id")).otherwise(None)
    return frame.with_columns(pl.col("price", "qty").fill_nan(None), recv, replaced.alias("new_order_id"))


def _ids(messages: NDArray[np.void], previous: dict[int, int]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Old and new ids: a REPLACE carries the new one, the old one is whatever held its slot before."""
    new = messages["order_id"].copy()
    old = new.copy()
    touched = (messages["action"] == Action.ADD) | (messages["action"] == Action.REPLACE)
    for i in np.flatnonzero(touched & ((messages["flags"] & int(Flag.BAD)) == 0)).tolist():
        slot = int(messages["slot"][i])
        if messages["action"][i] == Action.REPLACE:
            old[i] = previous.get(slot, int(new[i]))
        previous[slot] = int(new[i])
    return old, new


def _sink(
    tape: Tape,
    output: Path,
    schema: dict[str, pl.DataType],
    frames: Callable[[], Iterator[pl.DataFrame]],
    force: bool,
) -> int:
    """Stream frames into one Parquet file: temporary name, fsync, rename."""
    if output.exists() and not force:
        raise TapeError(tape.folder, f"{output} exists already; --force replaces it")
    if not output.name:
        raise TapeError(tape.folder, f"cannot write {output}: that is no name for a file")
    part = output.with_name(f".{output.name}.part-{os.getpid()}")
    rows = 0

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        nonlocal rows
        for frame in frames():
            rows += len(frame)
            yield frame if with_columns is None else frame.select(with_columns)

    try:
        pl.io.plugins.register_io_source(source, schema=schema).sink_parquet(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.rename(output)
    except OSError as error:
        raise TapeError(tape.folder, f"cannot write {output}: {error.strerror or error}") from error
    except pl.exceptions.ComputeError as error:  # what a full disk becomes inside polars
        raise TapeError(tape.folder, f"cannot write {output}: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return rows
