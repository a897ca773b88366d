// Everything that is compared. Each contender is a program that answers the same calls with the same content.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { epollEchoPath } from './build.mjs';

const script = (name) => fileURLToPath(new URL(`../contenders/${name}`, import.meta.url));
const node = (name, ...args) => [process.execPath, script(name), ...args];
const dist = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

const plainNode = (kind) => ({
  transports: ['tcp', 'unix', 'stdio'],
  command: ({ url }) => node('node-server.mjs', kind, url),
});

const ringwire = (kind, transports = ['tcp', 'unix', 'stdio']) => ({
  transports,
  missing: () => (existsSync(dist) ? undefined : 'dist/index.js is not built: npm run build'),
  command: ({ url }) => node('ringwire.mjs', kind, url),
});

// Keys: what --contenders takes and the records say.
//   command({ url, result })  argv; `result` is the JSON of the wanted result, for servers that do not parse
//   handshake                 'legacy' where a client of that server would initialize first
//   tool                      the tool to call, where it is not echo
//   fixed                     answers the short text only: no part in runs with large texts
export const contenders = {
  'ringwire-native': ringwire('native'),
  'ringwire-twin': ringwire('twin'),
  'ringwire-async': ringwire('async'),
  'ringwire-reply': ringwire('reply'),
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
};
