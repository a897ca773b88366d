// Echo tool calls over the byte-stream transports: tcp, unix and stdio.
import { compare } from '../lib/compare.mjs';
import { contenders } from '../lib/contenders.mjs';
import { BenchError } from '../lib/errors.mjs';
import { throughputTable } from '../lib/table.mjs';

const socketNames = [
  'ringwire-native',
  'ringwire-twin',
  'ringwire-async',
  'ringwire-reply',
  'node-batched',
  'node-naive',
  'epoll-cpp',
];
const stdioNames = [
  'ringwire-native',
  'ringwire-twin',
  'node-batched',
  'node-naive',
  'sdk1',
  'sdk1-transport',
  'sdk2',
];

const socketConfigurations = [
  { label: '32 connections x 64 in flight, ASCII', connections: 32, depth: 64, text: 'ascii' },
  { label: '32 connections x 64 in flight, UTF-8', connections: 32, depth: 64, text: 'utf8' },
  { label: '32 connections x 64 in flight, escapes', connections: 32, depth: 64, text: 'escapes' },
  { label: '32 connections x 1 in flight, ASCII', connections: 32, depth: 1, text: 'ascii' },
];
const stdioConfigurations = [
  { label: '64 in flight', connections: 1, depth: 64, text: 'ascii' },
  { label: '64 in flight, UTF-8', connections: 1, depth: 64, text: 'utf8' },
  { label: '1,024 in flight', connections: 1, depth: 1024, text: 'ascii' },
];

function chosen(names, only, transport) {
  if (only === undefined) return names;
  const unable = only.find((name) => !contenders[name].transports.includes(transport));
  if (unable !== undefined) throw new BenchError(`${unable} does not serve ${transport}`, 2);
  return only;
}

function streamScenario(transport, title, names, configurations) {
  return {
    title,
    async run({ options, cores, record, progress, fail, print }) {
      const records = [];
      for (const { label, connections, depth, text } of configurations) {
        const summaries = await compare({
          names: chosen(names, options.only, transport),
          transport,
          shape: { text },
          load: { connections, depth, seconds: options.seconds },
          rounds: options.rounds,
          warmup: options.warmup,
          cores,
          progress,
          fail,
          label: `${transport} ${label}`,
        });
        const recorded = summaries.map((summary) => record({ ...summary, scenario: transport }));
        if (recorded.length === 0) continue;
        records.push(...recorded);
        const noise = recorded[0].noisePercent;
        print(`\n${transport}: ${label}${noise === undefined ? '' : ` (A/A noise ${noise} %)`}`);
        print(throughputTable(recorded, 'node-batched'));
      }
      return records;
    },
  };
}

export const tcp = streamScenario('tcp', 'echo tool calls over TCP', socketNames, socketConfigurations);
export const unix = streamScenario(
  'unix',
  'echo tool calls over a Unix socket',
  socketNames,
  socketConfigurations,
);
export const stdio = streamScenario(
  'stdio',
  'echo tool calls to a child process',
  stdioNames,
  stdioConfigurations,
);
