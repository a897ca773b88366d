/** Draws the charts of a report page inside of the browser. */
import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import { chartRows, formatOn } from '../../../analysis/report/chart-data.js';
import type { Chart } from '../../../analysis/report/page.js';
import { groupedBars } from './bars.js';
import { drawMarks } from './marks.js';
import { type Palette, palette } from './palette.js';
import { rangeX, rangeY } from './ranges.js';
import { type Scale, scaleOf } from './scales.js';

const heightPixels = 320;
/** Lines of fewer points show them. */
const maxPointsShown = 40;
/** From the fifth series on, colours alone are hard to tell apart. */
const dashes = [
  [8, 4],
  [2, 3],
  [10, 4, 2, 4],
  [1, 4],
];
/** Room for one tick's words, CSS pixels. */
const tickSpace = { x: 80, y: 34 };

function seriesOf(chart: Chart, scale: Scale, colours: Palette): uPlot.Series[] {
  return chart.series.map(({ name, y, kind = chart.kind }, index) => {
    const colour = colours.series(index);
    const common: uPlot.Series = {
      label: name,
      stroke: colour,
      width: 2,
      value: (_plot, position) => (position == null ? '–' : formatOn(chart.y, scale.value(position))),
    };
    if (kind === 'bars')
      return {
        ...common,
        width: 0,
        fill: colour,
        paths: groupedBars(index, chart.series.length),
        points: { show: false },
      };
    if (kind === 'points')
      return { ...common, paths: () => null, points: { show: true, size: 7, fill: colour } };
    return {
      ...common,
      dash: index < 4 ? undefined : dashes[(index - 4) % dashes.length],
      points: { show: y.length <= maxPointsShown, size: 5, fill: colour },
    };
  });
}

function axisOf(chart: Chart, which: 'x' | 'y', scale: Scale, colours: Palette): uPlot.Axis {
  const room = tickSpace[which];
  /** Times have their date in a second line; figures take as much width as the longest of them. */
  const height = chart.x.scale === 'time' ? 44 : 30;
  const width = (values: string[] | null) =>
    Math.max(44, ...(values ?? []).map((text) => (text?.length ?? 0) * 7 + 16));
  return {
    label: chart[which].label,
    labelSize: 24,
    labelFont: '600 12px system-ui, sans-serif',
    font: '12px system-ui, sans-serif',
    stroke: colours.quiet,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { stroke: colours.line, width: 1, size: 5 },
    space: room,
    size: (_plot, values) => (which === 'x' ? height : width(values)),
    splits: (plot, _axis, from, to) => {
      const pixels = (which === 'x' ? plot.bbox.width : plot.bbox.height) / devicePixelRatio;
      return scale.ticks(from, to, Math.max(2, Math.floor(pixels / room)));
    },
    values: (_plot, positions) => scale.labels(positions),
    // uPlot would drop those that it deems too near.
    filter: (_plot, positions) => positions,
  };
}

function plotChart(chart: Chart, place: HTMLElement, colours: Palette): uPlot {
  const rows = chartRows(chart);
  const scaleX = scaleOf(chart.x, rows.x);
  const scaleY = scaleOf(chart.y, []);
  const positions = rows.x.map((value) => scaleX.position(value));
  const kept = positions.flatMap((position, row) => (position === null ? [] : [row]));
  const columns = rows.columns.map((column) =>
    kept.map((row) => {
      const value = column[row];
      return value == null ? value : scaleY.position(value);
    }),
  );
  const data = [kept.map((row) => positions[row]), ...columns] as uPlot.AlignedData;
  const isTime = chart.x.scale === 'time';
  const options: uPlot.Options = {
    width: place.clientWidth,
    height: heightPixels,
    padding: [12, 28, 0, 0],
    cursor: {
      drag: { x: true, y: false },
      // Charts over the same time show the same instant.
      ...(isTime ? { sync: { key: 'time', setSeries: false } } : {}),
    },
    scales: {
      x: {
        time: false,
        range: (_plot, low, high) => {
          // Around a single point uPlot would ask for everything between zero and twice as much.
          const [only] = data[0];
          return data[0].length === 1 ? rangeX(chart, only, only) : rangeX(chart, low, high);
        },
      },
      y: { range: rangeY(chart, scaleY) },
    },
    series: [
      {
        // Without one uPlot writes 'Value'.
        label: chart.x.label || ' ',
        value: (_plot, position) => (position == null ? '–' : formatOn(chart.x, scaleX.value(position))),
      },
      ...seriesOf(chart, scaleY, colours),
    ],
    axes: [axisOf(chart, 'x', scaleX, colours), axisOf(chart, 'y', scaleY, colours)],
    hooks: { draw: [drawMarks(chart, scaleY, colours)] },
  };
  return new uPlot(options, data, place);
}

/** By the chart's id, for whoever looks at the page with developer tools; its test does. */
const drawn = new Map<string, uPlot>();
Object.assign(globalThis, { ringwireCharts: drawn });

const charts = JSON.parse(document.getElementById('report-data')?.textContent ?? '[]') as Chart[];

const placeOf = ({ id }: Chart) =>
  document.getElementById(`chart-${id}`)?.querySelector<HTMLElement>('.plot') ?? undefined;

function drawAll(): void {
  const colours = palette();
  for (const chart of charts) {
    const place = placeOf(chart);
    if (place === undefined) continue;
    drawn.get(chart.id)?.destroy();
    drawn.set(chart.id, plotChart(chart, place, colours));
  }
}

drawAll();

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries)
    for (const plot of drawn.values())
      if (plot.root.parentElement === target && plot.width !== target.clientWidth)
        plot.setSize({ width: target.clientWidth, height: heightPixels });
});
for (const chart of charts) {
  const place = placeOf(chart);
  if (place !== undefined) resized.observe(place);
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
// Paper is white, whatever the screen is.
addEventListener('beforeprint', () => {
  document.documentElement.dataset.paper = '';
  drawAll();
});
addEventListener('afterprint', () => {
  delete document.documentElement.dataset.paper;
  drawAll();
});
