/** Sends numbered frames as fast as they are accepted, to readers that keep up and to readers that do not. */
import { performance } from 'node:perf_hooks';
import { type BufferingRow, bufferingFindings, bufferingSection } from '../../analysis/analyses/buffering.js';
import { RingwireError } from '../../errors.js';
import { highWatermarkBytes } from '../../limits.js';
import { connectTransport } from '../../transports/open.js';
import type { Transport } from '../../transports/transport.js';
import type { AnalysisResult } from './analysis-result.js';
import { type AnalyzerOptions, checkNotAborted } from './analyzer-options.js';
import type { SinkReceipt } from './echo-protocol.js';
import { startEchoServer } from './echo-server.js';
import { ownUsage } from './own-usage.js';
import { pick, turn } from './pace.js';
import type { AnalyzedTransport } from './transports.js';

export interface BufferingOptions extends AnalyzerOptions {
  readonly short?: boolean;
  /** Of stdio, tcp, unix and memory, which carry frames; all of them by default; short: without unix. */
  readonly transports?: readonly BufferedTransport[];
  /** Of the slow reader. Default 16,000,000. */
  readonly readBytesPerSecond?: number;
  /** Default 1,024. */
  readonly frameBytes?: number;
}

export type BufferedTransport = Extract<AnalyzedTransport, 'stdio' | 'tcp' | 'unix' | 'memory'>;

export const bufferedTransports: readonly BufferedTransport[] = ['stdio', 'tcp', 'unix', 'memory'];

/** A receipt that does not come in this time is none. */
const patienceMs = 30_000;
/** Frames between two turns of the event loop, so that what came from the peer is seen. */
const burst = 64;

export async function bufferingAnalysis(
  options: BufferingOptions = {},
): Promise<AnalysisResult<BufferingRow>> {
  const effort = { isShort: options.short === true };
  const { readBytesPerSecond = 16_000_000, frameBytes = 1_024 } = options;
  const transports = options.transports ?? pick(effort, ['stdio', 'tcp', 'memory'], bufferedTransports);
  const ms = pick(effort, 150, 2_000);
  const rows: BufferingRow[] = [];
  for (const transport of transports)
    for (const reader of ['fast', 'slow'] as const)
      for (const sender of ['waits', 'insists'] as const) {
        checkNotAborted(options);
        options.onProgress?.(`buffering on ${transport}, ${reader} reader, sender ${sender}`);
        const given = { transport, reader, sender, frameBytes, ms };
        rows.push(
          await measure(given, reader === 'slow' ? readBytesPerSecond : undefined, options.implementation),
        );
      }
  const findings = bufferingFindings(rows);
  return { name: 'buffering', rows, samples: [], findings, section: bufferingSection(rows, findings) };
}

interface Case {
  readonly transport: BufferedTransport;
  readonly reader: 'fast' | 'slow';
  readonly sender: 'waits' | 'insists';
  readonly frameBytes: number;
  readonly ms: number;
}

async function measure(
  given: Case,
  readBytesPerSecond: number | undefined,
  implementation: AnalyzerOptions['implementation'],
): Promise<BufferingRow> {
  const role = 'sink';
  const sink = await startEchoServer(given.transport, { role, readBytesPerSecond, implementation });
  try {
    const transport = await connectTransport(sink.target, { implementation, stderr: 'ignore' });
    const flood = new Flood(transport, given);
    try {
      return await flood.run();
    } finally {
      transport.destroy();
    }
  } finally {
    await sink.stop();
  }
}

class Flood {
  readonly #transport: Transport;
  readonly #case: Case;
  readonly #tail: string;
  #sends = 0;
  #overflows = 0;
  #accepted = 0;
  #crossings = 0;
  #backpressureMs = 0;
  #fullSince: number | undefined;
  #bufferedMax = 0;
  #onDrain = (): void => {};
  #onReceipt: (receipt: SinkReceipt) => void = () => {};
  readonly #gone: Promise<never>;

  constructor(transport: Transport, given: Case) {
    this.#transport = transport;
    this.#case = given;
    this.#tail = 'x'.repeat(given.frameBytes);
    this.#gone = new Promise((_, reject) => {
      transport.start({
        onFrame: (frame) => this.#onReceipt(JSON.parse(frame.toString()) as SinkReceipt),
        onDrain: () => {
          this.#room();
          this.#onDrain();
        },
        onClose: (error) => {
          this.#onDrain();
          reject(error ?? new RingwireError('CONNECTION_CLOSED', 'The reader went away.'));
        },
      });
    });
    // Nobody waits for it before a receipt is asked for.
    this.#gone.catch(() => {});
  }

  async run(): Promise<BufferingRow> {
    const { transport, reader, sender, frameBytes, ms } = this.#case;
    // A child on stdio is still starting: what it cannot read yet would look like a slow reader.
    await this.#receipt();
    const gcBefore = ownUsage().gc.pauseMs;
    const startedAt = performance.now();
    while (performance.now() - startedAt < ms) {
      for (let sent = 0; sent < burst; sent += 1) {
        if (this.#offer()) continue;
        if (sender === 'waits') await this.#drained();
        break;
      }
      await turn();
    }
    this.#room();
    const seconds = (performance.now() - startedAt) / 1_000;
    const { gc } = ownUsage();
    const receipt = await this.#receipt();
    return {
      transport,
      reader,
      sender,
      sends: this.#sends,
      overflows: this.#overflows,
      accepted: this.#accepted,
      received: receipt.frames,
      outOfOrder: receipt.outOfOrder,
      watermarkCrossings: this.#crossings,
      backpressureMs: this.#backpressureMs,
      seconds,
      bufferedBytesMax: this.#bufferedMax,
      highWatermarkBytes,
      frameBytes,
      gcPauseMs: gc.pauseMs - gcBefore,
    };
  }

  /** Whether the next frame was accepted. */
  #offer(): boolean {
    const head = `${this.#accepted} `;
    const frame = head + this.#tail.slice(head.length);
    this.#sends += 1;
    const result = this.#transport.send(frame);
    this.#bufferedMax = Math.max(this.#bufferedMax, this.#transport.bufferedBytes);
    if (result !== 'full') {
      this.#room();
      this.#accepted += 1;
      return true;
    }
    this.#overflows += 1;
    if (this.#fullSince === undefined) {
      this.#fullSince = performance.now();
      this.#crossings += 1;
    }
    return false;
  }

  #room(): void {
    if (this.#fullSince === undefined) return;
    this.#backpressureMs += performance.now() - this.#fullSince;
    this.#fullSince = undefined;
  }

  async #drained(): Promise<void> {
    if (this.#fullSince === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onDrain = resolve;
    });
  }

  /** What the reader has got, once it has got all that was sent so far. */
  async #receipt(): Promise<SinkReceipt> {
    const answered = new Promise<SinkReceipt>((resolve) => {
      this.#onReceipt = resolve;
    });
    const endsAt = performance.now() + patienceMs;
    while (this.#transport.send('end') === 'full') {
      if (performance.now() > endsAt) throw silent();
      await turn();
    }
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        answered,
        this.#gone,
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(silent()), patienceMs);
        }),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function silent(): RingwireError {
  return new RingwireError('DEADLINE_EXCEEDED', `The reader was not done within ${patienceMs} ms.`);
}
