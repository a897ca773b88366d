// Latency at a fixed rate, timed from the scheduled send: a server that stands still is charged for all who waited.
import { compare } from '../lib/compare.mjs';
import { BenchError } from '../lib/errors.mjs';
import { fixed, formatTable, humanRate } from '../lib/table.mjs';

export const openloopNames = {
  http: ['ringwire-uws', 'ringwire-node', 'raw-uws', 'raw-node-http'],
  tcp: ['ringwire-native', 'node-batched'],
  ws: ['ringwire-uws', 'ringwire-node', 'raw-uws'],
};
const connections = 64;
// A generator that is later than this in one of a hundred sends has measured itself.
const lateLimitUs = 1_000;

const columns = [
  ['contender', (row) => `${row.contender} ${row.transport}`],
  ['wanted/s', (row) => humanRate(row.targetRate)],
  ['reached/s', (row) => humanRate(row.rate)],
  ['p50 ms', (row) => fixed(row.p50us / 1000, 2)],
  ['p99 ms', (row) => fixed(row.p99us / 1000, 2)],
  ['p99.9 ms', (row) => fixed(row.p999us / 1000, 2)],
  ['p99.99 ms', (row) => fixed(row.p9999us / 1000, 2)],
  ['CPU', (row) => `${fixed((row.serverCpu ?? 0) * 100, 0)} %`],
  ['RSS MB', (row) => fixed(row.rssMb, 0)],
  ['generator', (row) => (row.generatorLate ? 'late' : 'on time')],
  ['errors', (row) => row.errors],
];

/** One transport at the wanted rate. */
export async function measureOpenloop(transport, names, context) {
  const { options, cores, record, progress, fail, note } = context;
  const summaries = await compare({
    names,
    transport,
    shape: { text: 'ascii' },
    load: { connections, depth: 1, rate: options.rate, seconds: options.seconds },
    rounds: options.rounds,
    // Compilers are to be done before the clock starts: at this rate they have less to learn from.
    warmup: options.quick ? options.warmup : Math.max(options.warmup, 3),
    cores,
    progress,
    fail,
    note,
    label: `openloop ${transport}`,
  });
  return summaries.map((summary) =>
    record({
      ...summary,
      scenario: 'openloop',
      generatorLate: summary.lateP99us > lateLimitUs || (summary.generatorCpu ?? 0) > 0.95,
    }),
  );
}

export const openloop = {
  title: 'latency at a fixed rate over HTTP, TCP and WebSocket',
  defaults: { rounds: 1, seconds: 60 },
  async run(context) {
    const { only } = context.options;
    const able = new Set(Object.values(openloopNames).flat());
    const unable = (only ?? []).find((name) => !able.has(name));
    if (unable !== undefined) {
      throw new BenchError(
        `${unable} has no part in openloop; those that have are ${[...able].join(', ')}`,
        2,
      );
    }
    const records = [];
    for (const [transport, names] of Object.entries(openloopNames)) {
      const taking = only === undefined ? names : names.filter((name) => only.includes(name));
      if (taking.length > 0) records.push(...(await measureOpenloop(transport, taking, context)));
    }
    if (records.length > 0) context.print(`\nopenloop\n${formatTable(columns, records)}`);
    return records;
  },
};
