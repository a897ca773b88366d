/** From the load of a scenario to the plan that a generator runs, for the server at hand. */
import { Acquaintance } from '../load/era.js';
import type { LoadOperation, LoadPlan, LoadTarget } from '../load/load-plan.js';
import { chooseOperations } from '../load/operations.js';
import { type LoadRequest, prepareLoad } from '../load/prepare.js';
import type { ResolvedLoad } from './expand.js';
import { formatSize } from './run-result.js';

export type RunSettings = Pick<LoadPlan, 'serverPid' | 'cores'>;

/** Asks the server what it speaks and offers. Rejects as prepareLoad() does. */
export async function planRun(
  target: LoadTarget,
  load: ResolvedLoad,
  settings: RunSettings,
  signal?: AbortSignal,
): Promise<LoadPlan> {
  const { mix, method, params, tool, resource, text, payload, era } = load;
  const request: LoadRequest = {
    target,
    era,
    mix,
    method,
    params,
    tool,
    arguments: load.arguments,
    resource,
    text,
    textBytes: payload,
    connections: load.connections,
    depth: load.depth,
    rate: load.rate,
    warmupSeconds: load.warmup,
    seconds: load.seconds,
    generator: load.generator,
    intervalMs: intervalMs(load.seconds),
    ...settings,
  };
  if (load.operations === undefined && load.payloads === undefined) return prepareLoad(request, signal);
  return withOperations(request, load, signal);
}

/** Operations that no mix names: those of the file, and calls of several sizes. */
async function withOperations(
  request: LoadRequest,
  load: ResolvedLoad,
  signal: AbortSignal | undefined,
): Promise<LoadPlan> {
  const given = request.era === 'auto' ? undefined : request.era;
  const server = await Acquaintance.make(request.target, given, signal);
  try {
    const { era } = server.facts;
    const operations = load.operations ?? (await sized(load, server));
    // Of the request it is the shape alone that counts.
    const { mix, tool, arguments: _, resource, text, textBytes, ...shape } = request;
    const plan = await prepareLoad({ ...shape, era, method: operations[0].method });
    return { ...plan, operations };
  } finally {
    await server.close();
  }
}

async function sized(
  { tool, text, payloads = {} }: ResolvedLoad,
  server: Acquaintance,
): Promise<LoadOperation[]> {
  const operations: LoadOperation[] = [];
  for (const [bytes, weight] of Object.entries(payloads)) {
    const choice = { mix: 'echo', tool, text, textBytes: Number(bytes) };
    const [operation] = await chooseOperations(choice, server);
    operations.push({ ...operation, name: `call ${formatSize(Number(bytes))}`, weight });
  }
  return operations;
}

/** The kernel counts processor time in steps of 10 ms: shorter intervals would show them. */
function intervalMs(seconds: number): number {
  return Math.min(1000, Math.max(seconds < 2 ? 100 : 200, Math.round(seconds * 20)));
}
