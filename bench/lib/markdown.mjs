// Markdown tables of the results, one function per table.
import { commandOf, markdownTable, seedOf, source } from './markdown-parts.mjs';
import { webTables } from './markdown-web.mjs';
import { fixed, humanRate } from './table.mjs';

const megabyte = 1_000_000;

function streamTable(records, scenario) {
  const nameOf = ({ connections, depth, payload, text }) =>
    `${connections}x${depth} ${payload === 'resource' ? 'fixed resource' : text}`;
  const configurations = [...new Set(records.map(nameOf))];
  const at = (contender, configuration) =>
    records.find((one) => one.contender === contender && nameOf(one) === configuration);
  const names = [...new Set(records.map(({ contender }) => contender))];
  const rateOf = (name) => at(name, configurations[0])?.rate ?? 0;
  names.sort((a, b) => rateOf(b) - rateOf(a));
  const cell = (name, configuration) => {
    const record = at(name, configuration);
    const base = at('node-batched', configuration);
    if (record === undefined) return '-';
    const ratio = base === undefined ? '' : ` (${(record.rate / base.rate).toPrecision(2)}x)`;
    return `${humanRate(record.rate)}${ratio}`;
  };
  const rows = names.map((name) => {
    const first = at(name, configurations[0]);
    return [
      name,
      ...configurations.map((configuration) => cell(name, configuration)),
      fixed(first?.cpuUsPerMsg, 2),
      first === undefined ? '-' : fixed((first.rate * (first.requestBytes + first.replyBytes)) / megabyte, 0),
      fixed(first?.p99us === undefined ? undefined : first.p99us / 1000, 2),
      fixed(first?.rssMb, 0),
    ];
  });
  const [leading] = configurations;
  const head = ['msg/s', ...configurations, `CPU µs/msg (${leading})`, 'MB/s', 'p99 ms', 'RSS MB'];
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, scenario))} In brackets: times node-batched.${seedOf(scenario)}`;
}

function largeTable(records) {
  const rows = records.map((one) => [
    `${one.contender}, ${one.transport}`,
    fixed(one.textBytes / megabyte, 0),
    fixed(one.p50us / 1000, 0),
    fixed(one.megabytesPerSecond, 0),
    fixed(one.rssPeakMb, 0),
    fixed(one.rssPeakMb / (one.textBytes / megabyte)),
  ]);
  const head = ['echo of one large text', 'MB', 'ms', 'MB/s each way', 'peak RSS MB', 'peak / payload'];
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, 'large'))}`;
}

function coldstartTable(records) {
  const rows = records.map((one) => [
    `${one.contender}, ${one.transport}`,
    fixed(one.firstReplyMs, 0),
    fixed(one.rssMb, 0),
    fixed(one.serverCpuMs, 0),
  ]);
  const head = ['start', 'ms from spawn to first answer', 'idle RSS MB', 'CPU ms'];
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, 'coldstart'))}`;
}

function scanTable(records) {
  const keys = [...new Set(records.map(({ shape, frameBytes }) => `${shape}, ${frameBytes} B`))];
  const names = [...new Set(records.map(({ contender }) => contender))];
  const rows = keys.map((key) => {
    const of = (name) =>
      records.find((one) => one.contender === name && `${one.shape}, ${one.frameBytes} B` === key);
    const speedup = of('scan-native')?.speedup;
    return [key, ...names.map((name) => fixed(of(name)?.nanoseconds, 0)), fixed(speedup)];
  });
  const head = ['arguments, frame', ...names.map((name) => `${name} ns`), 'native x parse of bytes'];
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, 'scan'))} Scanner: ${records[0].simd}.`;
}

function ringTable(records) {
  const rows = records.map((one) => [
    one.contender,
    one.messageBytes,
    humanRate(one.rate),
    fixed(one.p50us, 2),
    fixed(one.p99us, 2),
  ]);
  const head = ['ring', 'bytes', 'messages or round trips/s', 'p50 µs', 'p99 µs'];
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, 'ring'))}`;
}

function targetsTable(records) {
  const rows = records.map((one) => [
    one.id,
    one.work,
    one.wanted,
    one.reached === undefined ? '-' : `${one.reached} ${one.unit}`,
    one.verdict,
  ]);
  const head = ['', 'work', 'wanted', 'reached', 'verdict'];
  return `${markdownTable(head, rows)}\n\n${source(records, 'targets')}`;
}

/** Marker name -> table of the records of that scenario. */
export const markdownTables = {
  tcp: (records) => streamTable(records, 'tcp'),
  unix: (records) => streamTable(records, 'unix'),
  stdio: (records) => streamTable(records, 'stdio'),
  ...webTables,
  large: largeTable,
  coldstart: coldstartTable,
  scan: scanTable,
  ring: ringTable,
  targets: targetsTable,
};
