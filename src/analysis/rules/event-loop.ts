/** The thread that serves: blocked, busy, or ready without a processor. */
import type { Layer } from '../sample.js';
import { figure, ifKnown, measured, milliseconds, ms, percent, type Rule, share } from './rule.js';

export const eventLoopBlocked: Rule = ({ lag, loopBusy, cpu, samples, thresholds }) => {
  if (lag === undefined) return undefined;
  // Once is a start or a load of a module; a habit is seen in the middle of the intervals, or is very long.
  const isHabit = lag.usualMs >= thresholds.loopBlockedMs || samples.length < 3;
  const isLong = lag.maxMs >= thresholds.loopBlockedMsCritical;
  if (lag.maxMs < thresholds.loopBlockedMs || !(isHabit || isLong)) return undefined;
  return {
    rule: 'event-loop-blocked',
    component: 'event loop',
    severity: isLong ? 'critical' : 'high',
    summary: `Single turns of the event loop take up to ${milliseconds(lag.maxMs)}; every call that comes meanwhile waits as long.`,
    evidence: measured(
      ms('longest turn of the event loop', lag.maxMs, thresholds.loopBlockedMs),
      ms('longest turn of the median interval', lag.usualMs),
      ifKnown('event loop busy', loopBusy, 'share'),
      ifKnown('processor', cpu, 'cores'),
    ),
    cause:
      'A handler, or what it calls, computes for long or uses synchronous input and output on the thread that serves.',
    recommendation:
      'Record `ringwire profile` and look for the widest frame of your own; move it to a worker thread, cut it into pieces, or use the asynchronous form.',
  };
};

const layerAdvice: Partial<Record<Layer, string>> = {
  handler:
    'The handlers take the time: make them cheaper, cache what they answer, or move them to worker threads.',
  gc: 'Collections take the time: allocate less for each call, see the allocation profile.',
  serialise: 'Writing answers as JSON takes the time: answer less, or answer text that is made once.',
  kernel:
    'System calls take the time: put more calls into a write (pipelining, batches), or take Unix sockets or shared memory.',
  scan: 'Reading requests takes the time: send fewer and smaller members in params.',
};

export const cpuSaturated: Rule = ({ loopBusy, cpu, layers, calls, seconds, thresholds }) => {
  const busy = loopBusy ?? cpu;
  if (busy === undefined || busy < thresholds.busyShare) return undefined;
  // A loop that is never idle and hardly computes is waiting, not saturated.
  if (cpu !== undefined && cpu < thresholds.idleShare) return undefined;
  const [layer, layerShare] = Object.entries(layers ?? {}).reduce(
    (most, each) => (each[1] > most[1] ? each : most),
    ['', 0],
  );
  const advice = layerShare >= thresholds.layerShare ? layerAdvice[layer as Layer] : undefined;
  const rate = calls > 0 ? ` at ${Math.round(calls / seconds)} calls per second` : '';
  return {
    rule: 'cpu-saturated',
    component: advice === undefined ? 'processor' : layer,
    severity: 'medium',
    summary: `The thread that serves is busy ${percent(Math.min(1, busy))} of the time${rate}: more calls only wait longer.`,
    evidence: measured(
      ifKnown('event loop busy', loopBusy, 'share', thresholds.busyShare),
      ifKnown('processor', cpu, 'cores', loopBusy === undefined ? thresholds.busyShare : undefined),
      advice === undefined ? undefined : share(`time in ${layer}`, layerShare, thresholds.layerShare),
      calls > 0 ? figure('rate', calls / seconds, 'calls/s') : undefined,
    ),
    cause: 'One core computes all there is: the load is at the limit of one thread.',
    recommendation:
      advice ??
      'Record `ringwire profile` to see where the time goes; serve with more processes or worker threads.',
  };
};

export const processorContention: Rule = ({ contention, cpu, seconds, thresholds }) => {
  if (contention < thresholds.contentionShare) return undefined;
  return {
    rule: 'processor-contention',
    component: 'host',
    severity: contention >= 0.5 ? 'high' : 'medium',
    summary: `The process was ready to run and got no processor ${percent(contention)} of the time.`,
    evidence: measured(
      share('waiting for a processor', contention, thresholds.contentionShare),
      ifKnown('processor', cpu, 'cores'),
      figure('time looked at', seconds * 1_000, 'ms'),
    ),
    cause: 'Other processes, or a limit of the cgroup, take the cores this one needs.',
    recommendation:
      'Give it a core of its own (taskset, cpu requests), raise cpu.max, or move the neighbours away.',
  };
};
