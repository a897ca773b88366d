/** Native engines and the ends of what they live in: threads, processes, handlers that fail, collected objects. */
import { expect, test } from 'vitest';
import { importRingwire, Running, temporaryModule } from './run.js';

/** A server with one connection to it, and a load that keeps 64 requests under way. */
const prelude = `${importRingwire}
import { readdirSync } from 'node:fs';
import { setImmediate as immediate } from 'node:timers/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const native = { implementation: 'native' };

export async function start() {
  const server = ringwire.createRpcServer();
  server.method('echo', (params) => params ?? null);
  server.method('later', async (params) => {
    await immediate();
    return params;
  });
  const listener = await server.listen('tcp://127.0.0.1:0', native);
  const client = await ringwire.connectRpc(listener.url, native);
  const state = { answered: 0, stopped: false, onAnswer: () => {} };
  const pump = async () => {
    while (!state.stopped) {
      const text = 'é'.repeat(state.answered % 300);
      const back = await client.request(state.answered % 2 ? 'later' : 'echo', { text });
      if (back.text !== text) throw new Error('another answer came');
      state.answered += 1;
      state.onAnswer();
    }
  };
  const load = () => Array.from({ length: 64 }, pump);
  /** Resolves after that many more answers. */
  const answers = (count) => {
    const target = state.answered + count;
    return new Promise((resolve) => {
      state.onAnswer = () => {
        if (state.answered >= target) resolve();
      };
    });
  };
  return { server, listener, client, state, load, answers };
}

const descriptors = () => readdirSync('/proc/self/fd').length;
`;

async function run(source: string, ...flags: string[]) {
  const child = new Running([...flags, await temporaryModule(`${prelude}\n${source}`)]);
  child.process.stdin.end();
  return child.ended;
}

test('workers that are terminated under load leave the others alone, 20 times', async () => {
  const ended = await run(`
    if (isMainThread) {
      const { server, client, load, answers, state } = await start();
      const pumps = load();
      const before = descriptors();
      const next = (worker) => new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      for (let round = 0; round < 20; round += 1) {
        const workers = [new Worker(new URL(import.meta.url)), new Worker(new URL(import.meta.url))];
        await Promise.all(workers.map(next));
        await workers[0].terminate();
        workers[1].postMessage('more');
        await next(workers[1]);
        await answers(200);
        await workers[1].terminate();
      }
      state.stopped = true;
      await Promise.all(pumps);
      while (descriptors() > before) await immediate();
      await client.close();
      await server.close();
      console.log('done');
    } else {
      const { load, answers } = await start();
      for (const pump of load()) pump.catch((error) => { throw error; });
      await answers(300);
      parentPort.postMessage('loaded');
      parentPort.on('message', async () => {
        await answers(200);
        parentPort.postMessage('more');
      });
    }
  `);
  expect(ended).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
}, 60_000);

test('a worker that closes everything ends by itself', async () => {
  const ended = await run(`
    if (isMainThread) {
      const worker = new Worker(new URL(import.meta.url));
      worker.once('exit', (code) => console.log('worker', code));
    } else {
      const { server, client, load, answers, state } = await start();
      const pumps = load();
      await answers(500);
      state.stopped = true;
      await Promise.all(pumps);
      await client.close();
      await server.close();
    }
  `);
  expect(ended).toEqual({ code: 0, stdout: 'worker 0\n', stderr: '' });
});

test.each([
  'process.exit(7)',
  'setImmediate(() => process.exit(7))',
  'Promise.resolve().then(() => process.exit(7))',
])('%s under load', async (exit) => {
  const ended = await run(`
      const { server, load, answers } = await start();
      server.method('exit', () => { ${exit}; });
      load();
      await answers(500);
      const other = await ringwire.connectRpc([...server.listeners][0].url, native);
      await other.request('exit');
    `);
  expect(ended).toEqual({ code: 7, stdout: '', stderr: '' });
});

test('an uncaught exception of a handler costs nobody else an answer', async () => {
  const ended = await run(`
    const { server, client, load, answers, state } = await start();
    let caught = 0;
    process.on('uncaughtException', (error) => {
      if (error.message !== 'of the handler') throw error;
      caught += 1;
    });
    const fail = () => { throw new Error('of the handler'); };
    const ways = [queueMicrotask, process.nextTick, setImmediate, (throws) => setTimeout(throws, 0)];
    server.method('boom', ({ way }) => {
      ways[way](fail);
      return 'answered';
    });
    server.method('boom-later', async ({ way }) => {
      await immediate();
      ways[way](fail);
      return 'answered';
    });
    const pumps = load();
    for (let round = 0; round < 10; round += 1) {
      const calls = [];
      for (let way = 0; way < 4; way += 1) {
        calls.push(client.request('boom', { way }), client.request('boom-later', { way }));
      }
      if (!(await Promise.all(calls)).every((text) => text === 'answered')) throw new Error('not answered');
      await answers(100);
    }
    state.stopped = true;
    await Promise.all(pumps);
    console.log('caught', caught, 'open', server.nativeCounters.callsInFlight);
    await client.close();
    await server.close();
  `);
  expect(ended).toEqual({ code: 0, stdout: 'caught 80 open 0\n', stderr: '' });
});

test('50 servers opened and closed leave neither memory nor descriptors', async () => {
  const ended = await run(
    `
    const once = async () => {
      const { server, client, load, answers, state } = await start();
      const pumps = load();
      await answers(200);
      state.stopped = true;
      await Promise.all(pumps);
      await client.close();
      const { callsInFlight, forwardsInFlight } = server.nativeCounters;
      if (callsInFlight + forwardsInFlight !== 0) throw new Error('calls are left');
      await server.close();
    };
    await once();
    const before = descriptors();
    // What a server's engine shares with JavaScript is more than 1 MiB.
    const held = () => {
      gc();
      return process.memoryUsage().arrayBuffers;
    };
    const bytesBefore = held();
    for (let round = 0; round < 50; round += 1) await once();
    while (descriptors() > before) await immediate();
    // Finalizers run in turns of their own.
    for (let turn = 0; turn < 100 && held() > bytesBefore + 4 * 1024 * 1024; turn += 1) await immediate();
    console.log(held() <= bytesBefore + 4 * 1024 * 1024 ? 'collected' : \`\${held() - bytesBefore} bytes more\`);
    `,
    '--expose-gc',
  );
  expect(ended).toEqual({ code: 0, stdout: 'collected\n', stderr: '' });
}, 60_000);
