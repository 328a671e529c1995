"""The summary and the picture without a screen."""

from pathlib import Path

import numpy as np
import pytest

from app.headless import picture, replay
from app.places import GotoError
from core.enums import Action
from core.feeds.source import Options
from core.records import ABSENT, ROW
from core.tape.importer import import_tape
from tests.oracle.tape import RowSource
from tests.small_tapes import START, small_tape

pytestmark = pytest.mark.jit_only


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tape."""
    return small_tape(tmp_path_factory.mktemp("tapes") / "small.tape", seed=2, count=400)


def test_a_replay_ends_as_the_picture_at_the_close(folder: Path) -> None:
    summary, close = replay(folder), picture(folder, None)
    timing = {"seconds", "messages_per_second", "speed"}
    assert {k: v for k, v in summary.items() if k not in timing} == {k: close[k] for k in summary.keys() - timing}
    assert summary["index"] == summary["messages"] == 400
    assert picture(folder, "close") == picture(folder, "100%") == picture(folder, "#400") == close


def test_a_picture_is_of_its_place(folder: Path) -> None:
    found = picture(folder, "#150")
    assert found["index"] == 150
    assert found["asks"][0]["price"] == found["best_ask"] and found["bids"][0]["price"] == found["best_bid"]
    assert [level["price"] for level in found["bids"]] == sorted((x["price"] for x in found["bids"]), reverse=True)
    assert 0 < len(found["prints"]) <= 20 and found["prints_total"] >= len(found["prints"])
    assert found["prints"][-1]["price"] == found["last_price"]
    assert picture(folder, "#0")["prints"] == [] and picture(folder, "#0")["best_bid"] is None
    with pytest.raises(GotoError):
        picture(folder, "tomorrow")


def test_a_print_without_a_price_has_none(tmp_path: Path) -> None:
    """An execution of an order that was never seen, in a source that leaves the price to the order."""
    rows = np.zeros(1, ROW)
    rows["ts_event"], rows["ts_recv"], rows["flags"], rows["qty"], rows["order_id"] = START, ABSENT, 3, 5, 9
    rows["action"], rows["price"] = Action.EXECUTE, ABSENT
    add = rows.copy()
    add["action"], add["price"], add["side"], add["order_id"] = Action.ADD, 100, 1, 1
    import_tape(RowSource([np.concatenate([add, rows])]), tmp_path / "x.tape", Options())
    found = picture(tmp_path / "x.tape", None)
    assert (found["last_price"], found["volume"], found["prints_total"]) == (None, 5, 1)
    assert found["prints"][0]["price"] is None
