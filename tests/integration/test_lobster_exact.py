"""The replayed book against the published one, row by row, with a reader of our own for both."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from numpy.typing import NDArray

from tests.console import Inside, assert_one_line
from tests.lobster_days import NONE, Day, lobster_day

Table = NDArray[np.int64]
pytestmark = pytest.mark.jit_only


def text_of(path: Path, member: str = "") -> bytes:
    """The decompressed csv: the file itself, .zst, or the one member of a zip whose name holds `member`."""
    raw = path.read_bytes()
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(raw), read_across_frames=True).read()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if member in name]
            return archive.read(name)
    return raw


def published(text: bytes) -> Table:
    """Rows of a book file, (rows, levels, 4): ask price, ask size, bid price, bid size; 0, 0 = no such level."""
    table = pl.read_csv(text, has_header=False).cast(pl.Int64).to_numpy()
    rows: Table = table.reshape(len(table), -1, 4).copy()
    for price in (0, 2):
        rows[:, :, price : price + 2][np.abs(rows[:, :, price]) == NONE] = 0
    return rows


def times(text: bytes) -> NDArray[np.int64]:
    """First column of a message file in ns after midnight."""
    column = pl.read_csv(text, has_header=False, truncate_ragged_lines=True, infer_schema=False).to_series(0)
    whole = column.str.split_exact(".", 1).struct.unnest()
    part = whole.to_series(1).fill_null("").str.pad_end(9, "0").str.head(9)  # one has twelve digits
    found: NDArray[np.int64] = (whole.to_series(0).cast(pl.Int64) * 10**9 + part.cast(pl.Int64)).to_numpy()
    return found


def replayed(inside: Inside, tape: str, levels: int) -> tuple[Table, NDArray[np.int64]]:
    """What `tape book` writes, in the units of the book file, and `ts_event`."""
    done = inside("tape", "book", tape, "--levels", str(levels), "-o", "book.parquet", "--force", "--json")
    assert done.code == 0, done.err
    frame = pl.read_parquet("book.parquet")
    assert frame["source_row"].to_list() == list(range(len(frame)))
    names = [f"{name}_{i}" for i in range(1, levels + 1) for name in ("ask_price", "ask_qty", "bid_price", "bid_qty")]
    assert frame.columns == ["source_row", "ts_event", *names]
    values = frame.select(names).fill_null(0).to_numpy().reshape(len(frame), levels, 4)
    values[:, :, 0::2] *= 10_000
    whole: Table = np.rint(values).astype(np.int64)
    assert np.abs(values - whole).max() < 1e-6
    return whole, frame["ts_event"].to_numpy()


def imported(inside: Inside, *sources: Path | str) -> dict[str, object]:
    """Import to `day.tape`; the record."""
    done = inside("tape", "import", *sources, "-o", "day.tape", "--force", "--json")
    assert done.code == 0, done.err
    return done.record


def equal_rows(ours: Table, theirs: Table) -> int:
    """Rows equal in every cell."""
    assert ours.shape == theirs.shape
    return int((ours == theirs).all(axis=(1, 2)).sum())


PUBLISHED = {
    "AMZN-1": ("LOBSTER_SampleFile_AMZN_2012-06-21_1.zip", 57_515, 1),
    "AMZN-5": ("LOBSTER_SampleFile_AMZN_2012-06-21_5.zip", 155_935, 5),
    "AAPL-1": ("LOBSTER_SampleFile_AAPL_2012-06-21_1.zip", 118_497, 1),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_row_of_a_published_day(inside: Inside, shared_data: Path, name: str) -> None:
    file, count, levels = PUBLISHED[name]
    source = shared_data / "lobster" / file
    record = imported(inside, source)
    assert (record["symbol"], record["date"], record["window"]) == (name[:4], "2012-06-21", levels)
    assert (record["source_rows"], record["crossed_events"], record["skipped"]) == (count, 0, {})
    ours, ts = replayed(inside, "day.tape", levels)
    assert equal_rows(ours, published(text_of(source, "orderbook"))) == count
    midnight = 1_340_251_200 * 10**9  # 2012-06-21 00:00 New York
    assert (ts - midnight == times(text_of(source, "message"))).all()
    done = inside("tape", "check", "day.tape", "--against", source, "--json")
    assert (done.code, done.record["equal_rows"], done.record["ok"]) == (0, count, True)


def test_a_pair_of_fifty_levels(inside: Inside, shared_data: Path) -> None:
    folder = shared_data / "lobster"
    message, book = (
        folder / f"MSFT_2012-06-21_1000rows_from_35999_{kind}_50.csv.zst" for kind in ("message", "orderbook")
    )
    assert imported(inside, message, book)["window"] == 50
    ours, _ = replayed(inside, "day.tape", 50)
    assert equal_rows(ours, published(text_of(book))) == 1000


def test_messages_alone_give_the_touch_of_the_level_one_file(
    inside: Inside, shared_data: Path, record_property: Callable[[str, object], None]
) -> None:
    """Both files tell of the same hour but have different rows: what stands after each time is compared."""
    folder = shared_data / "lobster"
    record = imported(inside, folder / "AAPL_2012-06-21_34200000_37800000_message_50.csv.zst")
    assert (record["depth_model"], record["source_rows"]) == ("orders", 91_997)
    ours, ts = replayed(inside, "day.tape", 1)
    level1 = folder / "LOBSTER_SampleFile_AAPL_2012-06-21_1.zip"
    theirs, when = published(text_of(level1, "orderbook")), times(text_of(level1, "message"))
    hour = when < 37_800 * 10**9
    theirs, when = theirs[hour], when[hour]
    last = np.flatnonzero(np.diff(when, append=2**62))
    at = np.searchsorted(ts - 1_340_251_200 * 10**9, when[last], "right") - 1
    here, there = ours[np.maximum(at, 0), 0], theirs[last, 0]
    known = at >= 0
    same = (here == there).all(axis=1) & known
    prices = (here[:, 0::2] == there[:, 0::2]).all(axis=1) & known
    record_property("compared", len(same))
    record_property("equal", float(same.mean()))
    record_property("equal_prices", float(prices.mean()))
    assert len(same) > 20_000
    assert same.mean() >= 0.99, (same.mean(), prices.mean())
    assert prices.mean() >= same.mean()


@pytest.mark.parametrize("levels", [1, 2, 5, 30])
def test_a_synthetic_day(inside: Inside, tmp_path: Path, levels: int) -> None:
    day = lobster_day(seed=levels, events=1500, levels=levels)
    assert set(day.kinds) == {1, 2, 3, 4, 5, 6, 7}
    record = imported(inside, *day.write(tmp_path, "SYN"))
    assert record["source_rows"] == len(day.messages)
    assert (record["skipped"], record["crossed_events"]) == ({}, 0)
    # Orders of levels that came back are known to nobody.
    assert set(record["results"]) <= {"from_anonymous"}
    actions, implied = record["actions"], record["implied"]
    assert isinstance(actions, dict) and isinstance(implied, dict)
    assert (actions["add"], actions["cancel"], actions["delete"]) == tuple(day.kinds[k] for k in (1, 2, 3))
    assert (actions["execute"], actions["trade"]) == (day.kinds[4], day.kinds[5] + day.kinds[6])
    assert actions["status"] == day.kinds[7]
    assert actions.get("level", 0) == sum(implied.values())
    assert levels == 30 or (implied["entered"] > 0 and implied["left"] > 0)
    ours, _ = replayed(inside, "day.tape", levels)
    assert equal_rows(ours, published("\n".join(day.book).encode())) == len(day.messages)


def test_halts_crosses_and_hidden_executions(inside: Inside, tmp_path: Path) -> None:
    day = Day(1)
    book = "1000300,70,1000000,100"
    for line in (
        "34200.000000001,1,1,100,1000000,1",
        "34200.5,1,2,70,1000300,-1",
        "34201.0,5,0,33,1000150,-1",  # a hidden sell order at a sub-cent price: a buyer's print
        "34202.0,5,0,11,1000049,1",
        "34203.0,6,-1,9000,1000100,-1",
        "34204.0,7,0,0,-1,-1",
        "34205.0,7,0,0,0,-1",
        "34206.0,7,0,0,1,-1",
    ):
        day.messages.append(line)
        day.book.append(book if len(day.messages) > 1 else f"{NONE},0,1000000,100")
    record = imported(inside, *day.write(tmp_path, "SYN"))
    assert (record["tick_size"], record["prints"], record["volume"]) == (0.01, 3, 33 + 11 + 9000)
    ours, _ = replayed(inside, "day.tape", 1)
    assert equal_rows(ours, published("\n".join(day.book).encode())) == 8
    found = [(inside("play", "day.tape", "--json", "--at", f"#{index}").record["status"]) for index in range(5, 9)]
    assert found[0] != "halted"
    assert found[1:] == ["halted", "quoting", "trading"]
    prints = inside("play", "day.tape", "--json").record["prints"]
    assert [(p["qty"], p["side"]) for p in prints] == [(33, "buy"), (11, "sell"), (9000, "none")]
    inside("tape", "export", "day.tape", "-o", "messages.parquet")
    trades = pl.read_parquet("messages.parquet").filter(pl.col("action") == "trade")
    assert trades["price"].to_list() == [100.015, 100.0049, 100.01]


def pack(path: Path, kind: str) -> Path:
    """The file in another form, in its place."""
    raw = path.read_bytes()
    packed = path.with_name(f"{path.name}.{kind}")
    packed.write_bytes(gzip.compress(raw, 1) if kind == "gz" else zstandard.compress(raw))
    path.unlink()
    return packed


@pytest.mark.parametrize("form", ["crlf", "gz", "zst", "mixed", "zip", "folders-in-zip", "no-last-newline", "reversed"])
def test_forms_of_the_same_pair(inside: Inside, tmp_path: Path, form: str) -> None:
    day = lobster_day(seed=9, events=300, levels=3)
    (tmp_path / "in").mkdir()
    sources = list(day.write(tmp_path / "in", "SYN", "\r\n" if form == "crlf" else "\n"))
    if form in ("gz", "zst"):
        sources = [pack(path, form) for path in sources]
    elif form == "mixed":
        sources[1] = pack(sources[1], "zst")
    elif form == "no-last-newline":
        for path in sources:
            path.write_bytes(path.read_bytes()[:-1])
    elif form == "reversed":
        sources.reverse()
    elif "zip" in form:
        inner = "LOBSTER/" if form == "folders-in-zip" else ""
        with zipfile.ZipFile(tmp_path / "day.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{inner}ReadMe.txt", "not data")
            for path in sources:
                archive.write(path, f"{inner}{path.name}")
        sources = [tmp_path / "day.zip"]
    assert imported(inside, *sources)["source_rows"] == len(day.messages)
    ours, _ = replayed(inside, "day.tape", 3)
    assert equal_rows(ours, published("\n".join(day.book).encode())) == len(day.messages)


@pytest.mark.parametrize("packed", ["", "gz", "zst"])
def test_the_book_file_beside_is_taken_unless_alone_is_said(inside: Inside, tmp_path: Path, packed: str) -> None:
    day = lobster_day(seed=9, events=300, levels=3)
    (tmp_path / "in").mkdir()
    message, book = day.write(tmp_path / "in", "SYN")
    book = pack(book, packed) if packed else book
    record = imported(inside, message)
    assert (record["depth_model"], record["window"]) == ("window", 3)
    assert [source["name"] for source in record["sources"]] == [message.name, book.name]
    assert record["notes"] == {"orderbook": f"found beside: {book.name}"}
    ours, _ = replayed(inside, "day.tape", 3)
    assert equal_rows(ours, published("\n".join(day.book).encode())) == len(day.messages)
    record = inside("tape", "import", message, "-o", "alone.tape", "--alone", "--json").record
    assert record["depth_model"] == "orders" and "not given" in record["notes"]["orderbook"]
    assert [source["name"] for source in record["sources"]] == [message.name]


def test_a_book_file_beside_only_some_of_the_days(inside: Inside, tmp_path: Path) -> None:
    days = [lobster_day(seed=k, events=50, levels=2).write(tmp_path, "SYN", date=f"2012-06-2{k}") for k in (1, 2)]
    days[1][1].unlink()
    messages = [message for message, _ in days]
    done = inside("tape", "import", *messages, "-o", "day.tape")
    assert done.code == 3 and f"{messages[1].name} has no orderbook file while others have" in done.err
    assert "--alone" in done.err and not (tmp_path / "day.tape").exists()
    assert inside("tape", "import", *messages, "-o", "day.tape", "--alone", "--json").record["source_rows"] > 0


def test_days_one_after_the_other(inside: Inside, tmp_path: Path) -> None:
    sources: list[Path] = []
    rows = 0
    for number, date in enumerate(("2012-06-21", "2012-06-22")):
        day = lobster_day(seed=number, events=200, levels=2)
        sources += day.write(tmp_path, "SYN", date=date)
        rows += len(day.messages)
    record = imported(inside, *sources)
    assert (record["source_rows"], record["date"], record["repaired"]) == (rows, "2012-06-21", {})


BAD_BOOK = {
    "shorter": (lambda lines: lines[:-3], "row"),
    "longer": (lambda lines: [*lines, lines[-1]], "1 rows more"),
    "longer without newline": (lambda lines: [*lines, lines[-1]], "1 rows more"),
    "ragged": (lambda lines: [*lines[:7], lines[7].rsplit(",", 1)[0], *lines[8:]], "row 7"),
    "text": (lambda lines: [*lines[:7], lines[7].replace(",", ",x", 1), *lines[8:]], "row 7: 'x"),
    "too wide": (lambda lines: [*lines[:7], lines[7] + ",1", *lines[8:]], "row 7: has 9 columns, not 8"),
    "three columns": (lambda lines: [line.rsplit(",", 1)[0] for line in lines], "columns"),
    "empty": (lambda lines: [], "row"),
}


@pytest.mark.parametrize("damage", BAD_BOOK)
def test_a_book_file_that_does_not_go_with_its_messages(inside: Inside, tmp_path: Path, damage: str) -> None:
    day = lobster_day(seed=4, events=60, levels=2)
    change, says = BAD_BOOK[damage]
    day.book = change(day.book)
    message, book = day.write(tmp_path, "SYN")
    if damage == "longer without newline":
        book.write_bytes(book.read_bytes()[:-1])
    done = inside("tape", "import", message, book, "-o", "day.tape")
    assert done.code == 3
    assert_one_line(done)
    assert book.name in done.err and says in done.err, done.err
    assert not [path for path in tmp_path.iterdir() if "tape" in path.name]


def test_damaged_message_lines_keep_their_place(inside: Inside, tmp_path: Path) -> None:
    day = lobster_day(seed=5, events=400, levels=2)
    usable = len(day.messages)
    damage = [
        "",
        "34200.5,1",
        "time,type,order,size,price,direction",
        "nan,1,5,5,1000000,1",
        "-1,1,5,5,1000000,1",
        "34300,1,1_0\x0c,5,1000000,1\x85",
        "34300,1,99999999999999999999,5,1000000,1",
        "1e400,1,5,5,1000000,1",
    ]
    places = [0, *range(20, 20 + 10 * (len(damage) - 1), 10)]
    for place, line in zip(places, damage, strict=True):
        day.messages.insert(place, line)
        day.book.insert(place, day.book[max(place - 1, 0)])
    day.messages[5] = day.messages[5].replace(",", ",9", 1)  # a type nobody knows
    day.messages[6] += ",NULL"  # a column more does no harm
    day.book[0] = f"{NONE},0,{-NONE},0,{NONE},0,{-NONE},0"
    record = imported(inside, *day.write(tmp_path, "SYN"))
    assert record["source_rows"] == usable + len(damage)
    assert record["skipped"] == {"malformed": len(damage), "unknown_type": 1}
    assert record["repaired"] == {}
    notes = record["notes"]
    assert isinstance(notes, dict) and "row 0: ''" in notes["first_malformed_row"]
    ours, ts = replayed(inside, "day.tape", 2)
    assert equal_rows(ours, published("\n".join(day.book).encode())) == len(day.messages)
    assert (np.diff(ts) >= 0).all()


@pytest.mark.parametrize("text", ["\n", "\n\n\n", "a,b\n", "1,2,3,4,5\n" * 50, "34200.1,99,1,1,1,1\n", "\x00" * 500])
def test_a_file_without_any_message_makes_no_tape(inside: Inside, tmp_path: Path, text: str) -> None:
    source = tmp_path / "SYN_2012-06-21_34200000_57600000_message_1.csv"
    source.write_text(text, newline="")
    done = inside("tape", "import", source, "-o", "day.tape")
    assert done.code == 3
    assert_one_line(done)
    assert [path.name for path in tmp_path.iterdir()] == [source.name]
