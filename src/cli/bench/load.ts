/** A closed-loop generator in JavaScript: each connection keeps `depth` calls in flight and sends the next on an answer. */
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { RingwireError } from '../../errors.js';

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** Calls in flight on each connection. */
  readonly depth: number;
  readonly measureMs: number;
}

export interface LoadResult {
  readonly calls: number;
  readonly elapsedMs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Share of one core the generator's process used: at 1 it, not the server, was measured. */
  readonly generatorCpu: number;
}

/** The message every figure of ringwire is about: tools/call of echo, with the `_meta` of protocol 2026-07-28. */
function request(id: number): string {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'ringwire-bench', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { name: 'echo', arguments: { text: 'hello world' }, _meta };
  return `${JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })}\n`;
}

const idPattern = /"id":(\d+)/;

/** Latencies in microseconds; past its capacity the oldest are overwritten. */
class Latencies {
  readonly #values = new Float64Array(1 << 20);
  count = 0;

  add(microseconds: number): void {
    this.#values[this.count % this.#values.length] = microseconds;
    this.count += 1;
  }

  percentiles(): (share: number) => number {
    const sorted = this.#values.slice(0, Math.min(this.count, this.#values.length)).sort();
    return (share) => (sorted.length === 0 ? 0 : sorted[Math.floor((sorted.length - 1) * share)]);
  }
}

/** What all connections share. */
interface Run {
  readonly latencies: Latencies;
  stopped: boolean;
  fail(error: Error): void;
}

function drive(socket: Socket, depth: number, run: Run): void {
  // An id is a slot: it is sent again as soon as its answer came, so that ids stay unique in flight.
  const frames = Array.from({ length: depth }, (_, id) => request(id));
  const sentAt = new Float64Array(depth);
  let partial = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk) => {
    if (run.stopped) return;
    const now = performance.now();
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() ?? '';
    let next = '';
    for (const line of lines) {
      const slot = Number(idPattern.exec(line)?.[1]);
      if (!(slot < depth) || !line.includes('"text":"hello world"')) {
        run.fail(
          new RingwireError(
            'FRAME_INVALID',
            `The server answered something else than the echo: ${line.slice(0, 200)}`,
          ),
        );
        return;
      }
      run.latencies.add((now - sentAt[slot]) * 1000);
      sentAt[slot] = now;
      next += frames[slot];
    }
    if (next !== '') socket.write(next, 'latin1');
  });
  socket.on('error', run.fail);
  socket.on('close', () => {
    if (!run.stopped)
      run.fail(new RingwireError('CONNECTION_CLOSED', 'The server closed a connection during the run.'));
  });
  sentAt.fill(performance.now());
  socket.write(frames.join(''), 'latin1');
}

function open({ host, port }: LoadOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Runs the load once. Connections are open before the clock starts. Rejects when an answer is not the echo. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const sockets = await Promise.all(Array.from({ length: options.connections }, () => open(options)));
  const end = new AbortController();
  const run: Run = { latencies: new Latencies(), stopped: false, fail: () => {} };
  try {
    return await new Promise<LoadResult>((resolve, reject) => {
      run.fail = reject;
      const measure = async (): Promise<LoadResult> => {
        const startedAt = performance.now();
        const startedCpu = process.cpuUsage();
        await wait(options.measureMs, undefined, { signal: end.signal });
        const elapsedMs = performance.now() - startedAt;
        const { user, system } = process.cpuUsage(startedCpu);
        const at = run.latencies.percentiles();
        return {
          calls: run.latencies.count,
          elapsedMs,
          p50Us: at(0.5),
          p99Us: at(0.99),
          maxUs: at(1),
          generatorCpu: (user + system) / 1000 / elapsedMs,
        };
      };
      for (const socket of sockets) drive(socket, options.depth, run);
      measure().then(resolve, reject);
    });
  } finally {
    run.stopped = true;
    end.abort();
    for (const socket of sockets) socket.destroy();
  }
}
