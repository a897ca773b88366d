// Official SDK 1.x: McpServer on its Streamable HTTP transport with sessions and plain JSON answers, on node:http
// without a framework in front. The first argument is the URL to listen on.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as z from 'zod';

const { hostname: host, port } = new URL(process.argv[2]);
const transports = new Map();

function makeServer() {
  const server = new McpServer({ name: 'bench', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }));
  return server;
}

async function openSession() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => transports.set(id, transport),
  });
  await makeServer().connect(transport);
  return transport;
}

const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
  const transport = transports.get(request.headers['mcp-session-id']) ?? (await openSession());
  await transport.handleRequest(request, response);
});
server.listen({ host, port: Number(port), backlog: 1024 }, () =>
  console.log(`LISTENING http://127.0.0.1:${server.address().port}/mcp`),
);
process.on('SIGTERM', () => process.exit(0));
