"""How a report looks: light or dark as the reader's system is, and plain ink on paper."""

STYLE = (
    """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1b1f24; --dim: #5b6570; --rule: #dfe3e8; --card: #f6f8fa;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b8559a; --c4: #c08a00; --c5: #3a9bd0; --c6: #6b6b6b;
  --c7: #7a4fc0;
  --p0: #8a8f98; --p1: #0072b2; --p2: #d55e00; --p3: #c9a400; --p4: #b8559a; --p5: #009e73;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1318; --ink: #e4e8ed; --dim: #98a3af; --rule: #2b323b; --card: #171c23;
    --c0: #4aa8e0; --c1: #f08a4b; --c2: #3cc79b; --c3: #dd8cc2; --c4: #e0b040; --c5: #85c8ee; --c6: #a5a5a5;
    --c7: #ab8be6;
    --p0: #9aa1ab; --p1: #4aa8e0; --p2: #f08a4b; --p3: #e6cf4d; --p4: #dd8cc2; --p5: #3cc79b;
  }
}
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root {
    --paper: #fff; --ink: #000; --dim: #444; --rule: #bbb; --card: #fff;
    --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b8559a; --c4: #c08a00; --c5: #3a9bd0; --c6: #6b6b6b;
    --c7: #7a4fc0;
    --p0: #8a8f98; --p1: #0072b2; --p2: #d55e00; --p3: #c9a400; --p4: #b8559a; --p5: #009e73;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 9pt; max-width: none; padding: 0; }
  .wide { overflow: visible; }
  .wide table { font-size: 6.5pt; }
  .model { white-space: normal; }
  .wide th, .wide td { padding: .15rem .25rem; }
  figure { padding: .4rem; margin-bottom: .5rem; }
  figure, tr, dl { break-inside: avoid; }
  h2 { break-after: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1180px; padding: 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p { margin: .4rem 0; max-width: 75ch; }
.dim, figcaption, caption { color: var(--dim); }
.model { display: block; color: var(--dim); font-size: .8em; font-weight: 400; white-space: nowrap; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .87rem; }
caption { text-align: left; padding: .2rem 0 .5rem; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
thead th { vertical-align: bottom; font-weight: 600; }
th:first-child, td.words { text-align: left; }
td.words { white-space: normal; }
td .range { display: block; color: var(--dim); font-size: .85em; }
.sure { font-weight: 700; }
figure {
  margin: 0 0 1.6rem; padding: .8rem; background: var(--card); border: 1px solid var(--rule); border-radius: 6px;
}
figcaption { font-size: .87rem; }
svg { display: block; width: 100%; max-width: 860px; height: auto; }
@media print { svg { width: auto; max-width: 100%; height: 62mm; } }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--ink); }
svg text.dim { fill: var(--dim); } svg text.small { font-size: 10.5px; } svg text.strong { font-weight: 600; }
svg .grid { stroke: var(--rule); } svg .zero { stroke: var(--dim); stroke-width: 1.4; }
svg .whisker { stroke: var(--ink); stroke-width: 1.6; fill: none; } svg .ink, svg .total { fill: var(--ink); }
svg polyline { fill: none; stroke-width: 1.8; } svg .dots { stroke-width: 3.2; stroke-linecap: round; opacity: .35; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: .4rem 0; font-size: .9rem; }
dt { color: var(--dim); } dd { margin: 0; }
code { font-size: .85em; }
"""
    + "".join(f"svg .c{k} {{ fill: var(--c{k}); }} svg .s{k} {{ stroke: var(--c{k}); }}\n" for k in range(8))
    + "".join(f"svg .p{k} {{ fill: var(--p{k}); }}\n" for k in range(6))
)
