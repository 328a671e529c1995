"""The port of Python policies: what they see, what becomes of their answers, and the ten lines of the README."""

import math
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import core.policies
from core.book.state import EMPTY_ASK, EMPTY_BID
from core.desk.budget import Worker
from core.enums import Op, OrderFlag, OrderType, Reason, TimeInForce
from core.policies.check import Answer, ask
from core.policies.codes import MOST
from core.policies.contain import Contained, CutOff
from core.policies.intent import Intent
from core.policies.reasons import FIRST_OWN, MOST_OWN, OTHER, WORDS, ReasonBook
from core.policies.shown import View
from core.records import INTENT, MAX_QTY, NO_PRICE, OPEN, VIEW

README = Path(str(core.policies.__file__)).with_name("README.md")


def shown(*orders: Mapping[str, int], features: Any = None, names: tuple[str, ...] = (), **fields: Any) -> View:
    record, open_now = np.zeros(1, VIEW), np.zeros(8, OPEN)
    usual = {"best_bid": 100, "best_ask": 103, "bid_qty": 30, "ask_qty": 10, "last_price": NO_PRICE, "parent": 2,
             "side": 1, "qty": 500, "filled": 100, "working": 50, "start": 1000, "end": 3000, "now": 2000,
             "limit": NO_PRICE, "volume": 70, "start_volume": 20, "signal": math.nan, "urgency": 0.25,
             "n_open": len(orders)}  # fmt: skip
    for name, value in {**usual, **fields}.items():
        record[0][name] = value
    for i, order in enumerate(orders):
        for name, value in {"leaves": 50, "price": 99, "side": 1, "type": 1, "tif": 1, "parent": 2, **order}.items():
            open_now[i][name] = value
    row = np.zeros(0, np.float32) if features is None else np.asarray(features, np.float32)
    return View(record[0], open_now, row, names)


