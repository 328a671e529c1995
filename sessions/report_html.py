"""A comparison of policies as one page that needs nothing else: no script, no font, no picture from anywhere."""

from collections.abc import Mapping, Sequence

from core.tca.result import PARTS, CompareResult, Figure, Plain
from core.tca.shortfall import Leftover
from sessions.report_markup import NOTHING, Markup, element, interval, number, share, together
from sessions.report_plots import difference_plot, fills_plot, orders_plot, parts_plot, shortfall_plot
from sessions.report_style import STYLE

#: Nothing is loaded, sent or run by the page, whatever a name in it says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_WORDS = {
    "Shortfall": "what the orders cost against the mid when they were given, everything included; positive = cost",
    "Delay": "the market between the decision and the arrival of the first order at the venue",
    "Spread": "price paid against the mid just before each fill; negative where resting earned it",
    "Impact": "the mid just before each fill against the mid there would have been without the order, on the same tape",
    "Timing": "that mid without the order against the mid at arrival: what the market did anyway",
    "Fees": "paid to the venue, rebates negative",
    "Opportunity": "what was not done, marked at the",
    "Timing risk": "standard deviation of the shortfall over the orders",
    "CVaR 95": "mean of the worst 5 % of the orders",
    "P(win)": "share of the orders that cost less than the baseline's, ties half",
    "p": "bootstrap-t over blocks, two-sided, corrected after Holm over the policies (or pairs) of the table",
}


def compare_page(result: CompareResult) -> str:
    """The page. The same result gives the same bytes."""
    return page(result.title, _sections(result))


