/** Connections: peers that do not read, buffers that are full, descriptors that run out. */
import { figure, ifKnown, measured, percent, type Rule, share } from './rule.js';

export const slowReader: Rule = ({ backpressure, queuedBytes, watermarkCrossings, thresholds }) => {
  if (backpressure === undefined || backpressure < thresholds.backpressureShare) return undefined;
  return {
    rule: 'slow-reader',
    component: 'peer',
    severity: backpressure >= 0.5 ? 'high' : 'medium',
    summary: `Connections waited for their peers to read ${percent(backpressure)} of the time.`,
    evidence: measured(
      share('time with a full send buffer', backpressure, thresholds.backpressureShare),
      ifKnown('bytes that wait', queuedBytes?.median, 'bytes'),
      watermarkCrossings > 0 ? figure('high watermark crossed', watermarkCrossings, 'count') : undefined,
    ),
    cause: 'A peer reads slower than it is answered, so that its answers wait in memory here.',
    recommendation:
      'Find the peer among the connections (`ringwire top`): have it read in a loop of its own, ask for less at once, or let stallTimeoutMs cut it earlier.',
  };
};

export const overflow: Rule = ({ overflow: found, thresholds }) => {
  if (found === undefined || found.share <= thresholds.overflowShareCritical) return undefined;
  return {
    rule: 'overflow',
    component: 'buffer',
    severity: 'critical',
    summary: `${percent(found.share)} of ${found.sends} sends found the buffer full.`,
    evidence: [
      share('sends refused', found.share, thresholds.overflowShareCritical),
      figure('sends', found.sends, 'count'),
    ],
    cause: 'The buffer is too small for the bursts, or its reader is too slow.',
    recommendation: 'Raise highWatermarkBytes or the size of the ring, or send less at once.',
  };
};

export const descriptors: Rule = ({ samples, thresholds }) => {
  let used: { readonly share: number; readonly open: number; readonly limit: number } | undefined;
  for (const { process } of samples) {
    const [open, limit] = [process?.descriptors, process?.descriptorLimit];
    if (open === undefined || limit === undefined || limit <= 0) continue;
    if (used === undefined || open / limit > used.share) used = { share: open / limit, open, limit };
  }
  if (used === undefined || used.share < thresholds.descriptorShare) return undefined;
  return {
    rule: 'descriptors-near-limit',
    component: 'descriptors',
    severity: used.share >= thresholds.descriptorShareCritical ? 'critical' : 'high',
    summary: `${used.open} of ${used.limit} descriptors are open: connections will be refused soon.`,
    evidence: [
      share('descriptors', used.share, thresholds.descriptorShare),
      figure('open', used.open, 'count'),
      figure('limit', used.limit, 'count'),
    ],
    cause: 'More connections and files are open than the limit of the process allows for.',
    recommendation:
      'Raise the limit (`ulimit -n 65536`, LimitNOFILE=65536), or look for what is never closed.',
  };
};