class Says:
    """A policy that answers what it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def decide(self, view: View) -> Any:
        return self.answer(view) if callable(self.answer) else self.answer


def asked(answer: Any, view: View | None = None) -> tuple[Answer, np.ndarray]:
    out = np.zeros(MOST, INTENT)
    given = ask(Says(answer), shown() if view is None else view, out, ReasonBook())
    assert (out[given.n :] == np.zeros((), INTENT)).all()  # a refused answer leaves nothing behind
    assert (given.reason == Reason.NONE) == (given.detail == "")
    return given, out


def test_a_view_says_what_its_record_says() -> None:
    view = shown({"order_id": 9, "ahead": -1, "closing": 1}, {"order_id": 10, "ahead": 4, "parent": -1}, signal=0.5)
    assert (view.bid, view.ask, view.mid, view.spread, view.last, view.limit) == (100, 103, 101.5, 3, None, None)
    assert (view.room, view.elapsed, view.traded, view.signal, view.urgency) == (350, 0.5, 50, 0.5, 0.25)
    first, second = view.orders
    assert (first.order_id, first.closing, first.ahead, first.parent) == (9, True, None, 2)
    assert (second.order_id, second.closing, second.ahead, second.parent) == (10, False, 4, None)


def test_a_view_of_nothing() -> None:
    view = shown(best_bid=EMPTY_BID, best_ask=EMPTY_ASK, parent=-1, limit=0, start=0, end=0)
    assert (view.bid, view.ask, view.mid, view.spread, view.signal, view.limit, view.parent) == (None,) * 7
    assert view.elapsed == 0.0
    assert view.take(5) is None
    assert view.rest(5) is None


def test_features_are_read_by_name_and_cannot_be_written() -> None:
    row = np.array([1.5, -2.0], np.float32)
    view = shown(features=row, names=("imbalance", "spread"))
    assert view.feature("spread") == -2.0
    with pytest.raises(KeyError, match="imbalance, spread"):
        view.feature("spraed")
    with pytest.raises(ValueError, match="read-only"):
        view.features[0] = 7
    row[0] = 3.0  # its owner still can
    assert view.feature("imbalance") == 3.0


def test_short_ways_to_say_what_is_wanted() -> None:
    view = shown({"order_id": 9}, limit=104)
    taken, rested = view.take(10, why="now"), view.rest(10, offset=2)
    assert taken == Intent(Op.NEW, 1, 10, 104, tif=TimeInForce.IOC, why="now")
    assert rested == Intent(Op.NEW, 1, 10, 98, flags=OrderFlag.POST_ONLY)
    assert view.sell(3, 110, TimeInForce.FOK) == Intent(Op.NEW, -1, 3, 110, tif=TimeInForce.FOK)
    assert view.buy(3, 90, post=True).flags == OrderFlag.POST_ONLY
    assert view.cancel(view.orders[0]) == Intent(Op.CANCEL, 1, 50, 99, order_id=9)
    assert view.replace(view.orders[0], limit=100) == Intent(Op.REPLACE, 1, 50, 100, order_id=9)
    assert shown(limit=102).take(10) is None
    closing = shown({"order_id": 9, "closing": 1})
    assert closing.cancel(closing.orders[0]) is None
    assert closing.replace(closing.orders[0], qty=5) is None


def test_a_good_answer_becomes_records() -> None:
    view = shown({"order_id": 9})
    answer, out = asked([None, view.take(10, why="leaning"), view.rest(20), view.cancel(view.orders[0])], view)
    assert answer == Answer(3)
    assert out["op"][:3].tolist() == [Op.NEW, Op.NEW, Op.CANCEL]
    assert out["qty"][:3].tolist() == [10, 20, 50]
    assert out["why"][:3].tolist() == [FIRST_OWN, 0, 0]
    assert out["parent"][:3].tolist() == [2, 2, 2]
    assert out["order_id"][:3].tolist() == [0, 0, 9]


@pytest.mark.parametrize("nothing", [None, [], (), [None, None], lambda view: iter(())])
def test_nothing_is_an_answer(nothing: Any) -> None:
    assert asked(nothing)[0] == Answer(0)


def test_one_intent_alone_and_whole_floats_are_taken() -> None:
    answer, out = asked(lambda view: view.buy(np.float64(7.0), np.int64(99)))  # type: ignore[arg-type]
    assert answer == Answer(1)
    assert (out[0]["qty"], out[0]["price"]) == (7, 99)


def new(**fields: Any) -> Intent:
    return Intent(**{"op": Op.NEW, "side": 1, "qty": 10, "price": 100, **fields})


class Odd:
    """Not a number, and rude about it."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__
    __eq__ = __int__ = __float__ = __index__ = __str__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def raises(error: BaseException) -> Any:
    def decide(view: View) -> Any:
        raise error

    return decide


def endless(view: View) -> Iterator[Any]:
    while True:
        yield view.buy(1, 100)


def endless_nothing(view: View) -> Iterator[Any]:
    while True:
        yield None


class Own(BaseException):
    """An exception of a policy's own kind."""


def breaks_off(view: View) -> Iterator[Any]:
    yield view.buy(1, 100)
    raise ZeroDivisionError("half way")


