// The tables of HTTP, WebSocket, open loop and idle connections.
import { commandOf, markdownTable, seedOf, source } from './markdown-parts.mjs';
import { fixed, humanRate } from './table.mjs';

const baselines = { h2: 'raw-node-http2' };
const payloads = { list: 'tools/list', resource: 'fixed resource' };

function nameOf({ transport, connections, depth, payload, text }) {
  const version = transport === 'h2' ? 'HTTP/2 ' : '';
  return `${version}${connections}x${depth} ${payloads[payload] ?? text}`;
}

const milliseconds = (us) => fixed(us === undefined ? undefined : us / 1000, 2);

/** "83 k (1.0x)": the rate, and how many times the baseline of its configuration. */
function rateCell(records, record) {
  if (record === undefined) return '-';
  const name = baselines[record.transport] ?? 'raw-uws';
  const base = records.find((one) => one.contender === name && nameOf(one) === nameOf(record));
  const times = base === undefined ? undefined : record.rate / base.rate;
  const ratio = times === undefined ? '' : ` (${times.toFixed(times < 0.1 ? 3 : 2)}x)`;
  return `${humanRate(record.rate)}${ratio}`;
}

function throughputTable(records, scenario) {
  const configurations = [...new Set(records.map(nameOf))];
  const [leading] = configurations;
  const at = (contender, configuration) =>
    records.find((one) => one.contender === contender && nameOf(one) === configuration);
  const names = [...new Set(records.map(({ contender }) => contender))];
  const rateOf = (name) => at(name, leading)?.rate ?? 0;
  names.sort((a, b) => rateOf(b) - rateOf(a));
  const witnesses = ['wrk', 'h2load'].filter((tool) =>
    records.some((one) => one[`${tool}Rate`] !== undefined),
  );
  const rows = names.map((name) => {
    const first = at(name, leading);
    return [
      name,
      ...configurations.map((configuration) => rateCell(records, at(name, configuration))),
      fixed(first?.cpuUsPerMsg, 1),
      milliseconds(first?.p50us),
      milliseconds(first?.p99us),
      fixed(first?.rssMb, 0),
      ...witnesses.map((tool) => humanRate(first?.[`${tool}Rate`])),
    ];
  });
  const head = [
    ['req/s', ...configurations],
    [`CPU µs/req (${leading})`, 'p50 ms', 'p99 ms', 'RSS MB'],
    witnesses.map((tool) => `by ${tool}`),
  ].flat();
  const base = 'In brackets: times raw-uws, over HTTP/2 times raw-node-http2.';
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, scenario))} ${base}${seedOf(scenario)}`;
}

function openloopTable(records) {
  const rows = records.map((one) => [
    `${one.contender}, ${one.transport}`,
    humanRate(one.targetRate),
    humanRate(one.rate),
    milliseconds(one.p50us),
    milliseconds(one.p99us),
    milliseconds(one.p999us),
    milliseconds(one.p9999us),
    `${fixed((one.serverCpu ?? 0) * 100, 0)} %`,
    one.generatorLate ? `late (p99 ${milliseconds(one.lateP99us)} ms)` : 'on time',
    one.errors,
  ]);
  const head = [
    ['open loop', 'wanted/s', 'reached/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'p99.99 ms'],
    ['CPU of a core', 'generator', 'errors'],
  ].flat();
  const [{ connections, seconds }] = records;
  const how = `${connections} connections, ${fixed(seconds, 0)} s each, latency from the scheduled send.`;
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, 'openloop'))} ${how}${seedOf('openloop')}`;
}

function idleTable(records) {
  const rows = records.map((one) => [
    `${one.contender}, ${one.transport}`,
    one.connections.toLocaleString('en-US'),
    fixed(one.bytesPerConnection / 1000, 1),
    fixed(one.rssMb, 0),
    fixed(one.p50us, 0),
    fixed(one.p99us, 0),
    one.errors,
  ]);
  const head = [
    ['server', 'idle connections', 'kB each', 'RSS MB'],
    [`p50 µs of ${records[0].active} that call`, 'p99 µs', 'errors'],
  ].flat();
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, 'idle'))}${seedOf('idle')}`;
}

export const webTables = {
  http: (records) => throughputTable(records, 'http'),
  ws: (records) => throughputTable(records, 'ws'),
  openloop: openloopTable,
  idle: idleTable,
};
