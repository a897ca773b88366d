/** Calls of entries drawn at random from registries of 1 to 10,000. */
import { performance } from 'node:perf_hooks';
import { type RoutingRow, routingFindings, routingSection } from '../../analysis/analyses/routing.js';
import { seededRandom } from '../../analysis/random.js';
import { RingwireError } from '../../errors.js';
import type { McpClient } from '../../mcp/client.js';
import type { AnalysisResult } from './analysis-result.js';
import { type AnalyzerOptions, checkNotAborted } from './analyzer-options.js';
import { asRingwireError, EchoClient, type Outcome } from './echo-client.js';
import { startEchoServer } from './echo-server.js';
import { maxEntries, type Registry, registries } from './echo-subjects.js';
import { pick } from './pace.js';
import { Recorder } from './recorder.js';
import { checkWholes } from './transports.js';

export interface RoutingOptions extends AnalyzerOptions {
  readonly short?: boolean;
  /** Rising. Default 1, 10, 100, 1,000, 10,000; short: 1, 10,000. */
  readonly entries?: readonly number[];
}

/** At once, for the rate: as many as the seed speaks of. */
const callers = 50;
const connections = 5;
/** The rate at which calls come while those that wait are counted: what the seed's registry did at its best. */
const wantedPerSecond = 5_000;

export async function routingAnalysis(options: RoutingOptions = {}): Promise<AnalysisResult<RoutingRow>> {
  const effort = { isShort: options.short === true };
  const given = options.entries ?? pick(effort, [1, 10_000], [1, 10, 100, 1_000, 10_000]);
  const counts = checkWholes('entries', given, 1, maxEntries);
  const ms = pick(effort, 100, 1_000);
  const rows: RoutingRow[] = [];
  for (const registry of registries) {
    const server = await startEchoServer('tcp', { implementation: options.implementation });
    const clients: EchoClient[] = [];
    try {
      for (let made = 0; made < connections; made += 1) clients.push(await EchoClient.open(server.target));
      let from = 0;
      for (const to of [...counts].sort((a, b) => a - b)) {
        checkNotAborted(options);
        options.onProgress?.(`routing among ${to} ${registry}`);
        await clients[0].client.request('workbench/register', { registry, from, to }, { timeoutMs: 60_000 });
        rows.push(await measure(clients, registry, to, ms));
        from = to;
      }
    } finally {
      await Promise.all(clients.map((client) => client.close()));
      await server.stop();
    }
  }
  const findings = routingFindings(rows);
  return { name: 'routing', rows, samples: [], findings, section: routingSection(rows, findings) };
}

type Draw = () => number;

async function measure(
  clients: readonly EchoClient[],
  registry: Registry,
  entries: number,
  ms: number,
): Promise<RoutingRow> {
  const random = seededRandom(entries);
  const draw: Draw = () => Math.floor(random() * entries);
  const [first] = clients;
  // The first calls make what later ones use.
  await closedLoop([first], registry, draw, 1, ms / 10);
  const alone = await closedLoop([first], registry, draw, 1, ms / 2);
  const many = await closedLoop(clients, registry, draw, callers, ms);
  const open = await openLoop(clients, registry, draw, ms);
  const figures = many.figures;
  return {
    registry,
    entries,
    callsPerSecond: figures.callsPerSecond,
    meanMs: alone.figures.latency.meanMs,
    p99Ms: alone.figures.latency.p99Ms,
    callers,
    wantedPerSecond,
    queueDepthMax: open.inFlightMax,
    errors: alone.figures.errors + figures.errors + open.errors,
  };
}

async function closedLoop(
  clients: readonly EchoClient[],
  registry: Registry,
  draw: Draw,
  count: number,
  ms: number,
) {
  const recorder = new Recorder();
  const startedAt = performance.now();
  const caller = async ({ client }: EchoClient): Promise<void> => {
    while (performance.now() - startedAt < ms) recorder.record(await lookUp(client, registry, draw()));
  };
  await Promise.all(Array.from({ length: count }, (_, index) => caller(clients[index % clients.length])));
  return { figures: recorder.figures((performance.now() - startedAt) / 1_000, 0) };
}

/** Sends what is due each millisecond, whatever has been answered. */
async function openLoop(clients: readonly EchoClient[], registry: Registry, draw: Draw, ms: number) {
  const recorder = new Recorder();
  const startedAt = performance.now();
  const open: Promise<void>[] = [];
  let inFlightMax = 0;
  const send = async ({ client }: EchoClient): Promise<void> => {
    recorder.inFlight += 1;
    const outcome = await lookUp(client, registry, draw());
    recorder.inFlight -= 1;
    recorder.record(outcome);
  };
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - startedAt;
      // What waited before this turn's calls: those that were just sent wait for nobody yet.
      inFlightMax = Math.max(inFlightMax, recorder.inFlight);
      if (elapsed >= ms) {
        clearInterval(timer);
        resolve();
        return;
      }
      const due = Math.floor((elapsed * wantedPerSecond) / 1_000);
      while (open.length < due) open.push(send(clients[open.length % clients.length]));
    }, 1);
  });
  await Promise.all(open);
  return { inFlightMax, errors: recorder.errors };
}

/** Each entry answers with its own number: an answer of another one is wrong. */
async function lookUp(client: McpClient, registry: Registry, index: number): Promise<Outcome> {
  const startedAt = performance.now();
  try {
    const answer = await answerOf(client, registry, index);
    const ms = performance.now() - startedAt;
    if (answer === String(index)) return { ms };
    const error = new RingwireError('FRAME_INVALID', `Entry ${index} of ${registry} answered ${answer}.`);
    return { ms, isWrong: true, error };
  } catch (error) {
    return { ms: performance.now() - startedAt, error: asRingwireError(error) };
  }
}

async function answerOf(client: McpClient, registry: Registry, index: number): Promise<string | undefined> {
  if (registry === 'tools') {
    const [first] = (await client.callTool(`entry-${index}`)).content;
    return first?.type === 'text' ? first.text : undefined;
  }
  if (registry === 'resources') {
    const [first] = (await client.readResource(`entry://${index}`)).contents;
    return first !== undefined && 'text' in first ? first.text : undefined;
  }
  return (await client.request<{ readonly text?: string }>(`entry/${index}`)).text;
}
