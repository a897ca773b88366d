/** What all tests and analyses take. */
import type { Sample } from '../../analysis/sample.js';
import { RingwireError } from '../../errors.js';
import type { Target } from '../../mcp/client-options.js';
import type { TransportOptions } from '../../transports/transport.js';
import { type EchoServer, startEchoServer } from './echo-server.js';
import type { AnalyzedTransport } from './transports.js';

export interface AnalyzerOptions {
  /**
   * Servers to test in place of ours, by transport. Each has an MCP tool `echo` that gives `text` back. The six analyses
   * start and kill servers, and take ours always.
   */
  readonly servers?: Partial<Record<AnalyzedTransport, Target>>;
  /** Of the servers that are started. Default 'auto'. */
  readonly implementation?: TransportOptions['implementation'];
  /** Each sample as it is taken. */
  readonly onSample?: (sample: Sample) => void;
  /** What is being done, for people: one line each. */
  readonly onProgress?: (text: string) => void;
  /** Ends what runs; it rejects with CANCELLED. */
  readonly signal?: AbortSignal;
}

/** Throws CANCELLED once the signal is aborted. */
export function checkNotAborted({ signal }: Pick<AnalyzerOptions, 'signal'>): void {
  if (signal?.aborted === true) throw new RingwireError('CANCELLED', 'The analysis was cancelled.');
}

/** Runs `work` with a server that is stopped afterwards. */
export async function withServer<Result>(
  transport: AnalyzedTransport,
  options: AnalyzerOptions,
  work: (target: Target, server: EchoServer | undefined) => Promise<Result>,
): Promise<Result> {
  const given = options.servers?.[transport];
  if (given !== undefined) return work(given, undefined);
  const server = await startEchoServer(transport, { implementation: options.implementation });
  try {
    return await work(server.target, server);
  } finally {
    await server.stop();
  }
}
