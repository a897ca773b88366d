/**
 * The contract every transport fulfils. A transport carries frames (bytes) in order; it knows nothing of JSON,
 * ids or methods. test/contract runs one suite over every implementation.
 */
import type { TcpInfo } from '../binding/native.js';
import type { RingwireError } from '../errors.js';
import type { HttpClientOptions } from './http/client/client-options.js';
import type { HttpOptions } from './http/http-options.js';
import type { TlsOptions } from './http/http-server.js';

/** What became of a frame handed to send(). 'full' means not accepted: wait for onDrain, then send it again. */
export type SendResult = 'sent' | 'queued' | 'full';

export interface TransportHandlers {
  /**
   * One whole frame without its delimiter. The view is borrowed: it is valid until the handler returns;
   * copy what must live longer.
   */
  onFrame(frame: Buffer): void;
  /**
   * Takes frames instead of onFrame() from transports that have them as bytes of their own: a Buffer costs a tenth of
   * all that is done for a small message. The view is borrowed like onFrame()'s.
   */
  onBytes?(bytes: Uint8Array): void;
  /** The frames of this loop tick were all delivered: the moment to send collected replies in one write. */
  onTickEnd?(): void;
  /** Called after send() said 'full' or 'queued', once unsent bytes fell to lowWatermarkBytes. */
  onDrain?(): void;
  /**
   * A frame was refused (too large, malformed length prefix). The transport skipped it and stays usable;
   * without this handler it closes with the error.
   */
  onFrameError?(error: RingwireError): void;
  /**
   * The peer will send no more and can still read (half-close, EOF on stdin). With this handler the owner answers
   * what is in flight and then calls close(); without it the transport sends what is queued and closes.
   */
  onEnd?(): void;
  /**
   * The listener is closing, which stream listeners leave to their owner. With this handler the owner ends what is in
   * flight and then calls close(); without it the transport closes. Late owners are cut when the drain time is over.
   */
  onLeave?(): void;
  /** The end, exactly once; no handler is called after it. Without an error the peer closed in good order. */
  onClose(error?: RingwireError): void;
}

/** Who is at the other end, as far as the transport knows. */
export interface PeerInfo {
  readonly kind: TransportKind;
  /** IP address or socket path. */
  readonly address?: string;
  readonly port?: number;
  /** Process id: of the child on stdio, of the peer on a Unix socket where the kernel tells. */
  readonly pid?: number;
}

export type TransportKind = 'memory' | 'stdio' | 'tcp' | 'tls' | 'unix' | 'http' | 'ws' | 'custom';

export type Implementation = 'native' | 'twin';

export interface Transport {
  readonly kind: TransportKind;
  readonly implementation: Implementation;
  readonly peer: PeerInfo;
  /** Bytes accepted by send() and not yet given to the operating system. */
  readonly bufferedBytes: number;
  /** Names of the socket options that were asked for and could not be set here. */
  readonly notGranted?: readonly string[];
  /**
   * The socket's options as the kernel has them now: it may have granted other values than were asked for (Linux
   * doubles buffer sizes). Absent where there is no socket, or no native code to ask it.
   */
  readonly grantedSocketOptions?: SocketOptions;
  /** What the kernel measured on a TCP connection; absent elsewhere. */
  readonly tcpInfo?: TcpInfo;
  /** Begins delivery. Called once. Frames that arrived before wait; none is lost. */
  start(handlers: TransportHandlers): void;
  /**
   * Sends one frame; the transport adds the delimiter and keeps no reference to a Buffer after it returns.
   * Frames must not hold a newline under newline framing. After close() the result is 'full'.
   */
  send(frame: Uint8Array | string): SendResult;
  /** Stops and resumes reading from the peer (backpressure towards it). */
  pause(): void;
  resume(): void;
  /**
   * Changes the framing of both directions at a frame boundary: for bytes behind the frame being delivered and for
   * frames sent from now on. Absent where frames are not cut from a byte stream.
   */
  setFraming?(framing: Framing): void;
  /** Sends what is queued, then closes both directions; resolves when it is gone. Idempotent. */
  close(): Promise<void>;
  /** Closes at once and drops what is queued; onClose receives the error. */
  destroy(error?: RingwireError): void;
}

/** A bound address that yields a Transport per peer. */
export interface Listener {
  /** The endpoint as bound, for instance tcp://127.0.0.1:40123 after listening on port 0. */
  readonly url: string;
  readonly connections: number;
  /** Connections closed at once because maxConnections was reached. */
  readonly refusedConnections?: number;
  /**
   * Stops accepting; connections made so far live on. An HTTP listener closes its connections, too, once the exchanges
   * at work have ended, or after drainTimeoutMs. Idempotent.
   */
  close(options?: { readonly drainTimeoutMs?: number }): Promise<void>;
}

/** How a byte stream is cut into frames: a line each (MCP), or a 32-bit big-endian length before each. */
export type Framing = 'newline' | 'length';

/** Socket options of TCP and Unix sockets; undefined leaves the kernel's value. See docs/tuning.md. */
export interface SocketOptions {
  readonly noDelay?: boolean;
  readonly quickAck?: boolean;
  readonly userTimeoutMs?: number;
  readonly notSentLowatBytes?: number;
  readonly sendBufferBytes?: number;
  readonly receiveBufferBytes?: number;
  readonly keepAlive?: boolean;
  readonly keepAliveIdleSeconds?: number;
  readonly keepAliveIntervalSeconds?: number;
  readonly keepAliveProbes?: number;
  readonly busyPollMicroseconds?: number;
  readonly reusePort?: boolean;
  readonly congestion?: string;
}

export type TuningProfile = 'low' | 'medium' | 'high' | 'extreme';

/** Options of listen() and connect(). Every default stands in src/limits.ts. */
export interface TransportOptions {
  /** 'auto' (default) takes native code where the addon loaded, else the TypeScript twin. */
  readonly implementation?: 'auto' | Implementation;
  readonly framing?: Framing;
  readonly maxFrameBytes?: number;
  readonly highWatermarkBytes?: number;
  readonly lowWatermarkBytes?: number;
  readonly maxConnections?: number;
  readonly backlog?: number;
  readonly profile?: TuningProfile;
  readonly socket?: SocketOptions;
  readonly connectTimeoutMs?: number;
  /** How long close() lets queued bytes leave before it cuts the connection. */
  readonly closeTimeoutMs?: number;
  /** stdio client: wait this long after ending the child's stdin, and again after SIGTERM, before SIGKILL. */
  readonly childExitGraceMs?: number;
  /** stdio client: where the child's stderr goes. Default 'inherit': to our own stderr. It is drained always. */
  readonly stderr?: 'inherit' | 'ignore' | ((line: string) => void);
  /** Certificates, for https, wss and tls endpoints. */
  readonly tls?: TlsOptions;
  /** Listeners on http, https, ws and wss endpoints. */
  readonly http?: HttpOptions;
  /** Clients of http, https, ws and wss endpoints. */
  readonly httpClient?: HttpClientOptions;
  /** Aborts connecting, or stops a listener from accepting; connections made so far live on. */
  readonly signal?: AbortSignal;
}
