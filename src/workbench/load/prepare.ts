/** From what somebody wants loaded to a plan that can be run: the one way that commands and analyses take. */
import { RingwireError } from '../../errors.js';
import { describe } from '../../transports/option-checks.js';
import { checkLoadPlan } from './check-plan.js';
import { Acquaintance } from './era.js';
import type { LoadEra, LoadOperation, LoadPlan, LoadTarget } from './load-plan.js';
import { certainOperations, chooseOperations, type OperationChoice } from './operations.js';
import { textKinds } from './sample-arguments.js';
import { transportName } from './transport-name.js';

/** Measured, and before that not measured, where nobody says how long. */
export const defaultLoadSeconds = 10;
export const defaultWarmupSeconds = 1;

/** Connections where nobody says how many; a command has one. HTTP/1.1 carries one request on each at a time. */
export const defaultConnections = 8;
export const defaultHttpConnections = 32;

/** Requests in flight on each connection of the closed loop; HTTP/1.1 has one. */
export const defaultDepth = 16;
export const defaultCommandDepth = 64;

export interface LoadRequest
  extends OperationChoice,
    Partial<Pick<LoadPlan, 'connections' | 'depth' | 'rate' | 'warmupSeconds' | 'seconds'>>,
    Pick<LoadPlan, 'serverPid' | 'cores' | 'generator' | 'intervalMs'> {
  readonly target: LoadTarget;
  /** Default 'auto': the server is asked. */
  readonly era?: LoadEra | 'auto';
}

function checkChoices({ era, text, textBytes }: LoadRequest): void {
  const fail = (name: string, value: unknown, wanted: string): never => {
    throw new RingwireError('CONFIG_INVALID', `"${name}" must be ${wanted}, not ${describe(value)}.`);
  };
  if (era !== undefined && !['auto', 'modern', 'legacy', 'none'].includes(era))
    fail('era', era, '"auto", "modern", "legacy" or "none"');
  if (text !== undefined && !textKinds.includes(text))
    fail('text', text, textKinds.map((kind) => `"${kind}"`).join(', '));
  if (
    textBytes !== undefined &&
    !(Number.isInteger(textBytes) && textBytes >= 1 && textBytes <= maxTextBytes)
  )
    fail('textBytes', textBytes, `a whole number from 1 to ${maxTextBytes}`);
}

/** A text this long and its echo have to fit into strings. */
const maxTextBytes = 64 * 1024 * 1024;

/** The shape of a load on this transport where nobody says it. */
function shapeOf(transport: string, rate: number | undefined): Pick<LoadPlan, 'connections' | 'depth'> {
  const isHttp1 = transport === 'http' || transport === 'https';
  const connections = transport === 'stdio' ? 1 : isHttp1 ? defaultHttpConnections : defaultConnections;
  if (rate !== undefined) return { connections };
  const depth = isHttp1 ? 1 : transport === 'stdio' ? defaultCommandDepth : defaultDepth;
  return { connections, depth };
}

/**
 * Fills in what is not said, asks the server for its era and for what a mix needs of it, and checks the whole.
 * @throws RingwireError CONFIG_INVALID and ADDRESS_INVALID, which say what would be right or what the server lacks, and
 *   what connecting throws; CANCELLED where `signal` is aborted.
 */
export async function prepareLoad(request: LoadRequest, signal?: AbortSignal): Promise<LoadPlan> {
  const { target, era: wanted = 'auto', rate } = request;
  checkChoices(request);
  const given = wanted === 'auto' ? undefined : wanted;
  const plan = (era: LoadEra, operations: readonly LoadOperation[]): LoadPlan => {
    const shape = shapeOf(transportName(target), rate);
    const depth = request.depth ?? shape.depth;
    return {
      target,
      era,
      operations,
      connections: request.connections ?? shape.connections,
      ...(depth !== undefined && { depth }),
      ...(rate !== undefined && { rate }),
      warmupSeconds: request.warmupSeconds ?? defaultWarmupSeconds,
      seconds: request.seconds ?? defaultLoadSeconds,
      ...(request.serverPid !== undefined && { serverPid: request.serverPid }),
      ...(request.cores !== undefined && { cores: request.cores }),
      ...(request.generator !== undefined && { generator: request.generator }),
      ...(request.intervalMs !== undefined && { intervalMs: request.intervalMs }),
    };
  };
  // What is wrong with the numbers is told before anybody is asked.
  const placeholder: LoadOperation = { name: 'ping', weight: 1, method: 'ping', params: {} };
  checkLoadPlan(plan(given ?? 'none', [placeholder]));
  const certain = certainOperations(request, given);
  if (certain !== undefined && given !== undefined) return checked(plan(given, certain));
  const server = await Acquaintance.make(target, given, signal);
  try {
    return checked(plan(server.facts.era, certain ?? (await chooseOperations(request, server))));
  } finally {
    await server.close();
  }
}

function checked(plan: LoadPlan): LoadPlan {
  checkLoadPlan(plan);
  return plan;
}
