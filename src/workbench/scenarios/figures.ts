/** The figures that criteria are about, from what a load generator reported. */
import { detectGrowth } from '../../analysis/leak.js';
import { slopeOf } from '../../analysis/slope.js';
import type { LoadInterval, LoadReport } from '../load/load-plan.js';
import type { Figures } from './criteria.js';

const mebibyte = 2 ** 20;
/** What is left out at the beginning of a run before latencies are looked at for growth. */
const settlingShare = 0.2;
const minIntervals = 10;

export function figuresOf(report: LoadReport): Figures {
  const ms = (us: number): number => us / 1000;
  // Wrong answers are messages as well. What else went wrong, in the warm-up for instance, counts against these calls.
  const calls = report.messages + report.lost;
  const { targetRate } = report;
  return {
    mean: ms(report.meanUs),
    p50: ms(report.p50us),
    p90: ms(report.p90us),
    p95: ms(report.p95us),
    p99: ms(report.p99us),
    'p99.9': ms(report.p999us),
    'p99.99': ms(report.p9999us),
    max: ms(report.maxUs),
    // Nothing answered and nothing failed is no success.
    errors: calls === 0 ? 1 : Math.min(1, report.errors / calls),
    rate: report.rate,
    rateReached: targetRate === undefined ? undefined : report.rate / targetRate,
    cpu: report.serverCpu,
    memory: report.rssPeakMb === undefined ? undefined : report.rssPeakMb * mebibyte,
    memoryGrowth: memoryGrowth(report.intervals),
    latencyGrowth: latencyGrowth(report.intervals),
  };
}

/** Bytes per second; 0 where what grew is within the noise, levels off or is too little to be a leak. */
function memoryGrowth(intervals: readonly LoadInterval[]): number | undefined {
  const points = intervals.flatMap(({ atSeconds, serverRssMb }) =>
    serverRssMb === undefined || atSeconds < 0
      ? []
      : [{ atMs: atSeconds * 1000, bytes: serverRssMb * mebibyte }],
  );
  if (points.length < minIntervals) return undefined;
  const { isLeak, reason, bytesPerSecond } = detectGrowth(points);
  if (reason === 'too few points') return undefined;
  return isLeak ? bytesPerSecond : 0;
}

/** Milliseconds of p99 per second; 0 where it cannot be told from no growth at all. */
function latencyGrowth(intervals: readonly LoadInterval[]): number | undefined {
  const measured = intervals.filter(({ atSeconds, messages }) => atSeconds > 0 && messages > 0);
  const settled = measured.slice(Math.floor(measured.length * settlingShare));
  if (settled.length < minIntervals) return undefined;
  const slope = slopeOf(settled.map(({ atSeconds, p99us }) => ({ x: atSeconds, y: p99us / 1000 })));
  if (slope === undefined) return undefined;
  return slope.low > 0 ? slope.slope : 0;
}
