/** The legacy endpoint alone behind a real HTTP engine, and a client that shows what is on the wire. */
import { EnvelopeField } from '../../src/binding/constants.generated.js';
import type { RingwireError } from '../../src/errors.js';
import { HttpSseEndpoint } from '../../src/mcp/http/legacy/http-sse.js';
import { LegacyEndpoint, type LegacyEndpointOptions } from '../../src/mcp/http/legacy/legacy-endpoint.js';
import type { McpServer } from '../../src/mcp/server.js';
import { createScanner } from '../../src/serialization/envelope.js';
import { parseListenEndpoint } from '../../src/transports/endpoint.js';
import type { HttpApplication, HttpExchange } from '../../src/transports/http/http-server.js';
import { listenHttp } from '../../src/transports/http/listen.js';
import { isHttpListen } from '../../src/transports/open.js';
import { resolveOptions } from '../../src/transports/options.js';

/** Hands everything to the endpoint. The field x-principal says who calls. */
class LegacyOnly implements HttpApplication {
  readonly #endpoint: LegacyEndpoint;
  readonly #sse: HttpSseEndpoint;
  readonly #scanner = createScanner();
  readonly #record = new Int32Array(EnvelopeField.Count);
  readonly #fields = new WeakMap<
    HttpExchange,
    { protocolVersion: string; sessionId: string; accept: string }
  >();

  /** Waits for the next client that goes away before it is answered. */
  readonly #abortWaiters: (() => void)[] = [];

  constructor(endpoint: LegacyEndpoint, sse: HttpSseEndpoint) {
    this.#endpoint = endpoint;
    this.#sse = sse;
  }

  onRequest(exchange: HttpExchange): void {
    const principal = exchange.header('x-principal');
    if (principal !== '') exchange.principal = { principal, scopes: [] };
    if (this.#sse.paths.includes(exchange.path)) {
      exchange.application = this.#sse;
      this.#sse.onRequest(exchange);
    } else if (exchange.method === 'GET') this.#endpoint.get(exchange);
    else if (exchange.method === 'DELETE') this.#endpoint.delete(exchange);
    else {
      this.#fields.set(exchange, {
        protocolVersion: exchange.header('mcp-protocol-version'),
        sessionId: exchange.header('mcp-session-id'),
        accept: exchange.header('accept'),
      });
      exchange.readBody();
    }
  }

  onBody(exchange: HttpExchange, body: Buffer): void {
    this.#scanner.scan(body, this.#record);
    const fields = this.#fields.get(exchange);
    if (fields !== undefined) this.#endpoint.post(exchange, fields, body, this.#record);
  }

  onBodyError(exchange: HttpExchange, error: RingwireError): void {
    exchange.respond(413, [], error.message);
  }

  nextAbort(): Promise<void> {
    return new Promise((resolve) => this.#abortWaiters.push(resolve));
  }

  onAbort(exchange: HttpExchange): void {
    this.#endpoint.abort(exchange);
    for (const tell of this.#abortWaiters.splice(0)) tell();
  }

  refusal(_status: number, problem: string): { head: []; body: string } {
    return { head: [], body: problem };
  }
}

export interface ServedLegacy {
  readonly url: string;
  readonly endpoint: LegacyEndpoint;
  readonly sse: HttpSseEndpoint;
  /** Resolves when the server has noticed that a client left before it was answered. */
  nextAbort(): Promise<void>;
  /** A client that has initialized. */
  session(options?: SessionOptions): Promise<RawSession>;
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly version?: string;
  readonly capabilities?: object;
  readonly principal?: string;
  /** Default true: notifications/initialized is sent, too. */
  readonly initialized?: boolean;
}

export async function serveLegacy(
  server: McpServer,
  options: LegacyEndpointOptions = {},
): Promise<ServedLegacy> {
  const endpoint = new LegacyEndpoint(server, options);
  const sse = new HttpSseEndpoint(server, options);
  const where = parseListenEndpoint('http://127.0.0.1:0/mcp');
  if (!isHttpListen(where)) throw new Error('no HTTP endpoint');
  const transportOptions = resolveOptions({ http: { engine: 'node', compression: false } });
  const application = new LegacyOnly(endpoint, sse);
  const listener = await listenHttp(where, transportOptions, application);
  const { url } = listener;
  return {
    url,
    endpoint,
    sse,
    nextAbort: () => application.nextAbort(),
    session: (sessionOptions = {}) => RawSession.open(url, sessionOptions),
    async close() {
      await Promise.all([
        server.close({ drainTimeoutMs: 0 }),
        endpoint.close(),
        sse.close(),
        listener.close({ drainTimeoutMs: 0 }),
      ]);
    },
  };
}

export const bothTypes = 'application/json, text/event-stream';

/** An event as it came. */
export interface RawEvent {
  readonly id?: string;
  readonly event?: string;
  readonly retry?: string;
  readonly data?: string;
}

/** Reads a stream of events one by one. */
export class EventReader {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = '';

  constructor(response: Response) {
    this.response = response;
    if (response.body === null) throw new Error(`An answer without a body: ${response.status}`);
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next event; undefined at the end. Comments are left out. */
  async next(): Promise<RawEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        if (!block.startsWith(':')) return parseEvent(block);
        continue;
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
  }

  /** The next message. */
  async message(): Promise<Message> {
    for (;;) {
      const event = await this.next();
      if (event === undefined) throw new Error('The stream ended.');
      if (event.data !== undefined && event.data !== '') return JSON.parse(event.data) as Message;
    }
  }

  /** Every event to the end. */
  async rest(): Promise<RawEvent[]> {
    const events: RawEvent[] = [];
    for (let event = await this.next(); event !== undefined; event = await this.next()) events.push(event);
    return events;
  }

  async cut(): Promise<void> {
    await this.#reader.cancel();
  }
}

function parseEvent(block: string): RawEvent {
  const event: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    event[name] = name in event ? `${event[name]}\n${value}` : value;
  }
  return event;
}

