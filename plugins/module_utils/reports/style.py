# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The style of every page: light, dark and on paper. Private to the collection: it may change at any time.

Every text has a contrast of at least 4.5 to its ground (WCAG 2.2, AA). The style is Python because a module takes nothing
else of the collection to the host that it runs on.
"""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f6f7f8; --paper: #ffffff; --ink: #1b2026; --soft: #56606c; --line: #d8dde3; --link: #1a5699;
  --pass: #14633a; --pass-ground: #e4f3ea;
  --fail: #a11d17; --fail-ground: #fdebe9;
  --open: #744a00; --open-ground: #fcf0d6;
  --info: #2b4f7d; --info-ground: #e8eff8;
  --way: #6d28a8;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #13161a; --paper: #1b1f25; --ink: #e4e7eb; --soft: #a4adb9; --line: #363d47; --link: #8dbcf4;
    --pass: #7ed3a1; --pass-ground: #15301f;
    --fail: #ff9f95; --fail-ground: #3c1a18;
    --open: #efc26f; --open-ground: #35290f;
    --info: #a5c7f0; --info-ground: #1a2a40;
    --way: #d0a5f7;
  }
}
* { box-sizing: border-box; }
html { background: var(--ground); -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 76rem; padding: 0 clamp(1rem, 4vw, 2.5rem) 3rem; color: var(--ink);
  font: 1rem/1.55 var(--sans); overflow-wrap: anywhere;
}
h1, h2, h3 { line-height: 1.25; text-wrap: balance; font-weight: 650; }
h1 { font-size: clamp(1.45rem, 1.1rem + 1.6vw, 2rem); margin: .5rem 0 .75rem; max-width: 44ch; letter-spacing: -.012em; }
h2 { font-size: 1.3rem; margin: 0 0 1rem; }
h3 { font-size: 1.02rem; margin: 0; }
p { margin: .5rem 0; max-width: 75ch; }
a { color: var(--link); text-underline-offset: .15em; }
code, pre, .raw { font-family: var(--mono); font-size: .875em; unicode-bidi: isolate; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
section { margin-top: 3rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; display: inline-block; padding: .5rem 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.soft, .count { color: var(--soft); }
.count { font-weight: 400; font-size: .85em; }

.top { padding-top: clamp(1.5rem, 5vw, 3.5rem); }
.kicker { color: var(--soft); margin: 0 0 .75rem; max-width: none; }
.lead { font-size: 1.08rem; }
.status {
  display: inline-block; padding: .1rem .6rem; border-radius: 999px; font-size: .82rem; font-weight: 650; white-space: nowrap;
  border: 1px solid currentColor;
}
.pass { color: var(--pass); background: var(--pass-ground); }
.fail { color: var(--fail); background: var(--fail-ground); }
.open, .warning { color: var(--open); background: var(--open-ground); }
.info { color: var(--info); background: var(--info-ground); }
.top .status { font-size: .95rem; padding: .2rem .9rem; }
.notice {
  border: 1px solid currentColor; border-left-width: 5px; border-radius: 6px; padding: .6rem 1rem; margin: 1rem 0;
  color: var(--open); background: var(--open-ground); max-width: 62rem;
}
.facts { display: flex; flex-wrap: wrap; gap: .75rem 2.25rem; margin: 1.25rem 0 0; }
.facts dt { color: var(--soft); font-size: .82rem; }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; }

nav { margin-top: 1.75rem; border-block: 1px solid var(--line); }
nav ul { display: flex; flex-wrap: wrap; gap: .15rem 1.6rem; list-style: none; margin: 0; padding: .45rem 0; }
nav a { display: inline-block; padding: .25rem 0; }

.cards {
  display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); padding: 0; margin: 0;
}
.cards > li { list-style: none; }
.card, article { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 1.1rem 1.25rem; }
.card h3 { margin: .6rem 0 .35rem; }
.card p { font-size: .94rem; }
article { margin-bottom: 1rem; border-left: 5px solid var(--soft); }
article.pass, article.fail, article.open, article.warning, article.info {
  border-left-color: currentColor; background: var(--paper);
}
article > * { color: var(--ink); }
article h3 { margin: .65rem 0 .25rem; font-size: 1.12rem; }
article > h4 { margin: 1rem 0 .25rem; font-size: .85rem; color: var(--soft); font-weight: 600; }
article > ul { margin: .25rem 0; padding-left: 1.6rem; font-size: .92rem; }
.where { color: var(--soft); margin: 0; font-size: .92rem; max-width: none; }
.tags { display: flex; flex-wrap: wrap; gap: .4rem .75rem; align-items: center; }
pre {
  margin: .25rem 0; padding: .65rem .85rem; background: var(--ground); border: 1px solid var(--line); border-radius: 6px;
  white-space: pre-wrap; line-height: 1.5; tab-size: 4;
}

.scroll { position: relative; overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); }
table {
  border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
caption { text-align: left; padding: .75rem .9rem; color: var(--soft); caption-side: top; }
th, td { text-align: left; vertical-align: top; padding: .5rem .9rem; border-top: 1px solid var(--line); min-width: 6rem; }
th { font-weight: 600; }
thead th { color: var(--soft); font-size: .82rem; white-space: nowrap; }
tbody th { font-weight: 500; }
tbody tr.fail th, tbody tr.fail td { background: var(--fail-ground); }
table.wide { min-width: 46rem; }
table.rows th { width: 46%; }
table.rows td { overflow-wrap: anywhere; }
@media (max-width: 40rem) { table.rows { font-size: .84rem; } table.rows th, table.rows td { padding: .5rem .6rem; } }
table.matrix { width: auto; }
.scroll:has(> .matrix) { width: fit-content; max-width: 100%; }
table.matrix th, table.matrix td { min-width: 2.4rem; padding: .35rem .5rem; text-align: center; }
table.matrix tbody th {
  text-align: left; min-width: 9rem; max-width: min(18rem, 45vw); overflow-wrap: anywhere;
  position: sticky; left: 0; background: var(--paper);
}
table.matrix thead th { vertical-align: bottom; }
.matrix .name {
  display: inline-block; max-height: 13rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
  writing-mode: vertical-rl; transform: rotate(180deg);
}
table.matrix td.pass, table.matrix td.fail, table.matrix td.open { font-weight: 700; border-left: 1px solid var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; padding: 0; margin: .75rem 0; list-style: none; }

details { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; margin-bottom: .6rem; }
summary { padding: .7rem 1rem; cursor: pointer; font-weight: 600; }
summary .soft { font-weight: 400; }
details[open] > summary { border-bottom: 1px solid var(--line); }
details > :not(summary) { margin: .75rem 1rem; }
details > .scroll { margin: 0; border: 0; border-radius: 0 0 8px 8px; }
ol.steps { padding-left: 1.6rem; margin: .5rem 0; }
ol.steps li { margin: .45rem 0; padding-left: .25rem; }
ol.steps .soft { font-size: .875em; }
ol.steps li::marker { color: var(--soft); font-variant-numeric: tabular-nums; }

ul.items { padding: 0; margin: 1rem 0 0; list-style: none; }
ul.items li { border-top: 1px solid var(--line); padding: .7rem 0; }
ul.items p { margin: .15rem 0 0; }

figure { margin: 0; }
figcaption { color: var(--soft); margin-top: .75rem; max-width: 75ch; }
.picture { display: none; width: 100%; height: auto; }
.picture text { font: 12px var(--mono); fill: var(--ink); unicode-bidi: isolate; }
.picture.small text { font-size: 11px; }
.picture .title, .picture.small .title { font: 650 14px var(--sans); }
.picture .label { font-family: var(--sans); }
.picture .dim { fill: var(--soft); }
.picture .end { text-anchor: end; }
.picture .middle { text-anchor: middle; }
.picture .box { fill: var(--paper); stroke: var(--line); }
.picture .box.bad { stroke: var(--fail); stroke-width: 2; }
.picture .box.odd { stroke: var(--open); stroke-width: 2; }
.picture text.bad { fill: var(--fail); font-weight: 700; }
.picture text.odd { fill: var(--open); font-weight: 700; }
.picture .wire { fill: none; stroke: var(--soft); stroke-width: 1.5; }
.picture .net { fill: none; stroke: var(--soft); stroke-width: 4; stroke-linecap: round; }
.picture .dot { fill: var(--paper); stroke: var(--soft); stroke-width: 1.5; }
.picture .rule { stroke: var(--line); }
.picture .way { fill: none; stroke: var(--way); stroke-width: 3; stroke-linejoin: round; stroke-linecap: round; }
.picture .way.second { stroke-dasharray: 2 6; }
.picture .way.third { stroke-dasharray: 10 6; }
.picture .lost { stroke: var(--fail); stroke-width: 3; }
.picture .badge { fill: var(--way); }
.picture text.number { fill: var(--paper); font: 700 11px var(--sans); text-anchor: middle; }
.picture.columns-1 { display: block; max-width: 26rem; }
@media (min-width: 48rem) { .picture.columns-1 { display: none; } .picture.columns-2 { display: block; max-width: 52rem; } }
@media (min-width: 70rem) { .picture.columns-2 { display: none; } .picture.columns-3 { display: block; max-width: none; } }

footer { margin-top: 3.5rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .88rem; }

@page { margin: 15mm; }
@media print {
  :root {
    --ground: #ffffff; --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #b5b5b5; --link: #000000;
    --pass: #0c4a29; --fail: #8a130e; --open: #5e3c00; --info: #213d61; --way: #55208a;
    --pass-ground: #ffffff; --fail-ground: #ffffff; --open-ground: #ffffff; --info-ground: #ffffff;
  }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav, .skip { display: none; }
  .top { padding-top: 0; }
  section { margin-top: 1.75rem; }
  h2, h3, summary, caption { break-after: avoid; }
  article, figure, .card, .matrix, tr, li { break-inside: avoid; }
  .scroll { overflow: visible; }
  table.wide { min-width: 0; }
  details::details-content { content-visibility: visible; height: auto; }
  .picture.columns-1, .picture.columns-3 { display: none; }
  .picture.columns-2 { display: block; max-width: none; }
}
"""
