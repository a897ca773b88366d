// mcp-lite on its own HTTP transport, without sessions. The first argument is the URL to listen on.
import { serve } from '@hono/node-server';
import { McpServer, StreamableHttpTransport } from 'mcp-lite';
import * as z from 'zod';

const { hostname, port } = new URL(process.argv[2]);
const server = new McpServer({
  name: 'bench',
  version: '1.0.0',
  schemaAdapter: (schema) => z.toJSONSchema(schema),
});
server.tool('echo', {
  inputSchema: z.object({ text: z.string() }),
  handler: ({ text }) => ({ content: [{ type: 'text', text }] }),
});
const fetch = new StreamableHttpTransport().bind(server);
serve({ fetch, hostname, port: Number(port) }, (address) =>
  console.log(`LISTENING http://127.0.0.1:${address.port}/mcp`),
);
process.on('SIGTERM', () => process.exit(0));
