// Everything the targets of this project need, then a table target / reached / verdict. A miss is exit code 1.
import { formatTable } from '../lib/table.mjs';
import { coldstart } from './coldstart.mjs';
import { httpConfigurations, measureHttp, measureWs, wsConfigurations } from './http.mjs';
import { idle, measureIdle } from './idle.mjs';
import { largeSizes, measureLarge } from './large.mjs';
import { measureOpenloop, openloop } from './openloop.mjs';
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
  ['stdio', byStdio(64), ['ringwire-native', 'node-batched', 'node-naive', 'sdk1', 'sdk1-on-ringwire']],
  ['stdio', byStdio(1024), ['ringwire-native', 'sdk1-transport']],
];

const httpToolNames = [
  ['ringwire-uws', 'raw-uws', 'ringwire-node', 'raw-node-http'],
  ['sdk1-stateful', 'sdk1-on-ringwire', 'sdk2-node', 'mcp-lite'],
].flat();
const wsNames = ['ringwire-uws', 'raw-uws'];
const engineNames = ['ringwire-uws', 'ringwire-node'];

async function measureWeb(context) {
  const records = [];
  const toolCall = httpConfigurations.find(({ payload, text }) => payload === undefined && text === 'ascii');
  const list = httpConfigurations.find(({ payload }) => payload === 'list');
  records.push(...(await measureHttp(toolCall, httpToolNames, context)));
  records.push(...(await measureHttp(list, list.names, context)));
  for (const configuration of wsConfigurations)
    records.push(...(await measureWs(configuration, wsNames, context)));
  const steady = { ...context, options: context.options.withDefaults(openloop.defaults) };
  for (const [transport, name] of [
    ['http', 'ringwire-uws'],
    ['tcp', 'ringwire-native'],
    ['ws', 'ringwire-uws'],
  ])
    records.push(...(await measureOpenloop(transport, [name], steady)));
  const quiet = { ...context, options: context.options.withDefaults(idle.defaults) };
  for (const transport of ['http', 'ws']) records.push(...(await measureIdle(transport, engineNames, quiet)));
  return records;
}

async function measureAll(context) {
  const { quick } = context.options;
  const records = [];
  for (const [transport, configuration, names] of streamPlan) {
    records.push(...(await measureStream(transport, configuration, names, context)));
  }
  records.push(...(await measureWeb(context)));
  for (const transport of ['stdio', 'tcp', 'http']) {
    for (const { megabytes, messages } of quick ? largeSizes.slice(0, 1) : largeSizes) {
      const native = ['ringwire-native', ...(transport === 'stdio' && megabytes !== 10 ? ['sdk1'] : [])];
      const names = transport === 'http' ? engineNames : native;
      records.push(...(await measureLarge({ transport, megabytes, messages, names, context })));
    }
  }
  const starting = {
    ...context,
    options: { ...context.options, only: ['ringwire-native', ...engineNames] },
  };
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
