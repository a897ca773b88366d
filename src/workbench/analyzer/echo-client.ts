/** A client that believes no answer: each is compared with what was sent. */
import { performance } from 'node:perf_hooks';
import { RingwireError } from '../../errors.js';
import { connect, type McpClient } from '../../mcp/client.js';
import type { ConnectOptions, Target } from '../../mcp/client-options.js';
import type { EchoUsage } from './own-usage.js';

export interface Outcome {
  readonly ms: number;
  /** Undefined where the answer was the echo of what was sent. */
  readonly error?: RingwireError;
  /** There was an answer, and it was not the echo. */
  readonly isWrong?: boolean;
}

export interface EchoClientOptions {
  /** Of each call. Default 10,000. */
  readonly timeoutMs?: number;
  /** Whether the client connects anew by itself. Default false, so that a lost connection shows. */
  readonly reconnect?: boolean;
  readonly transport?: ConnectOptions['transport'];
}

const filler = 'The quick brown fox jumps over the lazy dog. ';

/** Text of exactly this many bytes, no two of the same: the answer of another call is no echo. */
export class EchoTexts {
  readonly #tail: string;
  readonly #bytes: number;
  #next = 0;

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#tail = filler.repeat(Math.ceil(bytes / filler.length)).slice(0, bytes);
  }

  next(): string {
    const head = `${this.#next++} `;
    // Short ones keep the digits that change.
    return head.length >= this.#bytes
      ? head.trimEnd().padStart(this.#bytes, '0').slice(-this.#bytes)
      : head + this.#tail.slice(head.length);
  }
}

export class EchoClient {
  readonly client: McpClient;
  readonly #timeoutMs: number;

  private constructor(client: McpClient, timeoutMs: number) {
    this.client = client;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects as connect() does. */
  static async open(
    target: Target,
    { timeoutMs = 10_000, reconnect = false, transport }: EchoClientOptions = {},
  ): Promise<EchoClient> {
    const client = await connect(target, {
      era: 'modern',
      reconnect,
      transport: { stderr: 'ignore', ...transport },
    });
    return new EchoClient(client, timeoutMs);
  }

  /** Never rejects. */
  async call(text: string): Promise<Outcome> {
    const startedAt = performance.now();
    try {
      const { content, isError } = await this.client.callTool(
        'echo',
        { text },
        { timeoutMs: this.#timeoutMs },
      );
      const ms = performance.now() - startedAt;
      const [first] = content ?? [];
      if (isError !== true && first?.type === 'text' && first.text === text) return { ms };
      return { ms, isWrong: true, error: notTheEcho(text, first) };
    } catch (error) {
      return { ms: performance.now() - startedAt, error: asRingwireError(error) };
    }
  }

  /** Undefined where the server is none of ours. */
  async usage(): Promise<EchoUsage | undefined> {
    try {
      return await this.client.request<EchoUsage>('workbench/usage');
    } catch (error) {
      if (error instanceof RingwireError) return undefined;
      throw error;
    }
  }

  /** Never rejects: a connection that is lost already is closed. */
  async close(): Promise<void> {
    await this.client.close({ drainTimeoutMs: 0 }).catch(() => {});
  }
}

export function asRingwireError(error: unknown): RingwireError {
  return error instanceof RingwireError
    ? error
    : new RingwireError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
}

function notTheEcho(sent: string, got: unknown): RingwireError {
  const shown = (JSON.stringify(got) ?? 'nothing').slice(0, 100);
  return new RingwireError(
    'FRAME_INVALID',
    `${JSON.stringify(sent.slice(0, 40))} was answered with ${shown}, which is not its echo.`,
  );
}
