/** A load plan as the generator in C++ reads it: its arguments, and the messages on its standard input. */
import { legacyVersions } from '../../mcp/protocol.js';
import {
  initializeMessage,
  type Message,
  notificationMessage,
  requestMessage,
} from './javascript/message.js';
import type { LoadOperation, LoadPlan } from './load-plan.js';
import { loadEndpoint, transportName } from './transport-name.js';

/** Stands where the id of a request goes; bench/loadgen/src/payload.h knows it as kProbeId. */
const idPlace = '9999999';

/** Over HTTP/2 and TLS there is JavaScript. */
const nativeTransports = new Set(['tcp', 'unix', 'stdio', 'http', 'ws']);

/** The same mix in every run. */
const seed = 20_261_122;

/** Why the generator in C++ cannot run this plan; undefined where it can. */
export function nativeProblem({ target }: LoadPlan): string | undefined {
  const transport = transportName(target);
  return nativeTransports.has(transport)
    ? undefined
    : `the native load generator does not speak ${transport}; the one in JavaScript does`;
}

function addressOf(url: string): string {
  const endpoint = loadEndpoint(url);
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host.replace(/^\[|\]$/g, '')}]` : endpoint.host;
  const path = endpoint.kind === 'http' || endpoint.kind === 'ws' ? endpoint.path : '';
  return `${endpoint.kind}://${host}:${endpoint.port}${path}`;
}

/** Options of the generator that are no part of a plan. */
export interface NativeOptions {
  /** How long each first answer is waited for, and at most 10 s of it for the last ones. Default: 30. */
  readonly answerSeconds?: number;
  /** A file that gets every measured latency, in nanoseconds, one a line. */
  readonly latencies?: string;
}

export function nativeArguments(plan: LoadPlan, options: NativeOptions = {}): string[] {
  const { target, connections, depth, rate, cores } = plan;
  const numbers: Readonly<Record<string, number | undefined>> = {
    connections,
    depth: rate === undefined ? (depth ?? 1) : undefined,
    window: rate === undefined ? undefined : depth,
    rate,
    warmup: plan.warmupSeconds,
    seconds: plan.seconds,
    timeout: options.answerSeconds ?? 30,
    'interval-ms': plan.intervalMs ?? 1_000,
    seed,
    'server-pid': plan.serverPid,
    cpu: cores?.generator,
    'child-cpu': cores?.server,
  };
  const args = Object.entries(numbers).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  if (options.latencies !== undefined) args.push('--latencies', options.latencies);
  const where =
    'command' in target ? ['--', ...target.command] : ['--reconnect', 'yes', '--url', addressOf(target.url)];
  return ['load', ...args, ...where];
}

function fieldLines(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

/** Bytes of a message, one character each, with the place of its id filled in. */
const bodyOf = ({ head, tail }: Message): string => (tail === undefined ? head : `${head}${idPlace}${tail}`);

const part = (name: string, bytes: string): string =>
  bytes === '' ? '' : `${name} ${bytes.length}\n${bytes}\n`;

function operationPart(operation: LoadOperation, { era }: LoadPlan): string {
  const message = requestMessage(operation.method, operation.params, era);
  const expect = operation.expect === 'subscription' ? 'subscription' : 'result';
  const body = bodyOf(message);
  const fields = fieldLines(message.fields);
  const sizes = `${message.head.length} ${body.length} ${fields.length}`;
  return `operation ${operation.weight} ${expect} ${sizes}\n${body}${fields}\n`;
}

/** Ends a subscription; the id stands where the request's does. */
function cancelPart(): string {
  const { head } = notificationMessage('notifications/cancelled', { requestId: Number(idPlace) });
  return `cancel ${head.indexOf(idPlace)} ${head.length}\n${head}\n`;
}

/** Operations that are never drawn; the generator does not hear of them. */
export const isDrawn = ({ weight }: LoadOperation): boolean => weight > 0;

/** What standard input begins with. It then stays open: its end is the end of the run. */
export function nativeInput(plan: LoadPlan): Buffer {
  const { target, era, operations } = plan;
  const headers = 'url' in target ? (target.headers ?? {}) : {};
  const isLegacy = era === 'legacy';
  const parts = [
    part('fields', fieldLines(headers)),
    // The id is a word, because no request of the load has it.
    isLegacy
      ? part('initialize', bodyOf(initializeMessage(legacyVersions[0])).replace(idPlace, '"initialize"'))
      : '',
    isLegacy ? part('initialized', bodyOf(notificationMessage('notifications/initialized'))) : '',
    operations.some(({ expect }) => expect === 'subscription') ? cancelPart() : '',
    ...operations.filter(isDrawn).map((operation) => operationPart(operation, plan)),
    'end\n',
  ];
  return Buffer.from(parts.join(''), 'latin1');
}
