/** An MCP server's HTTP application and requests to it, without an engine. */
import type { McpServer } from '../../src/mcp/server.js';
import type { ServerApplication } from '../../src/transports/http/http-server.js';
import { resolveOptions } from '../../src/transports/options.js';
import type { TransportOptions } from '../../src/transports/transport.js';
import { send, type TestExchange, type TestRequest } from './http-support.js';
import { meta } from './mcp-support.js';

export const version = '2026-07-28';

export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number;
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

/** A modern request; `_meta` is added where params have none. */
export function request(
  method: string,
  params: Record<string, unknown> = {},
  id: string | number = 1,
): Message {
  return { jsonrpc: '2.0', id, method, params: { _meta: meta(), ...params } };
}

export function callTool(name: string, args?: unknown, more: Record<string, unknown> = {}): Message {
  return request('tools/call', { name, ...(args === undefined ? {} : { arguments: args }), ...more });
}

/** The header fields of a modern client for this message; undefined takes one away. */
export function headersFor(
  message: Message,
  more: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  const name = message.params?.name ?? message.params?.uri;
  const headers: Record<string, string | undefined> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': version,
    'mcp-method': message.method,
    'mcp-name': typeof name === 'string' ? name : undefined,
    ...more,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
}

export interface TestServer {
  readonly application: ServerApplication;
  /** Posts as a modern client does. */
  post(
    message: Message,
    headers?: Readonly<Record<string, string | undefined>>,
    request?: TestRequest,
  ): TestExchange;
  close(): Promise<void>;
}

export async function serveHttp(server: McpServer, options?: TransportOptions): Promise<TestServer> {
  const application = await server.rpc.makeHttpApplication(resolveOptions(options));
  return {
    application,
    post: (message, headers, more) =>
      send(application, { headers: headersFor(message, headers), body: message, ...more }),
    close: () => server.close({ drainTimeoutMs: 0 }),
  };
}
