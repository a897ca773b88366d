/** A report as one HTML file. The charts are drawn by the script it carries; their figures also stand below them as tables. */
import { axesText, chartRows, formatOn, markText, thinned } from './chart-data.js';
import { type BrowserAsset, escapeHtml, htmlDocument } from './html-document.js';
import type { Chart, ReportPage, ReportSection, Table } from './page.js';
import { pageStyle } from './page-style.js';

/** Rows of the table below a chart: enough to read what the curve says. */
const maxChartRows = 100;

/** '1,234.5', '-3 %', '12 ms', '±1.2', '1-5 ms', '3 of 4', '—': what reads better with its digits below each other. */
const figure =
  /^[-+±≈<>≤≥]?\s?\d[\d,.\s]*(?:e[-+]?\d+)?(?:\s?(?:-|–|of|to)\s?\d[\d,.]*)?\s?(?:%|[a-zA-Zµ/]{1,12})?$|^[—–-]?$/;

/** Characters beyond which a cell may break into lines. */
const maxUnbroken = 40;

/** Columns whose cells are all figures, at least one of them. */
function figureColumns({ columns, rows }: Table): boolean[] {
  return columns.map((_, column) => {
    const cells = rows.map((row) => row[column] ?? '');
    return cells.some((cell) => /\d/.test(cell)) && cells.every((cell) => figure.test(cell));
  });
}

function tableHtml(table: Table): string {
  const right = figureColumns(table);
  const kind = (column: number, text = '') =>
    right[column] ? ' class="figure"' : text.length > maxUnbroken ? ' class="long"' : '';
  const heads = table.columns.map(
    (name, column) => `<th scope="col"${kind(column)}>${escapeHtml(name)}</th>`,
  );
  const rows = table.rows.map((row) => {
    const cells = table.columns.map((_, column) => {
      const text = row[column] ?? '';
      const rest = `${kind(column, text)}>${escapeHtml(text)}`;
      // The first column names the row.
      return column === 0 ? `<th scope="row"${rest}</th>` : `<td${rest}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${heads.join('')}</tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table></div>`;
}

/** The figures of a chart; long ones thinned. */
export function chartTable(chart: Chart, maxRows: number): Table {
  const { x, columns } = chartRows(chart);
  return {
    columns: [chart.x.label, ...chart.series.map(({ name }) => name)],
    rows: thinned(x.length, maxRows).map((row) => [
      formatOn(chart.x, x[row]),
      ...columns.map((column) => {
        const value = column[row];
        return value === undefined || value === null ? '' : formatOn(chart.y, value);
      }),
    ]),
  };
}

function chartHtml(chart: Chart): string {
  const names = chart.series.map(({ name }) => name).join(', ');
  const marks = markText(chart);
  const table = chartTable(chart, maxChartRows);
  const count = chartRows(chart).x.length;
  const shown = count > maxChartRows ? ` (${maxChartRows} of ${count} rows)` : '';
  const label = `${chart.title}: ${axesText(chart)}; ${names}`;
  const id = `chart-${chart.id}`;
  return `<figure class="chart" id="${escapeHtml(id)}">
<figcaption>${escapeHtml(chart.title)}</figcaption>
<div class="plot" role="img" aria-label="${escapeHtml(label)}"></div>
${marks === '' ? '' : `<p class="marks">${escapeHtml(marks)}</p>`}
<details><summary>Figures${shown}</summary>
${tableHtml(table)}
</details>
</figure>`;
}

function sectionHtml({ title, tone, paragraphs, tables, charts }: ReportSection): string {
  // The word stands beside the colour: colours alone tell not everyone.
  const badge = tone === undefined ? '' : ` <span class="tone">${tone}</span>`;
  return `<section${tone === undefined ? '' : ` class="tone-${tone}"`}>
<h2>${escapeHtml(title)}${badge}</h2>
${(paragraphs ?? []).map((text) => `<p>${escapeHtml(text)}</p>`).join('\n')}
${(tables ?? []).map(tableHtml).join('\n')}
${(charts ?? []).map(chartHtml).join('\n')}
</section>`;
}

/** The whole page. All text of it is escaped; `asset` is the browser side, see browserAsset. */
export function renderPage(page: ReportPage, asset: BrowserAsset): string {
  const charts = page.sections.flatMap((section) => section.charts ?? []);
  const hint =
    charts.length === 0
      ? ''
      : '<p class="hint">Drag over a chart to zoom in, double-click to zoom out; click a name to hide its curve.</p>';
  const body = `<main>
<header>
<h1>${escapeHtml(page.title)}</h1>
${page.subtitle === undefined ? '' : `<p class="subtitle">${escapeHtml(page.subtitle)}</p>`}
${hint}<noscript><p class="hint">Without scripts the charts are not drawn; their figures stand below each.</p></noscript>
</header>
${page.sections.map(sectionHtml).join('\n')}
</main>`;
  return htmlDocument({ title: page.title, body, data: charts, asset, style: pageStyle });
}
