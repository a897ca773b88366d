import { HttpError, RingwireError, RpcError, RpcErrorCode } from '../../errors.js';
import { type HttpConnectEndpoint, parseConnectEndpoint } from '../../transports/endpoint.js';
import { resolveOptions } from '../../transports/options.js';
import type { TransportOptions } from '../../transports/transport.js';
import type { McpHttpTransport } from '../http-client/http-transport.js';
import { isRequest, parseMessage } from './sdk-message.js';
import type { SdkTransport } from './sdk-types.js';

/** What clients of the 2.x line say of one message; those of 1.x say none of it. */
interface SendOptions {
  /** Mirrored arguments of a tool. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends this request alone. */
  readonly requestSignal?: AbortSignal;
  /** The answer's stream ended before the response. */
  readonly onRequestStreamEnd?: () => void;
}

/** For statuses that tell a client of the 2.x line that the server is a legacy one. */
const notUnderstood = -32_000;

/** Header fields that the SDK may add; all others follow from the message. */
const addable = /^mcp-param-/i;

/**
 * Streamable HTTP in the shape the official SDKs' clients expect. Header fields of the era, sessions, streams and their
 * resumption, and HTTP+SSE are seen to below.
 */
export class SdkHttpTransport implements SdkTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: unknown, extra?: unknown) => void;
  /** Tells 2.x clients that a request is cancelled by ending its own answer. */
  readonly hasPerRequestStream = true;
  /** The version the handshake settled on; undefined before it. */
  protocolVersion: string | undefined;
  readonly #url: string;
  readonly #options: TransportOptions | undefined;
  #transport: McpHttpTransport | undefined;
  #isStarted = false;
  #isClosed = false;
  #isGone = false;

  /** @param url of an HTTP endpoint. */
  constructor(url: string, options: TransportOptions | undefined) {
    this.#url = url;
    this.#options = options;
  }

  /** Of a legacy server that has sessions, after initialize. */
  get sessionId(): string | undefined {
    return this.#transport?.sessionId;
  }

  async start(): Promise<void> {
    if (this.#isStarted)
      throw new RingwireError(
        'CONFIG_INVALID',
        'This transport is already started; make one per connection.',
      );
    this.#isStarted = true;
    // Loaded here, because most programs never get here.
    const { connectHttpTransport } = await import('../http-client/http-transport.js');
    const endpoint = parseConnectEndpoint(this.#url) as HttpConnectEndpoint;
    const transport = await connectHttpTransport(endpoint, resolveOptions(this.#options));
    if (this.#isClosed) {
      await transport.close();
      throw closedError();
    }
    this.#transport = transport;
    transport.start({
      onFrame: (frame) => this.#onFrame(frame),
      onFrameError: (error) => this.onerror?.(error),
      onClose: (error) => this.#onClose(error),
    });
  }

  /** Resolves when the server took the message; rejects where it did not. */
  send(message: unknown, options: SendOptions = {}): Promise<void> {
    const transport = this.#transport;
    if (transport === undefined || this.#isClosed) return Promise.reject(closedError());
    const { requestSignal } = options;
    if (requestSignal?.aborted) return Promise.reject(requestSignal.reason);
    return new Promise((resolve, reject) => {
      const scanned = transport.messageOf(JSON.stringify(message));
      let isTaken = false;
      const onAbort = (): void => {
        transport.abort(scanned.id);
        reject(requestSignal?.reason);
      };
      requestSignal?.addEventListener('abort', onAbort, { once: true });
      transport.post(scanned, {
        headers: Object.fromEntries(
          Object.entries(options.headers ?? {}).filter(([name]) => addable.test(name)),
        ),
        onTaken: () => {
          isTaken = true;
          resolve();
        },
        onEnd: (error) => {
          requestSignal?.removeEventListener('abort', onAbort);
          if (error === undefined || this.#answerInBand(message as object, error, isTaken, options)) {
            resolve();
            return;
          }
          if (!this.#isClosed) this.onerror?.(error);
          reject(error);
        },
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#transport?.close();
    this.#onClose();
  }

  /** Called by the SDKs once the version is known; the messages told us before. */
  setProtocolVersion(version: string): void {
    this.protocolVersion = version;
  }

  /** What the SDK is to see as the answer of a request that has none: true where this did it. */
  #answerInBand(message: object, error: RingwireError, isTaken: boolean, options: SendOptions): boolean {
    if (!isRequest(message) || this.#isClosed) return false;
    if (error instanceof RpcError) {
      const { rpcCode: code, message: text, data } = error;
      this.#deliver(message.id, { code, message: text, ...(data !== undefined && { data }) });
      return true;
    }
    if (isTaken) {
      if (options.onRequestStreamEnd !== undefined) options.onRequestStreamEnd();
      else this.#deliver(message.id, { code: notUnderstood, message: error.message });
      this.onerror?.(error);
      return true;
    }
    const isProbe = message.method === 'server/discover';
    if (!isProbe || !(error instanceof HttpError) || error.code !== 'HTTP_STATUS') return false;
    if (error.status < 400 || error.status >= 500) return false;
    this.#deliver(message.id, { code: RpcErrorCode.MethodNotFound, message: error.message });
    return true;
  }

  #deliver(id: string | number, error: { code: number; message: string; data?: unknown }): void {
    this.onmessage?.({ jsonrpc: '2.0', id, error });
  }

  #onFrame(frame: Buffer): void {
    const message = parseMessage(frame);
    if (message instanceof RingwireError) this.onerror?.(message);
    else this.onmessage?.(message);
  }

  #onClose(error?: RingwireError): void {
    const { onclose } = this;
    if (error !== undefined) this.onerror?.(error);
    // Told once, whoever began it.
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isClosed = true;
    onclose?.call(this);
  }
}

function closedError(): RingwireError {
  return new RingwireError('CONNECTION_CLOSED', 'The connection is closed; nothing can be sent on it.');
}
