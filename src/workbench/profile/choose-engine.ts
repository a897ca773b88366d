/** Which engine records: the one that sees most of those that work here, and why not the others. */
import { existsSync } from 'node:fs';
import { RingwireError } from '../../errors.js';
import { CpuProfEngine } from './cpu-prof.js';
import type { Engine, EngineName, EngineOptions } from './engine.js';
import { InspectorEngine } from './inspector-engine.js';
import { PerfEngine, perfMap, perfProblem } from './perf.js';
import { ZeroXEngine, zeroXProblem } from './zero-x.js';

/** What is recorded: a process that is started for it, one whose starter is somebody else, or one that runs already. */
export type TargetKind = 'started' | 'piped' | 'running';

export interface Choice {
  readonly engine: Engine;
  /** One line for each engine that sees more and was passed over: 'perf: not installed'. */
  readonly reasons: readonly string[];
}

interface Wanted {
  readonly engine?: EngineName;
  readonly kind: TargetKind;
  /** Of a running process. */
  readonly pid?: number;
}

/** In which order they are tried; the first ones see most. */
const order: Readonly<Record<TargetKind, readonly EngineName[]>> = {
  started: ['perf', '0x', 'cpu-prof'],
  piped: ['perf', 'cpu-prof'],
  running: ['perf', 'inspector'],
};

/** Why an engine cannot record this target; undefined where it can. */
async function problemOf(
  name: EngineName,
  { kind, pid }: Wanted,
  isAsked: boolean,
): Promise<string | undefined> {
  if (kind === 'running' && (name === '0x' || name === 'cpu-prof'))
    return 'it must start the process itself; with --pid take perf or inspector';
  if (name === 'inspector') return undefined;
  if (name === '0x' && kind === 'piped')
    return 'it takes the stdout of the process for itself, which is the connection';
  if (name === '0x') return zeroXProblem();
  if (name === 'cpu-prof') return undefined;
  // Asked for by name it is taken even so: native frames have names.
  if (kind === 'running' && !isAsked && pid !== undefined && !existsSync(perfMap(pid)))
    return 'the process was started without --perf-basic-prof --interpreted-frames-native-stack, functions of JavaScript would have no names';
  return perfProblem();
}

function create(name: EngineName, options: EngineOptions, kind: TargetKind): Engine {
  if (name === 'perf') return new PerfEngine(options, kind !== 'running');
  if (name === '0x') return new ZeroXEngine(options);
  return name === 'cpu-prof' ? new CpuProfEngine(options) : new InspectorEngine(options);
}

/** Throws CONFIG_INVALID where the engine that was asked for cannot record this. */
export async function chooseEngine(options: EngineOptions, wanted: Wanted): Promise<Choice> {
  if (options.subject !== 'cpu') {
    if (wanted.engine !== undefined && wanted.engine !== 'inspector')
      throw unusable(wanted.engine, 'it records processor time; heap and allocations take inspector');
    const problem = await problemOf('inspector', wanted, true);
    if (problem !== undefined) throw unusable('inspector', problem);
    return { engine: new InspectorEngine(options), reasons: [] };
  }
  if (wanted.engine !== undefined) {
    const problem = await problemOf(wanted.engine, wanted, true);
    if (problem !== undefined) throw unusable(wanted.engine, problem);
    return { engine: create(wanted.engine, options, wanted.kind), reasons: [] };
  }
  const reasons: string[] = [];
  for (const name of order[wanted.kind]) {
    const problem = await problemOf(name, wanted, false);
    if (problem === undefined) return { engine: create(name, options, wanted.kind), reasons };
    reasons.push(`${name}: ${problem}`);
  }
  throw new RingwireError('CONFIG_INVALID', `No engine can record this process: ${reasons.join('; ')}.`);
}

function unusable(name: EngineName, problem: string): RingwireError {
  return new RingwireError('CONFIG_INVALID', `The engine ${name} cannot record this: ${problem}.`);
}
