// Everything that is compared. Each contender is a program that answers the same calls with the same content.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { epollEchoPath } from './build.mjs';

const peers = fileURLToPath(new URL('../peers/', import.meta.url));
const script = (name) => fileURLToPath(new URL(`../contenders/${name}`, import.meta.url));
const node = (name, ...args) => [process.execPath, script(name), ...args];
const dist = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

const plainNode = (kind) => ({
  transports: ['tcp', 'unix', 'stdio'],
  command: ({ url }) => node('node-server.mjs', kind, url),
});

const missing = () => (existsSync(dist) ? undefined : 'dist/index.js is not built: npm run build');

const ringwire = (kind, transports = ['tcp', 'unix', 'stdio']) => ({
  transports,
  missing,
  command: ({ url }) => node('ringwire.mjs', kind, url),
});

const raw = (kind, transports) => ({
  transports,
  command: ({ url, list = [] }) => node('raw.mjs', kind, url, ...list),
});

const peer = (name, handshake, transports = ['http']) => ({
  transports,
  handshake,
  absent: () =>
    existsSync(`${peers}node_modules/${name}`) ? undefined : 'not installed: npm run bench:peers',
  command: ({ url }) => [process.execPath, `${peers}${name}.mjs`, url],
});

// Keys: what --contenders takes and the records say.
//   command({ url, result, list })  argv; `result` is the JSON of the wanted result, for servers that do not parse;
//                             `list` holds it where tools/list is asked for
//   handshake                 'legacy' where a client of that server would initialize first
//   tool                      the tool to call, where it is not echo
//   missing(), absent()       why it cannot run: a failure, or a contender that need not be there
//   fixed                     answers the short text only: no part in runs with large texts
export const contenders = {
  'ringwire-native': ringwire('native'),
  'ringwire-twin': ringwire('twin'),
  'ringwire-async': ringwire('async'),
  'ringwire-reply': ringwire('reply', ['tcp', 'unix', 'stdio', 'http']),
  'ringwire-uws': ringwire('uws', ['http', 'ws']),
  'ringwire-node': ringwire('node', ['http', 'ws', 'h2']),
  'node-batched': plainNode('batched'),
  'node-naive': plainNode('naive'),
  'epoll-cpp': {
    transports: ['tcp', 'unix'],
    fixed: true,
    command: ({ url, result }) => [epollEchoPath, url, result],
  },
  sdk1: { transports: ['stdio'], handshake: 'legacy', command: () => node('sdk1.mjs') },
  'sdk1-transport': { transports: ['stdio'], command: () => node('sdk1-transport.mjs') },
  sdk2: { transports: ['stdio'], command: () => node('sdk2.mjs') },
  'sdk1-on-ringwire': {
    transports: ['stdio', 'http'],
    handshake: 'legacy',
    missing,
    command: ({ url }) => node('sdk1-on-ringwire.mjs', url),
  },
  'raw-uws': raw('uws', ['http', 'ws']),
  'raw-node-http': raw('node-http', ['http']),
  'raw-node-http2': raw('node-http2', ['h2']),
  ws: raw('ws', ['ws']),
  'sdk1-stateful': {
    transports: ['http'],
    handshake: 'legacy',
    command: ({ url }) => node('sdk1-http.mjs', url),
  },
  'sdk2-node': { transports: ['http'], command: ({ url }) => node('sdk2-http.mjs', url) },
  'mcp-lite': peer('mcp-lite', 'legacy'),
  tmcp: peer('tmcp'),
  fastmcp: peer('fastmcp', 'legacy'),
  // Knows nothing of MCP: what a plain JSON-RPC library makes of the same call.
  jayson: peer('jayson', undefined, ['tcp', 'http']),
};
