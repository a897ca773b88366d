/** Report pages in a real browser, opened from disk: their charts hold what they were given, and hostile text stays text. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chart, ReportPage } from '../../src/analysis/report/page.js';
import { writeReport } from '../../src/workbench/report/write-report.js';
import { type Browser, chromium, chromiumMissing, type OpenedPage, openBrowser } from './chromium.js';

const start = Date.UTC(2026, 10, 22, 0, 40);
const seconds = Array.from({ length: 60 }, (_, index) => start + index * 1000);
const shares = [0.5, 0.9, 0.99, 0.999, 1];

const charts: readonly Chart[] = [
  {
    id: 'latency',
    title: 'Latency',
    kind: 'line',
    x: { label: 'percentile', scale: 'percentile' },
    y: { label: 'latency, ms', scale: 'log' },
    marks: [{ y: 5, label: 'wanted p99: 5 ms' }],
    series: [
      { name: 'ours', x: shares, y: [0.1, 0.5, 1, 10, 100] },
      { name: 'theirs', x: shares, y: [0.2, 1, 2, 20, 200] },
    ],
  },
  {
    id: 'rate',
    title: 'Throughput',
    kind: 'line',
    x: { label: 'time', scale: 'time' },
    y: { label: 'answers per second' },
    series: [
      { name: 'server', x: seconds, y: seconds.map((_, index) => (index === 30 ? null : 9000 + index)) },
    ],
  },
  {
    id: 'bars',
    title: 'By contender',
    kind: 'bars',
    x: { label: 'contender', categories: ['a', 'b', 'c'] },
    y: { label: 'messages per second' },
    series: [
      { name: 'few', x: [0, 1, 2], y: [100, 50, 25] },
      { name: 'many', x: [0, 2], y: [80, 20] },
    ],
  },
  {
    id: 'trend',
    title: 'Trend',
    kind: 'points',
    x: { label: 'connections', scale: 'log' },
    y: { label: 'messages per second' },
    series: [{ name: 'http', x: [0, 1, 10, 100], y: [7, 40_000, 41_000, 39_000] }],
  },
];

const hostile =
  '</script><script>document.title = "taken"</script><img src=x onerror="document.title=\'taken\'">';
const empty: Chart = {
  id: 'empty',
  title: hostile,
  kind: 'line',
  x: { label: hostile, scale: 'log' },
  y: { label: hostile },
  marks: [{ y: 1, label: hostile }],
  series: [{ name: hostile, x: [], y: [] }],
};

let folder: string;
let browser: Browser;
/** Opened once for the tests that leave it as it was. */
let page: OpenedPage;

beforeAll(async () => {
  if (chromium === undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'ringwire-report-'));
  browser = await openBrowser();
  page = await open(measured);
});

