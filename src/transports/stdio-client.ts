/** A server as a child process that speaks on its stdin and stdout. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { ByteStreamTransport, writePieces } from './byte-stream.js';
import { ChildLife } from './child-life.js';
import { type ChildGroup, spawnChild } from './child-process.js';
import type { ChildEndpoint } from './endpoint.js';
import type { ResolvedOptions } from './options.js';
import { aborted } from './system-errors.js';
import type { PeerInfo, Transport } from './transport.js';

class ChildTransport extends ByteStreamTransport {
  readonly kind = 'stdio' as const;
  readonly peer: PeerInfo;
  readonly #life: ChildLife;
  readonly #stdin: Writable;

  constructor(group: ChildGroup, endpoint: ChildEndpoint, options: ResolvedOptions) {
    const { stdin, stdout } = group.process as ChildProcessWithoutNullStreams;
    super(stdout, options);
    this.#stdin = stdin;
    const closed = new Promise<void>((resolve) => stdout.once('close', resolve));
    const life = new ChildLife(group, endpoint, options, {
      isReading: () => this.reading,
      receivedBytes: () => (stdout as Socket).bytesRead,
      endInput: () => stdin.end(),
      release: () => {
        stdin.destroy();
        stdout.destroy();
        return closed;
      },
    });
    this.#life = life;
    this.peer = life.peer;
    void closed.then(() => life.outputEnded());
    stdout.on('error', () => this.#endUnasked());
    // A child that closed its stdin is on its way out; its exit says more than EPIPE does.
    stdin.on('error', () => this.#endUnasked());
    void group.exited.then(() => this.#endUnasked());
  }

  protected override write(pieces: Buffer[], done: () => void): boolean {
    return writePieces(this.#stdin, pieces, done);
  }

  protected override shutdown(): Promise<void> {
    return this.#life.end();
  }

  protected override release(): Promise<void> {
    this.#life.kill();
    return this.#life.end();
  }

  protected override peerEnded(): void {
    this.#endUnasked();
  }

  /** The child ends without having been asked to: what it still wrote is delivered, then its exit is reported. */
  #endUnasked(): void {
    const life = this.#life;
    if (life.isEnding || this.closing) return;
    this.endSending();
    void life.end().then(() => this.whenDelivered(() => this.gone(life.exitError())));
  }
}

/**
 * Starts a child and connects to its stdin and stdout.
 * @throws RingwireError CONFIG_INVALID if the command cannot be found or run, IO_ERROR, CANCELLED.
 */
export async function connectChild(endpoint: ChildEndpoint, options: ResolvedOptions): Promise<Transport> {
  if (options.signal?.aborted) throw aborted(`Starting "${endpoint.command}"`, options.signal);
  const group = await spawnChild(endpoint);
  const transport = new ChildTransport(group, endpoint, options);
  if (options.signal?.aborted) {
    transport.destroy();
    throw aborted(`Starting "${endpoint.command}"`, options.signal);
  }
  return transport;
}