@pytest.mark.parametrize(("answer", "reason", "part"), [
    (raises(ValueError("bad thing")), Reason.POLICY_RAISED, "ValueError: bad thing"),
    (raises(SystemExit(3)), Reason.POLICY_RAISED, "SystemExit: 3"),
    (raises(Own("no more")), Reason.POLICY_RAISED, "Own: no more"),
    (raises(GeneratorExit()), Reason.POLICY_RAISED, "GeneratorExit"),
    (raises(RecursionError()), Reason.POLICY_RAISED, "RecursionError"),
    (raises(ValueError(Odd())), Reason.POLICY_RAISED, "ValueError"),
    (raises(ValueError("\x1b[2Jred\n" * 900)), Reason.POLICY_RAISED, "ValueError: [2Jred"),
    (breaks_off, Reason.POLICY_RAISED, "half way"),
    (endless, Reason.OUT_OF_RANGE, "more than 8"),
    ([new(qty=1)] * 9, Reason.OUT_OF_RANGE, "more than 8"),
    ("buy", Reason.POLICY_RAISED, "a str"),
    (7, Reason.POLICY_RAISED, "a int"),
    (math.nan, Reason.POLICY_RAISED, "a float"),
    ([7], Reason.POLICY_RAISED, "not an intent"),
    ([new(), "sell"], Reason.POLICY_RAISED, "not an intent"),
    (Odd(), Reason.POLICY_RAISED, "Odd"),
    (new(qty=-5), Reason.BAD_QTY, "-5"),
    (new(qty=0), Reason.BAD_QTY, "0"),
    (new(qty=351), Reason.BAD_QTY, "has 350 left"),
    ([new(qty=200), new(qty=200)], Reason.BAD_QTY, "has 150 left"),
    (new(qty=MAX_QTY + 1), Reason.BAD_QTY, "from 1 to"),
    (new(qty=10**400), Reason.BAD_QTY, "far out"),
    (new(qty=2.5), Reason.BAD_QTY, "2.5 is not a whole"),
    (new(qty=1e300), Reason.BAD_QTY, "far out"),
    (new(qty=math.nan), Reason.NOT_FINITE, "quantity is nan"),
    (new(qty="ten"), Reason.POLICY_RAISED, "a str"),
    (new(qty=True), Reason.POLICY_RAISED, "a bool"),
    (new(qty=Odd()), Reason.POLICY_RAISED, "Odd"),
    (new(qty=None), Reason.POLICY_RAISED, "NoneType"),
    (new(qty=np.ones(3)), Reason.POLICY_RAISED, "ndarray"),
    (new(price=math.inf), Reason.NOT_FINITE, "price is inf"),
    (new(price=np.float32("nan")), Reason.NOT_FINITE, "price is nan"),
    (new(price=100.25), Reason.BAD_PRICE, "100.25"),
    (new(price=2**31), Reason.BAD_PRICE, "far out"),
    (new(price=NO_PRICE), Reason.BAD_PRICE, "far out"),
    (new(stop=-(2**40)), Reason.BAD_PRICE, "stop"),
    (new(display=11), Reason.BAD_QTY, "display"),
    (new(side=0), Reason.OUT_OF_RANGE, "side 0"),
    (new(side=2), Reason.OUT_OF_RANGE, "side 2"),
    (new(side=-1), Reason.OUT_OF_RANGE, "against its own parent"),
    (new(op=9), Reason.OUT_OF_RANGE, "operation 9"),
    (new(type=0), Reason.OUT_OF_RANGE, "order type 0"),
    (new(tif=77), Reason.OUT_OF_RANGE, "time in force 77"),
    (new(flags=OrderFlag.OPERATOR), Reason.OUT_OF_RANGE, "flags"),
    (new(op=Op.CANCEL, order_id=8), Reason.UNKNOWN_ORDER, "order 8"),
    (new(op=Op.REPLACE, order_id=9, qty=401), Reason.BAD_QTY, "asks for 351"),
])  # fmt: skip
def test_a_bad_answer_is_a_reason_and_sends_nothing(answer: Any, reason: Reason, part: str) -> None:
    given, _ = asked(answer, shown({"order_id": 9}))
    assert given.n == 0
    assert given.reason == reason
    assert part in given.detail
    assert len(given.detail) < 300
    assert given.detail.isprintable()


def test_an_answer_without_end_ends() -> None:
    assert asked(endless_nothing)[0] == Answer(0)


def test_only_the_keyboard_and_a_cut_off_get_through() -> None:
    for error in (KeyboardInterrupt, CutOff):
        with pytest.raises(error):
            asked(raises(error()))


