/** What `ringwire top` shows, as lines of text: of samples and of the size of the screen alone. */
import { analyzeBottlenecks } from '../../analysis/bottlenecks.js';
import type { Sample } from '../../analysis/sample.js';
import type { ConnectionRow } from '../../observability/server-totals.js';
import type { MonitorSample } from '../../workbench/monitor/monitor-resources.js';
import { age, bytes, count, ms, percent, sparkline } from './figures.js';

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

/** So many samples of the past are judged together. */
const judged = 10;
const labelWidth = 11;

/** The whole screen, at most `rows` lines of at most `columns` characters. */
export function screenLines(name: string, history: readonly MonitorSample[], size: ViewSize): string[] {
  const last = history.at(-1);
  const head = fitted(`ringwire top  ${plain(name)}`, 'q quits', size.columns);
  if (last === undefined) return clipped([head, '', 'Waiting for the first sample.'], size);
  const lines = [
    head,
    '',
    ...callLines(history, last, size.columns),
    ...processLines(history, last, size.columns),
    ...findingLines(history),
    '',
    ...connectionLines(history, last),
  ];
  return clipped(lines, size);
}

function callLines(history: readonly MonitorSample[], last: MonitorSample, columns: number): string[] {
  const { calls, intervalMs } = last;
  if (calls === undefined) return [];
  const rates = history.map((sample) => rateOf(sample));
  const { latency } = calls;
  const errors = calls.calls === 0 ? 0 : calls.errors / calls.calls;
  const backpressure = Math.min(1, (calls.backpressureMs ?? 0) / intervalMs);
  return [
    withHistory('calls', `${count(rateOf(last))} /s   errors ${percent(errors)}`, rates, columns),
    withHistory(
      'latency',
      latency === undefined
        ? 'no call was timed'
        : `p50 ${ms(latency.p50Ms)}  p95 ${ms(latency.p95Ms)}  p99 ${ms(latency.p99Ms)}  p99.9 ${ms(latency.p999Ms)}  max ${ms(latency.maxMs)} ms`,
      history.map((sample) => sample.calls?.latency?.p99Ms),
      columns,
    ),
    withHistory(
      'waiting',
      `${count(calls.inFlight)} in flight   ${bytes(calls.queuedBytes)} queued   backpressure ${percent(backpressure)}   ${count(calls.connections)} connections`,
      history.map((sample) => sample.calls?.inFlight),
      columns,
    ),
    '',
  ];
}

function processLines(history: readonly MonitorSample[], last: MonitorSample, columns: number): string[] {
  const { process, intervalMs } = last;
  if (process === undefined) return [];
  const seconds = intervalMs / 1_000;
  const { gc, eventLoopLagMs: lag } = process;
  const lines = [
    withHistory(
      'processor',
      `${process.cpu?.toFixed(2) ?? '-'} cores   waiting for one ${percent((process.processorWaitMs ?? 0) / intervalMs)}   ${count(process.threads)} threads   ${count(process.descriptors)} of ${count(process.descriptorLimit)} descriptors`,
      history.map((sample) => sample.process?.cpu),
      columns,
    ),
    withHistory(
      'memory',
      `${bytes(process.rssBytes)} resident`,
      history.map((sample) => sample.process?.rssBytes),
      columns,
    ),
  ];
  if (process.heapUsedBytes !== undefined)
    lines.push(
      withHistory(
        'heap',
        `${bytes(process.heapUsedBytes)} of ${bytes(process.heapLimitBytes)}   buffers ${bytes(process.externalBytes)}`,
        history.map((sample) => sample.process?.heapUsedBytes),
        columns,
      ),
    );
  if (gc !== undefined)
    lines.push(
      withHistory(
        'collections',
        `${count(gc.count / seconds)} /s   paused ${percent(gc.pauseMs / intervalMs)}   longest ${ms(gc.longestPauseMs)} ms`,
        history.map((sample) => sample.process?.gc?.pauseMs),
        columns,
      ),
    );
  if (process.eventLoopUtilization !== undefined)
    lines.push(
      withHistory(
        'event loop',
        `busy ${percent(process.eventLoopUtilization)}   lag p50 ${ms(lag?.p50)}  p99 ${ms(lag?.p99)}  max ${ms(lag?.max)} ms`,
        history.map((sample) => sample.process?.eventLoopLagMs?.max),
        columns,
      ),
    );
  const { networkBytes, diskBytes } = process;
  if (networkBytes !== undefined && diskBytes !== undefined)
    lines.push(
      `${'in and out'.padEnd(labelWidth)}  network ${bytes(networkBytes.received / seconds)}/s in, ${bytes(networkBytes.sent / seconds)}/s out   disk ${bytes(diskBytes.read / seconds)}/s read, ${bytes(diskBytes.written / seconds)}/s written`,
    );
  return lines;
}

