// Markdown tables of the results, one function per table.
import { fixed, humanRate } from './table.mjs';

const megabyte = 1_000_000;
// What the documents behind this project state for each transport; stated, never measured on this machine.
const seed = {
  tcp: '500-2,000 KB/s, p95 5-25 ms, 50-100 MB',
  unix: undefined,
  stdio: '1,000-5,000 KB/s, p95 1-5 ms, 20-50 MB',
};

function markdownTable(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const alignment = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(head), line(alignment), ...rows.map(line)].join('\n');
}

/** One sentence that says where the figures come from, so that they can be had again. */
function source([first], command) {
  const { cpu, cores, kernel } = first.machine;
  const noise = first.noisePercent === undefined ? '' : `, A/A noise ${first.noisePercent} %`;
  const pinned = first.pinned ? ', server and generator on a core each' : '';
  return `\`npm run bench -- ${command}\` at ${first.commit}${first.dirty ? ' (changed)' : ''}, ${first.date.slice(0, 10)}: Node ${first.node}, ${cores} cores of ${cpu}, Linux ${kernel}${pinned}${noise}, medians of ${first.rounds} rounds.`;
}

const commandOf = (records, scenario) => (records[0].suite === undefined ? scenario : records[0].suite);

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
  const stated = seed[scenario] === undefined ? '' : ` Seed, as stated: ${seed[scenario]}.`;
  return `${markdownTable(head, rows)}\n\n${source(records, commandOf(records, scenario))} In brackets: times node-batched.${stated}`;
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
  large: largeTable,
  coldstart: coldstartTable,
  scan: scanTable,
  ring: ringTable,
  targets: targetsTable,
};
