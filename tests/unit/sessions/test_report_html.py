"""The report is one sound page that loads nothing, runs nothing, and shows the fill model beside its numbers."""

from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from core.enums import Queue, Rung
from core.tca.paired import figures
from core.tca.result import PAIRED, PARTS, CompareResult, TapeNote, Trial, new_costs
from core.tca.shortfall import Leftover
from sessions.report_html import compare_page
from sessions.report_markup import Markup, element, interval, number, share, text
from sessions.report_svg import scale, ticks

HOSTILE = "</title></style><script>alert('x')</script><img src=x onerror=\"alert(1)\">&amp;\x00\x1b[31m\u202egnp.exe"
VOID = {"meta", "img", "br", "link"}


def comparison(
    names: tuple[str, ...] = ("twap", "pov", "passive"), count: int = 40, title: str = "AMZN", symbol: str = "AMZN"
) -> CompareResult:
    rng = np.random.default_rng(4)
    orders, costs = np.zeros(count, PAIRED), new_costs(len(names), count)
    orders["block"], orders["side"] = np.arange(count) // 4, 1 - 2 * (np.arange(count) % 2)
    for part in PARTS:
        costs[part] = rng.normal(size=costs.shape)
        costs["shortfall"] += costs[part]
    costs["fill_rate"] = rng.uniform(0.5, 1.0, costs.shape)
    found = figures(names, orders, costs, np.random.default_rng(1), resamples=500)
    return CompareResult(
        title, names, "twap", Rung.LATENCY, Queue.CONSERVING, "pro-rata", Leftover.COMPLETE, orders, costs,
        found.columns, found.blocks, 0.95, 500, (TapeNote(symbol, "NASDAQ", "2012-06-21", "2329", 5, count),),
        {"seed": 7, "window": "10m", "nothing": None, "yes": True}, found.pairs,
        (Trial(names[-1], {"rate": 0.1}, 1.25), Trial("left out", {}, None, False)),
    )  # fmt: skip


