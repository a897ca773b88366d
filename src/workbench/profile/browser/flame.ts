/** Draws the flamegraph of a page inside of the browser: zoom, search, tooltip. */
import flamegraph, { type FlameGraph, type Placed, type Tooltip } from 'd3-flame-graph';
import { select } from 'd3-selection';
import { changeColour } from '../../../analysis/flame/colours.js';
import type { FlamegraphData, PageNode } from '../../../analysis/flame/page-data.js';

type Frame = Placed<PageNode>;

const found = '#e23bd8';

function element<Kind extends HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

const share = (part: number): string => `${(part * 100).toFixed(2)} %`;

/** What is said of a frame. */
function describe(data: FlamegraphData, { data: node }: Frame): string {
  const { n: name, v: value, l: layer, k: kind = '', d: change = 0 } = node;
  if (data.unit === 'change') {
    const signed = `${change > 0 ? '+' : ''}${share(change)}`;
    return `${name}\n${signed} of the whole · ${layer}`;
  }
  const count = `${value.toLocaleString('en')} ${data.unit}`;
  return `${name}\n${share(value / data.tree.v)}, ${count} · ${layer}${kind === '' ? '' : `, ${kind}`}`;
}

function tooltip(text: (frame: Frame) => string): Tooltip<PageNode> {
  const box = document.createElement('div');
  box.className = 'flame-tip';
  box.hidden = true;
  document.body.append(box);
  const attach = (): void => {};
  return Object.assign(attach, {
    show(event: MouseEvent, frame: Frame): void {
      box.textContent = text(frame);
      box.hidden = false;
      const left = Math.min(event.clientX + 12, innerWidth - box.offsetWidth - 8);
      const below = event.clientY + 16;
      const top = below + box.offsetHeight > innerHeight ? event.clientY - box.offsetHeight - 12 : below;
      box.style.left = `${Math.max(4, left)}px`;
      box.style.top = `${Math.max(4, top)}px`;
    },
    hide(): void {
      box.hidden = true;
    },
  });
}

function colourOf(data: FlamegraphData, { data: node, highlight }: Frame): string {
  if (highlight === true) return found;
  return data.unit === 'change' ? changeColour(node.d ?? 0, data.largest ?? 0) : data.colours[node.l];
}

function connectSearch(chart: FlameGraph<PageNode>, forget: () => void): void {
  const input = element<HTMLInputElement>('flame-search');
  const run = (): void => {
    const term = input.value.trim().toLowerCase();
    forget();
    if (term === '') chart.clear();
    else chart.search(term);
  };
  element('flame-bar').addEventListener('submit', (event) => {
    event.preventDefault();
    run();
  });
  // The cross of a search field empties it without submitting.
  input.addEventListener('search', run);
}

function start(): void {
  const data = JSON.parse(element('report-data').textContent ?? '') as FlamegraphData;
  const place = element('flame');
  const details = element('flame-details');
  const hint = details.textContent;
  let searched: string | null = null;
  const chart = flamegraph<PageNode>()
    .width(place.clientWidth)
    .cellHeight(18)
    .transitionDuration(0)
    .minFrameSize(1)
    .tooltip(tooltip((frame) => describe(data, frame)))
    .setColorMapper((frame) => colourOf(data, frame))
    .setLabelHandler((frame) => describe(data, frame).replace('\n', ' · '))
    .setDetailsHandler((label) => {
      details.textContent = label ?? searched ?? hint;
    })
    .setSearchMatch(({ data: node }, term) => node.n.toLowerCase().includes(term))
    .setSearchHandler((frames, sum, total) => {
      searched = `${frames.length} frames found, together ${share(total === 0 ? 0 : sum / total)}`;
      details.textContent = searched;
    });
  chart(select<HTMLElement, PageNode>(place).datum(data.tree));
  connectSearch(chart, () => {
    searched = null;
  });
  element('flame-reset').addEventListener('click', () => chart.resetZoom());
  addEventListener('resize', () => {
    chart.width(place.clientWidth).update();
  });
}

start();
