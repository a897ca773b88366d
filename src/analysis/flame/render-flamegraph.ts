/** Flamegraphs as pages: one HTML file with the picture, its search, the layers and the most expensive frames. */
import { type BrowserAsset, escapeHtml, htmlDocument } from '../report/html-document.js';
import { pageStyle } from '../report/page-style.js';
import type { Layer } from '../sample.js';
import { amount, percent, signedPercent } from './amounts.js';
import { layerColours } from './colours.js';
import { type Difference, difference, type FrameChange } from './difference.js';
import type { Recording } from './frame.js';
import { layerMeaning, layerOrder, profileLayers, totalOf } from './layers.js';
import { type FlamegraphData, pageNode } from './page-data.js';
import { type FrameRow, topFrames } from './tables.js';
import { type FlameNode, flameTree } from './tree.js';

export interface FlamegraphText {
  readonly title: string;
  /** Below the title: engine, command, machine, date. */
  readonly subtitle?: string;
  /** What a reader must know to read the picture: which frames the engine cannot see. */
  readonly notes?: readonly string[];
}

function swatch(layer: Layer): string {
  return `<i class="swatch" style="background:${layerColours[layer]}"></i>${layer}`;
}

/** Cells are HTML; those of `figures` stand right. */
function table(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  figures: readonly number[],
): string {
  const kind = (column: number): string => (figures.includes(column) ? ' class="figure"' : '');
  const head = columns
    .map((name, column) => `<th scope="col"${kind(column)}>${escapeHtml(name)}</th>`)
    .join('');
  const body = rows
    .map((cells) => `<tr>${cells.map((cell, column) => `<td${kind(column)}>${cell}</td>`).join('')}</tr>`)
    .join('\n');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

const code = (text: string): string => `<code>${escapeHtml(text)}</code>`;

function frameTable(rows: readonly FrameRow[], unit: Recording['unit']): string {
  const cells = rows.map(({ title, layer, count, share }) => [
    percent(share),
    amount(count, unit),
    swatch(layer),
    code(title),
  ]);
  return table(['share', unit, 'layer', 'frame'], cells, [0, 1]);
}

function changeTable(rows: readonly FrameChange[]): string {
  const cells = rows.map(({ title, layer, before, after, change }) => [
    signedPercent(change),
    percent(before),
    percent(after),
    swatch(layer),
    code(title),
  ]);
  return table(['change', 'before', 'after', 'layer', 'frame'], cells, [0, 1, 2]);
}

const style = `
main { max-width: 110rem; }
.flame-bar { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 1rem 0 .5rem; }
.flame-bar input { font: inherit; padding: .2rem .5rem; min-width: 16rem; background: var(--raised); color: var(--text); border: 1px solid var(--line); border-radius: 4px; }
.flame-bar button { font: inherit; padding: .2rem .8rem; background: var(--raised); color: var(--text); border: 1px solid var(--line); border-radius: 4px; cursor: pointer; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .85rem; }
.swatch { display: inline-block; width: .9em; height: .9em; margin-right: .4em; border-radius: 2px; vertical-align: -.1em; }
#flame { overflow-x: auto; min-height: 4rem; }
#flame-details { min-height: 1.5em; font-size: .85rem; color: var(--quiet); overflow-wrap: anywhere; }
.d3-flame-graph rect { fill-opacity: 1; stroke: var(--ground); }
.d3-flame-graph rect:hover { stroke: var(--text); }
.d3-flame-graph-label { font: 12px/18px ui-monospace, monospace; color: #14171b; }
.flame-tip { position: fixed; z-index: 10; pointer-events: none; max-width: 40rem; padding: .35rem .6rem; border-radius: 4px; background: #1d2127; color: #fff; font-size: .8rem; white-space: pre-line; overflow-wrap: anywhere; }
code { font-size: .85em; overflow-wrap: anywhere; }
`;

function body(
  { title, subtitle, notes = [] }: FlamegraphText,
  legend: string,
  sections: readonly string[],
): string {
  const lines = notes.map((note) => `<p>${escapeHtml(note)}</p>`).join('\n');
  return `<main>
<h1>${escapeHtml(title)}</h1>
${subtitle === undefined ? '' : `<p class="subtitle">${escapeHtml(subtitle)}</p>`}
${lines}
<form class="flame-bar" id="flame-bar">
<input type="search" id="flame-search" placeholder="Search function or file" aria-label="Search function or file">
<button type="submit">Search</button>
<button type="button" id="flame-reset">Reset zoom</button>
</form>
<div class="legend">${legend}</div>
<div id="flame" role="img" aria-label="${escapeHtml(`Flamegraph: ${title}`)}"></div>
<p id="flame-details" aria-live="polite">Click a frame to zoom in.</p>
${sections.join('\n')}
</main>`;
}

function section(title: string, content: string, paragraph = ''): string {
  const text = paragraph === '' ? '' : `<p class="hint">${escapeHtml(paragraph)}</p>`;
  return `<section><h2>${escapeHtml(title)}</h2>${text}${content}</section>`;
}

/** One self-contained HTML file. `asset` is the browser side, `flame` of src/workbench/report/browser-asset.ts. */
export function renderFlamegraph(recording: Recording, text: FlamegraphText, asset: BrowserAsset): string {
  const { unit } = recording;
  const shares = profileLayers(recording);
  const seen = layerOrder.filter((layer) => shares[layer] !== undefined);
  const layers = [...seen]
    .sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0))
    .map((layer) => [swatch(layer), percent(shares[layer] ?? 0), escapeHtml(layerMeaning[layer])]);
  const data: FlamegraphData = { tree: pageNode(flameTree(recording)), unit, colours: layerColours };
  const what = unit === 'samples' ? 'processor time' : 'allocated bytes';
  const sections = [
    section(
      'Layers',
      table(['layer', 'share', 'what it is'], layers, [1]),
      `Of ${amount(totalOf(recording), unit)} ${unit === 'samples' ? 'samples' : ''}: where the ${what} went.`,
    ),
    section(
      'Top frames, their own',
      frameTable(topFrames(recording, 'self', 30), unit),
      `The ${what} of the function itself, without what it called.`,
    ),
    section('Top frames, with all they called', frameTable(topFrames(recording, 'inclusive', 30), unit)),
  ];
  const legend = seen.map((layer) => `<span>${swatch(layer)}</span>`).join('');
  return htmlDocument({
    title: text.title,
    body: body(text, legend, sections),
    data,
    asset,
    style: `${pageStyle}${style}`,
  });
}

