/** Samples as JSON lines: one object a line, as `ringwire top --json` writes them. */
import { layerOrder } from '../../analysis/flame/layers.js';
import type { Sample } from '../../analysis/sample.js';
import { RingwireError } from '../../errors.js';

/** A field's kind; '!' marks one that must be there. */
type Shape = { readonly [name: string]: 'number' | 'number!' | 'text' | Shape };

const latency: Shape = {
  count: 'number!',
  meanMs: 'number!',
  p50Ms: 'number!',
  p95Ms: 'number!',
  p99Ms: 'number!',
  p999Ms: 'number!',
  maxMs: 'number!',
};

const calls: Shape = {
  calls: 'number!',
  errors: 'number!',
  latency,
  inFlight: 'number',
  queueDepth: 'number',
  queuedBytes: 'number',
  overflows: 'number',
  sends: 'number',
  watermarkCrossings: 'number',
  backpressureMs: 'number',
  connections: 'number',
};

const processShape: Shape = {
  pid: 'number',
  cpu: 'number',
  processorWaitMs: 'number',
  rssBytes: 'number',
  heapUsedBytes: 'number',
  heapAfterGcBytes: 'number',
  heapTotalBytes: 'number',
  heapLimitBytes: 'number',
  externalBytes: 'number',
  eventLoopLagMs: { p50: 'number!', p99: 'number!', max: 'number!' },
  eventLoopUtilization: 'number',
  gc: { count: 'number!', majorCount: 'number!', pauseMs: 'number!', longestPauseMs: 'number!' },
  descriptors: 'number',
  descriptorLimit: 'number',
  threads: 'number',
  networkBytes: { received: 'number!', sent: 'number!' },
  diskBytes: { read: 'number!', written: 'number!' },
};

const sample: Shape = {
  atMs: 'number!',
  intervalMs: 'number!',
  series: 'text',
  calls,
  process: processShape,
  generator: { cpu: 'number', lateP99Ms: 'number', wanted: 'number' },
  layers: Object.fromEntries(layerOrder.map((name) => [name, 'number'])) as Shape,
};

/**
 * Reads JSON lines of samples; empty lines are skipped, and fields that are not known are left as they are. Throws
 * CONFIG_INVALID with the line and the field that are wrong, and where there is no sample at all.
 */
export function parseSamples(text: string, name: string): readonly Sample[] {
  const samples: Sample[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    samples.push(parseLine(line, `${name}:${index + 1}`));
  }
  if (samples.length === 0)
    throw invalid(`${name} holds no samples: each line must be one, as \`ringwire top --json\` writes them.`);
  return samples;
}

function parseLine(line: string, place: string): Sample {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw invalid(`${place}: this is no JSON: ${(cause as Error).message}.`, cause);
  }
  if (!isObject(value))
    throw invalid(`${place}: a sample is an object, with "atMs" and "intervalMs" at least.`);
  check(value, sample, place, '');
  return value as unknown as Sample;
}

function check(value: Record<string, unknown>, shape: Shape, place: string, path: string): void {
  for (const [name, kind] of Object.entries(shape)) {
    const found = value[name];
    const field = `${path}${name}`;
    if (found === undefined || found === null) {
      if (kind === 'number!') throw invalid(`${place}: "${field}" is missing; it must be a number.`);
    } else if (kind === 'text') {
      if (typeof found !== 'string') throw invalid(`${place}: "${field}" must be text.`);
    } else if (typeof kind === 'string') {
      if (typeof found !== 'number' || !Number.isFinite(found) || found < 0)
        throw invalid(`${place}: "${field}" must be a number of 0 or more, not ${JSON.stringify(found)}.`);
    } else {
      if (!isObject(found)) throw invalid(`${place}: "${field}" must be an object.`);
      check(found, kind, place, `${field}.`);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(message: string, cause?: unknown): RingwireError {
  return new RingwireError('CONFIG_INVALID', message, { cause });
}
