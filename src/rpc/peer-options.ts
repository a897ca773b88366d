/** Options of a Peer, and what they are where they are left out. */
import { RingwireError } from '../errors.js';
import * as limits from '../limits.js';
import { CallMeter } from '../observability/call-meter.js';
import type { EnvelopeScanner } from '../serialization/envelope.js';
import { DeadlineQueue } from './deadline-queue.js';
import { Dispatcher } from './dispatcher.js';
import type { Peer } from './peer.js';

export interface PeerOptions {
  /** Serves incoming calls; may be shared by many peers. Default: an empty one of its own. */
  readonly dispatcher?: Dispatcher;
  /**
   * Calls of the other side whose handlers are at work at once. The excess is answered with -32603 and
   * `data: {"code":"OVERLOADED","retryable":true}`; excess notifications are dropped. Default maxInFlight.
   */
  readonly maxInFlight?: number;
  /** Ends a request() that names no timeout. Default defaultTimeoutMs. */
  readonly defaultTimeoutMs?: number;
  /** Ends a request() however often progress restarted its timeout. Default maxTimeoutMs. */
  readonly maxTimeoutMs?: number;
  /**
   * Ends a call being served: its signal aborts and the caller gets -32603 with
   * `data: {"code":"DEADLINE_EXCEEDED","retryable":true}`. progress() and extendDeadline() start it anew.
   * Default maxTimeoutMs, because the caller's own, shorter timeout is not known here.
   */
  readonly servedTimeoutMs?: number;
  /** Nested arrays and objects in a frame. Default maxDepth. */
  readonly maxDepth?: number;
  /** Whether batch arrays are served; a function is asked per array. Default false: MCP has none since 2025-06-18. */
  readonly batches?: boolean | ((peer: Peer) => boolean);
  /** Default maxBatchMessages. */
  readonly maxBatchMessages?: number;
  /** Whether the end of the connection aborts the calls it brought. Default true. */
  readonly cancelOnDisconnect?: boolean;
  /**
   * Whether a malformed frame is answered (id null, -32700 or -32600). Default true. connectRpc() takes false:
   * a stray line on a server's output is no request to be answered.
   */
  readonly answerMalformed?: boolean;
  /**
   * Whether calls at work are still answered after the other side said that it sends no more (the end of stdin, half
   * a TCP connection). They get drainTimeoutMs; calls without a deadline end at once. Default true. connectRpc()
   * takes false and closes: a server that sends no more is gone.
   */
  readonly answerAfterEnd?: boolean;
  /** Sends message and code of unexpected errors to the caller instead of "Internal error". Default false. */
  readonly exposeErrors?: boolean;
  /** Bytes of messages that may wait when the transport is full. Default maxBacklogBytes. */
  readonly maxBacklogBytes?: number;
  /** A connection whose replies do not move for this long is cut. Default stallTimeoutMs. */
  readonly stallTimeoutMs?: number;
  /** Deadlines and clock; share one among many peers. Default: a queue of its own on the system's clock. */
  readonly deadlines?: DeadlineQueue;
  /** Scans the frames, to maxDepth of its own; share one among many peers. Default: one of its own. */
  readonly scanner?: EnvelopeScanner;
  /**
   * Numbers our requests. Peers that get each other's replies, as those of one HTTP session do, share one so that no
   * two requests have the same id. Default: counts from 1.
   */
  readonly nextRequestId?: () => number;
  /** What happens is counted here; share one among peers that count together. Default: of each peer's own. */
  readonly counters?: PeerCounters;
  /** Counts and times the calls of the other side while it is on; a server's is shared by all its peers. */
  readonly meter?: CallMeter;
  /** Called before the first frame is delivered: the place to attach data. */
  readonly onOpen?: (peer: Peer) => void;
  /** The end, once, after all pending requests were rejected. */
  readonly onClose?: (error: RingwireError | undefined, peer: Peer) => void;
  /** A frame that is no message, or a reply nobody waits for. The connection lives on. */
  readonly onProtocolError?: (error: RingwireError, peer: Peer) => void;
  /** A handler threw something that is no RpcError, which the caller does not get to see. For the log. */
  readonly onHandlerError?: (error: unknown, method: string, peer: Peer) => void;
}

