/** What an MCP server is told about HTTP beyond what listeners are. */
import type { EventStore } from './legacy/event-store.js';

export interface McpHttpOptions {
  /**
   * Calls of one endpoint whose handlers are at work at once, over all its clients; the excess is answered 503.
   * Default maxHttpInFlight.
   */
  readonly maxInFlight?: number;
  /** Open subscriptions/listen requests of one endpoint; the excess is answered 503. Default maxHttpSubscriptions. */
  readonly maxSubscriptions?: number;
  /** An idle event stream gets a comment this often, so that proxies keep it; 0 sends none. Default sseKeepAliveMs. */
  readonly keepAliveIntervalMs?: number;
  /**
   * Keeps what is sent to clients of 2025-11-25 and earlier, so that they can resume a stream that broke: see
   * memoryEventStore() and lmdbEventStore(). Default: none; a stream that broke is lost, its calls go on.
   */
  readonly eventStore?: EventStore;
  /** Sessions of clients of 2025-11-25 and earlier; the oldest idle one makes room. Default maxSessions. */
  readonly maxSessions?: number;
  /** Ends a session that nobody used for this long. Default sessionTtlMs. */
  readonly sessionTtlMs?: number;
  /** How long a client waits after closeStream() of a handler before it comes back. Default streamRetryMs. */
  readonly retryMs?: number;
  /** Serves the HTTP+SSE transport of 2024-11-05 as well, on paths of its own. Default false. */
  readonly legacySse?: boolean | LegacySseOptions;
}

export interface LegacySseOptions {
  /** Where clients open their stream. Default '/sse'. */
  readonly path?: string;
  /** Where clients post their messages. Default '/messages'. */
  readonly messagesPath?: string;
}
