/** Serving on our own stdin and stdout: the one connection a child process has with its parent. */
import { ByteStreamTransport } from './byte-stream.js';
import type { StdioEndpoint } from './endpoint.js';
import type { ResolvedOptions } from './options.js';
import { guardStdout, type StdoutGuard } from './stdout-guard.js';
import { aborted, addressInUse, connectionError } from './system-errors.js';
import type { Listener, Transport } from './transport.js';

class StdioServerTransport extends ByteStreamTransport {
  readonly kind = 'stdio' as const;
  readonly peer = { kind: 'stdio', pid: process.ppid } as const;
  readonly #guard: StdoutGuard;
  readonly #onGone: () => void;
  readonly #onError = (error: Error): void => this.destroy(connectionError(error, 'stdio:'));

  constructor(options: ResolvedOptions, onGone: () => void) {
    super(process.stdin, options);
    this.#onGone = onGone;
    process.stdin.on('error', this.#onError);
    process.stdout.on('error', this.#onError);
    this.#guard = guardStdout(process.stdout, process.stderr);
  }

  /** Joined by the kernel's pipe anyway; what matters is one call per tick, so several pieces become one. */
  protected override write(pieces: Buffer[], done: () => void): boolean {
    const bytes = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    let settled = false;
    this.#guard.write(bytes, () => {
      if (!settled) done();
    });
    settled = process.stdout.writableLength === 0;
    return settled;
  }

  protected override shutdown(): Promise<void> {
    return this.release();
  }

  /** The descriptors stay open: 0 and 1 must not be given to a socket that somebody takes for a terminal. */
  protected override async release(): Promise<void> {
    this.detachInput();
    process.stdin.removeListener('error', this.#onError);
    this.#guard.restore();
    this.#onGone();
    // An error of the last write may still be on its way; without a listener it would end the process.
    setImmediate(() => process.stdout.removeListener('error', this.#onError));
  }
}

let serving = false;

/**
 * Takes our stdin and stdout for one server; the function returned gives them back.
 * @throws RingwireError ADDRESS_IN_USE if they are taken.
 */
export function occupyStdio(): () => void {
  if (serving) throw addressInUse('stdio:');
  serving = true;
  return () => {
    serving = false;
  };
}

/** The listener of the one connection that stdio is. */
export function stdioListener(): Listener {
  return {
    url: 'stdio:',
    get connections() {
      return serving ? 1 : 0;
    },
    close: () => Promise.resolve(),
  };
}

/**
 * Yields one transport over our own stdin and stdout. While it lives, everything else that is printed to stdout goes
 * to stderr. The end of stdin is the end of the peer.
 * @throws RingwireError ADDRESS_IN_USE if stdio is served already.
 */
export async function listenStdio(
  _endpoint: StdioEndpoint,
  options: ResolvedOptions,
  onConnection: (transport: Transport) => void,
): Promise<Listener> {
  if (options.signal?.aborted) throw aborted('Listening on stdio:', options.signal);
  const giveBack = occupyStdio();
  const transport = new StdioServerTransport(options, giveBack);
  // Not before the caller holds the listener.
  process.nextTick(onConnection, transport);
  return stdioListener();
}
