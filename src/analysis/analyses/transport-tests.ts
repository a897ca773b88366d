/** Results of the tests of one transport, and their tables. */
import { coresText, countText, megabytesText, msText, rateText, shareText } from '../figure-text.js';
import type { Finding } from '../finding.js';
import type { ReportSection } from '../report/page.js';
import type { Sample } from '../sample.js';
import { seedIdOf, seedWords } from '../seed-figures.js';
import { thresholds } from '../thresholds.js';
import { type CallFigures, successShare } from './call-figures.js';
import { barChart, sectionOf } from './section.js';

interface TestResult {
  readonly transport: string;
  readonly samples: readonly Sample[];
  readonly findings: readonly Finding[];
}

/** Many messages in flight on one connection. */
export interface ThroughputResult extends TestResult {
  readonly test: 'throughput';
  readonly messages: number;
  readonly bytesPerMessage: number;
  readonly inFlight: number;
  readonly figures: CallFigures;
  readonly limitedBy: Limit;
}

/** One message at a time. */
export interface LatencyResult extends TestResult {
  readonly test: 'latency';
  readonly messages: number;
  readonly bytesPerMessage: number;
  readonly figures: CallFigures;
}

export interface ConcurrentRow {
  readonly connections: number;
  /** That could not be made. */
  readonly refused: number;
  readonly successShare: number;
  readonly figures: CallFigures;
}

export interface ConcurrentResult extends TestResult {
  readonly test: 'concurrent';
  readonly rows: readonly ConcurrentRow[];
}

export interface StressStep {
  readonly workers: number;
  readonly figures: CallFigures;
  readonly limitedBy: Limit;
}

export interface BreakingPoint {
  /** The first number of workers that was too many. */
  readonly workers: number;
  /** 'saturation': more workers bring no more answers, they only wait. */
  readonly reason: 'errors' | 'latency' | 'saturation';
  /** One sentence with the figures in it. */
  readonly summary: string;
}

export interface StressResult extends TestResult {
  readonly test: 'stress';
  readonly steps: readonly StressStep[];
  readonly bestCallsPerSecond: number;
  /** Undefined where the time was over first. */
  readonly breakingPoint?: BreakingPoint;
}

export interface ScalingRow {
  readonly connections: number;
  readonly bytesPerMessage: number;
  readonly figures: CallFigures;
}

export interface ScalingResult extends TestResult {
  readonly test: 'scaling';
  readonly rows: readonly ScalingRow[];
}

/** Whose processor was at its limit. */
export type Limit = 'client' | 'server' | 'both' | 'neither' | 'unknown';

export function limitOf({ clientCpu, server }: CallFigures): Limit {
  const client = clientCpu >= thresholds.busyShare;
  if (server === undefined) return client ? 'client' : 'unknown';
  const isServerBusy = server.cpu >= thresholds.busyShare;
  if (client && isServerBusy) return 'both';
  if (client) return 'client';
  return isServerBusy ? 'server' : 'neither';
}

/** More workers must bring at least this share more answers, or they are too many. */
const leastGain = 0.05;

/** What was too much, of steps with ever more workers; errors and latency end a ramp, saturation does not. */
export function breakingPointOf(
  steps: readonly StressStep[],
  limits: { readonly errorShare: number; readonly latencyMs: number },
): BreakingPoint | undefined {
  for (const { workers, figures } of steps) {
    const failed = 1 - successShare(figures);
    if (failed > limits.errorShare)
      return {
        workers,
        reason: 'errors',
        summary: `With ${countText(workers)} workers ${shareText(failed)} of calls failed: ${figures.firstError ?? 'no answer'}`,
      };
    if (figures.latency.meanMs > limits.latencyMs)
      return {
        workers,
        reason: 'latency',
        summary: `With ${countText(workers)} workers calls take ${msText(figures.latency.meanMs)} on average, at ${rateText(figures.callsPerSecond)}.`,
      };
  }
  return saturationOf(steps);
}

function saturationOf(steps: readonly StressStep[]): BreakingPoint | undefined {
  for (let index = 1; index < steps.length; index += 1) {
    const [before, after] = [steps[index - 1], steps[index]];
    const gain = after.figures.callsPerSecond / before.figures.callsPerSecond - 1;
    // A dip between two steps that both gain is noise.
    const isLast = index === steps.length - 1;
    const next = isLast
      ? undefined
      : steps[index + 1].figures.callsPerSecond / before.figures.callsPerSecond - 1;
    if (gain >= leastGain || (next !== undefined && next >= leastGain)) continue;
    return {
      workers: after.workers,
      reason: 'saturation',
      summary: `${countText(after.workers)} workers get ${rateText(after.figures.callsPerSecond)}, ${countText(before.workers)} get ${rateText(before.figures.callsPerSecond)}: more of them only wait (limited by: ${after.limitedBy}).`,
    };
  }
  return undefined;
}

/** Answers that are no echo, in whatever test they came. */
export function wrongAnswerFindings(component: string, figures: readonly CallFigures[]): readonly Finding[] {
  const wrong = figures.reduce((sum, each) => sum + each.wrong, 0);
  if (wrong === 0) return [];
  const calls = figures.reduce((sum, each) => sum + each.calls, 0);
  const example = figures.find(({ firstError }) => firstError !== undefined)?.firstError;
  return [
    {
      rule: 'wrong-answer',
      component,
      severity: 'critical',
      summary: `${component}: ${countText(wrong)} of ${countText(calls)} answers were not the echo of what was sent, for instance: ${example}`,
      evidence: [
        { name: 'wrong answers', value: wrong, unit: 'count', threshold: 0 },
        { name: 'calls', value: calls, unit: 'count' },
      ],
      cause: 'The server, or something between it and the client, changes messages or mixes them up.',
      recommendation: 'No figure of this server means anything before its answers are right.',
    },
  ];
}

