/** A server and raw JSON-RPC peers on an endpoint inside the process. */
import { type ConnectOptions, connect, type McpClient } from '../../src/mcp/index.js';
import type { McpServer } from '../../src/mcp/server.js';
import { connectRpc, type RpcClient } from '../../src/rpc/client.js';

let endpoints = 0;

/** Everything a modern request must carry. */
export function meta(
  capabilities: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    ...more,
  };
}

export interface Served {
  readonly url: string;
  /** A JSON-RPC client that knows nothing of MCP. */
  raw(): Promise<RpcClient>;
  client(options?: ConnectOptions): Promise<McpClient>;
  close(): Promise<void>;
}

/** Listens in memory; close() ends every client too. */
export async function serve(server: McpServer): Promise<Served> {
  const url = `memory:mcp-${process.pid}-${++endpoints}`;
  await server.listen(url);
  const open: { close(): Promise<void> }[] = [];
  return {
    url,
    async raw() {
      const client = await connectRpc(url);
      open.push(client);
      return client;
    },
    async client(options) {
      const client = await connect(url, options);
      open.push(client);
      return client;
    },
    async close() {
      await Promise.all(open.map((each) => each.close()));
      await server.close({ drainTimeoutMs: 0 });
    },
  };
}
