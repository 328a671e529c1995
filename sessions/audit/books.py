"""A journal opened for questions: its tables as SQLAlchemy has them, answers as frames, numbers as words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cached_property
from typing import Any

import duckdb
import polars as pl
from duckdb_sqlalchemy import Dialect
from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Select,
    Table,
    TableClause,
    case,
    func,
    literal_column,
    select,
    table,
)
from sqlalchemy import column as sql_column
from sqlalchemy.sql.selectable import Subquery

from core.enums import EventKind, Op, OrderStatus, OrderType, Reason, Side, TimeInForce
from core.records import NO_PRICE
from core.risk.controls import MONEY, SPECS
from sessions.audit.answers import clock_text, whole, with_clock
from sessions.audit.finding import Session
from sessions.audit.lookups import feature_names, lookups
from sessions.audit.schema import metadata_of
from sessions.journal.errors import JournalError

#: Codes that stand in columns of these names.
_WORDS: Mapping[str, type[IntEnum]] = {
    "op": Op, "type": OrderType, "tif": TimeInForce, "side": Side, "reason": Reason, "kind": EventKind,
    "status": OrderStatus,
}  # fmt: skip
_SIDES = {1: "buy", -1: "sell", 0: ""}


@dataclass
class Books:
    """The journal of one session."""

    session: Session
    connection: duckdb.DuckDBPyConnection
    fault: str = ""  #: why it goes no further than it does

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """Tables by name."""
        return metadata_of(feature_names(self.session.manifest)).tables

    @cached_property
    def known(self) -> dict[str, list[dict[str, Any]]]:
        """Rows of the lookup tables."""
        return lookups(self.session.manifest)

    @cached_property
    def complete(self) -> bool:
        """Whether the session is over, and all of it is here."""
        return bool(self.one(select(self.tables["projection"].c.complete)))

    @property
    def agents(self) -> list[str]:
        """Names by number."""
        return [str(row["name"]) for row in self.known["agents"]]

    @property
    def instruments(self) -> list[dict[str, Any]]:
        """Instruments by number."""
        return self.known["instruments"]

    @property
    def money_unit(self) -> float:
        """Natural money of one money unit."""
        return float(10.0 ** -int(self.session.manifest.fields["money_digits"]))

    def frame(self, statement: ClauseElement) -> pl.DataFrame:
        """What a statement finds. Raises `JournalError`; `KeyboardInterrupt` where the engine was interrupted."""
        try:
            return whole(pl.DataFrame(self.connection.sql(self.text(statement))))
        except duckdb.InterruptException as error:
            raise KeyboardInterrupt from error
        except duckdb.Error as error:
            raise JournalError(self.session.folder, f"cannot be asked: {str(error).partition(chr(10))[0]}") from error
        except RuntimeError as error:  # what its Python side makes of ctrl-C
            if "nterrupt" in str(error):
                raise KeyboardInterrupt from error
            raise

    def text(self, statement: ClauseElement) -> str:
        """A statement as DuckDB reads it, values written out."""
        text = str(statement.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
        return text.replace("%%", "%")  # doubled for drivers that put values in with %

    def aside(self, name: str, statement: Select[Any]) -> TableClause:
        """What a statement finds, kept in memory under a name while the journal is open: asked once, read often."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {self.text(statement)}")
        return table(name, *(sql_column(each.name) for each in statement.selected_columns))

    def one(self, statement: ClauseElement) -> Any:
        """The first value of the first row, None without one."""
        found = self.frame(statement)
        return found.row(0)[0] if len(found) else None

    def row(self, statement: ClauseElement) -> dict[str, Any] | None:
        """The first row."""
        found = self.frame(statement)
        return found.row(0, named=True) if len(found) else None

    def clock(self, ts: int | None, day: bool = False) -> str:
        """A time as the session's people read it."""
        return "" if ts is None else clock_text(ts, self.session.timezone, day)

    def dressed(self, frame: pl.DataFrame, times: Sequence[str] = ("ts",)) -> pl.DataFrame:
        """The same with names for numbers: agents, instruments, codes, prices in natural units, readable times."""
        for column in times:
            if column in frame.columns:
                frame = with_clock(frame, self.session.timezone, column, "time" if column == "ts" else f"{column}_time")
        if "price" in frame.columns and "instrument" in frame.columns:
            ticks = [float(each["tick"]) for each in self.instruments]
            natural = [
                None if price is None or price == NO_PRICE or i is None else round(price * ticks[i], 10)
                for price, i in zip(frame["price"], frame["instrument"], strict=True)
            ]
            at = frame.get_column_index("price") + 1
            frame = frame.insert_column(at, pl.Series("natural_price", natural, pl.Float64))
        named = {"agent": [*self.agents], "instrument": [str(each["name"]) for each in self.instruments]}
        for column, names in named.items():
            if column in frame.columns and frame[column].dtype.is_integer():
                frame = frame.with_columns(_named(frame[column], lambda n, names=names: _at(names, n)))
        for column, codes in _WORDS.items():
            if column in frame.columns and frame[column].dtype.is_integer():
                frame = frame.with_columns(_named(frame[column], lambda n, codes=codes: word(codes, n)))
        return frame

    # --- pieces of statements -----------------------------------------------------------------

    def observed(self, control: ColumnElement[Any], of: Any = None) -> ColumnElement[Any]:
        """What the control of that number observed, natural money; of `verdicts`, or of such columns of it."""
        verdicts = self.tables["verdicts"].c if of is None else of
        found = {
            int(spec.control): verdicts[spec.name] * (self.money_unit if spec.unit == MONEY else 1)
            for spec in SPECS
            if spec.name in verdicts
        }
        return case(*((control == number, value) for number, value in found.items()))

    @cached_property
    def in_force(self) -> Subquery:
        """Limits with the versions from which, and before which, each counts."""
        rows = self.tables["limits_in_force"].c
        until = func.lead(rows.version).over(
            partition_by=(rows.agent, rows.instrument, rows.control), order_by=rows.version
        )
        return select(
            rows.agent, rows.instrument, rows.control, rows.value, rows.scope, rows.version.label("since"),
            func.coalesce(until, literal_column("9223372036854775807")).label("until"),
        ).subquery("in_force")  # fmt: skip


_DIALECT = Dialect()


def word(codes: type[IntEnum | IntFlag], number: int) -> str:
    """A code's name; the number where there is none."""
    if codes is Side:
        return _SIDES.get(number, str(number))
    try:
        return (codes(number).name or str(number)).lower()
    except ValueError:
        return "" if number == 0 else str(number)


def _at(names: Sequence[str], number: int) -> str:
    if number < 0:
        return "desk"
    return names[number] if number < len(names) else str(number)


def _named(column: pl.Series, name: Any) -> pl.Series:
    known = {number: name(number) for number in column.unique().to_list() if number is not None}
    return pl.Series(column.name, [known.get(number) for number in column], pl.String)


@contextmanager
def opened(session: Session, patience: float = 5.0, told: Callable[[str, int], None] | None = None) -> Iterator[Books]:
    """The journal of a session, caught up with its log, open to be read. `told`: as in `project`.

    Raises `JournalError`.
    """
    from sessions.audit.connect import reading

    with reading(session.folder, session.manifest, patience=patience, told=told) as found:
        yield Books(session, found.connection, found.projected.fault)
