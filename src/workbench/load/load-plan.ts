/** What a load generator is asked to do and what it answers, whichever generator it is. */
import type { HistogramJson } from '../../observability/histogram.js';

/** What is loaded: an address, or a command whose stdin and stdout are the connection. */
export type LoadTarget =
  | {
      /** tcp, tls, unix, http, https, ws or wss. */
      readonly url: string;
      /** HTTP/2 with prior knowledge on http, by ALPN on https. */
      readonly http2?: boolean;
      /** Sent with every request of http and with the handshake of ws. */
      readonly headers?: Readonly<Record<string, string>>;
      /** Accept a certificate nobody vouches for. */
      readonly insecure?: boolean;
    }
  | { readonly command: readonly string[] };

/**
 * Which protocol the requests are of: MCP 2026-07-28 (`_meta`, header fields), an older MCP revision (initialize, session
 * id) or JSON-RPC 2.0 alone.
 */
export type LoadEra = 'modern' | 'legacy' | 'none';

/** One kind of request. With several, each request's kind is drawn by weight from a seeded generator. */
export interface LoadOperation {
  /** What reports call it: 'read', 'call', 'subscribe'. */
  readonly name: string;
  /** Relative to the other operations'. */
  readonly weight: number;
  readonly method: string;
  /** Without `_meta`: the generator adds what the era wants. */
  readonly params: Readonly<Record<string, unknown>>;
  /**
   * 'result' (default): any result without `isError`, of the length of the first one; a result of another length is read
   * whole and checked. 'any-result': any result without `isError`. 'subscription': `subscriptions/listen`, which counts
   * when it is acknowledged and is cancelled then.
   */
  readonly expect?: 'result' | 'any-result' | 'subscription';
}

export interface LoadPlan {
  readonly target: LoadTarget;
  readonly era: LoadEra;
  readonly operations: readonly LoadOperation[];
  readonly connections: number;
  /** Requests in flight on each connection (closed loop), or at most (open loop; undefined: as many as it takes). */
  readonly depth?: number;
  /** Requests per second over all connections, on a fixed schedule: the open loop. Undefined: the closed loop. */
  readonly rate?: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** The server's process, for its CPU and memory; of a command it is known. */
  readonly serverPid?: number;
  /** Pins the generator, and a command it starts, to these cores. Linux only. */
  readonly cores?: { readonly generator?: number; readonly server?: number };
  /** 'auto' takes the native generator where it is and serves the target. */
  readonly generator?: 'auto' | 'native' | 'javascript';
  /** Milliseconds between two progress reports. Default 1,000. */
  readonly intervalMs?: number;
}

/** One interval, while the load runs. Latencies in microseconds, from the scheduled send in the open loop. */
export interface LoadInterval {
  /** Seconds since measuring began; this is the end of the interval. Warm-up has negative ones. */
  readonly atSeconds: number;
  readonly seconds: number;
  readonly messages: number;
  readonly rate: number;
  readonly errors: number;
  readonly inFlight: number;
  readonly p50us: number;
  readonly p90us: number;
  readonly p95us: number;
  readonly p99us: number;
  readonly p999us: number;
  readonly maxUs: number;
  /** Cores. */
  readonly generatorCpu: number;
  readonly serverCpu?: number;
  readonly serverRssMb?: number;
  /** Open loop: how late the generator itself was. */
  readonly lateP99us?: number;
}

export interface OperationReport {
  readonly name: string;
  readonly messages: number;
  readonly errors: number;
  readonly p50us: number;
  readonly p95us: number;
  readonly p99us: number;
  readonly maxUs: number;
}

/** The measured window as a whole, warm-up left out. */
export interface LoadReport {
  readonly mode: 'open' | 'closed';
  readonly generator: 'native' | 'javascript';
  readonly transport: string;
  readonly connections: number;
  readonly depth?: number;
  readonly targetRate?: number;
  readonly messages: number;
  readonly seconds: number;
  readonly rate: number;
  /** Answers that were wrong, which count as messages too, requests without one, and what else went wrong. */
  readonly errors: number;
  /** Of them, requests without an answer. */
  readonly lost: number;
  readonly firstError?: string;
  readonly meanUs: number;
  readonly p50us: number;
  readonly p90us: number;
  readonly p95us: number;
  readonly p99us: number;
  readonly p999us: number;
  readonly p9999us: number;
  readonly maxUs: number;
  /** Nanoseconds. */
  readonly histogram: HistogramJson;
  readonly operations: readonly OperationReport[];
  readonly intervals: readonly LoadInterval[];
  readonly generatorCpu: number;
  readonly lateP99us?: number;
  readonly lateMaxUs?: number;
  /** Why the figures are the generator's and not the server's; undefined where they are the server's. */
  readonly saturation?: string;
  readonly serverCpu?: number;
  readonly cpuUsPerMsg?: number;
  readonly rssMb?: number;
  readonly rssPeakMb?: number;
  readonly requestBytes: number;
  readonly replyBytes: number;
}

export interface LoadWatch {
  onInterval?(interval: LoadInterval): void;
  /** Ends the run early; what was measured so far is reported. */
  readonly signal?: AbortSignal;
}
