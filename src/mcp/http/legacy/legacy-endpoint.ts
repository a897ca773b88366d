/** The legacy era of an MCP endpoint: sessions that initialize opens, and the streams that carry them. */
import type { HttpExchange } from '../../../transports/http/http-server.js';
import type { McpServer } from '../../server.js';

/** What the router of eras read from the head of a request. */
export interface LegacyFields {
  /** MCP-Protocol-Version, '' where it is absent. */
  readonly protocolVersion: string;
  /** Mcp-Session-Id, '' where it is absent. */
  readonly sessionId: string;
  /** Accept, '' where it is absent. */
  readonly accept: string;
}

export interface LegacyEndpointOptions {
  /** Default maxSessions of src/limits.ts. */
  readonly maxSessions?: number;
  /** Default sessionTtlMs of src/limits.ts. */
  readonly sessionTtlMs?: number;
}

export class LegacyEndpoint {
  readonly #server: McpServer;
  readonly #options: LegacyEndpointOptions;

  constructor(server: McpServer, options: LegacyEndpointOptions = {}) {
    this.#server = server;
    this.#options = options;
  }

  /** Sessions that are alive. */
  get sessions(): number {
    return 0;
  }

  /**
   * Answers a POST. `body` is one message, or a batch array; it is borrowed until this returns. `record` is its scan,
   * which means nothing for an array.
   */
  post(exchange: HttpExchange, _fields: LegacyFields, _body: Buffer, _record: Int32Array): void {
    void this.#server;
    void this.#options;
    exchange.respond(501, []);
  }

  /** Answers a GET: the session's stream, or the replay of one. Reads last-event-id from the exchange. */
  get(exchange: HttpExchange): void {
    exchange.respond(501, []);
  }

  /** Answers a DELETE: the session ends. */
  delete(exchange: HttpExchange): void {
    exchange.respond(501, []);
  }

  /** The client of an exchange that this endpoint holds went away. */
  abort(_exchange: HttpExchange): void {}

  /** Ends every stream and session and refuses new ones. Idempotent. */
  async close(): Promise<void> {}
}
