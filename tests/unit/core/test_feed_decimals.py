"""Exact decimals and cells: compared with Python's own decimal and csv."""

import csv
import io
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.feeds.cells import Cells, Words, column_slots, header_of
from core.feeds.decimals import EMPTY, GOOD, MALFORMED, Decimals, Digits, price_decimals, quantity_decimals, unit

_NUMBERS = st.from_regex(r"[+-]?[0-9]{0,12}(\.[0-9]{0,12})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(st.lists(_NUMBERS, min_size=1, max_size=20))
@example(["-0.50", "00012.3400", "1e-8", "1E+12", ".5", "5.", "0e5", "-0"])
@settings(max_examples=60)
def test_numbers_equal_those_of_decimal(texts: list[str]) -> None:
    column = Decimals.of_texts(texts)
    for text, mantissa, exponent, code in zip(texts, column.mantissas, column.exponents, column.codes, strict=True):
        if not text:
            assert code == EMPTY
            continue
        try:
            value = Decimal(text)
        except ArithmeticError:
            assert code == MALFORMED
            continue
        if code == GOOD:
            assert Decimal(int(mantissa)).scaleb(int(exponent)) == value
            assert mantissa == 0 or mantissa % 10 != 0
        else:
            assert len(value.normalize().as_tuple().digits) > 18


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", EMPTY), ("NaN", EMPTY), ("null", EMPTY), ("None", EMPTY), ("NA", EMPTY),
        ("inf", MALFORMED), ("1.2.3", MALFORMED), ("1,5", MALFORMED), ("--1", MALFORMED), ("1e", MALFORMED),
        ("1e99999", MALFORMED), ("0x10", MALFORMED), (".", MALFORMED), ("-", MALFORMED), ("١", MALFORMED),
        ("1234567890123456789", MALFORMED), ("999999999999999999", GOOD), ("1000000000000000000", GOOD),
        ("0." + "0" * 11_000 + "1", MALFORMED),
    ],
)  # fmt: skip
def test_what_is_a_number(text: str, code: int) -> None:
    assert Decimals.of_texts([text]).codes.tolist() == [code]


def _digits(kind: Digits, *texts: str) -> Digits:
    column = Decimals.of_texts(list(texts))
    kind.add(column, np.ones(len(texts), np.bool_))
    return kind


def test_the_unit_is_the_finest_decimal_in_use() -> None:
    assert _digits(Digits.of_prices(), "163.34000000", "0.5", "-37.63").decimals == 2
    assert _digits(Digits.of_prices(), "199999.9999").decimals == 4
    assert _digits(Digits.of_prices(), "0.00000001", "0.00002345").decimals == 8
    assert _digits(Digits.of_quantities(), "1000000000000", "3").decimals == 0


def test_one_absurd_cell_does_not_choose_the_unit() -> None:
    usual = [f"618{i:02d}.64" for i in range(50)]
    assert _digits(Digits.of_prices(), *usual, "0.00000001").decimals == 2
    assert _digits(Digits.of_prices(), *usual, "1e15").decimals == 2
    assert _digits(Digits.of_quantities(), *["1234567.5"] * 9, "1e-18").decimals == 1


def test_prints_may_be_finer_than_the_book() -> None:
    book, prints = _digits(Digits.of_prices(), "163.34"), _digits(Digits.of_prints(), "163.3450")
    assert price_decimals(book, prints, None) == 3
    assert price_decimals(book, _digits(Digits.of_prints(), "3.123456789012"), None) == 8
    assert price_decimals(book, prints, Decimal("0.0001")) == 4
    assert quantity_decimals(_digits(Digits.of_quantities(), "5"), Decimal("0.1")) == 1
    assert unit(3) == Decimal("0.001")


def test_what_does_not_fit_the_unit_is_malformed() -> None:
    column = Decimals.of_texts(["1.25", "1.255", "-3", "1e17", "0", ""])
    assert column.units(2).tolist() == [125, 0, -300, 0, 0, 0]
    assert column.codes.tolist() == [GOOD, MALFORMED, GOOD, MALFORMED, GOOD, EMPTY]


def test_floats_are_believed_to_fifteen_digits() -> None:
    column = Decimals.of_texts(["163.34000000000003", "-0.1", "99999.999999999999"])
    column.round(15)
    assert column.units(2).tolist() == [16334, -10, 10000000]


_CELL = st.text(alphabet='ab1." \t', max_size=6)


@given(st.lists(st.lists(_CELL, min_size=1, max_size=5), min_size=1, max_size=6), st.booleans())
@settings(max_examples=60)
def test_cells_are_those_of_the_csv_module(table: list[list[str]], windows: bool) -> None:
    # Quotes inside a cell mean nothing here: only whole quoted cells are compared.
    table = [[cell.replace('"', "").strip() for cell in row] for row in table]
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n" if windows else "\n").writerows(table)
    width = max(map(len, table))
    cells = Cells(out.getvalue().encode(), np.arange(width, dtype=np.int64), width)
    assert cells.fields.tolist() == [len(row) for row in table]
    for i, row in enumerate(table):
        assert [cells.text_of(slot, i) for slot in range(len(row))] == row


def test_lines_and_blank_lines() -> None:
    cells = Cells(b'a,"b,c",d\n\n  \r\n1,,3,\nlast', np.array([0, 1, -1]), 3)
    assert (cells.rows, cells.blank) == (3, 2)
    assert cells.fields.tolist() == [3, 4, 1]
    assert [[cells.text_of(slot, row) for slot in range(2)] for row in range(3)] == [
        ["a", "b,c"],
        ["1", ""],
        ["last", ""],
    ]


def test_ids_up_to_uint64() -> None:
    texts = [
        "18446744073709551615",
        "18446744073709551616",
        "007",
        "12.0",
        "12.5",
        "-1",
        "",
        "1e3",
        "99999999999999999999",
    ]
    cells = Cells("\n".join(text or "nan" for text in texts).encode(), np.zeros(1, np.int64), 1)
    values, codes = cells.ids(0)
    good, bad = GOOD, MALFORMED
    assert codes.tolist() == [good, bad, good, good, bad, bad, EMPTY, bad, bad]
    assert values[[0, 2, 3]].tolist() == [2**64 - 1, 7, 12]


def test_words_in_any_case() -> None:
    cells = Cells(b"Add\nCANCEL\nadds\nad\nx\n", np.zeros(1, np.int64), 1)
    values, codes = cells.words(0, Words({"add": 1, "cancel": 2}))
    assert values.tolist()[:2] == [1, 2]
    assert codes.tolist() == [GOOD, GOOD, MALFORMED, MALFORMED, MALFORMED]


def test_headers() -> None:
    header = header_of(b'\xef\xbb\xbf"TS_Event", price ,qty\r')
    assert header == ["ts_event", "price", "qty"]
    assert column_slots("x", header, {"qty": True, "ts_event": True, "side": False}).tolist() == [1, -1, 0]