afterAll(async () => {
  await browser?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function open(page: ReportPage, options: { dark?: boolean } = {}): Promise<OpenedPage> {
  const file = join(folder, 'reports', `${page.title.replace(/\W/g, '').slice(0, 20)}.html`);
  writeReport(page, file);
  return browser.open(file, options);
}

const measured: ReportPage = {
  title: 'Measured',
  subtitle: 'on this machine',
  sections: [
    {
      title: 'The figures',
      tone: 'ok',
      paragraphs: ['All is well.'],
      tables: [
        {
          columns: ['who', 'rate'],
          rows: [
            ['ours', '41,000/s'],
            ['theirs', '9,000/s'],
          ],
        },
      ],
      charts,
    },
  ],
};

/** How many pixels of the chart's canvas have about the colour of a variable of the style sheet. */
const pixelsOf = (id: string, colour: string) => `(() => {
  const wanted = getComputedStyle(document.documentElement).getPropertyValue('--${colour}').trim();
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(wanted.slice(at, at + 2), 16));
  const canvas = document.querySelector('#chart-${id} canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4)
    if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 12 && data[at + 3] > 200) count++;
  return count;
})()`;

const dataOf = (id: string) =>
  `ringwireCharts.get('${id}').data.map((column) => Array.from(column, (value) => value ?? null))`;

describe.skipIf(chromium === undefined)(`a report in Chromium${chromiumMissing}`, () => {
  it('draws every series, in light and in dark', async () => {
    const shown: number[] = [];
    const count = async () => {
      for (const { id, series } of charts)
        for (const index of series.keys())
          shown.push(await page.evaluate<number>(pixelsOf(id, `series-${index + 1}`)));
      shown.push(await page.evaluate<number>(pixelsOf('latency', 'mark')));
    };
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await count();
    expect(await ground()).toBe('rgb(255, 255, 255)');
    await page.setDark(true);
    await count();
    expect(await ground()).toBe('rgb(20, 23, 27)');
    await page.setDark(false);
    expect(shown).toHaveLength(14);
    expect(Math.min(...shown)).toBeGreaterThan(50);
    expect(page.errors).toEqual([]);
    expect(page.requests).toEqual([]);
  });

  it('gives the charts the values they were given', async () => {
    const latency = await page.evaluate<number[][]>(dataOf('latency'));
    // Each nine is as far as the one before; the whole lies beyond the last.
    expect(latency[0].map((x) => Math.round(x * 1000) / 1000)).toEqual([0.301, 1, 2, 3, 4]);
    expect(latency[1].map((y) => 10 ** y)).toEqual(
      [0.1, 0.5, 1, 10, 100].map((value) => expect.closeTo(value, 6)),
    );
    const rate = await page.evaluate<(number | null)[][]>(dataOf('rate'));
    expect(rate).toEqual([seconds, charts[1].series[0].y]);
    expect(await page.evaluate(dataOf('bars'))).toEqual([
      [0, 1, 2],
      [100, 50, 25],
      [80, null, 20],
    ]);
    // Zero has no place on a logarithmic axis.
    expect(await page.evaluate(dataOf('trend'))).toEqual([
      [0, 1, 2],
      [40_000, 41_000, 39_000],
    ]);
  });

  it('shows a single measurement at its time', async () => {
    const [x] = seconds;
    const series = [{ name: 'rate', x: [x], y: [41_000] }];
    const one: Chart = { ...charts[1], id: 'one', series };
    const page = await open({ title: 'One', sections: [{ title: 'Once', charts: [one] }] });
    const [from, to] = await page.evaluate<[number, number]>(
      "(() => { const { min, max } = ringwireCharts.get('one').scales.x; return [min, max]; })()",
    );
    expect([from - x, to - x]).toEqual([-30_000, 30_000]);
    expect(await page.evaluate<number>(pixelsOf('one', 'series-1'))).toBeGreaterThan(5);
    await page.close();
  });

  it('shows values below the pointer and zooms where it is dragged', async () => {
    const page = await open(measured);
    const box = await page.evaluate<{ x: number; y: number; width: number }>(
      `(() => { const over = document.querySelector('#chart-rate .u-over'); over.scrollIntoView({ block: 'center' });
        const { x, y, width } = over.getBoundingClientRect(); return { x, y, width }; })()`,
    );
    const mouse = (type: string, share: number, buttons = 0) =>
      page.command('Input.dispatchMouseEvent', {
        type,
        x: box.x + box.width * share,
        y: box.y + 50,
        button: type === 'mouseMoved' && buttons === 0 ? 'none' : 'left',
        buttons,
        clickCount: 1,
      });
    await mouse('mouseMoved', 0);
    const legend = await page.evaluate<string>(
      "document.querySelector('#chart-rate .u-legend').innerText.replace(/\\s+/g, ' ')",
    );
    expect(legend).toContain('2026-11-22T00:40:00Z');
    expect(legend).toContain('9,000');
    await mouse('mousePressed', 0.25, 1);
    await mouse('mouseMoved', 0.3, 1);
    await mouse('mouseMoved', 0.75, 1);
    await mouse('mouseReleased', 0.75);
    const [from, to] = await page.evaluate<[number, number]>(
      "(() => { const { min, max } = ringwireCharts.get('rate').scales.x; return [min, max]; })()",
    );
    const span = seconds[59] - seconds[0];
    expect((from - seconds[0]) / span).toBeCloseTo(0.25, 1);
    expect((to - seconds[0]) / span).toBeCloseTo(0.75, 1);
    await page.close();
  });

  it('keeps hostile text text, and an empty chart a chart', async () => {
    const page = await open({
      title: hostile,
      subtitle: hostile,
      sections: [
        {
          title: hostile,
          paragraphs: [hostile],
          tables: [{ columns: [hostile], rows: [[hostile]] }],
          charts: [empty],
        },
      ],
    });
    const found = await page.evaluate<{ title: string; images: number; scripts: number; texts: string[] }>(`({
      title: document.title,
      images: document.images.length,
      scripts: document.scripts.length,
      texts: ['h1', '.subtitle', 'h2', 'section > p', 'section > .scroll tbody th', 'figcaption', '.u-legend .u-series:nth-child(2) .u-label']
        .map((selector) => document.querySelector(selector)?.textContent.trim()),
    })`);
    expect(found).toEqual({
      title: hostile,
      images: 0,
      scripts: 2,
      texts: ['h1', 'subtitle', 'h2', 'p', 'cell', 'figcaption', 'legend'].map((where) =>
        where === 'h2' ? expect.stringContaining(hostile) : hostile,
      ),
    });
    expect(page.errors).toEqual([]);
    expect(page.requests).toEqual([]);
    await page.close();
  });

  it('runs no script but its own and fetches nothing', async () => {
    const page = await open(measured);
    await page.evaluate(`(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "taken"';
      document.body.append(script);
      document.body.insertAdjacentHTML('beforeend', '<p onclick="document.title=1">x</p>');
    })()`);
    const fetched = await page.evaluate(
      "fetch('https://example.com/').then(() => 'fetched', (error) => error.name)",
    );
    expect(fetched).toBe('TypeError');
    expect(await page.evaluate('document.title')).toBe('Measured');
    expect(page.errors.filter((text) => /Content Security Policy/.test(text)).length).toBeGreaterThan(1);
    await page.close();
  });

  it('reads without eyes: headings, table heads, a name and figures for each chart', async () => {
    const { nodes } = (await page.command('Accessibility.getFullAXTree')) as {
      nodes: { role?: { value: string }; name?: { value: string } }[];
    };
    const named = (role: string) =>
      nodes.filter((node) => node.role?.value === role).map((node) => node.name?.value);
    expect(named('heading')).toEqual(['Measured', 'The figures ok']);
    expect(named('image')).toEqual(
      charts.map(({ title }) => expect.stringMatching(new RegExp(`^${title}: .+ over .+; .+`))),
    );
    expect(named('columnheader').slice(0, 2)).toEqual(['who', 'rate']);
    expect(named('rowheader').slice(0, 2)).toEqual(['ours', 'theirs']);
    // What is behind 'Figures': rows of the first chart.
    const rows = await page.evaluate(
      "[...document.querySelectorAll('#chart-latency details tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))",
    );
    expect(rows).toEqual([
      ['50 %', '0.1', '0.2'],
      ['90 %', '0.5', '1'],
      ['99 %', '1', '2'],
      ['99.9 %', '10', '20'],
      ['100 %', '100', '200'],
    ]);
  });

  it('prints dark pages as light ones', async () => {
    const page = await open(measured, { dark: true });
    const pdf = await page.pdf();
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    const colour = () =>
      page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--series-1').trim()");
    expect(await colour()).toBe('#0b62c4');
    expect(await page.evaluate<number>(pixelsOf('rate', 'series-1'))).toBeGreaterThan(50);
    await page.evaluate("dispatchEvent(new Event('afterprint'))");
    expect(await colour()).toBe('#58a6ff');
    await page.close();
  });

  it('is one file of less than 150 kB', async () => {
    const file = join(folder, 'size.html');
    writeReport(measured, file);
    const text = await readFile(file, 'utf8');
    expect(text.length).toBeLessThan(150_000);
    expect(text).not.toMatch(/<(?:link|iframe|img)\b|\bsrc=|\bimport\(/);
  });
});
