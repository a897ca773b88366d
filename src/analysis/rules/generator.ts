/** The load generator: where it is the limit, nothing is learnt of the server. */
import type { Picture } from './picture.js';
import { ifKnown, measured, milliseconds, percent, type Rule } from './rule.js';

export const generatorBound: Rule = (picture) => {
  const { generator, cpu, thresholds } = picture;
  const why = reason(picture);
  if (why === undefined) return undefined;
  return {
    rule: 'generator-bound',
    component: 'load generator',
    severity: 'high',
    summary: `The load generator was the limit: ${why}.`,
    evidence: measured(
      ifKnown('processor of the generator', generator.cpu, 'cores', thresholds.generatorCores),
      ifKnown('p99 of how late requests left', generator.lateMs, 'ms', thresholds.generatorLateMs),
      ifKnown('sent of what was wanted', generator.sent, 'share', thresholds.generatorSentShare),
      ifKnown('processor of the server', cpu, 'cores'),
    ),
    cause:
      'The generator had no time to send and to read: rates and latencies are its own, not those of the server.',
    recommendation:
      'Ask for less, take the native generator, pin generator and server to different cores, or generate the load on another machine.',
  };
};

function reason({ generator, cpu, loopBusy, latency, thresholds }: Picture): string | undefined {
  const { cpu: own, lateMs, sent } = generator;
  if (own !== undefined && own >= thresholds.generatorCores) return `its core is ${percent(own)} busy`;
  const late = lateMs !== undefined && lateMs >= thresholds.generatorLateMs ? lateMs : undefined;
  // A server at its limit makes the most careful generator late.
  const isServerBusy = (loopBusy ?? cpu ?? 0) >= thresholds.busyShare;
  if (late === undefined || isServerBusy) return undefined;
  if (sent !== undefined && sent < thresholds.generatorSentShare)
    return `it sent ${percent(sent)} of what was wanted, ${milliseconds(late)} late`;
  if (latency !== undefined && late > latency.p99Ms / 2)
    return `its requests left ${milliseconds(late)} late, which is most of the latency`;
  return undefined;
}
