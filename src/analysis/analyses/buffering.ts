/** What happens where more is sent than is read. */
import { countText, megabytesText, msText, shareText } from '../figure-text.js';
import type { Finding } from '../finding.js';
import type { ReportSection } from '../report/page.js';
import { seedIdOf, seedWords } from '../seed-figures.js';
import { thresholds } from '../thresholds.js';
import { barChart, sectionOf } from './section.js';

export interface BufferingRow {
  readonly transport: string;
  readonly reader: 'fast' | 'slow';
  /** Whether the sender waited for onDrain after 'full', or tried again at once, in turns of the event loop. */
  readonly sender: 'waits' | 'insists';
  /** Calls of send(). */
  readonly sends: number;
  /** Answered 'full': not accepted. */
  readonly overflows: number;
  readonly accepted: number;
  /** Accepted and received, in order, by the reader. */
  readonly received: number;
  readonly outOfOrder: number;
  /** From 'sent' or 'queued' to 'full'. */
  readonly watermarkCrossings: number;
  /** From 'full' to onDrain. */
  readonly backpressureMs: number;
  readonly seconds: number;
  /** The most that waited in this process, and where the transport says 'full'. */
  readonly bufferedBytesMax: number;
  readonly highWatermarkBytes: number;
  readonly frameBytes: number;
  /** Of the sender's process, milliseconds. */
  readonly gcPauseMs: number;
}

export const bufferingRules = ['buffer-overflow', 'buffer-unbounded', 'buffer-loss'] as const;

export function overflowShare({ sends, overflows }: Pick<BufferingRow, 'sends' | 'overflows'>): number {
  return sends === 0 ? 0 : overflows / sends;
}

export function bufferingFindings(rows: readonly BufferingRow[]): readonly Finding[] {
  return rows.flatMap((row) => [...overflow(row), ...unbounded(row), ...loss(row)]);
}

function nameOf({ transport, reader }: BufferingRow): string {
  return `${transport} with a ${reader} reader`;
}

/** A sender that insists is refused as often as it likes to be: that says nothing of the buffer. */
function* overflow(row: BufferingRow): Generator<Finding> {
  const share = overflowShare(row);
  if (row.sender === 'insists' || share <= thresholds.overflowShareCritical) return;
  yield {
    rule: 'buffer-overflow',
    component: `${row.transport} buffer`,
    severity: 'critical',
    summary: `${nameOf(row)}: ${shareText(share)} of sends were answered 'full' although the sender waits for room.`,
    evidence: [
      { name: 'overflows', value: share, unit: 'share', threshold: thresholds.overflowShareCritical },
      { name: 'sends', value: row.sends, unit: 'count' },
      { name: 'time without room', value: row.backpressureMs, unit: 'ms' },
    ],
    cause: 'The buffer holds few messages, so that it is full again after each time it had room.',
    recommendation:
      'Raise highWatermarkBytes to hold some hundred messages, or send larger messages less often.',
  };
}

function* unbounded(row: BufferingRow): Generator<Finding> {
  const bound = row.highWatermarkBytes + row.frameBytes + frameOverhead;
  if (row.bufferedBytesMax <= bound) return;
  yield {
    rule: 'buffer-unbounded',
    component: `${row.transport} buffer`,
    severity: 'high',
    summary: `${nameOf(row)}: ${megabytesText(row.bufferedBytesMax)} waited, which is more than the watermark allows.`,
    evidence: [
      { name: 'most that waited', value: row.bufferedBytesMax, unit: 'bytes', threshold: bound },
      { name: 'high watermark', value: row.highWatermarkBytes, unit: 'bytes' },
    ],
    cause: "Frames are accepted after 'full' was due.",
    recommendation: 'This is a defect of the transport; please report it with this report.',
  };
}

/** Length prefix or delimiter. */
const frameOverhead = 8;

function* loss(row: BufferingRow): Generator<Finding> {
  if (row.received === row.accepted && row.outOfOrder === 0) return;
  yield {
    rule: 'buffer-loss',
    component: `${row.transport} buffer`,
    severity: 'critical',
    summary: `${nameOf(row)}: ${countText(row.accepted)} frames were accepted, ${countText(row.received)} arrived, ${countText(row.outOfOrder)} of them out of order.`,
    evidence: [
      { name: 'lost frames', value: row.accepted - row.received, unit: 'count', threshold: 0 },
      { name: 'frames out of order', value: row.outOfOrder, unit: 'count', threshold: 0 },
    ],
    cause: 'The connection broke, or frames were lost between the buffer and the peer.',
    recommendation: 'If the connection did not break this is a defect; please report it with this report.',
  };
}

export function bufferingSection(rows: readonly BufferingRow[], findings: readonly Finding[]): ReportSection {
  return sectionOf('Message buffering', findings, {
    paragraphs: [
      "Numbered frames are sent as fast as they are accepted; the peer counts what arrives. 'full' means not accepted: a sender that waits for room is refused once each time the buffer fills, one that insists is refused until there is room.",
    ],
    tables: [
      {
        columns: [
          'transport',
          'reader',
          'sender',
          'sends',
          'overflow',
          'Seed (overflow)',
          'arrived',
          'watermark crossings',
          'without room',
          'most waiting',
          'GC',
        ],
        rows: rows.map((row) => [
          row.transport,
          row.reader,
          row.sender,
          countText(row.sends),
          shareText(overflowShare(row)),
          seedWords(seedIdOf('buffering', row.transport)),
          `${countText(row.received)} of ${countText(row.accepted)}`,
          countText(row.watermarkCrossings),
          shareText(Math.min(1, row.backpressureMs / 1_000 / Math.max(row.seconds, 1e-9))),
          megabytesText(row.bufferedBytesMax),
          msText(row.gcPauseMs),
        ]),
      },
    ],
    charts: [
      barChart(
        'buffering',
        'Sends answered full, of a sender that waits',
        'share of sends, %',
        rows
          .filter(({ sender }) => sender === 'waits')
          .map((row) => [`${row.transport}, ${row.reader} reader`, overflowShare(row) * 100]),
        [{ y: thresholds.overflowShareCritical * 100, label: 'critical' }],
      ),
    ],
  });
}
