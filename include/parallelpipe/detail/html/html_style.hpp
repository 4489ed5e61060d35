// SPDX-License-Identifier: MIT
#ifndef PARALLELPIPE_DETAIL_HTML_HTML_STYLE_HPP
#define PARALLELPIPE_DETAIL_HTML_HTML_STYLE_HPP

namespace parallelpipe::inline v0::detail {

/// The style sheet of the page, light and dark. Colour is never the only sign of a meaning.
inline constexpr const char* html_style = R"css(
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1a212b; --soft: #5b6675; --line: #dde2e9;
  --busy: #2f6fde; --input: #b4bfcc; --room: #d98a1c; --track: #eef1f5;
  --limit: #b45309; --limit-card: #fff6e6; --area: #2f6fde22; --queue: #0f8a7e; --queue-area: #0f8a7e22; }
@media (prefers-color-scheme: dark) { :root {
  --page: #10141a; --card: #181e26; --ink: #e7ebf1; --soft: #9aa7b7; --line: #2c3541;
  --busy: #6aa5ff; --input: #5c6a7b; --room: #f0ae4b; --track: #232b35;
  --limit: #f5b04c; --limit-card: #2a2316; --area: #6aa5ff2b; --queue: #4fd1c3; --queue-area: #4fd1c32b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { font-size: 24px; line-height: 1.25; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 12px; }
h3 { font-size: 14px; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; }
.soft { color: var(--soft); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 18px 20px; margin-top: 16px; }
.verdict { background: var(--limit-card); border-left: 5px solid var(--limit); }
.verdict h2 { margin-bottom: 4px; color: var(--limit); }
.verdict p { font-size: 17px; max-width: 75ch; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin: 16px 0 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 16px; }
dt { color: var(--soft); font-size: 13px; }
dd { margin: 0; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--busy); outline-offset: 3px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: right; padding: 6px 8px; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 600; font-size: 13px; }
thead th[title] { text-decoration: underline dotted; text-underline-offset: 3px; cursor: help; }
th:first-child { text-align: left; }
tbody th { font-weight: 600; }
tr.limit > * { background: var(--limit-card); }
tr.limit > th { box-shadow: inset 3px 0 var(--limit); }
details { margin-top: 14px; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0;
  padding: 0; font-size: 13px; color: var(--soft); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px;
  vertical-align: -1px; }
.lines { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 6px 28px; }
.lines h3 { grid-column: 1 / -1; margin-top: 10px; }
.lines figure { margin: 0; }
.lines figcaption { font-size: 13px; color: var(--soft); }
.lines svg { width: 100%; height: auto; }
svg { display: block; font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
svg text { fill: var(--soft); }
@media (max-width: 700px) { .lines { grid-template-columns: minmax(0, 1fr); }
  .lines svg text { font-size: 18px; } }
svg .name { fill: var(--ink); font-size: 14px; font-weight: 600; }
svg .ink { fill: var(--ink); }
svg .node { fill: var(--card); stroke: var(--soft); stroke-width: 1; }
svg .outside { stroke-dasharray: 4 3; }
svg .limit { fill: var(--limit-card); stroke: var(--limit); stroke-width: 2.5; }
svg .tag { fill: var(--limit); font-weight: 600; }
svg .arrow { stroke: var(--soft); stroke-width: 1.5; fill: none; }
svg .head { fill: var(--soft); }
.track { fill: var(--track); background: var(--track); }
.busy { fill: var(--busy); background: var(--busy); }
.input { fill: var(--input); background: var(--input); }
.room { fill: var(--room); background: var(--room); }
.queue { fill: var(--queue); background: var(--queue); }
svg .axis { stroke: var(--line); stroke-width: 1; }
svg .full { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
svg .rate { fill: none; stroke: var(--busy); stroke-width: 1.6; stroke-linejoin: round; }
svg .rate-area { fill: var(--area); }
svg .fill { fill: none; stroke: var(--queue); stroke-width: 1.6; stroke-linejoin: round; }
svg .fill-area { fill: var(--queue-area); }
footer { margin-top: 18px; font-size: 13px; color: var(--soft); }
@media print { body { background: none; } section, dl div { break-inside: avoid; } }
)css";

}  // namespace parallelpipe::detail

#endif
