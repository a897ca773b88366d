/** What the generator in C++ prints, as the interfaces of a load. */
import type { HistogramJson } from '../../observability/histogram.js';
import type { LoadInterval, LoadPlan, LoadReport, OperationReport } from './load-plan.js';
import { isDrawn } from './native-plan.js';
import { transportName } from './transport-name.js';

/** Its last line. Latencies in microseconds, sizes in bytes. */
export interface NativeReport {
  readonly mode: 'open' | 'closed';
  readonly connections: number;
  readonly messages: number;
  readonly seconds: number;
  readonly rate: number;
  readonly errors: number;
  readonly lost: number;
  readonly firstError?: string;
  readonly meanUs: number;
  readonly p50us: number;
  readonly p90us: number;
  readonly p95us: number;
  readonly p99us: number;
  readonly p999us: number;
  readonly p9999us: number;
  readonly maxUs: number;
  readonly generatorCpu: number;
  readonly requestBytes: number;
  readonly replyBytes: number;
  /** Open loop. */
  readonly lateP99us?: number;
  readonly lateMaxUs?: number;
  /** Requests that were due, warm-up included, and those of them that were not sent when the time was up. */
  readonly scheduled?: number;
  readonly unsent?: number;
  readonly serverCpu?: number;
  readonly cpuUsPerMsg?: number;
  readonly rssAfterMb?: number;
  readonly rssPeakMb?: number;
  /** In the order of the plan. */
  readonly operations: readonly Omit<OperationReport, 'name'>[];
  readonly histogram: HistogramJson;
}

/** One of its lines. */
export type NativeLine = { readonly interval: LoadInterval } | { readonly report: NativeReport };

/** Above this share of a core the generator is what was measured. */
const fullCore = 0.95;

/** A generator that sends this late measures itself. */
const tolerableLatenessUs = 1_000;

/** Requests of the schedule that were not sent in time, above which it was not kept. */
const tolerableUnsent = 0.01;

/** Above this many cores it was the server that kept requests waiting. */
const busyServer = 0.9;

function saturationOf(report: NativeReport): string | undefined {
  const { generatorCpu, lateP99us = 0, scheduled = 0, unsent = 0, serverCpu } = report;
  const reasons: string[] = [];
  if (generatorCpu > fullCore)
    reasons.push(`the generator used ${generatorCpu.toFixed(2)} of one core: the server may answer more`);
  if (lateP99us > tolerableLatenessUs)
    reasons.push(
      `1 % of the requests left ${(lateP99us / 1e3).toFixed(1)} ms late or more: latencies hold the generator's own delay`,
    );
  if (unsent > scheduled * tolerableUnsent && !(serverCpu !== undefined && serverCpu > busyServer))
    reasons.push(
      `${unsent} of ${scheduled} requests of the schedule were not sent in time, because every connection waited for an answer: take more connections or a lower rate`,
    );
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

/** The generator escapes byte for byte. */
const readable = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

function operationsOf(plan: LoadPlan, { operations }: NativeReport): OperationReport[] {
  const nothing = { messages: 0, errors: 0, p50us: 0, p95us: 0, p99us: 0, maxUs: 0 };
  let next = 0;
  return plan.operations.map((operation) => {
    const counted = isDrawn(operation) ? operations[next++] : nothing;
    const { messages, errors, p50us, p95us, p99us, maxUs } = counted;
    return { name: operation.name, messages, errors, p50us, p95us, p99us, maxUs };
  });
}

export function loadReportOf(
  plan: LoadPlan,
  report: NativeReport,
  intervals: readonly LoadInterval[],
): LoadReport {
  const { mode, connections, messages, seconds, rate, errors, lost, firstError } = report;
  const saturation = saturationOf(report);
  const depth = plan.depth ?? (plan.rate === undefined ? 1 : undefined);
  return {
    mode,
    generator: 'native',
    transport: transportName(plan.target),
    connections,
    ...(depth !== undefined && { depth }),
    ...(plan.rate !== undefined && { targetRate: plan.rate }),
    messages,
    seconds,
    rate,
    errors,
    lost,
    ...(firstError !== undefined && { firstError: readable(firstError) }),
    meanUs: report.meanUs,
    p50us: report.p50us,
    p90us: report.p90us,
    p95us: report.p95us,
    p99us: report.p99us,
    p999us: report.p999us,
    p9999us: report.p9999us,
    maxUs: report.maxUs,
    histogram: report.histogram,
    operations: operationsOf(plan, report),
    intervals,
    generatorCpu: report.generatorCpu,
    ...(plan.rate !== undefined && { lateP99us: report.lateP99us, lateMaxUs: report.lateMaxUs }),
    ...(saturation !== undefined && { saturation }),
    ...(report.serverCpu !== undefined && {
      serverCpu: report.serverCpu,
      ...(report.cpuUsPerMsg !== undefined && { cpuUsPerMsg: report.cpuUsPerMsg }),
    }),
    ...(report.rssAfterMb !== undefined && { rssMb: report.rssAfterMb, rssPeakMb: report.rssPeakMb }),
    requestBytes: report.requestBytes,
    replyBytes: report.replyBytes,
  };
}

export function loadIntervalOf(line: LoadInterval & { meanUs?: number; p9999us?: number }): LoadInterval {
  const { meanUs, p9999us, ...interval } = line;
  return interval;
}
