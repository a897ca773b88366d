/**
 * A server of the official SDK, unchanged, on ringwire's transports: only the last lines differ from the SDK's own.
 *
 *     node examples/sdk-migration.mjs      (needs @modelcontextprotocol/sdk and zod)
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { clientTransport, serveSdk } from 'ringwire';
import { z } from 'zod';

function makeServer() {
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  server.registerTool(
    'forecast',
    { description: 'Tells the weather.', inputSchema: { city: z.string() } },
    async ({ city }) => ({ content: [{ type: 'text', text: `Sunny in ${city}.` }] }),
  );
  return server;
}

// Before: await makeServer().connect(new StdioServerTransport());
const service = await serveSdk(makeServer, 'tcp://127.0.0.1:0');
console.log(`serving on ${service.url}`);

// The SDK's client over the same transport; any MCP client would do.
const client = new Client({ name: 'example', version: '1.0.0' });
await client.connect(clientTransport(service.url));
const { content } = await client.callTool({ name: 'forecast', arguments: { city: 'Lisbon' } });
console.log(content[0].text);

await client.close();
await service.close();
