// ringwire as its documentation shows it, over any of its byte-stream endpoints.
//
//   node ringwire.mjs native|twin|async|reply tcp://127.0.0.1:0|unix:/PATH|stdio:
//
// native, twin: a synchronous handler on the addon, on the TypeScript twin. async: an asynchronous one, native.
// reply: the same server as native, asked for a resource that never changes, which needs no JavaScript.
import { createServer } from '../../dist/index.js';

const kinds = {
  native: { implementation: 'native', handler: echo },
  twin: { implementation: 'twin', handler: echo },
  reply: { implementation: 'native', handler: echo },
  async: { implementation: 'native', handler: async (params) => echo(params) },
};

function echo({ text }) {
  return { content: [{ type: 'text', text }] };
}

const [kind, url] = process.argv.slice(2);
if (!Object.hasOwn(kinds, kind) || url === undefined) {
  console.error(`usage: ringwire.mjs ${Object.keys(kinds).join('|')} tcp://HOST:PORT|unix:/PATH|stdio:`);
  process.exit(2);
}
const { implementation, handler } = kinds[kind];
const inputSchema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };

const server = createServer({ name: 'bench', version: '1.0.0' })
  .tool('echo', { inputSchema }, handler)
  .resource('bench://hello', { name: 'hello', mimeType: 'text/plain' }, 'hello world');
// The messages of the large scenario are above the default limit of 4 MiB.
const listener = await server.listen(url, { implementation, maxFrameBytes: 256 * 1024 * 1024 });
if (url !== 'stdio:') console.log(`LISTENING ${listener.url}`);
process.on('SIGTERM', () => server.close().then(() => process.exit(0)));
