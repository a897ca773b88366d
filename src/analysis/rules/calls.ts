/** What callers see: latency, errors, and queues. */
import type { Finding } from '../finding.js';
import type { Picture } from './picture.js';
import { figure, ifKnown, measured, milliseconds, ms, percent, type Rule, share } from './rule.js';

/** Slow answers of a process that has nothing to do: somebody else is waited for. */
export const handlerWaits: Rule = (picture) => {
  const { latency, thresholds, cpu, loopBusy, inFlight, contention } = picture;
  if (latency === undefined || latency.meanMs < thresholds.latencyMeanMs) return undefined;
  const busy = loopBusy ?? cpu;
  if (busy === undefined || busy >= thresholds.idleShare) return undefined;
  // A thread that gets no processor makes some calls slow; a handler that waits makes all of them slow.
  if (contention >= thresholds.contentionShare && latency.p50Ms < thresholds.latencyMeanMs) return undefined;
  return {
    rule: 'handler-waits',
    component: 'handler',
    severity: latencySeverity(picture, latency.meanMs),
    summary: `Calls take ${milliseconds(latency.meanMs)} on average while the process is idle ${percent(1 - busy)} of the time.`,
    evidence: measured(
      ms('mean latency', latency.meanMs, thresholds.latencyMeanMs),
      ms('p99 latency', latency.p99Ms),
      ifKnown('event loop busy', loopBusy, 'share', thresholds.idleShare),
      ifKnown('processor', cpu, 'cores'),
      ifKnown('calls in flight', inFlight, 'count'),
    ),
    cause: 'Handlers wait: for a timer, a lock, a database, a file or an upstream service.',
    recommendation:
      'Time what the handlers wait for; ask for it at once instead of one after the other, cache it, or raise the limit of connections to it.',
  };
};

/** Slow answers for which no reason is seen. */
export const latencyHigh: Rule = (picture) => {
  const { latency, thresholds, cpu, loopBusy } = picture;
  if (latency === undefined || latency.meanMs < thresholds.latencyMeanMs) return undefined;
  return {
    rule: 'latency-high',
    component: 'calls',
    severity: latencySeverity(picture, latency.meanMs),
    summary: `Calls take ${milliseconds(latency.meanMs)} on average.`,
    evidence: measured(
      ms('mean latency', latency.meanMs, thresholds.latencyMeanMs),
      ms('p99 latency', latency.p99Ms),
      ifKnown('event loop busy', loopBusy, 'share'),
      ifKnown('processor', cpu, 'cores'),
    ),
    cause: 'The samples do not tell where the time goes.',
    recommendation:
      'Sample the process as well (its pid, or its metrics): then processor, event loop and queues can be told apart.',
  };
};

function latencySeverity({ thresholds }: Picture, meanMs: number): Finding['severity'] {
  if (meanMs >= thresholds.latencyMeanMsCritical) return 'critical';
  return meanMs >= thresholds.latencyMeanMsHigh ? 'high' : 'medium';
}

export const errorRate: Rule = ({ calls, errors, thresholds }) => {
  if (calls === 0 || errors / calls <= thresholds.errorShare) return undefined;
  const found = errors / calls;
  const isCritical = found > thresholds.errorShareCritical;
  return {
    rule: 'error-rate',
    component: 'calls',
    severity: isCritical ? 'critical' : 'high',
    summary: `${percent(found)} of ${calls} calls failed.`,
    evidence: [
      share('errors', found, isCritical ? thresholds.errorShareCritical : thresholds.errorShare),
      figure('failed calls', errors, 'count'),
    ],
    cause: 'Handlers throw, limits refuse calls, or connections break while calls are open.',
    recommendation: 'Look at the codes of the errors: OVERLOADED is a limit, -32603 a handler that throws.',
  };
};

export const queueDepth: Rule = ({ queue, inFlight, thresholds }) => {
  const depth = queue === undefined ? 0 : Math.min(queue.depth, queue.last);
  if (depth <= thresholds.queueDepthCritical) return undefined;
  return {
    rule: 'queue-depth',
    component: 'queue',
    severity: 'critical',
    summary: `${Math.round(depth)} calls or frames wait for their turn, and they do not become fewer.`,
    evidence: measured(
      figure('waiting', depth, 'count', thresholds.queueDepthCritical),
      ifKnown('calls in flight', inFlight, 'count'),
    ),
    cause: 'More comes than is served.',
    recommendation:
      'Limit what may be in flight, so that callers are refused early; serve with more workers; make handlers shorter.',
  };
};
