"""Values of an answer as people read them, on the screen and on the command line."""

import math
from collections.abc import Mapping
from typing import Any


def said(value: Any) -> str:
    """One value as people read it."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.6g}" if math.isfinite(value) else "-" if math.isnan(value) else "none"
    if isinstance(value, list | tuple):
        return ", ".join(said(each) for each in value) or "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {said(each)}" for name, each in value.items()) or "-"
    return str(value)
