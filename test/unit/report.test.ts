/** Reports as text: figures as words, escaping, Markdown. */
import { describe, expect, it } from 'vitest';
import {
  chartRows,
  formatFigure,
  formatOn,
  formatShare,
  thinned,
} from '../../src/analysis/report/chart-data.js';
import { escapeHtml, jsonForScript } from '../../src/analysis/report/html-document.js';
import type { Chart, ReportPage } from '../../src/analysis/report/page.js';
import { renderMarkdown } from '../../src/analysis/report/render-markdown.js';
import { renderPage } from '../../src/analysis/report/render-page.js';
import { scaleOf } from '../../src/workbench/report/browser/scales.js';

const asset = { script: 'draw("</script>")', style: 'p { content: "</style>" }' };

describe('figures as words', () => {
  it.each([
    [0, '0'],
    [12_345.6, '12,346'],
    [1_000_000, '1,000,000'],
    [999.96, '1,000'],
    [0.012345, '0.01235'],
    [-1.5, '-1.5'],
    [2.5e-7, '2.500e-7'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('%d', (value, text) => {
    expect(formatFigure(value)).toBe(text);
  });

  it('of shares, times and categories', () => {
    expect([0.5, 0.999, 0.9995, 1].map(formatShare)).toEqual(['50 %', '99.9 %', '99.95 %', '100 %']);
    expect(formatOn({ label: 't', scale: 'time' }, 1_000)).toBe('1970-01-01T00:00:01Z');
    expect(formatOn({ label: 't', scale: 'time' }, 1e300)).toBe('1e+300');
    expect(formatOn({ label: 'who', categories: ['a', 'b'] }, 1)).toBe('b');
  });

  it('thins long columns and keeps both ends', () => {
    expect(thinned(3, 5)).toEqual([0, 1, 2]);
    expect(thinned(1001, 5)).toEqual([0, 250, 500, 750, 1000]);
  });
});

const chart: Chart = {
  id: 'rate',
  title: 'Rate',
  kind: 'line',
  x: { label: 'connections' },
  y: { label: 'calls/s' },
  marks: [{ y: 30, label: 'wanted' }],
  series: [
    { name: 'a', x: [1, 2, 4], y: [10, null, 40] },
    { name: 'b', x: [2, 8], y: [20, 80] },
  ],
};

describe('a chart', () => {
  it('has one row for each x of its series', () => {
    expect(chartRows(chart)).toEqual({
      x: [1, 2, 4, 8],
      columns: [
        [10, null, 40, undefined],
        [undefined, 20, undefined, 80],
      ],
    });
  });
});

describe('scales', () => {
  const shares = scaleOf({ label: 'p', scale: 'percentile' }, [0.5, 0.99, 0.9999, 1]);

  it('make each nine as wide as the one before', () => {
    const positions = [0.9, 0.99, 0.999, 0.9999].map((share) => shares.position(share));
    expect(positions).toEqual([1, 2, 3, 4].map((nines) => expect.closeTo(nines, 9)));
    expect(shares.position(1)).toBe(5);
    expect(shares.value(5)).toBe(1);
    expect(shares.labels(shares.ticks(0, 5, 12))).toEqual([
      '0 %',
      '50 %',
      '90 %',
      '99 %',
      '99.9 %',
      '99.99 %',
      '100 %',
    ]);
  });

  it('keep ticks of percentiles apart where there is little room', () => {
    const ticks = shares.ticks(0, 5, 4);
    expect(ticks.length).toBeLessThanOrEqual(6);
    expect(ticks.at(-1)).toBe(5);
  });

  const log = scaleOf({ label: 'ms', scale: 'log' }, []);

  it.each([
    [0.1, 1000, 10, ['0.1', '0.3', '1', '3', '10', '30', '100', '300', '1,000']],
    [1, 10, 4, ['1', '2', '5', '10']],
    [0.001, 1e9, 5, ['0.001', '1', '1,000', '1,000,000', '1,000,000,000']],
    [10, 16, 4, ['10', '12', '14', '16']],
    [10, 320, 14, ['10', '15', '20', '30', '50', '70', '100', '150', '200', '300']],
    [10, 90, 14, ['10', '15', '20', '30', '50', '70']],
  ])('choose ticks of a logarithmic axis from %d to %d', (from, to, most, labels) => {
    expect(log.labels(log.ticks(Math.log10(from), Math.log10(to), most))).toEqual(labels);
  });

  it('have no place for zero on a logarithmic axis', () => {
    expect([0, -1].map((value) => log.position(value))).toEqual([null, null]);
  });

  const time = scaleOf({ label: 't', scale: 'time' }, []);
  const midnight = Date.UTC(2026, 10, 22);
  const labels = (from: number, to: number, most: number) => time.labels(time.ticks(from, to, most));

  it('tell times in UTC, with the date where it begins', () => {
    expect(labels(midnight - 3_600_000, midnight + 3_600_000, 5)).toEqual([
      '23:00\n2026-11-21',
      '23:30',
      '00:00\n2026-11-22',
      '00:30',
      '01:00',
    ]);
    expect(labels(midnight + 1, midnight + 60_001, 6)).toEqual([
      '00:00:10\n2026-11-22',
      '00:00:20',
      '00:00:30',
      '00:00:40',
      '00:00:50',
      '00:01:00',
    ]);
    expect(labels(midnight, midnight + 86_400_000 * 3, 4)).toEqual([
      '2026-11-22',
      '2026-11-23',
      '2026-11-24',
      '2026-11-25',
    ]);
    expect(labels(midnight, midnight + 1000, 2)).toEqual([
      '00:00:00.000\n2026-11-22',
      '00:00:00.500',
      '00:00:01.000',
    ]);
  });
});

describe('HTML', () => {
  it('escapes text between tags and inside of attributes', () => {
    expect(escapeHtml(`<a href="x" title='y'>&`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;');
  });

  it('holds JSON that ends no script element and reads back the same', () => {
    const value = { text: '</script><!--\u2028\u2029<script>' };
    expect(jsonForScript(value)).not.toMatch(/[<>\u2028\u2029]/);
    expect(JSON.parse(jsonForScript(value))).toEqual(value);
  });

  it('ends script and style where they end, whatever they hold', () => {
    const text = renderPage({ title: 'x', sections: [] }, asset);
    expect(text.match(/<\/script>/g)).toHaveLength(2);
    expect(text.match(/<\/style>/g)).toHaveLength(1);
  });

  it('aligns columns of figures to the right, and no others', () => {
    const rows = [
      ['ours', '1,200', '3.5 ms', '—', '1-5 ms', '3 of 4', 'v1.2'],
      ['theirs', '-3', '', '12 %', '<10 ms', '4,600 of 4,600', '2026-01-01'],
    ];
    const tables = [{ columns: ['who', 'rate', 'p99', 'share', 'range', 'part', 'version'], rows }];
    const text = renderPage({ title: 'x', sections: [{ title: 'y', tables }] }, asset);
    const heads = [...text.matchAll(/<th scope="col"( class="figure")?>(\w+)/g)];
    expect(heads.filter(([, right]) => right !== undefined).map(([, , name]) => name)).toEqual([
      'rate',
      'p99',
      'share',
      'range',
      'part',
    ]);
  });
});

describe('Markdown', () => {
  it('is plain text where text was given', () => {
    const hostile = '# | <b>*x*</b> [y](https://z) `a` some_name _b_\n- c';
    const page: ReportPage = {
      title: hostile,
      sections: [
        {
          title: 't',
          paragraphs: [hostile, '1. no list', '- none'],
          tables: [{ columns: [hostile], rows: [[hostile]] }],
        },
      ],
    };
    const inline = '# \\| &lt;b>\\*x\\*&lt;/b> \\[y\\](https\\://z) \\`a\\` some_name \\_b\\_ - c';
    expect(renderMarkdown(page)).toBe(
      `# ${inline}\n\n## t\n\n\\${inline}\n\n1\\. no list\n\n\\- none\n\n| ${inline} |\n|---|\n| ${inline} |\n`,
    );
  });

  it('lists short charts, and tells of long ones what they say', () => {
    const x = Array.from({ length: 100 }, (_, index) => index);
    const long: Chart = {
      ...chart,
      title: 'Long',
      marks: [],
      series: [{ name: 'c', x, y: x.map((one) => one * 2) }],
    };
    const shares: Chart = {
      ...chart,
      title: 'Latency',
      marks: [],
      x: { label: 'percentile', scale: 'percentile' },
      series: [{ name: 'd', x: [0.5, 0.99, 0.9999, 1], y: [1, 2, 4, 9] }],
    };
    const empty: Chart = { ...chart, title: 'Empty', marks: [], series: [{ name: 'e', x: [], y: [] }] };
    const text = renderMarkdown({
      title: 'x',
      sections: [{ title: 'y', charts: [chart, long, shares, empty] }],
    });
    expect(text).toContain('| connections | a | b |\n|---:|---:|---:|\n| 1 | 10 |  |\n| 2 |  | 20 |');
    expect(text).toContain('\n\nwanted: 30\n\n');
    expect(text).toContain('| c | 100 | 0 | 100 | 198 | 198 |');
    expect(text).toContain('| calls/s | 50 % | 90 % | 95 % | 99 % | 99.9 % | 99.99 % | 100 % |');
    expect(text).toContain('| d | 1 | 1.411 | 1.589 | 2 | 3 | 4 | 9 |');
    expect(text).toContain('| e | 0 |  |  |  |  |');
  });
});