def test_a_person_interrupts_the_main_thread_only() -> None:
    worker = Worker("any")
    in_time, answer, _ = worker.call(lambda: asked(raises(KeyboardInterrupt()))[0], 2_000_000_000, lambda: False)
    assert in_time and answer == Answer(0, Reason.POLICY_RAISED, "KeyboardInterrupt")
    with pytest.raises(GeneratorExit):  # a defect of ours is not silence
        worker.call(lambda: raises(GeneratorExit())(None), 2_000_000_000, lambda: False)
    assert worker.call(lambda: 7, 2_000_000_000, lambda: False)[:2] == (True, 7)
    worker.close()


def test_a_replace_takes_what_it_adds() -> None:
    view = shown({"order_id": 9})
    answer, out = asked([Intent(Op.REPLACE, 1, 400, 98, order_id=9)], view)  # 50 were out, 350 are left
    assert answer == Answer(1)
    assert (out[0]["op"], out[0]["qty"], out[0]["order_id"]) == (Op.REPLACE, 400, 9)


def test_without_a_parent_both_sides_are_free() -> None:
    answer, out = asked([new(side=-1, qty=10_000), new()], shown(parent=-1))
    assert answer == Answer(2)
    assert out["parent"][:2].tolist() == [-1, -1]


def test_reasons_are_words_by_first_use_and_bounded() -> None:
    book = ReasonBook()
    assert [book.code(text) for text in ("up", "down", "up", "", "\x1b\n")] == [
        FIRST_OWN,
        FIRST_OWN + 1,
        FIRST_OWN,
        0,
        0,
    ]
    assert book.words(FIRST_OWN + 1) == "down"
    assert book.words(2, qty="120") == "behind schedule by 120"
    assert book.words(2) == "behind schedule"
    assert book.words(8, qty="5", price="101.25") == "the touch left 5 at 101.25"
    assert book.words(-4) == ""
    codes = {book.code(f"reason {i}") for i in range(2 * MOST_OWN)}
    assert OTHER in codes
    assert len(book.own) == MOST_OWN
    assert ReasonBook(book.own).own == book.own
    assert book.words(OTHER)
    assert len(book.words(ReasonBook(("x" * 500,)).code("x" * 500)) or "") <= 80
    assert all("{" not in book.words(code) for code in WORDS)


def test_contained_is_quiet_about_success() -> None:
    with Contained() as held:
        pass
    assert (held.error, held.words) == (None, "")


def test_the_ten_lines_of_the_readme_run() -> None:
    block = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    body = [line for line in block[1].splitlines() if line.strip() and not line.startswith(("from ", "import "))]
    assert len(body) <= 10
    module: dict[str, Any] = {}
    exec(block[1], module)
    policy, out = module["make"]({}, None), np.zeros(MOST, INTENT)
    assert ask(policy, shown(bid_qty=5), out, ReasonBook()) == Answer(0)
    book = ReasonBook()
    assert ask(policy, shown(bid_qty=90), out, book) == Answer(1)
    assert (out[0]["qty"], out[0]["price"], out[0]["tif"]) == (100, 108, TimeInForce.IOC)
    assert book.words(int(out[0]["why"])) == "the book leans our way"
    assert ask(policy, shown(bid_qty=5, now=2900), out, book) == Answer(1)
    assert ask(policy, shown(bid_qty=5, now=2900, best_ask=EMPTY_ASK), out, book) == Answer(0)


def test_the_port_needs_no_screen_no_database_and_no_learning_library() -> None:
    assert "core.policies.check" in sys.modules
    text = "".join(path.read_text(encoding="utf-8") for path in README.parent.glob("*.py"))
    wanted = {name.split(".")[0] for name in re.findall(r"^(?:from|import) ([\w.]+)", text, re.MULTILINE)}
    assert wanted <= {"core", "numpy", *sys.stdlib_module_names}


def test_order_types_and_lives_are_what_records_say() -> None:
    assert asked(new(type=OrderType.PEG_TOUCH, stop=-1))[1][0]["type"] == 5
