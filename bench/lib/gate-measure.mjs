// One scenario of the gate: two servers of the base and two of the head, loaded in turn. The second of each says how
// much two processes of the same build differ: start-up order, memory layout and what the compiler decided.
import { checkAnswer, listenUrl, resultOf } from './compare.mjs';
import { BenchError } from './errors.mjs';
import { serverOf } from './gate-trees.mjs';
import { load, requestOf } from './loadgen.mjs';
import { pinned, startServer } from './server-process.mjs';

export const gateScenarios = {
  'tcp-32x64': { transport: 'tcp', kind: 'native', connections: 32, depth: 64 },
  'tcp-32x1': { transport: 'tcp', kind: 'native', connections: 32, depth: 1 },
  'stdio-64': { transport: 'stdio', kind: 'native', connections: 1, depth: 64 },
  'http-64': { transport: 'http', kind: 'uws', connections: 64, depth: 1 },
  'ws-64x16': { transport: 'ws', kind: 'uws', connections: 64, depth: 16 },
};

// Each side goes first in every other round, and each of its processes comes before and after the other side's.
const orders = [
  ['base 1', 'head 1', 'head 2', 'base 2'],
  ['head 1', 'base 1', 'base 2', 'head 2'],
];

/** The base is from before this could be measured: that says nothing of the head. */
export class BaseCannot extends Error {}

/** What the action rejects with; of the base, as BaseCannot. */
async function ofSide(key, action) {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof BenchError) || !key.startsWith('base')) throw error;
    throw new BaseCannot(error.message);
  }
}

/** Fills `servers` one by one, so that its caller can stop those there are where one does not start. */
async function startAll({ transport, kind }, trees, cores, servers) {
  for (const key of orders[0]) {
    const tree = trees[key.split(' ')[0]];
    if (transport === 'stdio') {
      servers[key] = {
        argv: pinned(serverOf(tree, kind, 'stdio:'), cores.server),
        options: {},
        stop: async () => {},
      };
      continue;
    }
    const argv = serverOf(tree, kind, listenUrl(transport));
    const server = await ofSide(key, () => startServer(argv, cores.server));
    servers[key] = { options: { url: server.url, serverPid: server.pid }, stop: server.stop };
  }
}

/** Throws BaseCannot where the base does not serve the scenario. Resolves to the load generator's reports by server: { 'base 1': [...], 'base 2', 'head 1', 'head 2' }. */
export async function measureGate(name, trees, { rounds, seconds, warmup, cores, progress }) {
  const scenario = gateScenarios[name];
  const { transport, connections, depth } = scenario;
  const reports = Object.fromEntries(orders[0].map((key) => [key, []]));
  const servers = {};
  try {
    await startAll(scenario, trees, cores, servers);
    const wanted = resultOf(requestOf({}));
    for (const [key, server] of Object.entries(servers))
      await ofSide(key, () => checkAnswer(server, {}, wanted)).catch((error) => {
        if (error instanceof BaseCannot) throw error;
        throw new BenchError(`${name}: the ${key.split(' ')[0]} ${error.message}`);
      });
    const child = transport === 'stdio' ? { childCpu: cores.server } : {};
    // A child starts cold each time.
    const warm = transport === 'stdio' ? warmup * 2 : warmup;
    const options = {
      connections,
      depth,
      seconds,
      warmup: warm,
      text: 'ascii',
      cpu: cores.generator,
      ...child,
    };
    for (let round = 0; round < rounds; round++)
      for (const key of orders[round % 2]) {
        progress(`${name}: round ${round + 1}/${rounds}, ${key}`);
        reports[key].push(await load({ ...servers[key].options, ...options }, servers[key].argv));
      }
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
  }
  return reports;
}