export interface Message {
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export function request(id: number | string, method: string, params?: object): object {
  return { jsonrpc: '2.0', id, method, params };
}

export function toolCall(
  id: number | string,
  name: string,
  args: object = {},
  progressToken?: string,
): object {
  return request(id, 'tools/call', {
    name,
    arguments: args,
    ...(progressToken !== undefined && { _meta: { progressToken } }),
  });
}

export class RawSession {
  readonly url: string;
  readonly id: string;
  readonly initializeResult: Record<string, unknown>;
  readonly #fields: Record<string, string>;

  private constructor(
    url: string,
    id: string,
    result: Record<string, unknown>,
    principal: string | undefined,
  ) {
    this.url = url;
    this.id = id;
    this.initializeResult = result;
    this.#fields = {
      'mcp-session-id': id,
      'mcp-protocol-version': String(result.protocolVersion),
      ...(principal !== undefined && { 'x-principal': principal }),
    };
  }

  static async open(url: string, options: SessionOptions = {}): Promise<RawSession> {
    const { version = '2025-11-25', capabilities = {}, principal, initialized = true } = options;
    const response = await post(
      url,
      request(0, 'initialize', {
        protocolVersion: version,
        capabilities,
        clientInfo: { name: 'test', version: '1' },
      }),
      principal === undefined ? {} : { 'x-principal': principal },
    );
    const { result } = (await response.json()) as Message;
    const id = response.headers.get('mcp-session-id');
    if (id === null || result === undefined) throw new Error(`No session: ${response.status}`);
    const session = new RawSession(url, id, result, principal);
    if (initialized) await session.notify('notifications/initialized');
    return session;
  }

  post(body: unknown, fields: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    return post(this.url, body, { ...this.#fields, ...fields }, signal);
  }

  async notify(method: string, params?: object): Promise<number> {
    const response = await this.post({ jsonrpc: '2.0', method, params });
    if (await response.text()) throw new Error('A notification was answered.');
    return response.status;
  }

  /** The result of a request that is answered with JSON. */
  async json(body: unknown, fields: Record<string, string> = {}): Promise<Message> {
    const response = await this.post(body, fields);
    if (response.headers.get('content-type') !== 'application/json')
      throw new Error(`Not JSON: ${response.status} ${response.headers.get('content-type')}`);
    return (await response.json()) as Message;
  }

  /** The events a request is answered with. */
  async events(body: unknown, signal?: AbortSignal): Promise<EventReader> {
    return eventsOf(await this.post(body, {}, signal));
  }

  get(fields: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    return fetch(this.url, {
      headers: { accept: 'text/event-stream', ...this.#fields, ...fields },
      signal: signal ?? null,
    });
  }

  async listen(lastEventId?: string): Promise<EventReader> {
    return eventsOf(await this.get(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }));
  }

  async delete(fields: Record<string, string> = {}): Promise<number> {
    const response = await fetch(this.url, { method: 'DELETE', headers: { ...this.#fields, ...fields } });
    await response.text();
    return response.status;
  }
}

async function eventsOf(response: Response): Promise<EventReader> {
  if (response.headers.get('content-type') !== 'text/event-stream')
    throw new Error(`No events: ${response.status} ${await response.text()}`);
  return new EventReader(response);
}

export function post(
  url: string,
  body: unknown,
  fields: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: bothTypes, ...fields },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: signal ?? null,
  });
}

/** Something one side waits for and the other side does. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
