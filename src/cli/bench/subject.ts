/** What `ringwire bench` is to measure: a scenario, an address, a command, or a scenario against one of the two. */
import { parseConnectEndpoint } from '../../transports/endpoint.js';
import type { LoadTarget } from '../../workbench/load/load-plan.js';
import { isScenarioPath, loadScenario } from '../../workbench/scenarios/find-scenario.js';
import type { Scenario } from '../../workbench/scenarios/scenario.js';
import type { OptionValues } from '../command.js';
import { httpClientOptions } from '../http-options.js';
import { UsageError } from '../usage-error.js';
import type { targetOptionSpecs } from './options.js';

/** What an address is loaded with where no scenario is named. */
export const plain: Scenario = {
  name: 'load',
  description: 'A load of your own',
  transports: ['tcp'],
  load: {},
  criteria: [{ metric: 'errors', comparison: '=', limit: 0, text: '0' }],
  targets: [],
  forms: { quick: { seconds: 1, warmup: 0.2 } },
};

export interface BenchSubject {
  readonly scenario: Scenario;
  readonly target?: LoadTarget;
}

export function isAddress(word: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(word) && !isScenarioFile(word);
}

/** C:\load.yaml looks like an address, unix:/tmp/a like a path. */
function isScenarioFile(word: string): boolean {
  return isScenarioPath(word) && /\.ya?ml$/i.test(word);
}

export async function readSubject(
  positionals: readonly string[],
  rest: readonly string[],
  values: OptionValues<typeof targetOptionSpecs>,
): Promise<BenchSubject> {
  const addresses = positionals.filter(isAddress);
  const names = positionals.filter((word) => !isAddress(word));
  if (names.length > 1)
    throw new UsageError(`ringwire bench runs one scenario; ${JSON.stringify(names[1])} is a second one.`);
  if (addresses.length > 1)
    throw new UsageError(
      `ringwire bench loads one address; ${JSON.stringify(addresses[1])} is a second one.`,
    );
  if (positionals.length === 0 && rest.length === 0)
    throw new UsageError(
      'ringwire bench needs a scenario, an address or a command.',
      'For instance ringwire bench quick; ringwire bench list shows the scenarios.',
    );
  const target = targetOf(addresses[0], rest, values);
  const scenario = names[0] === undefined ? plain : await loadScenario(names[0]);
  return target === undefined ? { scenario } : { scenario, target };
}

function targetOf(
  url: string | undefined,
  rest: readonly string[],
  values: OptionValues<typeof targetOptionSpecs>,
): LoadTarget | undefined {
  if (rest.length > 0) {
    if (url !== undefined && url !== 'stdio:')
      throw new UsageError(`A command after -- goes without the address ${JSON.stringify(url)}.`);
    refuse(values, ['http2', 'header', 'insecure'], 'a command');
    return { command: rest };
  }
  if (url === undefined) {
    refuse(values, ['http2', 'header', 'insecure', 'server-pid'], 'a server that is started for the run');
    return undefined;
  }
  if (url === 'stdio:')
    throw new UsageError(
      'stdio: needs the command to start.',
      'For instance ringwire bench -- node server.mjs',
    );
  const { kind } = parseConnectEndpoint(url);
  if (kind === 'memory' || kind === 'child' || kind === 'child-h2')
    throw new UsageError(
      `${JSON.stringify(url)} cannot be loaded from outside.`,
      kind === 'memory' ? undefined : 'A command goes after --: ringwire bench -- node server.mjs',
    );
  if (kind !== 'http') refuse(values, ['http2'], `an address of ${kind}`);
  if (kind !== 'http' && kind !== 'ws') refuse(values, ['header'], `an address of ${kind}`);
  const headers = httpClientOptions({ header: values.header }).httpClient?.headers;
  return {
    url,
    ...(values.http2 === true ? { http2: true } : {}),
    ...(values.insecure === true ? { insecure: true } : {}),
    ...(headers === undefined ? {} : { headers: headers as Record<string, string> }),
  };
}

function refuse(
  values: OptionValues<typeof targetOptionSpecs>,
  names: readonly (keyof typeof targetOptionSpecs)[],
  what: string,
): void {
  const wrong = names.find((name) => values[name] !== undefined);
  if (wrong !== undefined) throw new UsageError(`--${wrong} does not go with ${what}.`);
}
