// Echo tool calls over the byte-stream transports: tcp, unix and stdio.
import { compare } from '../lib/compare.mjs';
import { BenchError } from '../lib/errors.mjs';
import { throughputTable } from '../lib/table.mjs';

const socketNames = [
  'ringwire-native',
  'ringwire-twin',
  'ringwire-async',
  'node-batched',
  'node-naive',
  'epoll-cpp',
];
const tcpNames = [...socketNames, 'jayson'];
const stdioNames = [
  'ringwire-native',
  'ringwire-twin',
  'node-batched',
  'node-naive',
  'sdk1',
  'sdk1-transport',
  'sdk1-on-ringwire',
  'sdk2',
];

export const socketConfigurations = [
  { label: '32 connections x 64 in flight, ASCII', connections: 32, depth: 64, text: 'ascii' },
  { label: '32 connections x 64 in flight, UTF-8', connections: 32, depth: 64, text: 'utf8' },
  { label: '32 connections x 64 in flight, escapes', connections: 32, depth: 64, text: 'escapes' },
  { label: '32 connections x 1 in flight, ASCII', connections: 32, depth: 1, text: 'ascii' },
  {
    label: '32 connections x 64 in flight, fixed resource',
    connections: 32,
    depth: 64,
    text: 'ascii',
    payload: 'resource',
    names: ['ringwire-reply', 'node-batched', 'epoll-cpp'],
  },
];
export const stdioConfigurations = [
  { label: '64 in flight', connections: 1, depth: 64, text: 'ascii' },
  { label: '64 in flight, UTF-8', connections: 1, depth: 64, text: 'utf8' },
  { label: '1,024 in flight', connections: 1, depth: 1024, text: 'ascii' },
];

/** Who takes part in a configuration: its own list or that of the scenario, as far as `only` allows. */
export function chosen(configuration, names, only) {
  const all = configuration.names ?? names;
  return only === undefined ? all : all.filter((name) => only.includes(name));
}

export function checkChoice(transport, configurations, names, only = []) {
  const able = new Set([...names, ...configurations.flatMap((one) => one.names ?? [])]);
  const unable = only.find((name) => !able.has(name));
  if (unable === undefined) return;
  throw new BenchError(
    `${unable} has no part in ${transport}; those that have are ${[...able].join(', ')}`,
    2,
  );
}

/** Compares `names` in one configuration, records and prints it. */
export async function measureStream(transport, configuration, names, context, baseline = 'node-batched') {
  const { options, cores, record, progress, fail, note, print } = context;
  const { label, connections, depth, text, payload } = configuration;
  const summaries = await compare({
    names,
    transport,
    shape: { text, payload },
    load: { connections, depth, seconds: options.seconds },
    rounds: options.rounds,
    // A child starts cold in every round.
    warmup: transport === 'stdio' ? options.warmup * 2 : options.warmup,
    cores,
    progress,
    fail,
    note,
    label: `${transport} ${label}`,
  });
  const recorded = [];
  for (const summary of summaries) {
    const witnessed = await context.witness?.(configuration, summary, context);
    recorded.push(record({ ...summary, ...witnessed, scenario: transport }));
  }
  if (recorded.length === 0) return [];
  const noise = recorded[0].noisePercent;
  print(`\n${transport}: ${label}${noise === undefined ? '' : ` (A/A noise ${noise} %)`}`);
  print(throughputTable(recorded, baseline));
  return recorded;
}

function streamScenario(transport, title, names, configurations) {
  return {
    title,
    async run(context) {
      const { only } = context.options;
      checkChoice(transport, configurations, names, only);
      const records = [];
      for (const configuration of configurations) {
        const taking = chosen(configuration, names, only);
        if (taking.length === 0) continue;
        records.push(...(await measureStream(transport, configuration, taking, context)));
      }
      return records;
    },
  };
}

export const tcp = streamScenario('tcp', 'echo tool calls over TCP', tcpNames, socketConfigurations);
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
