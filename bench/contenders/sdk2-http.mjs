// Official SDK 2.x: McpServer behind createMcpHandler and its Node adapter, as its documentation shows it. The first
// argument is the URL to listen on.
import http from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';

const { hostname: host, port } = new URL(process.argv[2]);
const inputSchema = z.object({ text: z.string() });

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'bench', version: '1.0.0' });
  server.registerTool('echo', { inputSchema }, ({ text }) => ({ content: [{ type: 'text', text }] }));
  return server;
});
const server = http.createServer({ keepAliveTimeout: 600_000 }, toNodeHandler(handler));
server.listen({ host, port: Number(port), backlog: 1024 }, () =>
  console.log(`LISTENING http://127.0.0.1:${server.address().port}/mcp`),
);
process.on('SIGTERM', () => process.exit(0));
