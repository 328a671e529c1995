"""Markup that is escaped by construction: plain text given to `element` is escaped, only `Markup` is not."""

from collections.abc import Iterable
from html import escape
from math import isfinite
from unicodedata import category

#: What a number that cannot be said is shown as.
NOTHING = "–"


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, *inner: str, **attributes: object) -> Markup:
    """An element. Attribute names: `_` becomes `-` and a trailing one goes (`class_`); None leaves it out."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_attribute(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{told}>{''.join(_safe(part) for part in inner)}</{name}>")


def together(parts: Iterable[str]) -> Markup:
    """One piece of several, plain text among them escaped."""
    return Markup("".join(_safe(part) for part in parts))


def text(value: object) -> Markup:
    """Escaped text. Invisible characters, which could hide or turn around what stands beside them, are spelled out."""
    plain = "".join(f"\\u{ord(c):04x}" if category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else c for c in str(value))
    return Markup(escape(plain, quote=True))


def number(value: object, digits: int = 2) -> str:
    """A number for reading, with a real minus; `NOTHING` for None and what is not finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    shown = f"{value:,.{digits}f}" if abs(value) < 1e6 else f"{value:.3e}"
    return shown.replace("-", "−") if float(shown.replace(",", "")) else f"{0:.{digits}f}"


def interval(value: object, digits: int = 2) -> str:
    """The two ends in brackets, or `NOTHING`."""
    if not isinstance(value, list) or len(value) != 2:
        return NOTHING
    return f"[{number(value[0], digits)}, {number(value[1], digits)}]"


def share(value: object) -> str:
    """A fraction in per cent."""
    return f"{number(100 * value, 1)} %" if isinstance(value, float) else NOTHING


def _safe(part: str) -> str:
    return part if isinstance(part, Markup) else text(part)


def _attribute(value: object) -> str:
    return text(f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value)
