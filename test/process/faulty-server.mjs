// A server with one fault, named on the command line: what the analyzer has to find. Prints its addresses as JSON. To be
// run with --expose-gc: it collects often, so that a run of seconds shows what collections leave.
import { setTimeout as wait } from 'node:timers/promises';
import { createRpcServer } from '../../dist/index.js';

const [fault] = process.argv.slice(2);
const kept = [];

const handlers = {
  healthy: () => 'pong',
  delay: async () => {
    await wait(20);
    return 'pong';
  },
};

const server = createRpcServer()
  .method('ping', handlers[fault] ?? handlers.healthy)
  .method('large', () => 'x'.repeat(1_000_000));

/** By the processor's time: on a busy machine the clock runs on without us. */
function compute(ms) {
  const begin = process.cpuUsage();
  for (let spent = 0; spent < ms * 1_000; ) {
    const { user, system } = process.cpuUsage(begin);
    spent = user + system;
  }
}

// Hardly ever free: whoever asks how it is waits for the end of such a turn, so that each sample has one.
if (fault === 'blocked') setInterval(() => compute(700), 800);
setInterval(() => {
  // Four megabytes of the heap for each collection, however seldom a busy machine lets us have one.
  if (fault === 'leak') for (let count = 0; count < 64; count += 1) kept.push(new Array(8_192).fill(0));
  globalThis.gc();
}, 250);

const tcp = await server.listen('tcp://127.0.0.1:0');
const http = await server.listen('http://127.0.0.1:0/rpc', { http: { health: true } });
console.log(JSON.stringify({ tcp: tcp.url, stats: new URL('/stats', http.url).href }));
