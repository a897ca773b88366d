/** What a measured server is started with, and what it and its parent say to each other over Node's IPC channel. */
import type { Encoding } from '../../serialization/codec.js';
import type { Implementation, TuningProfile } from '../../transports/transport.js';

/** The longest message of a measured server. */
export const measuredFrameBytes = 64 * 1024 * 1024;

/** What can be measured: each is served by a process of its own. */
export const measuredTransports = ['stdio', 'tcp', 'unix', 'http', 'http2', 'ws'] as const;
export type MeasuredTransport = (typeof measuredTransports)[number];

export interface MeasuredServerOptions {
  readonly transport: MeasuredTransport;
  /** Default 'auto'. */
  readonly implementation?: 'auto' | Implementation;
  /** Of http and ws. Default 'auto'; http2 always takes 'node'. */
  readonly engine?: 'auto' | 'uws' | 'node';
  /** Socket tuning of the listener. Default none: the kernel's. */
  readonly profile?: TuningProfile;
  /** Offered to clients that ask. Default none: JSON. */
  readonly encodings?: readonly Encoding[];
  /** Pins the server to this core, where taskset is there. Not on stdio, where whoever connects starts the process. */
  readonly core?: number;
  /** Flags of Node.js for the server's process: those of a profiler. */
  readonly nodeFlags?: readonly string[];
}

/** The argument of the server's process, as JSON. */
export interface ServerAssignment {
  readonly url: string;
  readonly implementation?: 'auto' | Implementation;
  readonly engine?: 'auto' | 'uws' | 'node';
  readonly http2?: boolean;
  readonly profile?: TuningProfile;
  readonly encodings?: readonly Encoding[];
  /** Removed when the process ends: where its Unix socket is. */
  readonly folder?: string;
}

/** Of the server's process, since it started where nothing else is said. */
export interface ServerUsage {
  /** Processor time of all its threads, user and system. */
  readonly cpuUs: number;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Where V8 gives up. */
  readonly heapLimitBytes: number;
  readonly externalBytes: number;
  readonly gc: {
    readonly count: number;
    readonly majorCount: number;
    readonly pauseMs: number;
    /** Since it was asked before. */
    readonly longestPauseMs: number;
  };
  /** How late its timers ran since the usage was asked for before. */
  readonly eventLoopLagMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Milliseconds in which its event loop was at work. */
  readonly eventLoopActiveMs: number;
  /** What serves its connections in fact; undefined before the first one, and over HTTP. */
  readonly implementation?: Implementation;
  /** Of HTTP and WebSocket. */
  readonly engine?: 'uws' | 'node';
  /** Instruction set of the native scanner; undefined where it is not native. */
  readonly simd?: string;
}

export type FromServer =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'usage'; readonly id: number; readonly usage: ServerUsage };

export type ToServer = { readonly kind: 'usage'; readonly id: number };
