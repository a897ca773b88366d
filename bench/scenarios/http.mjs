// Echo tool calls and fixed lists over HTTP/1.1, HTTP/2 and WebSocket.
import { listenUrl, resultOf } from '../lib/compare.mjs';
import { contenders } from '../lib/contenders.mjs';
import { BenchError } from '../lib/errors.mjs';
import { requestOf } from '../lib/loadgen.mjs';
import { startServer } from '../lib/server-process.mjs';
import { medians, significant } from '../lib/statistics.mjs';
import { throughputTable } from '../lib/table.mjs';
import { h2load, isInstalled, wrk } from '../lib/witness.mjs';
import { checkChoice, chosen, measureStream } from './streams.mjs';

const engineNames = ['ringwire-uws', 'ringwire-node', 'raw-uws', 'raw-node-http'];
const peerNames = ['mcp-lite', 'tmcp', 'fastmcp', 'jayson'];
const httpNames = [...engineNames, 'sdk1-stateful', 'sdk1-on-ringwire', 'sdk2-node', ...peerNames];
const wsNames = ['ringwire-uws', 'ringwire-node', 'raw-uws', 'ws'];
const http2Names = ['ringwire-node', 'raw-node-http2'];

export const httpConfigurations = [
  { label: '64 connections, tool call', connections: 64, depth: 1, text: 'ascii', isWitnessed: true },
  { label: '64 connections, UTF-8', connections: 64, depth: 1, text: 'utf8', names: engineNames },
  {
    label: '64 connections, tools/list',
    connections: 64,
    depth: 1,
    text: 'ascii',
    payload: 'list',
    names: ['ringwire-reply', 'raw-uws'],
  },
];
export const wsConfigurations = [
  { label: '64 connections x 1 in flight', connections: 64, depth: 1, text: 'ascii' },
  { label: '64 connections x 16 in flight', connections: 64, depth: 16, text: 'ascii' },
];
const http2Streams = 100;

/** What wrk and h2load see of a contender, as fields beside our own. They know no sessions. */
async function witness({ isWitnessed, connections }, { contender, transport }, { options, cores, note }) {
  const { only, quick } = options;
  if (!isWitnessed || !engineNames.includes(contender)) return {};
  // Each takes a second at least: a quick run sees with one contender that they run.
  if (quick && contender !== engineNames.find((name) => only?.includes(name) ?? true)) return {};
  const tools = ['wrk', 'h2load'].filter(isInstalled);
  if (tools.length === 0) {
    note('left out wrk and h2load, not installed: apt-get install wrk nghttp2-client');
    return {};
  }
  const url = listenUrl(transport);
  const server = await startServer(contenders[contender].command({ url }), cores.server);
  const common = { url: server.url, connections, cpu: cores.generator };
  const seen = {};
  const { seconds } = options;
  try {
    // The compiler's share belongs to neither.
    if (!quick) await call(tools[0], { ...common, seconds: 1 });
    for (const tool of tools) {
      const { rate, p50us, p99us, errors } = await call(tool, { ...common, seconds });
      seen[`${tool}Rate`] = significant(rate);
      seen[`${tool}P50us`] = p50us;
      seen[`${tool}P99us`] = p99us;
      if (errors > 0) throw new BenchError(`http: ${contender}: ${errors} errors under ${tool}`);
    }
  } finally {
    await server.stop();
  }
  return seen;
}

const call = (tool, options) => (tool === 'wrk' ? wrk(options) : h2load({ ...options, isHttp1: true }));

async function startHttp2(names, { cores, fail }) {
  const servers = [];
  const result = JSON.stringify(resultOf(requestOf({})));
  for (const name of names) {
    const contender = contenders[name];
    const missing = contender.missing?.();
    try {
      if (missing !== undefined) throw new BenchError(missing);
      const server = await startServer(contender.command({ url: listenUrl('h2'), result }), cores.server);
      servers.push({ name, ...server });
    } catch (error) {
      if (!(error instanceof BenchError)) throw error;
      fail(`http: HTTP/2: ${name}: ${error.message}`);
    }
  }
  return servers;
}

/** HTTP/2 with many streams on one connection. The generator is h2load: ours has none. */
async function measureHttp2(names, context) {
  const { options, cores, record, progress, note, print } = context;
  if (!isInstalled('h2load')) {
    note('left out HTTP/2, whose generator is h2load: apt-get install nghttp2-client');
    return [];
  }
  const servers = await startHttp2(names, context);
  const rounds = new Map(servers.map(({ name }) => [name, []]));
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const { name, url, pid } of servers) {
        progress(`http HTTP/2: round ${round}/${options.rounds}, ${name}`);
        const { seconds } = options;
        const load = { url, connections: 1, streams: http2Streams, seconds, pid, cpu: cores.generator };
        rounds.get(name).push(await h2load(load));
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  const fields = ['rate', 'p50us', 'p99us', 'p999us', 'meanUs', 'cpuUsPerMsg', 'serverCpu', 'rssMb'];
  const recorded = servers.map(({ name }) => {
    const all = rounds.get(name);
    return record({
      scenario: 'http',
      transport: 'h2',
      contender: name,
      generator: 'h2load',
      connections: 1,
      depth: http2Streams,
      payload: 'tool',
      text: 'ascii',
      ...medians(all, fields),
      rounds: all.length,
      seconds: options.seconds,
      rates: all.map(({ rate }) => rate),
      messages: all.reduce((sum, { messages }) => sum + messages, 0),
      errors: all.reduce((sum, { errors }) => sum + errors, 0),
      pinned: cores.server !== undefined,
    });
  });
  if (recorded.length === 0) return [];
  print(`\nhttp: HTTP/2, ${http2Streams} streams on one connection (h2load)`);
  print(throughputTable(recorded, 'raw-node-http2'));
  return recorded;
}

export const http = {
  title: 'echo tool calls and fixed lists over HTTP/1.1 and HTTP/2',
  async run(context) {
    const { only } = context.options;
    checkChoice('http', [...httpConfigurations, { names: http2Names }], httpNames, only);
    const records = [];
    for (const configuration of httpConfigurations) {
      const taking = chosen(configuration, httpNames, only);
      if (taking.length === 0) continue;
      records.push(...(await measureHttp(configuration, taking, { ...context, witness })));
    }
    const streams = chosen({ names: http2Names }, [], only);
    if (streams.length > 0) records.push(...(await measureHttp2(streams, context)));
    return records;
  },
};

/** Compares `names` over HTTP/1.1 in one configuration. */
export const measureHttp = (configuration, names, context) =>
  measureStream('http', configuration, names, context, 'raw-uws');

/** Compares `names` over WebSocket in one configuration. */
export const measureWs = (configuration, names, context) =>
  measureStream('ws', configuration, names, context, 'raw-uws');

export const ws = {
  title: 'echo tool calls over WebSocket',
  async run(context) {
    const { only } = context.options;
    checkChoice('ws', wsConfigurations, wsNames, only);
    const records = [];
    for (const configuration of wsConfigurations) {
      const taking = chosen(configuration, wsNames, only);
      if (taking.length > 0) records.push(...(await measureWs(configuration, taking, context)));
    }
    return records;
  },
};
