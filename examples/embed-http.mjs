/**
 * A server inside a program, on HTTP and WebSocket, and mounted into an HTTP server that is there already; the same tool
 * called over all three.
 *
 *     node examples/embed-http.mjs
 */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'ringwire';

const server = createServer({ name: 'adder', version: '1.0.0' }).tool(
  'add',
  {
    description: 'Adds two numbers.',
    inputSchema: {
      type: 'object',
      properties: { left: { type: 'number' }, right: { type: 'number' } },
      required: ['left', 'right'],
    },
  },
  ({ left, right }) => left + right,
);

// One listener for both: a WebSocket opens on the path of the endpoint.
const listener = await server.listen('http://127.0.0.1:0/mcp');

const handler = server.toNodeHandler();
const site = createHttpServer((request, response) => {
  if (request.url === '/tools') handler(request, response);
  else response.end('A site of its own.\n');
}).listen(0, '127.0.0.1');
await once(site, 'listening');

for (const url of [
  listener.url,
  listener.url.replace('http', 'ws'),
  `http://127.0.0.1:${site.address().port}/tools`,
]) {
  const client = await connect(url);
  const { content } = await client.callTool('add', { left: 2, right: 3 });
  console.log(`${url}: 2 + 3 = ${content[0].text}`);
  await client.close();
}

site.close();
await server.close();
