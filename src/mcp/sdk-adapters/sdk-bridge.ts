/**
 * One SDK server object that serves calls from many connections: the transport it is connected to. Over HTTP every
 * request is a connection of its own, so ids are given anew on the way in and undone on the way out, and what the
 * server sends of itself finds the connection of the call it belongs to.
 */
import { RingwireError, RpcError, RpcErrorCode } from '../../errors.js';
import { maxTimeoutMs } from '../../limits.js';
import type { CallContext, Connection } from '../../rpc/types.js';
import { MetaKey } from '../protocol.js';
import type { SdkTransport } from './sdk-types.js';

type Params = Record<string, unknown>;

/** What passes between an SDK server and its transport. */
interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

interface BridgedCall {
  readonly context: CallContext;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

const done = Promise.resolve();

export class SdkBridge implements SdkTransport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: unknown, extra?: unknown) => void;
  readonly sessionId: string | undefined = undefined;
  /** Where messages go that belong to no call; undefined where a server has nobody to tell. */
  readonly #home: Connection | undefined;
  readonly #calls = new Map<number, BridgedCall>();
  /** Ends the requests of the server by their ids. */
  readonly #requests = new Map<string | number, AbortController>();
  #lastId = 0;
  #isClosed = false;

  constructor(home?: Connection) {
    this.#home = home;
  }

  /** Calls that wait for the server. */
  get inFlight(): number {
    return this.#calls.size;
  }

  start(): Promise<void> {
    return done;
  }

  /** Has the server serve a call, or hear a notification. */
  serve(method: string, params: unknown, context: CallContext): Promise<unknown> | undefined {
    if (this.#isClosed) throw new RingwireError('CONNECTION_CLOSED', 'The SDK server is closed.');
    const { auth } = context;
    const extra =
      auth === undefined
        ? undefined
        : { authInfo: { token: '', clientId: auth.principal, scopes: [...auth.scopes] } };
    if (context.id === undefined) {
      this.onmessage?.({ jsonrpc: '2.0', method, params }, extra);
      return undefined;
    }
    const { signal } = context;
    // The caller may have left while its server was being made.
    signal.throwIfAborted();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const cancel = (): void => this.#cancel(id, signal.reason);
      const settle = (): void => signal.removeEventListener('abort', cancel);
      this.#calls.set(id, {
        context,
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      });
      signal.addEventListener('abort', cancel, { once: true });
      if (method === 'subscriptions/listen') context.extendDeadline(Number.POSITIVE_INFINITY);
      this.onmessage?.({ jsonrpc: '2.0', id, method, params }, extra);
    });
  }

  /** Called by the SDK. Resolves when the message was accepted: a connection that does not read holds the server back. */
  send(message: unknown, options?: unknown): Promise<void> {
    const { id, method, params } = message as Message;
    if (method === undefined) {
      this.#answer(message as Message);
      return done;
    }
    const related = (options as { relatedRequestId?: unknown } | undefined)?.relatedRequestId;
    const call = this.#calls.get((related ?? subscriptionOf(params)) as number);
    const connection = call?.context.connection ?? this.#home;
    if (id !== undefined) {
      this.#request(connection, message as Message);
      return done;
    }
    if (method === 'notifications/cancelled') {
      const request = this.#requests.get(params?.requestId as number);
      if (request !== undefined) {
        request.abort(new RingwireError('CANCELLED', 'The server cancelled its request.'));
        return done;
      }
    }
    if (connection === undefined || !connection.isOpen) return done;
    return notify(connection, method, related === undefined ? withSubscription(params, call) : params);
  }

  close(): Promise<void> {
    if (this.#isClosed) return done;
    this.#isClosed = true;
    const error = new RingwireError('CONNECTION_CLOSED', 'The SDK server was closed.');
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    for (const request of this.#requests.values()) request.abort(error);
    this.onclose?.();
    return done;
  }

  #answer({ id, result, error }: Message): void {
    const call = this.#calls.get(id as number);
    if (call === undefined) return;
    this.#calls.delete(id as number);
    if (error === undefined) call.resolve(withSubscription(result as Params, call));
    else call.reject(new RpcError(error.code, error.message, error.data));
  }

  #cancel(id: number, reason: unknown): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#calls.delete(id);
    const detail = reason instanceof Error ? reason.message : undefined;
    const params = { requestId: id, ...(detail !== undefined && { reason: detail }) };
    this.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    call.reject(reason);
  }

  /** A request of the server to the client, whose answer goes back under the server's id. */
  #request(connection: Connection | undefined, { id, method, params }: Message): void {
    const reply = (answer: Partial<Message>): void => this.onmessage?.({ jsonrpc: '2.0', id, ...answer });
    if (connection === undefined || !connection.isOpen) {
      const message = `"${method}" has nobody to go to: no client is connected.`;
      reply({ error: { code: RpcErrorCode.InternalError, message } });
      return;
    }
    const controller = new AbortController();
    this.#requests.set(id!, controller);
    const { progressToken, ...meta } = (params?._meta ?? {}) as Params;
    connection
      // The SDK keeps time by itself and cancels; ours is the ceiling alone.
      .request(method!, params === undefined ? undefined : { ...params, _meta: meta }, {
        timeoutMs: maxTimeoutMs,
        signal: controller.signal,
        ...(progressToken !== undefined && {
          onProgress: (progress) =>
            this.onmessage?.({
              jsonrpc: '2.0',
              method: 'notifications/progress',
              params: { ...progress, progressToken },
            }),
        }),
      })
      .then(
        (result) => reply({ result }),
        (error: unknown) => reply({ error: wireError(error) }),
      )
      .finally(() => this.#requests.delete(id!));
  }
}

function wireError(error: unknown): NonNullable<Message['error']> {
  if (error instanceof RpcError) return { code: error.rpcCode, message: error.message, data: error.data };
  return {
    code: RpcErrorCode.InternalError,
    message: error instanceof Error ? error.message : String(error),
  };
}

async function notify(connection: Connection, method: string, params: unknown): Promise<void> {
  while (connection.isOpen && connection.notify(method, params) === 'full') await connection.drained();
}

/** The id under which a subscription was asked for, as the server knows it. */
function subscriptionOf(params: Params | undefined): unknown {
  return (params?._meta as Params | undefined)?.[MetaKey.SubscriptionId];
}

/** With the subscription's id as its client knows it. */
function withSubscription(params: Params | undefined, call: BridgedCall | undefined): Params | undefined {
  if (call?.context.id === undefined || subscriptionOf(params) === undefined) return params;
  const meta = { ...(params?._meta as Params), [MetaKey.SubscriptionId]: JSON.parse(call.context.id) };
  return { ...params, _meta: meta };
}
