/** The library in worker threads: loaded by several, dropped in order, and cut off in the middle. */
import { describe, expect, it } from 'vitest';
import { importRingwire, Running, root } from './run.js';

/** Serves and calls inside one thread, then says so. */
const work = `${importRingwire}
import { parentPort, workerData } from 'node:worker_threads';
const server = ringwire.createServer({ name: 'worker', version: '1' }).tool('echo', ({ text }) => text);
const listener = await server.listen('tcp://127.0.0.1:0', { implementation: workerData.implementation });
const client = await ringwire.connect(listener.url, { transport: { implementation: workerData.implementation } });
let calls = 0;
async function round() {
  const results = await Promise.all(Array.from({ length: 100 }, (_, id) => client.callTool('echo', { text: 'hällo ' + id })));
  if (results.some(({ content }, id) => content[0].text !== 'hällo ' + id)) throw new Error('mixed up');
  calls += results.length;
}
`;

function main(body: string): string {
  return `
  import { once } from 'node:events';
  import { Worker } from 'node:worker_threads';
  const work = ${JSON.stringify(work)};
  const start = (then, implementation) =>
    new Worker(new URL('data:text/javascript,' + encodeURIComponent(work + then)), { workerData: { implementation } });
  ${body}`;
}

function run(body: string): Running {
  return new Running(['--input-type=module', '-e', main(body)], { cwd: root });
}

const once = `await round(); await client.close(); await server.close(); parentPort.postMessage(calls);`;
const forever = `await round(); parentPort.postMessage(calls); for (;;) await round();`;

describe.each(['auto', 'twin'])('worker threads, implementation %s', (implementation) => {
  it('two at once load, use and drop the library', async () => {
    const child = run(`
      const workers = [1, 2].map(() => start(${JSON.stringify(once)}, '${implementation}'));
      const ended = workers.map((worker) => once(worker, 'exit'));
      const calls = await Promise.all(workers.map((worker) => once(worker, 'message')));
      const codes = await Promise.all(ended);
      process.stdout.write(JSON.stringify({ calls: calls.flat(), codes: codes.flat() }));`);
    const { code, stdout, stderr } = await child.ended;
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ calls: [100, 100], codes: [0, 0] });
  });

  it('one after the other, again and again', async () => {
    const child = run(`
      for (let round = 0; round < 5; round += 1) {
        const worker = start(${JSON.stringify(once)}, '${implementation}');
        const [[calls], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
        if (calls !== 100 || code !== 0) throw new Error('round ' + round + ': ' + calls + ' calls, exit ' + code);
      }
      process.stdout.write('done');`);
    expect(await child.ended).toEqual({ code: 0, stdout: 'done', stderr: '' });
  });

  it('one is terminated in the middle of its work, the other goes on', async () => {
    const child = run(`
      const [doomed, other] = [start(${JSON.stringify(forever)}, '${implementation}'), start(${JSON.stringify(forever)}, '${implementation}')];
      await Promise.all([once(doomed, 'message'), once(other, 'message')]);
      await doomed.terminate();
      const third = start(${JSON.stringify(once)}, '${implementation}');
      const [[calls]] = await Promise.all([once(third, 'message'), once(third, 'exit')]);
      await other.terminate();
      process.stdout.write(String(calls));`);
    expect(await child.ended).toEqual({ code: 0, stdout: '100', stderr: '' });
  });

  it('the main thread uses it while a worker ends', async () => {
    const child = run(`
      ${importRingwire}
      const server = ringwire.createServer({ name: 'main', version: '1' }).tool('hi', () => 'there');
      const listener = await server.listen('tcp://127.0.0.1:0', { implementation: '${implementation}' });
      const client = await ringwire.connect(listener.url);
      const worker = start(${JSON.stringify(forever)}, '${implementation}');
      await once(worker, 'message');
      const before = await client.callTool('hi');
      await worker.terminate();
      const after = await client.callTool('hi');
      await client.close();
      await server.close();
      process.stdout.write(before.content[0].text + ' ' + after.content[0].text);`);
    expect(await child.ended).toEqual({ code: 0, stdout: 'there there', stderr: '' });
  });
});
