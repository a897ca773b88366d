/** How pages look: light and dark, on screens and on paper. The script of the charts reads the colours from here. */

const lightColours = `
--ground: #ffffff; --raised: #f6f7f9; --text: #1b1f24; --quiet: #57606a; --line: #d5dae0; --grid: #e6e9ed;
--ok: #1a7f37; --low: #0969a8; --medium: #8a6100; --high: #b54708; --critical: #b42318;
--series-1: #0b62c4; --series-2: #c2410c; --series-3: #15803d; --series-4: #7e3af2;
--series-5: #a16207; --series-6: #be185d; --series-7: #0e7490; --series-8: #4b5563;
--mark: #3d444d;`;

const darkColours = `
--ground: #14171b; --raised: #1d2127; --text: #e6e9ed; --quiet: #a0a9b4; --line: #39404a; --grid: #2a3038;
--ok: #4ac26b; --low: #58b4f0; --medium: #e3b341; --high: #f0883e; --critical: #ff7b72;
--series-1: #58a6ff; --series-2: #ff9a5c; --series-3: #56d364; --series-4: #bc8cff;
--series-5: #e3b341; --series-6: #f778ba; --series-7: #39c5cf; --series-8: #b1bac4;
--mark: #d5dae0;`;

export const pageStyle = `
:root { color-scheme: light dark; ${lightColours} }
@media screen and (prefers-color-scheme: dark) { :root:not([data-paper]) { ${darkColours} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .6rem; overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 52rem; overflow-wrap: anywhere; white-space: pre-line; }
main .subtitle { max-width: none; }
.subtitle, .hint, .marks { color: var(--quiet); }
.hint, .marks { font-size: .85rem; }
section { margin-top: 1.75rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
section[class^=tone-] { border-left: 4px solid var(--tone); padding: .25rem 0 .25rem 1rem; border-top: 0; }
.tone-ok { --tone: var(--ok); } .tone-low { --tone: var(--low); } .tone-medium { --tone: var(--medium); }
.tone-high { --tone: var(--high); } .tone-critical { --tone: var(--critical); }
.tone { display: inline-block; margin-left: .4rem; padding: 0 .5rem; border: 1px solid currentColor; border-radius: 1rem;
  color: var(--tone); font-size: .75rem; line-height: 1.35rem; vertical-align: .15em; font-weight: 600; }
.scroll { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
.scroll th, .scroll td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--grid); }
.scroll thead th { border-bottom-color: var(--line); color: var(--quiet); font-weight: 600; vertical-align: bottom; }
.scroll tbody th { font-weight: 500; white-space: nowrap; }
.scroll .long { min-width: 11rem; white-space: normal; overflow-wrap: anywhere; }
.scroll .figure { text-align: right; white-space: nowrap; }
figure { margin: 1.25rem 0; }
figcaption { font-weight: 600; margin-bottom: .35rem; }
.plot { min-height: 20rem; }
details { font-size: .875rem; color: var(--quiet); }
summary { cursor: pointer; width: max-content; }
details[open] .scroll { max-height: 24rem; overflow: auto; color: var(--text); }
:focus-visible { outline: 2px solid var(--series-1); outline-offset: 2px; }
.u-legend { font-size: .8125rem; text-align: left; }
.u-legend .u-value { font-variant-numeric: tabular-nums; }
.u-legend th { font-weight: 400; }
.u-select { background: color-mix(in srgb, var(--series-1) 15%, transparent); }
.u-hz .u-cursor-x, .u-hz .u-cursor-y { border-color: var(--quiet); }
@media print {
  main { max-width: none; padding: 0; }
  .hint, details:not([open]) { display: none; }
  section[class^=tone-] { border-left-color: var(--tone); }
  .uplot, .u-wrap { width: 100% !important; }
  .u-wrap { height: auto !important; }
  .u-wrap canvas { position: relative; width: 100%; height: auto; }
  .u-over, .u-under, .u-legend .u-value { display: none; }
  figure, tr { break-inside: avoid; }
  h2, figcaption { break-after: avoid; }
}
`;
