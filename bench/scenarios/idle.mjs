// Connections that are open and say nothing: what each costs the server, and what they cost those that call.
import { checkAnswer, listenUrl, resultOf } from '../lib/compare.mjs';
import { contenders } from '../lib/contenders.mjs';
import { BenchError } from '../lib/errors.mjs';
import { idle as loadIdle, requestOf } from '../lib/loadgen.mjs';
import { startServer } from '../lib/server-process.mjs';
import { medians, significant } from '../lib/statistics.mjs';
import { fixed, formatTable } from '../lib/table.mjs';

export const idleNames = {
  http: ['ringwire-uws', 'ringwire-node', 'raw-uws', 'raw-node-http'],
  ws: ['ringwire-uws', 'ringwire-node', 'raw-uws', 'ws'],
};
const active = 8;
const fields = ['bytesPerConnection', 'rate', 'p50us', 'p99us', 'p999us', 'cpuUsPerMsg', 'generatorCpu'];

const columns = [
  ['contender', (row) => `${row.contender} ${row.transport}`],
  ['idle', (row) => row.connections],
  ['bytes each', (row) => fixed(row.bytesPerConnection, 0)],
  ['RSS MB', (row) => fixed(row.rssMb, 0)],
  ['opened in s', (row) => fixed(row.openSeconds, 1)],
  [`p50 µs of ${active}`, (row) => fixed(row.p50us)],
  ['p99 µs', (row) => fixed(row.p99us)],
  ['errors', (row) => row.errors],
];

async function measureOnce(name, transport, { options, cores }) {
  const contender = contenders[name];
  const missing = contender.missing?.();
  if (missing !== undefined) throw new BenchError(missing);
  const wanted = resultOf(requestOf({}));
  const where = listenUrl(transport);
  const server = await startServer(
    contender.command({ url: where, result: JSON.stringify(wanted) }),
    cores.server,
  );
  try {
    await checkAnswer({ options: { url: server.url } }, {}, wanted);
    return await loadIdle({
      url: server.url,
      serverPid: server.pid,
      connections: options.connections,
      active,
      warmup: options.warmup,
      seconds: options.seconds,
      cpu: cores.generator,
    });
  } catch (error) {
    throw new BenchError([error.message, server.ended()].filter(Boolean).join('; '));
  } finally {
    await server.stop();
  }
}

function summarize(name, transport, rounds, { options, cores }) {
  return {
    scenario: 'idle',
    transport,
    contender: name,
    connections: options.connections,
    active,
    depth: 1,
    ...medians(rounds, fields),
    bytesPerConnections: rounds.map(({ bytesPerConnection }) => bytesPerConnection),
    closedLater: Math.max(...rounds.map(({ closedLater }) => closedLater)),
    openSeconds: medians(rounds, ['openSeconds']).openSeconds,
    rssMb: medians(rounds, ['rssOpenMb']).rssOpenMb,
    rssPeakMb: significant(Math.max(...rounds.map(({ rssPeakMb }) => rssPeakMb))),
    rounds: rounds.length,
    seconds: options.seconds,
    errors: rounds.reduce((sum, { errors }) => sum + errors, 0),
    firstError: rounds.find(({ firstError }) => firstError !== undefined)?.firstError,
    pinned: cores.server !== undefined,
  };
}

/** One transport: each contender in a new process in each round, in turn. */
export async function measureIdle(transport, names, context) {
  const { options, progress, fail, record } = context;
  const results = new Map(names.map((name) => [name, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const [name, rounds] of results) {
      progress(`idle ${transport}: round ${round}/${options.rounds}, ${name}`);
      try {
        rounds.push(await measureOnce(name, transport, context));
      } catch (error) {
        if (!(error instanceof BenchError)) throw error;
        fail(`idle ${transport}: ${name}: ${error.message}`);
        results.delete(name);
      }
    }
  }
  return [...results].map(([name, rounds]) => record(summarize(name, transport, rounds, context)));
}

export const idle = {
  title: 'memory of idle connections, and latency beside them',
  defaults: { rounds: 3 },
  async run(context) {
    const { only } = context.options;
    const able = new Set(Object.values(idleNames).flat());
    const unable = (only ?? []).find((name) => !able.has(name));
    if (unable !== undefined) {
      throw new BenchError(`${unable} has no part in idle; those that have are ${[...able].join(', ')}`, 2);
    }
    const records = [];
    for (const [transport, names] of Object.entries(idleNames)) {
      const taking = only === undefined ? names : names.filter((name) => only.includes(name));
      if (taking.length > 0) records.push(...(await measureIdle(transport, taking, context)));
    }
    if (records.length > 0) context.print(`\nidle\n${formatTable(columns, records)}`);
    return records;
  },
};
