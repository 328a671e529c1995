"""The protobuf wire format, as far as a model file needs it: fields of a message, read within bounds."""

from collections.abc import Iterator
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10


class WireError(ValueError):
    """The bytes are no protobuf message."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    number: int
    kind: int
    value: int  #: of a VARINT
    data: memoryview  #: of the other kinds

    def integer(self) -> int:
        """A signed 64-bit VARINT. Raises `WireError` when it is of another kind."""
        if self.kind != VARINT:
            raise WireError(f"field {self.number} is not a number")
        return self.value - (1 << 64) if self.value >> 63 else self.value

    def message(self) -> memoryview:
        """The bytes of an embedded message or string. Raises `WireError` when it is of another kind."""
        if self.kind != BYTES:
            raise WireError(f"field {self.number} is not a text or message")
        return self.data

    def text(self) -> str:
        """A UTF-8 text of at most 1,000 bytes. Raises `WireError` for anything else."""
        data = self.message()
        if len(data) > 1000:
            raise WireError(f"field {self.number} holds a name of {len(data)} bytes")
        try:
            return str(data, "utf-8")
        except UnicodeDecodeError as error:
            raise WireError(f"field {self.number} is not UTF-8") from error


def fields(data: memoryview) -> Iterator[Field]:
    """The fields of a message, in order. Raises `WireError` where it is cut or malformed."""
    at, none = 0, memoryview(b"")
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise WireError("a field has number 0")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield Field(number, kind, value, none)
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"field {number} is of the unknown kind {kind}")
        if size > len(data) - at:
            raise WireError(f"field {number} says {size} bytes, {len(data) - at} are left")
        yield Field(number, kind, 0, data[at : at + size])
        at += size


def integers(field: Field) -> list[int]:
    """A repeated integer field: one value, or several packed."""
    if field.kind == VARINT:
        return [field.integer()]
    data, at, out = field.message(), 0, []
    while at < len(data):
        value, at = _varint(data, at)
        out.append(value - (1 << 64) if value >> 63 else value)
    return out


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for i in range(_LONGEST_VARINT):
        if at + i >= len(data):
            raise WireError("it ends inside a number")
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            if value >> 64:
                break
            return value, at + i + 1
    raise WireError("a number is longer than 64 bits")