function largestChange({ children }: FlameNode): number {
  return children.reduce(
    (most, child) => Math.max(most, Math.abs(child.delta ?? 0), largestChange(child)),
    0,
  );
}

/** A differential flamegraph: the width is the larger of both shares, red is more in `after`, blue is less. */
export function renderDifference(
  before: Recording,
  after: Recording,
  text: FlamegraphText,
  asset: BrowserAsset,
  compared: Difference = difference(before, after),
): string {
  const layers = [...compared.layers]
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before))
    .map((row) => [
      swatch(row.layer),
      signedPercent(row.after - row.before),
      percent(row.before),
      percent(row.after),
    ]);
  const data: FlamegraphData = {
    tree: pageNode(compared.tree),
    unit: 'change',
    colours: layerColours,
    largest: largestChange(compared.tree),
  };
  const hint = `Shares of each recording's own total: ${amount(totalOf(before), before.unit)} before, ${amount(totalOf(after), after.unit)} after.`;
  const sections = [
    section('Layers', table(['layer', 'change', 'before', 'after'], layers, [1, 2, 3]), hint),
    section('Frames whose own share changed most', changeTable(compared.frames.slice(0, 40))),
  ];
  const legend =
    '<span><i class="swatch" style="background:rgb(245,88,80)"></i>more</span><span><i class="swatch" style="background:rgb(80,100,250)"></i>less</span><span><i class="swatch" style="background:#e8e8e8"></i>the same</span>';
  return htmlDocument({
    title: text.title,
    body: body(text, legend, sections),
    data,
    asset,
    style: `${pageStyle}${style}`,
  });
}
