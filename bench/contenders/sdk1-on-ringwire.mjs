// The server objects of sdk1.mjs and sdk1-http.mjs, served by ringwire. The first argument is the URL to listen on.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import * as z from 'zod';
import { serveSdk } from '../../dist/index.js';

function makeServer() {
  const server = new McpServer({ name: 'bench', version: '1.0.0' });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }));
  return server;
}

const url = process.argv[2];
const service = await serveSdk(makeServer, url, { maxFrameBytes: 256 * 1024 * 1024 });
if (url !== 'stdio:') console.log(`LISTENING ${service.url}`);
process.on('SIGTERM', () => service.close().then(() => process.exit(0)));
