"""The whole screen as text, with a digest of each line's styles, against a stored picture.

`TAPEDECK_SNAPSHOTS=write pytest tests/screen/test_deck_snapshots.py tests/screen/test_desk_snapshots.py` writes
the pictures anew; look at the difference before you commit it.
"""

import os
from pathlib import Path

from drive import Driven

FOLDER = Path(__file__).parent / "snapshots"
SIZES = ((80, 24), (120, 36), (160, 48), (200, 60))


def compare(driven: Driven, name: str) -> None:
    """The screen against its stored picture."""
    lines = [f"{look} {text}".rstrip() for look, text in zip(driven.looks(), driven.lines(), strict=True)]
    path = FOLDER / f"{name}.txt"
    if os.environ.get("TAPEDECK_SNAPSHOTS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", "utf-8")
    expected = path.read_text("utf-8").splitlines()
    differing = [number for number, pair in enumerate(zip(expected, lines, strict=False)) if pair[0] != pair[1]]
    shown = "\n".join(f"line {number}\n- {expected[number]}\n+ {lines[number]}" for number in differing[:4])
    assert len(lines) == len(expected), f"{name}: {len(lines)} lines, stored {len(expected)}"
    assert not differing, f"{name}: {len(differing)} lines differ\n{shown}"


def hues(driven: Driven) -> list[str]:
    """Runs of text that have a colour which is no grey."""
    found = []
    for strip in driven.app.screen._compositor.render_strips():
        for segment in strip:
            for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                if colour is not None:
                    red, green, blue = colour.get_truecolor()
                    if not red == green == blue:
                        found.append(f"{colour.name} in {segment.text!r}")
    return found
