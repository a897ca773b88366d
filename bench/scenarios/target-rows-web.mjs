// The targets of HTTP and WebSocket, of latency at a fixed rate and of idle connections.
import { divide, pick } from './target-pick.mjs';

const openloopRows = [
  ['http', 'ringwire-uws'],
  ['tcp', 'ringwire-native'],
  ['ws', 'ringwire-uws'],
];

/** `field` of one contender over that of another, in one configuration. */
function ratio(records, configuration, field, contender, other) {
  const of = (name) => pick(records, { ...configuration, contender: name })?.[field];
  return divide(of(contender), of(other));
}

function rateChecks(records) {
  const tool = { scenario: 'http', payload: 'tool', text: 'ascii', connections: 64 };
  const list = { ...tool, payload: 'list' };
  const socket = (depth) => ({ scenario: 'ws', depth, text: 'ascii' });
  const stdio = { scenario: 'stdio', depth: 64, text: 'ascii' };
  const rate = (configuration, contender, other) => ratio(records, configuration, 'rate', contender, other);
  const cpu = (contender, other) => ratio(records, tool, 'cpuUsPerMsg', contender, other);
  const call = 'HTTP tool call, 64 connections';
  const list64 = 'HTTP tools/list, 64 connections';
  const wrapped = 'sdk1 server on our transports';
  return [
    ['T7', `${call}, CPU`, { atMost: 1.25, unit: 'x raw-uws' }, cpu('ringwire-uws', 'raw-uws')],
    ['T7', call, { atLeast: 45, unit: 'x sdk2-node' }, rate(tool, 'ringwire-uws', 'sdk2-node')],
    ['T7', call, { atLeast: 20, unit: 'x sdk1-stateful' }, rate(tool, 'ringwire-uws', 'sdk1-stateful')],
    ['T7', call, { atLeast: 7, unit: 'x mcp-lite' }, rate(tool, 'ringwire-uws', 'mcp-lite')],
    [
      'T8',
      `${call}, engine node, CPU`,
      { atMost: 1.35, unit: 'x raw-node-http' },
      cpu('ringwire-node', 'raw-node-http'),
    ],
    ['T9', 'WebSocket 64x1', { atLeast: 0.9, unit: 'x raw-uws' }, rate(socket(1), 'ringwire-uws', 'raw-uws')],
    ['T9', 'WebSocket 64x16', { atLeast: 2, unit: 'x raw-uws' }, rate(socket(16), 'ringwire-uws', 'raw-uws')],
    [
      'T10',
      `${wrapped}, HTTP`,
      { atLeast: 2, unit: 'x sdk1-stateful' },
      rate(tool, 'sdk1-on-ringwire', 'sdk1-stateful'),
    ],
    ['T10', `${wrapped}, stdio`, { atLeast: 1.5, unit: 'x sdk1' }, rate(stdio, 'sdk1-on-ringwire', 'sdk1')],
    ['T14', list64, { atLeast: 0.9, unit: 'x raw-uws' }, rate(list, 'ringwire-reply', 'raw-uws')],
  ].map(([id, work, check, reached]) => ({ id, work, ...check, reached }));
}

function latencyChecks(records) {
  return openloopRows.flatMap(([transport, contender]) => {
    const record = pick(records, { scenario: 'openloop', transport, contender });
    const work = (what) => `open loop over ${transport}, ${what}`;
    const milliseconds = (field) => divide(record?.[field], 1_000);
    return [
      { work: work('p99'), atMost: 5, unit: 'ms', reached: milliseconds('p99us') },
      { work: work('p99.9'), atMost: 20, unit: 'ms', reached: milliseconds('p999us') },
      { work: work('errors'), atMost: 0, unit: 'errors', reached: record?.errors },
      ...(transport === 'http'
        ? [{ work: work('CPU'), atMost: 0.5, unit: 'of a core', reached: record?.serverCpu }]
        : []),
    ].map((check) => ({ id: 'T11', ...check }));
  });
}

function idleChecks(records) {
  return ['http', 'ws'].flatMap((transport) =>
    ['ringwire-uws', 'ringwire-node'].map((contender) => {
      const bytes = pick(records, { scenario: 'idle', transport, contender })?.bytesPerConnection;
      const work = `10,000 idle connections, ${transport}, ${contender}`;
      return { id: 'T17', work, atMost: 10, unit: 'kB each', reached: divide(bytes, 1_000) };
    }),
  );
}

export const webChecks = (records) => [
  ...rateChecks(records),
  ...latencyChecks(records),
  ...idleChecks(records),
];
