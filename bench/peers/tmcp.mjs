// tmcp on its own HTTP transport. The first argument is the URL to listen on.
import { serve } from '@hono/node-server';
import { ValibotJsonSchemaAdapter } from '@tmcp/adapter-valibot';
import { HttpTransport } from '@tmcp/transport-http';
import { McpServer } from 'tmcp';
import * as v from 'valibot';

const { hostname, port } = new URL(process.argv[2]);
const server = new McpServer(
  { name: 'bench', version: '1.0.0', description: 'echo' },
  { adapter: new ValibotJsonSchemaAdapter(), capabilities: { tools: { listChanged: true } } },
);
server.tool({ name: 'echo', description: 'echo', schema: v.object({ text: v.string() }) }, ({ text }) => ({
  content: [{ type: 'text', text }],
}));
const transport = new HttpTransport(server, { path: '/mcp' });
const fetch = async (request) => (await transport.respond(request)) ?? new Response(null, { status: 404 });
serve({ fetch, hostname, port: Number(port) }, (address) =>
  console.log(`LISTENING http://127.0.0.1:${address.port}/mcp`),
);
process.on('SIGTERM', () => process.exit(0));
