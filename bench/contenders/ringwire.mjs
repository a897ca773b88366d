// ringwire as its documentation shows it, over any of its endpoints.
//
//   node ringwire.mjs native|twin|async|reply tcp://127.0.0.1:0|unix:/PATH|stdio:
//   node ringwire.mjs uws|node|reply http://127.0.0.1:0/mcp|ws://127.0.0.1:0/mcp
//
// native, twin: a synchronous handler on the addon, on the TypeScript twin. async: an asynchronous one, native.
// uws, node: the HTTP engine, native. reply: the same server, asked for what never changes, which needs no handler.
import { createServer } from '../../dist/index.js';

const kinds = {
  native: { implementation: 'native', handler: echo },
  twin: { implementation: 'twin', handler: echo },
  reply: { implementation: 'native', handler: echo },
  async: { implementation: 'native', handler: async (params) => echo(params) },
  uws: { implementation: 'native', handler: echo, engine: 'uws' },
  node: { implementation: 'native', handler: echo, engine: 'node' },
};

function echo({ text }) {
  return { content: [{ type: 'text', text }] };
}

const [kind, url] = process.argv.slice(2);
if (!Object.hasOwn(kinds, kind) || url === undefined) {
  console.error(
    `usage: ringwire.mjs ${Object.keys(kinds).join('|')} tcp://HOST:PORT|unix:/PATH|stdio:|http://HOST:PORT/PATH|ws://…`,
  );
  process.exit(2);
}
const { implementation, handler, engine = 'uws' } = kinds[kind];
const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };

const server = createServer({ name: 'bench', version: '1.0.0' })
  .tool('echo', { inputSchema }, handler)
  .resource('bench://hello', { name: 'hello', mimeType: 'text/plain' }, 'hello world');
// The messages of the large scenario are above the default limit of 4 MiB, the idle connections above 10,000.
const limits = { maxFrameBytes: 256 * 1024 * 1024, maxConnections: 100_000 };
const http = /^(http|ws):/.test(url) ? { http: { engine } } : {};
const listener = await server.listen(url, { implementation, ...limits, ...http });
if (url !== 'stdio:') console.log(`LISTENING ${listener.url}`);
process.on('SIGTERM', () => server.close().then(() => process.exit(0)));
