/**
 * A server inside a program, on TCP and a Unix socket, and the same tool called over both.
 *
 *     node examples/embed-tcp.mjs
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

const socket = join(tmpdir(), `ringwire-embed-${process.pid}.sock`);
const listeners = await server.listen(['tcp://127.0.0.1:0', `unix:${socket}`]);

for (const { url } of listeners) {
  const client = await connect(url);
  const { content } = await client.callTool('add', { left: 2, right: 3 });
  console.log(`${url}: 2 + 3 = ${content[0].text}`);
  await client.close();
}

await server.close();