function findingLines(history: readonly Sample[]): string[] {
  const findings = analyzeBottlenecks(history.slice(-judged));
  return ['', ...findings.slice(0, 3).map(({ severity, summary }) => `${severity}: ${summary}`)];
}

function connectionLines(history: readonly MonitorSample[], last: MonitorSample): string[] {
  const { connections, intervalMs } = last;
  if (connections === undefined || connections.length === 0) return [];
  const before = new Map(history.at(-2)?.connections?.map((row) => [keyOf(row), row.calls]));
  const rows = connections.map((row) => {
    const known = before.get(keyOf(row));
    const rate = known === undefined ? undefined : ((row.calls - known) * 1_000) / intervalMs;
    return [
      plain(row.transport),
      plain(row.peer),
      age(row.ageSeconds),
      count(row.calls),
      count(rate),
      count(row.inFlight),
      bytes(row.bufferedBytes),
    ];
  });
  return aligned([['transport', 'peer', 'age', 'calls', '/s', 'in flight', 'queued'], ...rows]);
}

/** One sample in one line, for where there is no screen. */
export function sampleLine(sample: MonitorSample): string {
  const { calls, process, atMs, intervalMs } = sample;
  const parts = [`${(atMs / 1_000).toFixed(1).padStart(7)} s`];
  if (calls !== undefined) {
    const errors = calls.calls === 0 ? 0 : calls.errors / calls.calls;
    parts.push(`${count(rateOf(sample))} calls/s`, `errors ${percent(errors)}`);
    if (calls.latency !== undefined)
      parts.push(`p50 ${ms(calls.latency.p50Ms)} p99 ${ms(calls.latency.p99Ms)} ms`);
    parts.push(`${count(calls.inFlight)} in flight`, `${bytes(calls.queuedBytes)} queued`);
  }
  if (process !== undefined) {
    parts.push(`cpu ${process.cpu?.toFixed(2) ?? '-'}`, `rss ${bytes(process.rssBytes)}`);
    if (process.heapUsedBytes !== undefined) parts.push(`heap ${bytes(process.heapUsedBytes)}`);
    if (process.gc !== undefined) parts.push(`gc ${percent(process.gc.pauseMs / intervalMs)}`);
    if (process.eventLoopLagMs !== undefined) parts.push(`lag ${ms(process.eventLoopLagMs.max)} ms`);
    parts.push(`${count(process.descriptors)} descriptors`);
  }
  return parts.join('  ');
}

function rateOf({ calls, intervalMs }: MonitorSample): number | undefined {
  return calls === undefined ? undefined : (calls.calls * 1_000) / intervalMs;
}

function keyOf({ transport, peer }: ConnectionRow): string {
  return `${transport} ${peer}`;
}

/** The history stands at the right, where there is room for it. */
function withHistory(
  label: string,
  text: string,
  values: readonly (number | undefined)[],
  columns: number,
): string {
  const line = `${label.padEnd(labelWidth)}  ${text}`;
  const width = Math.min(30, columns - 86);
  if (width < 8 || line.length > columns - width - 2) return line;
  return `${line.padEnd(columns - width)}${sparkline(values, width).padStart(width)}`;
}

function fitted(left: string, right: string, columns: number): string {
  return left.length + right.length + 2 > columns ? left : left.padEnd(columns - right.length) + right;
}

/** Numbers stand right in their columns. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, index) => Math.max(...rows.map((row) => row[index].length)));
  return rows.map((row) =>
    row
      .map((cell, index) => (index < 2 ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
      .join('  ')
      .trimEnd(),
  );
}

function clipped(lines: readonly string[], { columns, rows }: ViewSize): string[] {
  return lines.slice(0, Math.max(1, rows)).map((line) => line.slice(0, Math.max(1, columns)));
}

/** What a server tells is no instruction to the terminal, and no mask of its text either. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?').slice(0, 64);
}
