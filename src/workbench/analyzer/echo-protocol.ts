/** What an echo server is started with, and what it and who started it say to each other. */
import type { TransportOptions } from '../../transports/transport.js';

/** The argument of the process, as JSON, or the data of the worker. */
export interface EchoAssignment {
  readonly url: string;
  readonly implementation?: TransportOptions['implementation'];
  /**
   * 'echo': an MCP server with the tools of echo-subjects.ts. 'sink': takes frames and answers the frame "end" with what
   * it got; it reads at most readBytesPerSecond.
   */
  readonly role: 'echo' | 'sink';
  readonly readBytesPerSecond?: number;
}

export type FromEcho =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'failed'; readonly message: string };

/** What a sink answers "end" with, as JSON. */
export interface SinkReceipt {
  readonly frames: number;
  readonly bytes: number;
  /** Frames that did not carry the number after that of the one before. */
  readonly outOfOrder: number;
}