/** What happened on one connection so far, as counts. */
export interface PeerCounters {
  /** Frames that are no JSON-RPC message. */
  malformedFrames: number;
  /** Replies to no request of ours: late or foreign. */
  unknownReplies: number;
  /** Outcomes of handlers that came after cancellation, deadline or disconnect, and were dropped. */
  lateOutcomes: number;
  /** Requests and notifications beyond maxInFlight. */
  overloaded: number;
  /** Calls the other side cancelled. */
  cancelled: number;
  /** Calls, ours or the other side's, that met their deadline. */
  deadlinesExceeded: number;
}

/** Of peers that no server watches. */
const unwatched = new CallMeter();

export function newCounters(): PeerCounters {
  return {
    malformedFrames: 0,
    unknownReplies: 0,
    lateOutcomes: 0,
    overloaded: 0,
    cancelled: 0,
    deadlinesExceeded: 0,
  };
}

export interface CloseOptions {
  /** How long calls being served may go on. Default drainTimeoutMs; 0 aborts them at once. */
  readonly drainTimeoutMs?: number;
}

/** PeerOptions with every default filled in and every number checked. */
export type ResolvedPeerOptions = ReturnType<typeof resolveAnew>;

function positive(
  name: string,
  value: number | undefined,
  fallback: number,
  atMost = Number.MAX_VALUE,
): number {
  const number = value ?? fallback;
  if (typeof number !== 'number' || !(number > 0) || number > atMost) {
    throw new RingwireError(
      'CONFIG_INVALID',
      `"${name}" must be a number above 0${
        atMost === Number.MAX_VALUE ? '' : ` and at most ${atMost}`
      }, not ${String(number)}.`,
    );
  }
  return number;
}

/** Options that were resolved already: for those who make a Peer for each message. */
const resolved = new WeakSet<object>();

/** Throws CONFIG_INVALID that names the option. What it returned before is returned as it is. */
export function resolvePeerOptions(options: PeerOptions): ResolvedPeerOptions {
  if (resolved.has(options)) return options as ResolvedPeerOptions;
  const made = resolveAnew(options);
  resolved.add(made);
  return made;
}

function resolveAnew(options: PeerOptions) {
  const { batches = false } = options;
  const maxTimeoutMs = positive('maxTimeoutMs', options.maxTimeoutMs, limits.maxTimeoutMs);
  return {
    ...options,
    dispatcher: options.dispatcher ?? new Dispatcher(),
    deadlines: options.deadlines ?? new DeadlineQueue(),
    meter: options.meter ?? unwatched,
    maxInFlight: positive('maxInFlight', options.maxInFlight, limits.maxInFlight),
    maxTimeoutMs,
    defaultTimeoutMs: positive(
      'defaultTimeoutMs',
      options.defaultTimeoutMs,
      Math.min(limits.defaultTimeoutMs, maxTimeoutMs),
    ),
    servedTimeoutMs: positive('servedTimeoutMs', options.servedTimeoutMs, limits.maxTimeoutMs),
    maxDepth: positive('maxDepth', options.maxDepth, limits.maxDepth, limits.maxDepthLimit),
    batches: typeof batches === 'function' ? batches : (_peer: Peer) => batches,
    maxBatchMessages: positive('maxBatchMessages', options.maxBatchMessages, limits.maxBatchMessages),
    maxBacklogBytes: positive('maxBacklogBytes', options.maxBacklogBytes, limits.maxBacklogBytes),
    stallTimeoutMs: positive('stallTimeoutMs', options.stallTimeoutMs, limits.stallTimeoutMs),
    cancelOnDisconnect: options.cancelOnDisconnect ?? true,
    answerMalformed: options.answerMalformed ?? true,
    answerAfterEnd: options.answerAfterEnd ?? true,
    exposeErrors: options.exposeErrors ?? false,
  };
}
