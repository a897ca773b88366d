/** The WebSockets of one uWebSockets.js listener: their callbacks, ticks and signs of life. */
import type * as Uws from 'uWebSockets.js';
import { callbackScope } from '../http/uws/callback-scope.js';
import type { ResolvedOptions } from '../options.js';
import type { SocketData, UwsSocket, UwsTransport } from './uws-transport.js';

/** A message this much beyond the limit is still read, to be refused with 1009 instead of being cut. */
const refusedBytes = 64 * 1024;

/** Below, deflate costs more than it saves. */
const leastDeflatedBytes = 1024;

/** What uWebSockets.js takes; another value ends the process. */
const idleTimeoutSeconds = { least: 8, most: 960 };

export class UwsSocketGroup {
  readonly options: ResolvedOptions;
  readonly maxMessageBytes: number;
  readonly #transports = new Set<UwsTransport>();
  readonly #onClosed: () => void;
  readonly #pingIntervalMs: number;
  /** Longer frames are compressed, on connections that agreed on it. */
  readonly deflateFromBytes: number;
  #ticking: UwsTransport[] = [];
  #timer: NodeJS.Timeout | undefined = undefined;
  readonly #endTick = (): void => {
    const ticking = this.#ticking;
    this.#ticking = [];
    callbackScope.owner = undefined;
    for (const transport of ticking) this.#guard(transport, () => transport.tickEnd());
  };

  constructor(options: ResolvedOptions, onClosed: () => void) {
    const webSocket = options.http.webSocket;
    this.options = options;
    this.#onClosed = onClosed;
    this.maxMessageBytes = webSocket === false ? options.maxFrameBytes : webSocket.maxMessageBytes;
    this.#pingIntervalMs = webSocket === false ? 0 : webSocket.pingIntervalMs;
    const hasDeflate = webSocket !== false && webSocket.deflate;
    this.deflateFromBytes = hasDeflate ? leastDeflatedBytes : Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.#transports.size;
  }

  add(transport: UwsTransport): void {
    this.#transports.add(transport);
    this.#timer ??= setInterval(
      () => {
        for (const each of this.#transports) each.checkLife();
      },
      Math.ceil(this.#pingIntervalMs / 2),
    ).unref();
  }

  forget(transport: UwsTransport): void {
    if (!this.#transports.delete(transport)) return;
    this.#onClosed();
    if (this.#transports.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Has all of them end what is in flight and leave with 1001. */
  leave(): void {
    for (const transport of this.#transports) this.#guard(transport, () => transport.leave());
  }

  /** Ends those that have not left. */
  cut(): void {
    for (const transport of this.#transports) transport.cut();
  }

  /** Has transport.tickEnd() called when this loop tick has read what there is to read. */
  atTickEnd(transport: UwsTransport): void {
    if (this.#ticking.length === 0) setImmediate(this.#endTick);
    this.#ticking.push(transport);
  }

  behavior(
    uws: typeof Uws,
    upgrade: NonNullable<Uws.WebSocketBehavior<SocketData>['upgrade']>,
  ): Uws.WebSocketBehavior<SocketData> {
    const seconds = Math.ceil((2 * this.#pingIntervalMs) / 1000) + idleTimeoutSeconds.least;
    return {
      maxPayloadLength: this.maxMessageBytes + refusedBytes,
      maxBackpressure: 0,
      maxLifetime: 0,
      idleTimeout: Math.min(seconds, idleTimeoutSeconds.most),
      sendPingsAutomatically: false,
      // Shared: each message stands alone, and a connection at rest holds no window.
      compression: Number.isFinite(this.deflateFromBytes)
        ? uws.SHARED_COMPRESSOR | uws.SHARED_DECOMPRESSOR
        : uws.DISABLED,
      upgrade,
      open: (socket) => transportOf(socket).onOpen(socket),
      message: (socket, message, isBinary) => {
        const transport = transportOf(socket);
        try {
          transport.onMessage(message, isBinary);
        } catch (error) {
          transport.fail(error);
        }
      },
      drain: (socket) => {
        const transport = transportOf(socket);
        this.#guard(transport, () => transport.onDrained());
      },
      ping: (socket) => transportOf(socket).onPing(),
      pong: (socket) => transportOf(socket).onHeard(),
      close: (socket, code, message) => {
        const transport = transportOf(socket);
        const reason = Buffer.from(message).toString('utf8');
        this.#guard(transport, () => transport.onClosed(code, reason));
      },
    };
  }

  #guard(transport: UwsTransport, act: () => void): void {
    try {
      act();
    } catch (error) {
      transport.fail(error);
    }
  }
}

function transportOf(socket: UwsSocket): UwsTransport {
  return (socket as unknown as SocketData).transport;
}
