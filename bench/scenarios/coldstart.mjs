// From spawn to the first answer, and the memory of a server that has answered once and waits.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { listenUrl } from '../lib/compare.mjs';
import { contenders } from '../lib/contenders.mjs';
import { BenchError } from '../lib/errors.mjs';
import { start } from '../lib/loadgen.mjs';
import { startServer } from '../lib/server-process.mjs';
import { median, significant } from '../lib/statistics.mjs';
import { fixed, formatTable } from '../lib/table.mjs';

const idleSeconds = 0.5;
const names = [
  ['ringwire-native', 'ringwire-twin', 'node-batched', 'sdk1', 'sdk2'],
  ['ringwire-uws', 'ringwire-node', 'raw-uws', 'raw-node-http', 'sdk1-stateful', 'sdk2-node'],
].flat();
const columns = [
  ['contender', (row) => `${row.contender} ${row.transport}`],
  ['first answer ms', (row) => fixed(row.firstReplyMs, 0)],
  ['idle RSS MB', (row) => fixed(row.rssMb, 0)],
  ['CPU ms', (row) => fixed(row.serverCpuMs, 0)],
];

async function startOnce(name, transport, folder) {
  const contender = contenders[name];
  const missing = contender.missing?.();
  if (missing !== undefined) throw new BenchError(missing);
  const options = { handshake: contender.handshake, tool: contender.tool, seconds: idleSeconds };
  const result = JSON.stringify({ resultType: 'complete', content: [] });
  if (transport === 'stdio') return start(options, contender.command({ url: 'stdio:', result }));
  const server = await startServer(contender.command({ url: listenUrl(transport, folder, name), result }));
  try {
    const report = await start({ ...options, url: server.url, serverPid: server.pid });
    return { ...report, firstReplyMs: server.startMs + report.firstReplyMs };
  } finally {
    await server.stop();
  }
}

/** One contender over one transport, each round in a new process, on whatever core the system chooses. */
export async function measureStart({ name, transport, rounds, progress }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringwire-bench-'));
  try {
    const starts = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`coldstart ${transport}: round ${round}/${rounds}, ${name}`);
      starts.push(await startOnce(name, transport, folder));
    }
    const of = (field) => significant(median(starts.map((one) => one[field])), 4);
    return {
      transport,
      contender: name,
      connections: 1,
      depth: 1,
      firstReplyMs: of('firstReplyMs'),
      firstReplies: starts.map((one) => significant(one.firstReplyMs, 4)),
      serverCpuMs: of('serverCpuMs'),
      rssMb: of('rssMb'),
      rounds,
      errors: 0,
      pinned: false,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const coldstart = {
  title: 'spawn to first answer, idle memory',
  async run({ options, record, progress, fail, print }) {
    const records = [];
    for (const transport of ['stdio', 'tcp', 'http']) {
      for (const name of (options.only ?? names).filter((one) =>
        contenders[one].transports.includes(transport),
      )) {
        try {
          const summary = await measureStart({ name, transport, rounds: options.rounds, progress });
          records.push(record({ ...summary, scenario: 'coldstart' }));
        } catch (error) {
          if (!(error instanceof BenchError)) throw error;
          fail(`coldstart ${transport}: ${name}: ${error.message}`);
        }
      }
    }
    if (records.length > 0) print(`\ncoldstart\n${formatTable(columns, records)}`);
    return records;
  },
};
