/** What running a scenario gave. */
import type { BenchRecord } from '../../analysis/record.js';
import type { LoadReport } from '../load/load-plan.js';
import type { Origin } from '../machine.js';
import type { Figures, Verdict } from './criteria.js';
import type { FormName } from './scenario.js';

export interface RunSubject {
  /** 'tcp', 'http2'; of an address its scheme. */
  readonly transport: string;
  /** Who is measured: 'ringwire-native', or the address. */
  readonly contender: string;
  readonly connections: number;
  readonly depth?: number;
  readonly targetRate?: number;
  /** Bytes of text, where one size was asked for. */
  readonly payload?: number;
  /** What was asked for, in a word: 'echo', 'mcp', a method. */
  readonly mix: string;
}

export interface RunResult extends RunSubject {
  /** Undefined where the run failed before it measured. */
  readonly report?: LoadReport;
  readonly error?: { readonly code: string; readonly message: string };
  readonly figures: Figures;
  readonly verdicts: readonly Verdict[];
  readonly targets: readonly Verdict[];
}

/** Where rising load ended. */
export interface BreakingPoint {
  readonly transport: string;
  /** Requests per second of the highest rate that held; 0 where the first one did not. */
  readonly rate: number;
  /** The lowest rate that did not hold; undefined where every step held. */
  readonly brokeAt?: number;
  /** 'p99 210 ms, wanted < 100 ms', or why it is not the server's end that was found. */
  readonly reason: string;
  /** Whether the generator, not the server, was at its end. */
  readonly generatorWasLimit: boolean;
  readonly verdicts: readonly Verdict[];
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly description: string;
  readonly form?: FormName;
  readonly origin: Origin;
  readonly runs: readonly RunResult[];
  readonly breakingPoints: readonly BreakingPoint[];
  /** Ended early by its signal; runs that had not begun are not there. */
  readonly wasInterrupted: boolean;
  /** No criterion missed, no run failed. In the quick form errors alone decide: its figures mean nothing. */
  readonly passed: boolean;
}

/** A label that tells the runs of one scenario apart. */
export function runName(run: RunSubject, all: readonly RunSubject[]): string {
  const alike = all.filter(({ transport }) => transport === run.transport);
  const differs = (key: keyof RunSubject): boolean => alike.some((other) => other[key] !== run[key]);
  const parts = [run.transport];
  if (differs('targetRate') && run.targetRate !== undefined) parts.push(`${formatCount(run.targetRate)}/s`);
  if (differs('connections')) parts.push(`${run.connections} connection${run.connections === 1 ? '' : 's'}`);
  if (differs('depth') && run.depth !== undefined) parts.push(`${run.depth} in flight`);
  if (differs('payload') && run.payload !== undefined) parts.push(formatSize(run.payload));
  return parts.join(', ');
}

export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${trimmed(bytes / 1024)} KiB` : `${trimmed(bytes / 1024 ** 2)} MiB`;
}

function trimmed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** The lines that a result leaves in the records; runs that failed leave none. */
export function recordsOf(result: ScenarioResult): BenchRecord[] {
  return result.runs.flatMap((run) => (run.report === undefined ? [] : [recordOf(result, run, run.report)]));
}

function recordOf(
  { scenario, form, origin }: ScenarioResult,
  run: RunResult,
  report: LoadReport,
): BenchRecord {
  const { transport, contender, connections, depth, targetRate, payload, mix } = run;
  return {
    scenario,
    ...(form === undefined ? {} : { form }),
    contender,
    transport,
    connections,
    depth: depth ?? 0,
    mix,
    ...(payload === undefined ? {} : { textBytes: payload }),
    rate: report.rate,
    p50us: report.p50us,
    p90us: report.p90us,
    p95us: report.p95us,
    p99us: report.p99us,
    p999us: report.p999us,
    p9999us: report.p9999us,
    maxUs: report.maxUs,
    meanUs: report.meanUs,
    cpuUsPerMsg: report.cpuUsPerMsg,
    serverCpu: report.serverCpu,
    generatorCpu: report.generatorCpu,
    generatorLate: report.saturation !== undefined,
    generator: report.generator,
    targetRate,
    rssMb: report.rssMb,
    rssPeakMb: report.rssPeakMb,
    messages: report.messages,
    seconds: report.seconds,
    errors: report.errors,
    firstError: report.firstError,
    ...origin,
  };
}
