/** A TCP or Unix socket through node:net, or one under TLS. */
import type { Socket } from 'node:net';
import type { RingwireError } from '../errors.js';
import { closeLingerMs } from '../limits.js';
import { ByteStreamTransport, writePieces } from './byte-stream.js';
import type { ResolvedOptions } from './options.js';
import { connectionError } from './system-errors.js';
import type { PeerInfo, SocketOptions } from './transport.js';
import { tuningProfiles } from './tuning.js';

/** What node:net can set; everything else asked for is reported in notGranted. */
const settable = new Set<string>(['noDelay', 'keepAlive', 'keepAliveIdleSeconds']);

/** Sets what can be set and returns the names of what cannot. */
export function applySocketOptions(
  socket: Socket,
  kind: 'tcp' | 'tls' | 'unix',
  options: ResolvedOptions,
): string[] {
  const profile = options.profile === undefined ? {} : tuningProfiles[options.profile];
  const asked: SocketOptions = { ...profile, ...options.socket };
  const names = Object.keys(asked).filter((name) => asked[name as keyof SocketOptions] !== undefined);
  const refused = kind === 'unix' ? names : names.filter((name) => !settable.has(name));
  if (kind === 'unix') return refused;
  // Frames of a tick leave in one write already; Nagle's algorithm would only hold the last packet back.
  socket.setNoDelay(asked.noDelay ?? true);
  if (asked.keepAlive !== undefined) {
    socket.setKeepAlive(asked.keepAlive, (asked.keepAliveIdleSeconds ?? 0) * 1000);
  } else if (asked.keepAliveIdleSeconds !== undefined) refused.push('keepAliveIdleSeconds');
  return refused;
}

export class SocketTransport extends ByteStreamTransport {
  readonly kind: 'tcp' | 'tls' | 'unix';
  readonly peer: PeerInfo;
  readonly notGranted: readonly string[];
  readonly #socket: Socket;
  readonly #closed: Promise<void>;

  /** The socket must be connected, and made with allowHalfOpen. */
  constructor(socket: Socket, kind: 'tcp' | 'tls' | 'unix', url: string, options: ResolvedOptions) {
    super(socket, options);
    this.kind = kind;
    this.#socket = socket;
    this.peer =
      kind === 'unix'
        ? { kind, address: url.slice('unix:'.length) }
        : { kind, address: socket.remoteAddress, port: socket.remotePort };
    this.notGranted = applySocketOptions(socket, kind, options);
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        // A reset after everything of ours was sent is the end of a connection that was ending anyway.
        const told = failure === undefined ? undefined : this.explain(failure);
        const inOrder = failure === undefined || (this.closing && socket.writableFinished);
        this.gone(told ?? (inOrder ? undefined : connectionError(failure, url)));
        resolve();
      });
    });
  }

  /** For subclasses: an error that counts in whatever order the connection ends. */
  protected explain(_failure: Error): RingwireError | undefined {
    return undefined;
  }

  protected override write(pieces: Buffer[], done: () => void): boolean {
    return writePieces(this.#socket, pieces, done);
  }

  protected override async shutdown(): Promise<void> {
    this.#socket.end();
    // The peer's end closes the socket. One that never comes must not hold it open.
    const timer = setTimeout(() => this.#socket.destroy(), closeLingerMs);
    await this.#closed;
    clearTimeout(timer);
  }

  protected override release(): Promise<void> {
    this.#socket.destroy();
    return this.#closed;
  }
}
