/** What finding the handler of a call costs, by how many there are to choose from. */
import { countText, msText, rateText } from '../figure-text.js';
import type { Finding } from '../finding.js';
import type { ReportSection } from '../report/page.js';
import { seedWords } from '../seed-figures.js';
import { thresholds } from '../thresholds.js';
import { sectionOf } from './section.js';

export interface RoutingRow {
  /** 'tools', 'resources' or 'methods'. */
  readonly registry: string;
  readonly entries: number;
  /** Calls that were right, each of another entry, with many in flight. */
  readonly callsPerSecond: number;
  /** Of one call at a time. */
  readonly meanMs: number;
  readonly p99Ms: number;
  /** Callers of the concurrent part, and calls that waited at most when calls came at the wanted rate. */
  readonly callers: number;
  readonly wantedPerSecond: number;
  readonly queueDepthMax: number;
  readonly errors: number;
}

export const routingRules = ['dispatch-queue', 'dispatch-slow', 'dispatch-scaling'] as const;

/** More entries may cost a call this much of the rate; a lookup that walks a list costs far more. */
const scalingShare = 0.25;

export function routingFindings(rows: readonly RoutingRow[]): readonly Finding[] {
  return [...queues(rows), ...slow(rows), ...scaling(rows)];
}

function nameOf({ registry, entries }: RoutingRow): string {
  return `${countText(entries)} ${registry}`;
}

function* queues(rows: readonly RoutingRow[]): Generator<Finding> {
  const [worst] = [...rows].sort((a, b) => b.queueDepthMax - a.queueDepthMax);
  if (worst === undefined || worst.queueDepthMax <= thresholds.queueDepthCritical) return;
  yield {
    rule: 'dispatch-queue',
    component: 'dispatch',
    severity: 'critical',
    summary: `With ${nameOf(worst)}, ${countText(worst.queueDepthMax)} calls waited while ${countText(worst.wantedPerSecond)} a second came in.`,
    evidence: [
      {
        name: 'calls waiting',
        value: worst.queueDepthMax,
        unit: 'count',
        threshold: thresholds.queueDepthCritical,
      },
      { name: 'wanted', value: worst.wantedPerSecond, unit: 'calls/s' },
      { name: 'rate with many in flight', value: worst.callsPerSecond, unit: 'calls/s' },
    ],
    cause: 'Calls come faster than the server dispatches them.',
    recommendation:
      'Serve with more processes, or refuse early: a limit on calls in flight (maxInFlight) keeps the queue short.',
  };
}

function* slow(rows: readonly RoutingRow[]): Generator<Finding> {
  const [worst] = [...rows].sort((a, b) => b.meanMs - a.meanMs);
  if (worst === undefined || worst.meanMs <= thresholds.latencyMeanMs) return;
  yield {
    rule: 'dispatch-slow',
    component: 'dispatch',
    severity: worst.meanMs > thresholds.latencyMeanMsHigh ? 'high' : 'medium',
    summary: `A lone call among ${nameOf(worst)} takes ${msText(worst.meanMs)} on average.`,
    evidence: [
      { name: 'mean latency', value: worst.meanMs, unit: 'ms', threshold: thresholds.latencyMeanMs },
      { name: 'p99 latency', value: worst.p99Ms, unit: 'ms' },
    ],
    cause: 'Finding and calling the handler takes long, or the host is busy with something else.',
    recommendation: 'Profile the server: time in dispatch is the registry, time in the handler is not.',
  };
}

function* scaling(rows: readonly RoutingRow[]): Generator<Finding> {
  for (const registry of new Set(rows.map((row) => row.registry))) {
    const own = rows.filter((row) => row.registry === registry).sort((a, b) => a.entries - b.entries);
    const [fewest, most] = [own[0], own[own.length - 1]];
    const share = most.callsPerSecond / fewest.callsPerSecond;
    if (own.length < 2 || fewest.callsPerSecond === 0 || share >= scalingShare) continue;
    yield {
      rule: 'dispatch-scaling',
      component: 'dispatch',
      severity: 'medium',
      summary: `With ${nameOf(most)} the rate is ${Math.round(share * 100)} % of that with ${countText(fewest.entries)}.`,
      evidence: [
        { name: 'rate of the rate with few entries', value: share, unit: 'share', threshold: scalingShare },
        { name: 'rate with most entries', value: most.callsPerSecond, unit: 'calls/s' },
        { name: 'rate with fewest entries', value: fewest.callsPerSecond, unit: 'calls/s' },
      ],
      cause: 'A lookup costs more the more there is registered.',
      recommendation:
        'Look names up in a map; URIs that a template matches are tried one after the other, so register fixed ones as resources.',
    };
  }
}

export function routingSection(rows: readonly RoutingRow[], findings: readonly Finding[]): ReportSection {
  const registries = [...new Set(rows.map(({ registry }) => registry))];
  return sectionOf('Registry and dispatch routing', findings, {
    paragraphs: [
      'Calls of entries drawn at random from a registry of many, over TCP: one at a time for the latency, many at once for the rate, and at a fixed rate for the calls that wait.',
    ],
    tables: [
      {
        columns: [
          'registry',
          'entries',
          'rate',
          'Seed (rate)',
          'mean',
          'p99',
          'Seed (latency)',
          'callers',
          'most waiting',
          'Seed (waiting)',
          'errors',
        ],
        rows: rows.map((row) => [
          row.registry,
          countText(row.entries),
          rateText(row.callsPerSecond),
          seedWords('routing.rate'),
          msText(row.meanMs),
          msText(row.p99Ms),
          seedWords('routing.latency'),
          countText(row.callers),
          `${countText(row.queueDepthMax)} at ${rateText(row.wantedPerSecond)}`,
          seedWords('routing.queue'),
          countText(row.errors),
        ]),
      },
    ],
    charts: [
      {
        id: 'routing',
        title: 'Calls a second by registered entries',
        kind: 'line',
        x: { label: 'entries', scale: 'log' },
        y: { label: 'calls a second' },
        series: registries.map((registry) => {
          const own = rows.filter((row) => row.registry === registry);
          return {
            name: registry,
            x: own.map(({ entries }) => entries),
            y: own.map(({ callsPerSecond }) => callsPerSecond),
          };
        }),
      },
    ],
  });
}
