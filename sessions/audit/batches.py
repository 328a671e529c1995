"""Blocks of the log as frames, one for each table: what is written at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sessions.audit.lookups import Row
from sessions.audit.schema import OBSERVED, OF_A_TAPE, TABLES, described, fields_of, misfit
from sessions.audit.texts import Limits, act_row, life_row, limit_rows, reason_rows
from sessions.journal.errors import JournalError
from sessions.journal.layout import Block
from sessions.journal.streams import BY_NAME

#: How polars keeps the columns of rows that are made one by one.
KINDS: Mapping[str, Any] = {
    "int": pl.Int64, "small": pl.Int16, "text": pl.String, "number": pl.Float64, "truth": pl.Boolean,
}  # fmt: skip


@dataclass(slots=True)
class Batch:
    """What was read and is not written yet."""

    features: tuple[str, ...]
    agents: list[str]
    limits: Limits
    readings: int = 0  #: rows of features before it
    records: int = 0
    size: int = 0  #: bytes of the log
    parts: dict[str, list[tuple[NDArray[Any], int, int]]] = field(default_factory=dict)
    texts: dict[str, list[Row]] = field(default_factory=dict)
    refused: Row | None = None  #: of the last act, which was written earlier

    def take(self, block: Block) -> None:
        """Add a block, or none of it. Raises `JournalError` for a record that cannot be understood."""
        parts, texts, record = [], [], block.first
        for section in block.sections:
            name, records = section.stream.name, section.records
            if section.stream.dtype is None:
                made = self._rows(name, record, section.text())
                for wrong in filter(None, (misfit(table, row) for table, row in made if table)):
                    raise JournalError(f"record {record:,}", f"of {name}: {wrong}")
                texts.append((record, name, section.text(), made))
            elif name == "readings" and records.shape[1] != len(self.features):
                known = f"the manifest names {len(self.features)}"
                raise JournalError(f"record {record:,}", f"{records.shape[1]} features, {known}")
            else:
                parts.append((name, (records, record, section.tape)))
            record += section.count
        for name, part in parts:
            self.parts.setdefault(name, []).append(part)
        for at, name, raw, made in texts:
            words = raw.decode("utf-8", "replace")
            self._add("notes", {"record": at, "stream": name, "words": words})
            for table, row in made:
                self._add(table, row)
        self.records += block.records
        self.size += block.size

    def _rows(self, stream: str, record: int, raw: bytes) -> list[tuple[str, Row]]:
        """The rows that a text record makes; a refusal makes one for no table, it belongs to the act before it."""
        if stream == "life":
            return [("life", life_row(record, raw)), *(("reasons", row) for row in reason_rows(raw, self.agents))]
        if stream == "limits":
            changes, stand = limit_rows(self.limits, record, raw)
            return [*(("limits", row) for row in changes), *(("limits_in_force", row) for row in stand)]
        act = act_row(record, raw, self.agents)
        if isinstance(act, str):
            return [("", {"failed": act, "failed_record": record})]
        return [("operator_actions", act)]

    def _add(self, table: str, row: Row) -> None:
        if table:
            self.texts.setdefault(table, []).append(row)
        elif self.texts.get("operator_actions"):
            self.texts["operator_actions"][-1].update(row)
        else:
            self.refused = row

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame for each table that has rows; columns in the order of the table."""
        found = {TABLES[stream]: self._frame(stream, parts) for stream, parts in self.parts.items()}
        return found | {table: rows_frame(table, rows) for table, rows in self.texts.items()}

    def _frame(self, stream: str, parts: list[tuple[NDArray[Any], int, int]]) -> pl.DataFrame:
        counts = np.array([len(records) for records, _, _ in parts])
        firsts = np.array([first for _, first, _ in parts])
        before = np.cumsum(counts) - counts
        whole = parts[0][0] if len(parts) == 1 else np.concatenate([records for records, _, _ in parts])
        columns: dict[str, NDArray[Any]] = {"record": np.arange(len(whole)) + np.repeat(firsts - before, counts)}
        if stream in OF_A_TAPE:
            columns["tape"] = np.repeat(np.array([tape for _, _, tape in parts], np.int16), counts)
        if stream == "readings":
            columns["row"] = np.arange(len(whole)) + self.readings
            turned = np.ascontiguousarray(whole.T)
            columns |= {name: turned[k] for k, name in enumerate(self.features)}
            self.readings += len(whole)
        else:
            for name in fields_of(BY_NAME[stream].dtype):
                column = whole[name]
                if column.ndim == 1:
                    columns[name] = column.copy()
                else:
                    turned = np.ascontiguousarray(column.T)
                    columns |= {each: turned[k] for k, each in enumerate(OBSERVED)}
        return pl.DataFrame(columns)


def rows_frame(table: str, rows: list[Row]) -> pl.DataFrame:
    """Rows of a table that is not made of records."""
    return pl.DataFrame(rows, schema={name: KINDS[kind] for name, kind in described(table).items()}, orient="row")
