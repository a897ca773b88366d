/**
 * Which layer a frame's time belongs to. Read from the outermost caller inwards: a frame that is certain of its layer says
 * it, any other (a copy in libc, an allocation of V8, a helper of Node-API) works for the one that called it.
 */
import type { Layer } from '../sample.js';
import { type FoldedStack, type Frame, isScript, type Recording } from './frame.js';
import { nativeLayer } from './native-layers.js';

/** In the order of a call's way through the server; how tables and legends show them. */
export const layerOrder: readonly Layer[] = [
  'transport',
  'framing',
  'scan',
  'dispatch',
  'handler',
  'serialise',
  'write',
  'gc',
  'kernel',
  'node',
  'other',
];

/** What tables say about each. */
export const layerMeaning: Readonly<Record<Layer, string>> = {
  transport: 'connections: accepting, polling and reading sockets, HTTP and WebSocket engines',
  framing: 'cutting bytes into messages: HTTP parsers, WebSocket frames, lines',
  scan: 'reading envelopes and parsing JSON',
  dispatch: 'finding the handler, checking its input, calls in flight',
  handler: 'code of the application and of its packages',
  serialise: 'making JSON of answers, compression',
  write: 'handing bytes to the socket: queues and the send system calls, with the loopback behind them',
  gc: 'garbage collection',
  kernel: 'the operating system other than reading and sending: polling, switching tasks, page faults',
  node: 'Node.js and V8 themselves: event loop, timers, compiling',
  other: 'what none of these names',
};

/** By path in our sources; the first that fits. */
const ownPaths: readonly (readonly [RegExp, Layer])[] = [
  [/^(?:workbench|cli)\//, 'handler'],
  [/^(?:transports\/send-queue|rpc\/outbox)/, 'write'],
  [
    /^(?:serialization\/framing|transports\/http\/uws\/head|mcp\/http-client\/sse|mcp\/http\/legacy\/http-sse)/,
    'framing',
  ],
  [/^(?:serialization\/(?:envelope|json-depth)|rpc\/frame-reader|mcp\/http\/light-call)/, 'scan'],
  [/^(?:serialization|rpc\/json-text|transports\/http\/(?:content-coding|prepared-gzip))/, 'serialise'],
  [/^(?:transports|buffers)\//, 'transport'],
  [/^(?:errors\.ts|(?:rpc|mcp|routing|resilience|security|cache|gateway|supervision)\/)/, 'dispatch'],
];

/** Names say it where a file does several things. */
const writingName = /(?:^|[ .#])(?:write|send|flush|cork|uncork|tryEnd|end$)/i;
const serialisingName = /serialis|stringify|encode/i;

/** Packages of ours and of the transports; all others are the application's. */
const packages: Readonly<Record<string, Layer>> = {
  ws: 'transport',
  undici: 'transport',
  ajv: 'dispatch',
  'fast-uri': 'dispatch',
  'fast-deep-equal': 'dispatch',
  msgpackr: 'serialise',
  '@modelcontextprotocol/sdk': 'dispatch',
  '@modelcontextprotocol/server': 'dispatch',
  express: 'dispatch',
  fastify: 'dispatch',
};

const nodeTransports =
  /^node:(?:net|tls|dgram|http2?$|https|_http_|_tls_|internal\/(?:stream_base_commons|net|http|tls|js_stream_socket))/;
const nodeWrites =
  /(?:^|[ .#])(?:_?writev?|writevGeneric|writeGeneric|handleWriteReq|_send|_writeRaw|_storeHeader|_flush\w*|end|clearBuffer|afterWrite\w*|doWrite)$/i;
/** Start a new stretch of work, whoever called. */
const nodeLoop = /^node:internal\/(?:process|timers|bootstrap|modules|async_hooks)/;

function ownLayer(path: string, name: string): Layer {
  const layer = ownPaths.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
  if (layer === 'transport' && writingName.test(name)) return 'write';
  return layer !== 'handler' && serialisingName.test(name) ? 'serialise' : layer;
}

/** undefined: that of the caller. */
function scriptLayer({ name, file = '' }: Frame): Layer | undefined {
  const own = /(?:^|\/)ringwire\/src\/(.+)$/.exec(file);
  if (own !== null) return ownLayer(own[1], name);
  const installed = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file);
  if (installed !== null) return packages[installed[1]] ?? 'handler';
  if (!file.startsWith('node:')) return file === '' ? undefined : 'handler';
  if (nodeTransports.test(file)) {
    if (/^parserOn/.test(name)) return 'framing';
    return nodeWrites.test(name) ? 'write' : 'transport';
  }
  return nodeLoop.test(file) ? 'node' : undefined;
}

/** Where a stack is while it is read inwards. */
export interface Place {
  readonly layer?: Layer;
  /** Of the nearest function of JavaScript. */
  readonly script?: Layer;
  readonly inKernel?: boolean;
}

const idle = new Set<Frame['kind']>(['idle']);

/** One frame further in. */
export function enter(place: Place, frame: Frame): Place {
  if (frame.kind === 'gc') return { ...place, layer: 'gc' };
  if (isScript(frame)) {
    const layer = scriptLayer(frame) ?? place.layer ?? 'node';
    return { layer, script: layer };
  }
  // What the collector, or a system call, does inside is theirs.
  if (place.layer === 'gc') return place;
  const own = nativeLayer(frame);
  if (frame.kind === 'kernel') {
    if (own !== undefined) return { ...place, layer: own, inKernel: true };
    return place.inKernel === true ? place : { ...place, layer: 'kernel', inKernel: true };
  }
  // A handler that parses or prints JSON does its own work.
  if (own === undefined || ((own === 'scan' || own === 'serialise') && place.script === 'handler'))
    return place.layer === undefined && frame.kind !== 'program' ? { ...place, layer: 'node' } : place;
  return { ...place, layer: own };
}

/** The layer its innermost frame works for. */
export function stackLayer(frames: readonly Frame[]): Layer {
  let place: Place = {};
  for (const frame of frames) place = enter(place, frame);
  return place.layer ?? 'other';
}

/** Waiting costs no processor time: samples taken then are no part of any share. */
export function isIdle({ frames }: FoldedStack): boolean {
  const last = frames.at(-1);
  return last !== undefined && idle.has(last.kind);
}

/** Samples, or bytes, that shares are of. */
export function totalOf({ stacks }: Recording): number {
  return stacks.reduce((sum, stack) => (isIdle(stack) ? sum : sum + stack.count), 0);
}

/** Share of each layer that was seen; they sum to 1. Empty where nothing was recorded. `layers` of a Sample. */
export function profileLayers(recording: Recording): Partial<Record<Layer, number>> {
  const total = totalOf(recording);
  const counts = new Map<Layer, number>();
  for (const stack of recording.stacks) {
    if (isIdle(stack)) continue;
    const layer = stackLayer(stack.frames);
    counts.set(layer, (counts.get(layer) ?? 0) + stack.count);
  }
  return Object.fromEntries(
    layerOrder.flatMap((layer) => {
      const count = counts.get(layer);
      return count === undefined ? [] : [[layer, count / total]];
    }),
  );
}
