/** How long a server takes on this machine from its start to its first answer, and to the next ones. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { startMeasuredServer } from '../../workbench/servers/measured-server.js';
import { broken, couldBeBetter, type Finding, ok } from './check.js';

const starts = 3;
const callsAfter = 100;
/** A start beyond this is felt by whoever waits for a stdio server; an idle machine takes a third of it. */
const slowStartMs = 500;
const patienceMs = 15_000;

interface Start {
  readonly firstMs: number;
  /** Median of the calls after it, one at a time. */
  readonly nextMs: number;
}

const request = (id: number): string => {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'ringwire-doctor', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { name: 'echo', arguments: { text: 'hello world' }, _meta };
  return `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`;
};

/** Starts a server as a client of stdio does, and calls it. Throws with the reason where it does not answer. */
async function start(command: readonly string[]): Promise<Start> {
  const begin = performance.now();
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-2_000);
  });
  // A child that is gone already tells by its exit.
  child.stdin.on('error', () => {});
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  const exited = once(child, 'close');
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const call = async (id: number): Promise<void> => {
      child.stdin.write(request(id));
      const { value, done } = await lines.next();
      if (done === true) throw new Error(errors.trim().split('\n').at(-1) || 'it ended without a word');
      if (!String(value).includes('hello world'))
        throw new Error(`it answered ${String(value).slice(0, 200)}`);
    };
    await call(1);
    const firstMs = performance.now() - begin;
    const times: number[] = [];
    for (let id = 2; id < callsAfter + 2; id += 1) {
      const sent = performance.now();
      await call(id);
      times.push(performance.now() - sent);
    }
    times.sort((left, right) => left - right);
    return { firstMs, nextMs: times[times.length >> 1] };
  } finally {
    clearTimeout(timer);
    child.stdin.end();
    const grace = setTimeout(() => child.kill('SIGKILL'), 2_000);
    await exited.catch(() => {});
    clearTimeout(grace);
  }
}

/** The best of three starts: the others had files to read and neighbours to wait for. */
export async function firstAnswerFindings(): Promise<Finding[]> {
  const name = 'first answer';
  const { target } = await startMeasuredServer({ transport: 'stdio' });
  const command = 'command' in target ? target.command : [];
  try {
    let best: Start | undefined;
    for (let count = 0; count < starts; count += 1) {
      const one = await start(command);
      if (best === undefined || one.firstMs < best.firstMs) best = one;
    }
    const { firstMs, nextMs } = best as Start;
    const found = `${Math.round(firstMs)} ms after the start over stdio, then ${(nextMs * 1000).toFixed(0)} µs a call`;
    if (firstMs <= slowStartMs) return [ok(name, found)];
    return [
      couldBeBetter(
        name,
        `${found}; ${slowStartMs} ms and less is usual`,
        'keep node_modules on a local disk, out of on-access virus scans, and start on a processor that is free',
      ),
    ];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [
      broken(name, `a server started over stdio does not answer: ${why}`, 'npm install --force ringwire'),
    ];
  }
}