/** Processes that hold more than one test's connections: the breaking point is the finding of a stress test. */
export const transportTestRules = ['wrong-answer'] as const;

export function throughputSection(
  throughput: readonly ThroughputResult[],
  latency: readonly LatencyResult[],
): ReportSection {
  const findings = [...throughput, ...latency].flatMap((result) => result.findings);
  return sectionOf('Transports', findings, {
    paragraphs: [
      'Echo calls over one connection to a server in a process of its own (in memory: in this process), every answer compared with what was sent. Throughput counts the text once and is what a client in JavaScript gets; p50 to p99 are of one call at a time.',
    ],
    tables: [
      {
        columns: [
          'transport',
          'throughput',
          'Seed (throughput)',
          'messages',
          'p50',
          'p95',
          'Seed (p95)',
          'p99',
          'server memory',
          'Seed (memory)',
          'server CPU',
          'limited by',
          'errors',
        ],
        rows: throughput.map(({ transport, figures, limitedBy }) => {
          const alone = latency.find((each) => each.transport === transport)?.figures.latency;
          return [
            transport,
            rateText(figures.kilobytesPerSecond, ' KB'),
            seedWords(seedIdOf('throughput', transport)),
            rateText(figures.callsPerSecond),
            msText(alone?.p50Ms),
            msText(alone?.p95Ms),
            seedWords(seedIdOf('p95', transport)),
            msText(alone?.p99Ms),
            megabytesText(figures.server?.rssBytes),
            seedWords(seedIdOf('memory', transport)),
            coresText(figures.server?.cpu),
            limitedBy,
            countText(figures.errors),
          ];
        }),
      },
    ],
    charts: [
      barChart(
        'throughput',
        'Throughput',
        'KB/s',
        throughput.map(({ transport, figures }) => [transport, figures.kilobytesPerSecond]),
      ),
    ],
  });
}

export function concurrentSection(results: readonly ConcurrentResult[]): ReportSection {
  return sectionOf(
    'Concurrent connections',
    results.flatMap(({ findings }) => findings),
    {
      tables: [
        {
          columns: ['transport', 'connections', 'refused', 'success', 'Seed (20+)', 'rate', 'p95', 'max'],
          rows: results.flatMap(({ transport, rows }) =>
            rows.map((row) => [
              transport,
              countText(row.connections),
              countText(row.refused),
              shareText(row.successShare),
              row.connections >= 20 ? seedWords('concurrent.success') : '-',
              rateText(row.figures.callsPerSecond),
              msText(row.figures.latency.p95Ms),
              msText(row.figures.latency.maxMs),
            ]),
          ),
        },
      ],
    },
  );
}

export function stressSection(results: readonly StressResult[]): ReportSection {
  return sectionOf(
    'Stress',
    results.flatMap(({ findings }) => findings),
    {
      paragraphs: results.map(
        ({ transport, breakingPoint, steps }) =>
          `${transport}: ${
            breakingPoint === undefined
              ? `no breaking point up to ${countText(steps.at(-1)?.workers)} workers.`
              : `breaks at ${countText(breakingPoint.workers)} workers by ${breakingPoint.reason}. ${breakingPoint.summary}`
          }`,
      ),
      tables: [
        {
          columns: ['transport', 'workers', 'rate', 'mean', 'p99', 'errors', 'server CPU', 'limited by'],
          rows: results.flatMap(({ transport, steps }) =>
            steps.map(({ workers, figures, limitedBy }) => [
              transport,
              countText(workers),
              rateText(figures.callsPerSecond),
              msText(figures.latency.meanMs),
              msText(figures.latency.p99Ms),
              shareText(1 - successShare(figures)),
              coresText(figures.server?.cpu),
              limitedBy,
            ]),
          ),
        },
      ],
      charts: [
        {
          id: 'stress',
          title: 'Calls a second by workers',
          kind: 'line',
          x: { label: 'workers', scale: 'log' },
          y: { label: 'calls a second' },
          series: results.map(({ transport, steps }) => ({
            name: transport,
            x: steps.map(({ workers }) => workers),
            y: steps.map(({ figures }) => figures.callsPerSecond),
          })),
        },
      ],
    },
  );
}

export function scalingSection(results: readonly ScalingResult[]): ReportSection {
  return sectionOf(
    'Scaling',
    results.flatMap(({ findings }) => findings),
    {
      tables: [
        {
          columns: [
            'transport',
            'connections',
            'bytes',
            'rate',
            'throughput',
            'p95',
            'errors',
            'Seed (linear)',
          ],
          rows: results.flatMap(({ transport, rows }) =>
            rows.map(({ connections, bytesPerMessage, figures }) => [
              transport,
              countText(connections),
              countText(bytesPerMessage),
              rateText(figures.callsPerSecond),
              rateText(figures.kilobytesPerSecond, ' KB'),
              msText(figures.latency.p95Ms),
              countText(figures.errors),
              seedWords('scaling.linear'),
            ]),
          ),
        },
      ],
    },
  );
}
