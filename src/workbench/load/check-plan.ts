/** Whether a load plan can be run, whichever generator runs it. */
import { RingwireError } from '../../errors.js';
import { checkHeaders } from '../../transports/http/client/client-options.js';
import type { LoadOperation, LoadPlan, LoadTarget } from './load-plan.js';
import { transportName } from './transport-name.js';

/** A connection of a load costs descriptors and memory at both ends. */
export const maxLoadConnections = 20_000;
export const maxLoadDepth = 65_536;
export const maxLoadRate = 10_000_000;
/** A day: longer runs are several. */
export const maxLoadSeconds = 86_400;
export const minLoadSeconds = 0.05;
export const minIntervalMs = 50;

function invalid(what: string, value: unknown, wanted: string): RingwireError {
  return new RingwireError(
    'CONFIG_INVALID',
    `"${what}" of a load is ${JSON.stringify(value)}; it must be ${wanted}.`,
  );
}

function checkNumber(what: string, value: unknown, least: number, most: number, isWhole: boolean): void {
  const isRight =
    typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isInteger(value));
  if (!isRight) throw invalid(what, value, `a${isWhole ? ' whole' : ''} number from ${least} to ${most}`);
}

function checkOperation(operation: LoadOperation, index: number): void {
  const what = `operations[${index}]`;
  const { name, weight, method, params, expect } = operation ?? {};
  if (typeof name !== 'string' || name === '') throw invalid(`${what}.name`, name, 'a word for reports');
  if (typeof method !== 'string' || method === '')
    throw invalid(`${what}.method`, method, 'a JSON-RPC method');
  checkNumber(`${what}.weight`, weight, 0, 1e9, false);
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw invalid(`${what}.params`, params, 'an object');
  if (expect !== undefined && !['result', 'any-result', 'subscription'].includes(expect))
    throw invalid(`${what}.expect`, expect, '"result", "any-result" or "subscription"');
}

function checkTarget(target: LoadTarget): void {
  if (typeof target !== 'object' || target === null)
    throw invalid('target', target, '{ url } or { command: ["node", "server.mjs"] }');
  if ('command' in target) {
    const isCommand =
      Array.isArray(target.command) &&
      target.command.length > 0 &&
      target.command.every((word) => typeof word === 'string');
    if (!isCommand) throw invalid('target.command', target.command, 'a list of words, the program first');
    return;
  }
  const transport = transportName(target);
  const isHttp = ['http', 'https', 'http2'].includes(transport);
  const isWeb = isHttp || transport === 'ws' || transport === 'wss';
  if (target.http2 === true && !isHttp)
    throw invalid('target.http2', true, 'left out: only http and https have it');
  if (target.headers !== undefined) {
    if (!isWeb)
      throw invalid(
        'target.headers',
        Object.keys(target.headers),
        'left out: only http and ws have header fields',
      );
    checkHeaders(target.headers);
  }
}

function checkCores({ cores, target }: LoadPlan): void {
  if (cores === undefined) return;
  for (const name of ['generator', 'server'] as const)
    if (cores[name] !== undefined) checkNumber(`cores.${name}`, cores[name], 0, 4_095, true);
  if (cores.server !== undefined && !('command' in target))
    throw invalid(
      'cores.server',
      cores.server,
      'left out: a server at an address is pinned where it is started',
    );
  if (process.platform !== 'linux' && (cores.generator ?? cores.server) !== undefined)
    throw invalid('cores', cores, 'left out: processes are pinned on Linux only');
}

/** What goes together and what does not. */
function checkTogether({ target, era, connections, depth, rate, operations }: LoadPlan): void {
  if ('command' in target && connections !== 1)
    throw invalid('connections', connections, '1: a command has one connection');
  const transport = transportName(target);
  const subscribes = operations.some(({ expect }) => expect === 'subscription');
  if (!subscribes) return;
  if (era !== 'modern')
    throw invalid(
      'operations',
      'subscription',
      'without "subscription" unless the era is "modern": older servers have none',
    );
  if ((transport === 'http' || transport === 'https') && depth !== undefined && depth > 1)
    throw invalid(
      'depth',
      depth,
      `1${rate === undefined ? '' : ' or left out'} with subscriptions over HTTP/1.1, where an open one holds up what is sent behind it: take more connections, or HTTP/2`,
    );
}

/** Throws CONFIG_INVALID or ADDRESS_INVALID, which say what would be right. */
export function checkLoadPlan(plan: LoadPlan): void {
  checkTarget(plan.target);
  if (!['modern', 'legacy', 'none'].includes(plan.era))
    throw invalid('era', plan.era, '"modern", "legacy" or "none"');
  if (!Array.isArray(plan.operations) || plan.operations.length === 0)
    throw invalid('operations', plan.operations, 'a list of at least one operation');
  for (const [index, operation] of plan.operations.entries()) checkOperation(operation, index);
  if (!plan.operations.some(({ weight }) => weight > 0))
    throw invalid('weight', 0, 'above 0 for one operation at least');
  checkNumber('connections', plan.connections, 1, maxLoadConnections, true);
  if (plan.depth !== undefined) checkNumber('depth', plan.depth, 1, maxLoadDepth, true);
  if (plan.rate !== undefined) checkNumber('rate', plan.rate, 0.001, maxLoadRate, false);
  checkNumber('warmupSeconds', plan.warmupSeconds, 0, maxLoadSeconds, false);
  checkNumber('seconds', plan.seconds, minLoadSeconds, maxLoadSeconds, false);
  if (plan.serverPid !== undefined) checkNumber('serverPid', plan.serverPid, 1, 2 ** 31 - 1, true);
  if (plan.intervalMs !== undefined)
    checkNumber('intervalMs', plan.intervalMs, minIntervalMs, 3_600_000, true);
  checkCores(plan);
  checkTogether(plan);
}
