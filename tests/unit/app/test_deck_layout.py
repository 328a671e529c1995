"""Where panels go, at every size a terminal may have."""

import pytest

from app.deck.layout import FULL, LAYOUTS, PANELS, SMALLEST, Box, arrange


def cells(boxes: dict[str, Box]) -> list[tuple[int, int]]:
    return [
        (x, y)
        for box in boxes.values()
        for x in range(box.x, box.x + box.width)
        for y in range(box.y, box.y + box.height)
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zoomed", [None, "ladder", "chart", "day"])
def test_boxes_tile_the_screen(layout: str, zoomed: str | None) -> None:
    for width in (40, 60, 79, 80, 99, 100, 119, 120, 159, 160, 189, 190, 200, 240):
        for height in (12, 16, 23, 24, 30, 31, 32, 36, 40, 47, 48, 60, 70):
            boxes = dict(arrange(width, height, layout, zoomed))
            covered = cells(boxes)
            assert len(covered) == width * height, (width, height, boxes)
            assert len(set(covered)) == width * height, (width, height, boxes)
            assert all(0 <= x < width and 0 <= y < height for x, y in covered)


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
