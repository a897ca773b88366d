/** HTTP/2 on our own stdin and stdout: one session with the parent process, experimental. */
import { Duplex } from 'node:stream';
import { drainTimeoutMs } from '../../../limits.js';
import { occupyStdio } from '../../stdio-server.js';
import { guardStdout, type StdoutGuard } from '../../stdout-guard.js';
import type { HttpListener } from '../http-server.js';
import type { EngineContext, MutableCounters } from './context.js';
import type { Http2Link } from './http2-link.js';
import { NodeHttp2 } from './http2-server.js';

const sweepIntervalMs = 1_000;

/** Takes stdin and stdout for one session; everything else printed to stdout goes to stderr meanwhile. */
export async function listenStdioHttp2(context: EngineContext, reason: string): Promise<HttpListener> {
  return new StdioHttp2Listener(context, reason, occupyStdio());
}

class StdioHttp2Listener implements HttpListener {
  readonly engine = 'node' as const;
  readonly engineReason: string;
  readonly url = 'stdio+h2:';
  /** There is none: WebSocket is not spoken here. */
  readonly webSocketUrl = '';
  connections = 1;
  readonly #context: EngineContext;
  readonly #link: Http2Link;
  readonly #stream: Duplex;
  readonly #gone: Promise<void>;
  #closed: Promise<void> | undefined;

  constructor(context: EngineContext, reason: string, giveBack: () => void) {
    this.#context = context;
    this.engineReason = reason;
    const stream = stdioDuplex();
    this.#stream = stream;
    this.#link = new NodeHttp2(context).attach(stream, {
      peer: { kind: 'stdio', pid: process.ppid },
      isSecure: false,
      clientCertificate: undefined,
    });
    const sweeper = setInterval(() => {
      // The parent may be silent as long as it likes: the pipe is its only connection.
      this.#link.check(Date.now(), Number.POSITIVE_INFINITY);
    }, sweepIntervalMs).unref();
    this.#gone = new Promise((resolve) => {
      stream.once('close', () => {
        clearInterval(sweeper);
        this.connections = 0;
        giveBack();
        resolve();
      });
    });
  }

  get counters(): Readonly<MutableCounters> {
    return this.#context.counters;
  }

  close(options: { readonly drainTimeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(options.drainTimeoutMs ?? drainTimeoutMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    this.#context.isDraining = true;
    this.#link.drain();
    const cut = setTimeout(() => this.#stream.destroy(), drainMs);
    await this.#gone;
    clearTimeout(cut);
  }
}

/** Our stdin and stdout as one stream. Its end leaves the descriptors open: 0 and 1 must not become a socket's. */
function stdioDuplex(): Duplex {
  const { stdin, stdout } = process;
  const guard: StdoutGuard = guardStdout(stdout, process.stderr);
  const onData = (chunk: Buffer): void => {
    if (!duplex.push(chunk)) stdin.pause();
  };
  const onEnd = (): void => {
    duplex.push(null);
  };
  const onError = (error: Error): void => {
    duplex.destroy(error);
  };
  const duplex = new Duplex({
    read: () => {
      stdin.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      guard.write(chunk, done);
    },
    destroy: (error, done) => {
      stdin.removeListener('data', onData);
      stdin.removeListener('end', onEnd);
      stdin.removeListener('error', onError);
      stdin.pause();
      guard.restore();
      // An error of the last write may still be on its way; without a listener it would end the process.
      setImmediate(() => stdout.removeListener('error', onError));
      done(error);
    },
  });
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  stdin.on('error', onError);
  stdout.on('error', onError);
  duplex.on('error', () => {});
  return duplex;
}
