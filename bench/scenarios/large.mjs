// One large message at a time: is the work linear in the size, and how much memory does it take?
import { compare } from '../lib/compare.mjs';
import { contenders } from '../lib/contenders.mjs';
import { fixed, formatTable } from '../lib/table.mjs';

const megabyte = 1_000_000;
// Few messages of the largest size: they take seconds, and their number does not change the figure.
const sizes = [
  { megabytes: 1, messages: 40 },
  { megabytes: 10, messages: 8 },
  { megabytes: 50, messages: 3 },
];
const linearNames = [
  'ringwire-native',
  'ringwire-twin',
  'node-batched',
  'ringwire-uws',
  'ringwire-node',
  'raw-uws',
  'raw-node-http',
];
const sdkNames = ['sdk1', 'sdk2'];
const secondsAtMost = 300;

const columns = [
  ['contender', (row) => row.contender],
  ['ms/message', (row) => fixed(row.p50us / 1000)],
  ['MB/s each way', (row) => fixed(row.megabytesPerSecond)],
  ['CPU ms/message', (row) => fixed((row.cpuUsPerMsg ?? 0) / 1000)],
  ['peak RSS MB', (row) => fixed(row.rssPeakMb, 0)],
  ['peak / payload', (row) => fixed(row.rssPeakMb / (row.textBytes / megabyte))],
  ['errors', (row) => row.errors],
];

async function measureSize({ transport, names, megabytes, messages, rounds, context }) {
  const summaries = await compare({
    names,
    transport,
    shape: { text: 'ascii', textBytes: megabytes * megabyte },
    load: { connections: 1, depth: 1, messages, seconds: secondsAtMost },
    rounds,
    warmup: 0,
    cores: context.cores,
    progress: context.progress,
    fail: context.fail,
    note: context.note,
    label: `${transport} ${megabytes} MB`,
  });
  return summaries.map((summary) =>
    context.record({
      ...summary,
      scenario: 'large',
      megabytesPerSecond: Number(((megabytes * 1e6) / summary.p50us).toPrecision(4)),
    }),
  );
}

/** One transport and size: the linear ones in interleaved rounds, an SDK once, for it takes up to 20 s a message. */
export async function measureLarge({ transport, megabytes, messages, names, context }) {
  const { quick, rounds } = context.options;
  const linear = names.filter((name) => !sdkNames.includes(name));
  const sdk = names.filter((name) => sdkNames.includes(name));
  const common = { transport, megabytes, context };
  return [
    ...(linear.length > 0
      ? await measureSize({
          ...common,
          names: linear,
          messages: quick ? 2 : messages,
          rounds: Math.min(rounds, 3),
        })
      : []),
    ...(sdk.length > 0 ? await measureSize({ ...common, names: sdk, messages: 1, rounds: 1 }) : []),
  ];
}

export const largeSizes = sizes;

export const large = {
  title: 'echo of 1, 10 and 50 MB: time and peak memory',
  async run(context) {
    const { quick, only } = context.options;
    const records = [];
    for (const transport of ['stdio', 'tcp', 'http']) {
      for (const { megabytes, messages } of quick ? sizes.slice(0, 1) : sizes) {
        const names = (only ?? [...linearNames, ...sdkNames]).filter(
          (name) => contenders[name].transports.includes(transport) && !contenders[name].fixed,
        );
        const measured = await measureLarge({ transport, megabytes, messages, names, context });
        records.push(...measured);
        if (measured.length === 0) continue;
        context.print(`\nlarge: ${megabytes} MB over ${transport}`);
        context.print(formatTable(columns, measured));
      }
    }
    return records;
  },
};
