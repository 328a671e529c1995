"""Where panels go, at every size a terminal may have."""

import numpy as np
import pytest

from app.deck.layout import DESK_LAYOUT, DESK_PANELS, FULL, LAYOUTS, PANELS, SMALLEST, arrange


@pytest.mark.parametrize("layout", [*LAYOUTS, DESK_LAYOUT])
@pytest.mark.parametrize(
    ("zoomed", "kill", "entry"),
    [(None, 0, False), ("chart", 0, False), ("day", 0, False), (None, 4, False), (None, 10, True), ("orders", 5, True),
     ("day", 6, True)],
)  # fmt: skip
def test_boxes_tile_the_screen(layout: str, zoomed: str | None, kill: int, entry: bool) -> None:
    for width in (40, 60, 79, 80, 99, 100, 119, 120, 159, 160, 189, 190, 240):
        for height in (12, 16, 23, 24, 30, 31, 32, 36, 40, 47, 48, 60, 70):
            boxes = dict(arrange(width, height, layout, zoomed, kill, entry))
            assert sum(box.width * box.height for box in boxes.values()) == width * height, (width, height, boxes)
            screen = np.zeros((height, width), np.int64)
            for box in boxes.values():
                screen[box.y : box.y + box.height, box.x : box.x + box.width] += 1
            assert (screen == 1).all(), (width, height, boxes)
            assert all(box.width > 0 and box.height > 0 for box in boxes.values())
            assert "small" in boxes or ("kill" in boxes, "entry" in boxes) == (kill > 0, entry)


@pytest.mark.parametrize("layout", ["deck", "book"])
def test_ladder_and_heat_map_share_their_lines(layout: str) -> None:
    for width in range(80, 220, 7):
        for height in range(24, 70, 5):
            boxes = arrange(width, height, layout)
            ladder, heat = boxes["ladder"], boxes["heat"]
            assert (ladder.y, ladder.height) == (heat.y, heat.height)
            assert ladder.x + ladder.width == heat.x
            assert ladder.height >= 12


def test_all_panels_at_160x48() -> None:
    assert set(arrange(160, 48)) == {*PANELS, "top", "stats", "keys"}


def test_small_terminals() -> None:
    assert set(arrange(FULL[0] - 1, FULL[1])) == {"top", "ladder", "stats"}
    assert set(arrange(FULL[0], FULL[1] - 1)) == {"top", "ladder", "stats"}
    assert set(arrange(SMALLEST[0] - 1, 60)) == {"small"}
    assert set(arrange(200, SMALLEST[1] - 1)) == {"small"}
    assert {"ladder", "heat"} <= set(arrange(*FULL))


def test_zoom_gives_a_panel_the_body() -> None:
    boxes = arrange(160, 48, "deck", "tape")
    assert boxes["tape"].width == 160
    assert set(boxes) == {"tape", "top", "stats", "day", "keys"}


def test_a_desk_drops_panels_in_the_stated_order() -> None:
    shown = [set(arrange(width, height, DESK_LAYOUT)) & {*PANELS, *DESK_PANELS} for width, height in
             ((200, 60), (160, 48), (120, 36), (80, 24))]  # fmt: skip
    assert shown[0] == {"ladder", "heat", "tape", "day", *DESK_PANELS}
    assert shown[0] - shown[1] == {"tape"}
    assert shown[1] - shown[2] == {"progress"}
    assert shown[2] - shown[3] == {"heat"}
    assert "orders" not in arrange(80, 24, DESK_LAYOUT, entry=True)
    for zoomed in DESK_PANELS:
        assert set(arrange(80, 24, DESK_LAYOUT, zoomed)) == {zoomed, "top", "stats", "day", "keys"}


def test_the_ladder_stays_whatever_comes_up() -> None:
    for width, height in ((60, 16), (80, 24), (120, 36), (160, 48)):
        assert arrange(width, height, DESK_LAYOUT, kill=10, entry=True)["ladder"].height >= 3
