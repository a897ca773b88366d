/**
 * The parts of the official SDKs that the adapters touch, as structural types: `@modelcontextprotocol/sdk` 1.x and
 * `@modelcontextprotocol/server|client` 2.x both fit, and ringwire depends on neither package.
 */

/**
 * The SDKs' `Transport` interface (1.x: shared/transport.d.ts; 2.x: the same name in the package root). Handlers are
 * installed by the SDK before it calls start(). `unknown` in the parameters makes one object fit both lines.
 */
export interface SdkTransport {
  start(): Promise<void>;
  send(message: unknown, options?: unknown): Promise<void>;
  close(): Promise<void>;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: unknown, extra?: unknown) => void) | undefined;
  /** Undefined on byte streams: a set one makes an SDK client believe it resumes a session. */
  sessionId?: string | undefined;
  setProtocolVersion?: ((version: string) => void) | undefined;
}

/** What `McpServer` and `Server` of both lines have in common. */
export interface SdkServer {
  connect(transport: SdkTransport): Promise<void>;
  close(): Promise<void>;
}

/** Which wire a server object is built for: 2026-07-28 ('modern') or an initialize handshake ('legacy'). */
export interface SdkServerContext {
  readonly era: 'legacy' | 'modern';
}

/** Makes one server object per connection; it has the shape of the 2.x SDK's `McpServerFactory`. */
export type SdkServerFactory = (context: SdkServerContext) => SdkServer | Promise<SdkServer>;

/**
 * `serveStdio` of `@modelcontextprotocol/server/stdio`: the 2.x line's only entry that serves 2026-07-28 on a stream.
 * A method, so that the SDK's narrower parameter types are accepted.
 */
export interface SdkStreamEntry {
  serve(
    factory: SdkServerFactory,
    options: { transport: SdkTransport; onerror?: (error: Error) => void },
  ): { close(): Promise<void> };
}