class Reader(HTMLParser):
    """Elements, attributes and text of a page; fails on elements that do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def hostile() -> CompareResult:
    made = comparison((HOSTILE, "twap", "x" * 900), title=HOSTILE, symbol=HOSTILE)
    tapes = (TapeNote(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, 1),)
    trials = (Trial(HOSTILE, {HOSTILE: HOSTILE}, 1.0),)
    return replace(made, tapes=tapes, trials=trials, settings={HOSTILE: HOSTILE}, notes=(HOSTILE,), queue_model=HOSTILE)


@pytest.mark.parametrize("result", [comparison(), hostile()], ids=["plain", "hostile"])
def test_nothing_is_loaded_or_run(result: CompareResult) -> None:
    page = compare_page(result)
    reader = Reader(page)
    allowed = {
        "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "strong", "div", "table",
        "caption", "thead", "tbody", "tr", "th", "td", "span", "figure", "figcaption", "code", "dl", "dt", "dd", "ul",
        "li", "svg", "desc", "g", "line", "text", "rect", "polyline", "path",
    }  # fmt: skip
    assert set(reader.names) <= allowed
    keys = {key for key, _ in reader.attributes}
    assert not {key for key in keys if key.startswith("on") or key in {"src", "href", "style", "srcset", "action"}}
    assert "url(" not in page.lower()
    assert "@import" not in page.lower()
    assert page.replace("http://www.w3.org/2000/svg", "").count("://") == 0
    assert "default-src 'none'" in page


def test_hostile_names_are_shown_as_they_are() -> None:
    page = compare_page(hostile())
    words = "".join(Reader(page).words)
    assert words.count("</title></style><script>alert('x')</script>") > 8
    assert "<script" not in page
    assert "\\u0000\\u001b[31m\\u202egnp.exe" in words  # neither hidden nor turned around
    assert not any(character in page for character in "\x00\x1b\u202e")


@pytest.mark.parametrize("names", [("twap", "pov", "passive"), ("pov",), ("pov", "ac"), ("twap", "a", *"bcdefghijk")])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_plots_are_sound_for_any_number_of_policies_and_orders(names: tuple[str, ...], count: int) -> None:
    result = comparison(names, count)
    page = compare_page(result)
    Reader(page)
    drawings = page.split("<svg")[1:]
    assert len(drawings) == 4 + ("twap" in names and len(names) > 1)
    for each in drawings:
        svg = ElementTree.fromstring("<svg" + each.split("</svg>")[0] + "</svg>")
        for node in svg.iter():
            for key, value in node.attrib.items():
                assert "nan" not in value
                assert "inf" not in value
                if key in {"width", "height"}:
                    assert float(value) >= 0
    assert "nan" not in "".join(Reader(page).words).lower().replace("finance", "")


def test_constant_costs_can_be_drawn() -> None:
    made = comparison()
    costs = made.costs.copy()
    for name in ("shortfall", *PARTS):
        costs[name] = 0.0
    found = figures(made.policies, made.orders, costs, np.random.default_rng(1), resamples=99)
    Reader(compare_page(replace(made, costs=costs, columns=found.columns, pairs=found.pairs)))


def test_the_fill_model_stands_beside_every_number() -> None:
    result = comparison()
    reader = Reader(compare_page(result))
    model = "R4 latency, conserving queue (pro-rata)"
    rows, plots, pairs = len(result.policies), 5, len(result.pairs)
    assert sum(model in words for words in reader.words) >= 1 + 1 + rows + plots + pairs + 1
    other = Reader(compare_page(replace(result, rung=Rung.MID)))
    assert not any("latency" in words for words in other.words)
    assert any("R0 mid, no queue" in words for words in other.words)


def test_what_was_asked_and_tried_is_on_the_page() -> None:
    page = compare_page(comparison())
    words = Reader(page).words
    for told in ("seed", "7", "window", "10m", "2329", "left out", "rate = 0.1", "cost of completing", "10 blocks"):
        assert any(told in each for each in words), told
    assert page == compare_page(comparison())  # no date, no chance


def test_figures_of_the_table_are_those_of_the_columns() -> None:
    result = comparison()
    words = Reader(compare_page(result)).words
    for row in result.columns.values():
        for name in ("shortfall_bps", "spread_bps", "cvar95_bps", "vs_twap_bps"):
            assert number(row[name]) in words
        assert interval(row["shortfall_ci"]) in words
        assert share(row["fill_rate"]) in words


def test_few_blocks_and_a_mild_mark_are_said() -> None:
    assert "no interval is sure" in compare_page(comparison(count=8))
    assert "no interval is sure" not in compare_page(comparison())
    assert "flatters" in compare_page(replace(comparison(), leftover=Leftover.MID))
    assert "flatters" not in compare_page(comparison())
    assert "is not known" in compare_page(replace(comparison(), trials=()))


def test_numbers_for_reading() -> None:
    shown = [number(v) for v in (1.005e9, -1234.5, -0.001, 0.0, float("nan"), None, 12345, True)]
    assert shown == ["1.005e+09", "−1,234.50", "0.00", "0.00", "–", "–", "12,345", "–"]
    assert interval([-1.0, 2.5]) == "[−1.00, 2.50]"
    assert interval(None) == share(None) == "–"
    assert share(0.987) == "98.7 %"


def test_only_markup_passes_unescaped() -> None:
    assert (
        element("p", "<b>", Markup("<i></i>"), class_='a"b', data_x=None) == '<p class="a&quot;b">&lt;b&gt;<i></i></p>'
    )
    assert element("p", f"{text('<')}") == "<p>&amp;lt;</p>"  # twice rather than never


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 4), (-0.001, 0.0004), (0, 1e6), (5, 5.01)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 9
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in found)


def test_a_scale_has_room_and_keeps_what_is_outside_on_its_edge() -> None:
    found = scale([1.0, 2.0], 100, 200)
    assert found.low == 0.0
    assert found(-5) == 100
    assert found(99) == 200
    assert scale([], 0, 1).high > scale([], 0, 1).low
    assert scale([7.0], 0, 1, zero=False).low > 0
