/** Scenario files: those that come with the package, by name, and those of the user, by path. */
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../binding/package-root.js';
import { RingwireError } from '../../errors.js';
import { closestName } from '../../transports/option-checks.js';
import { parseScenario } from './parse-scenario.js';
import type { Scenario } from './scenario.js';

const folder = new URL('scenarios/', packageRoot);

/** Names of the scenarios that come with the package. */
export async function scenarioNames(): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/** Whether the word is a path to a file and no name. */
export function isScenarioPath(word: string): boolean {
  return /[\\/]/.test(word) || /\.ya?ml$/i.test(word);
}

/** Throws CONFIG_INVALID where there is none of this name, the file cannot be read, or it is no scenario. */
export async function loadScenario(nameOrPath: string): Promise<Scenario> {
  if (isScenarioPath(nameOrPath)) return parseScenario(await readScenario(nameOrPath), nameOrPath);
  const names = await scenarioNames();
  if (!names.includes(nameOrPath)) {
    const near = closestName(nameOrPath, names);
    throw new RingwireError(
      'CONFIG_INVALID',
      `There is no scenario ${JSON.stringify(nameOrPath)}. ${near === undefined ? `Scenarios are ${names.join(', ')}; a file of your own is given by its path.` : `Did you mean ${near}?`}`,
    );
  }
  const path = fileURLToPath(new URL(`${nameOrPath}.yaml`, folder));
  return parseScenario(await readScenario(path), path);
}

/** Every scenario that comes with the package. */
export async function listScenarios(): Promise<Scenario[]> {
  return Promise.all((await scenarioNames()).map(loadScenario));
}

async function readScenario(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : (cause as Error).message;
    throw new RingwireError('CONFIG_INVALID', `The scenario ${path} cannot be read: ${why}.`, { cause });
  }
}
