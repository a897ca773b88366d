// Everything the targets of this project need, then a table target / reached / verdict. A miss is exit code 1.
import { formatTable } from '../lib/table.mjs';
import { coldstart } from './coldstart.mjs';
import { largeSizes, measureLarge } from './large.mjs';
import { ring } from './ring.mjs';
import { scan } from './scan.mjs';
import { measureStream, socketConfigurations, stdioConfigurations } from './streams.mjs';
import { targetRows } from './target-rows.mjs';

const bySocket = (depth, text, payload = 'tool') =>
  socketConfigurations.find(
    (one) => one.depth === depth && one.text === text && (one.payload ?? 'tool') === payload,
  );
const byStdio = (depth) => stdioConfigurations.find((one) => one.depth === depth && one.text === 'ascii');

const streamPlan = [
  ['tcp', bySocket(64, 'ascii'), ['ringwire-native', 'ringwire-async', 'node-batched']],
  ['tcp', bySocket(64, 'utf8'), ['ringwire-native', 'node-batched']],
  ['tcp', bySocket(64, 'escapes'), ['ringwire-native', 'node-batched']],
  ['tcp', bySocket(64, 'ascii', 'resource'), ['ringwire-reply', 'node-batched']],
  ['tcp', bySocket(1, 'ascii'), ['ringwire-native', 'node-batched', 'epoll-cpp']],
  ['stdio', byStdio(64), ['ringwire-native', 'node-batched', 'node-naive', 'sdk1']],
  ['stdio', byStdio(1024), ['ringwire-native', 'sdk1-transport']],
];

async function measureAll(context) {
  const { quick } = context.options;
  const records = [];
  for (const [transport, configuration, names] of streamPlan) {
    records.push(...(await measureStream(transport, configuration, names, context)));
  }
  for (const transport of ['stdio', 'tcp']) {
    for (const { megabytes, messages } of quick ? largeSizes.slice(0, 1) : largeSizes) {
      const names = ['ringwire-native', ...(transport === 'stdio' && megabytes !== 10 ? ['sdk1'] : [])];
      records.push(...(await measureLarge({ transport, megabytes, messages, names, context })));
    }
  }
  const starting = { ...context, options: { ...context.options, only: ['ringwire-native'] } };
  records.push(
    ...(await coldstart.run(starting)),
    ...(await scan.run(context)),
    ...(await ring.run(context)),
  );
  return records;
}

const columns = [
  ['target', (row) => row.id],
  ['work', (row) => row.work],
  ['wanted', (row) => row.wanted],
  ['reached', (row) => (row.reached === undefined ? '-' : `${row.reached} ${row.unit}`)],
  ['verdict', (row) => row.verdict],
];

export const targets = {
  title: 'all that the targets need; non-zero exit code when one is missed',
  async run(context) {
    // The parts record under their own names; `suite` keeps them apart from whole runs of those scenarios.
    const record = (summary) => context.record({ ...summary, suite: 'targets' });
    const records = await measureAll({ ...context, record });
    const rows = targetRows(records).map((row) => context.record({ ...row, scenario: 'targets' }));
    context.print(`\n${formatTable(columns, rows)}`);
    const missed = rows.filter((row) => row.verdict === 'missed' || row.verdict === 'not measured');
    // The figures of a quick run mean nothing, so neither do its verdicts.
    if (context.options.quick) context.print('\nquick run: the verdicts mean nothing');
    else if (missed.length > 0) process.exitCode = 1;
    return records;
  },
};