def page(title: str, sections: Sequence[str]) -> str:
    """A page that loads and runs nothing, whatever a name in it says."""
    head = element(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="referrer" content="no-referrer">'),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    body = element("body", element("main", *sections))
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _sections(result: CompareResult) -> list[Markup]:
    return [
        element("header", element("h1", result.title), *_summary(result)),
        element("h2", "Policies"),
        _wide(_policies(result)),
        element("h2", "Plots"),
        *_figures(result),
        element("h2", "Every pair"),
        _wide(_pairs(result)),
        element("h2", "All trials"),
        *_trials(result),
        element("h2", "Tapes"),
        _wide(_tapes(result)),
        element("h2", "Settings and seeds"),
        _settings(result.settings),
        element("h2", "What the columns say"),
        _terms({**_WORDS, "Opportunity": f"{_WORDS['Opportunity']} {result.leftover.value}"}),
        *_notes(result),
    ]


def _summary(result: CompareResult) -> list[Markup]:
    sides = result.orders["side"]
    words = (
        f"{number(len(sides))} parent orders ({number(int((sides > 0).sum()))} to buy, "
        f"{number(int((sides < 0).sum()))} to sell) on {_many(len(result.tapes), 'tape')}, each "
        f"worked by {len(result.policies)} policies on the same path. "
        f"Intervals: {100 * result.level:g} % by {number(result.resamples)} resamples of "
        f"{_many(result.blocks, 'block')} of time, which are the independent observations. "
        "Unfilled quantity is never dropped."
    )
    parts = [element("p", "Fill model: ", element("strong", result.model)), element("p", words)]
    if result.blocks < 10:
        few = f"Only {_many(result.blocks, 'independent block')} of time: no interval is sure."
        parts.append(element("p", element("strong", few)))
    if result.leftover is Leftover.MID:
        mild = (
            "What was left over is marked at a mid, which nobody can trade at: this flatters policies that fill less."
        )
        parts.append(element("p", mild, class_="dim"))
    return parts


def _policies(result: CompareResult) -> Markup:
    versus = f"vs_{result.baseline}"
    heads = [
        "Policy", "Shortfall", *(part.capitalize() for part in PARTS), "Timing risk", "CVaR 95", "Median", "Fill rate",
        f"vs {result.baseline}", "p", "P(win)",
    ]  # fmt: skip
    rows = []
    for name in result.policies:
        row = result.columns[name]
        cells = [_ranged(row["shortfall_bps"], row["shortfall_ci"], difference=False)]
        cells += [element("td", number(row[f"{part}_bps"])) for part in PARTS]
        cells += [element("td", number(row[f"{key}_bps"])) for key in ("timing_risk", "cvar95", "median")]
        cells.append(element("td", share(row["fill_rate"])))
        cells.append(_ranged(row.get(f"{versus}_bps"), row.get(f"{versus}_ci")))
        cells.append(element("td", _chance(row.get("p_holm"))))
        cells.append(element("td", share(row.get("p_win"))))
        rows.append(element("tr", element("th", name, _model(result), scope="row"), *cells))
    return _table("Basis points of the order at its decision mid; positive = cost. " + result.model, heads, rows)


def _figures(result: CompareResult) -> list[Markup]:
    plots = (shortfall_plot, difference_plot, parts_plot, orders_plot, fills_plot)
    drawn = [plot(result) for plot in plots]
    captions = (
        "Mean shortfall and its interval.",
        "Each order's difference, the mean and its interval below; the outermost bars hold all that lies beyond.",
        "The parts sum to the shortfall exactly; gains are to the left of zero.",
        "Above each order, below the mean of the orders up to there: a result that a few orders made shows.",
        "What was not filled is in the shortfall as opportunity.",
    )
    return [
        element("figure", plot, element("figcaption", f"{words} ", _model(result)))
        for plot, words in zip(drawn, captions, strict=True)
        if plot
    ]


def _pairs(result: CompareResult) -> Markup:
    if not result.pairs:
        return element("p", "There is only one policy.")
    rows = [
        element(
            "tr", element("th", f"{pair.policy} less {pair.other}", _model(result), scope="row"),
            _ranged(pair.bps, pair.ci), element("td", _chance(pair.p_holm)),
        )
        for pair in result.pairs
    ]  # fmt: skip
    return _table("Mean paired difference, bps; negative = the first one paid less.", ["Pair", "bps", "p"], rows)


def _trials(result: CompareResult) -> list[Markup]:
    if not result.trials:
        return [element("p", "No list of trials was kept: how many were made to find these policies is not known.")]
    heads = ["Policy", "Settings", "Shortfall, bps", "Reported"]
    rows = []
    for trial in result.trials:
        told = ", ".join(f"{name} = {_plain(value)}" for name, value in trial.settings.items()) or NOTHING
        cells = [element("td", told, class_="words"), element("td", number(trial.shortfall_bps))]
        rows.append(
            element(
                "tr", element("th", trial.policy, scope="row"), *cells, element("td", "yes" if trial.reported else "no")
            )
        )
    count = f"{number(len(rows))} configurations were run, reported or not. {result.model}"
    return [_wide(_table(count, heads, rows))]


def _tapes(result: CompareResult) -> Markup:
    heads = ["Symbol", "Venue", "Date", "Messages", "Orders", "Digest"]
    rows = [
        element(
            "tr", element("th", tape.symbol, scope="row"), element("td", tape.venue), element("td", tape.date),
            element("td", number(tape.messages)), element("td", number(tape.orders)),
            element("td", element("code", tape.digest)),
        )
        for tape in result.tapes
    ]  # fmt: skip
    return _table("The markets that the orders were worked in.", heads, rows)


def _settings(settings: Mapping[str, Plain]) -> Markup:
    return _terms({name: _plain(value) for name, value in settings.items()})


def _terms(words: Mapping[str, str]) -> Markup:
    return element("dl", *(together([element("dt", name), element("dd", told)]) for name, told in words.items()))


def _notes(result: CompareResult) -> list[Markup]:
    unmeasured = {name: result.columns[name].get("unmeasured_fills") for name in result.policies}
    notes = list(result.notes)
    notes += [
        f"{name}: {number(count)} fills had no mid on one of the two paths; none of their cost is called impact."
        for name, count in unmeasured.items()
        if count
    ]
    if not notes:
        return []
    return [element("h2", "Notes"), element("ul", *(element("li", note) for note in notes))]


def _table(caption: str, heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    top = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    return element("table", element("caption", caption), top, element("tbody", *rows))


def _wide(inner: Markup) -> Markup:
    return element("div", inner, class_="wide")


def _model(result: CompareResult) -> Markup:
    return element("span", result.model, class_="model")


def _ranged(mean: Figure, ci: Figure, difference: bool = True) -> Markup:
    """A figure with its interval; a difference is bold where its interval is on one side of zero."""
    sure = difference and isinstance(ci, list) and (ci[0] > 0 or ci[1] < 0)
    inner = [element("span", number(mean), class_="sure" if sure else None)]
    if isinstance(ci, list):
        inner.append(element("span", interval(ci), class_="range"))
    return element("td", *inner)


def _chance(p: Figure) -> str:
    return "< 0.001" if isinstance(p, float) and p < 0.001 else number(p, 3)


def _many(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _plain(value: Plain) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: NOTHING}[value]
    return str(value)
