/** Flags and variables with which Node.js runs, as far as they cost speed or open something. */
import { couldBeBetter, type Finding, ok } from './check.js';

/** By the beginning of a flag: what it does to a server. */
const costly: readonly (readonly [flag: string, why: string])[] = [
  ['--inspect', 'opens a port that runs what it is told'],
  ['--jitless', 'runs all JavaScript in the interpreter, many times slower'],
  ['--no-opt', 'never optimises JavaScript'],
  ['--interpreted-frames-native-stack', 'is for profiles and slows calls'],
  ['--prof', 'writes every tick to a file'],
  ['--cpu-prof', 'records a profile all the time'],
  ['--heap-prof', 'samples every allocation'],
  ['--trace-', 'prints while it serves'],
  ['--gc-interval', 'collects garbage far too often'],
  ['--expose-gc', 'lets programs stop the world'],
  ['--enable-source-maps', 'makes every error with a stack slow'],
];
/** Harmless although their beginning is that of a costly one. */
const harmless = ['--trace-warnings', '--trace-uncaught', '--trace-exit', '--trace-deprecation'];

const variables: readonly (readonly [name: string, why: string])[] = [
  ['NODE_V8_COVERAGE', 'counts every block that runs'],
  ['NODE_DEBUG', 'prints while it serves'],
  ['NODE_DEBUG_NATIVE', 'prints while it serves'],
];

export function nodeFlagFindings(
  flags: readonly string[] = process.execArgv,
  environment: NodeJS.ProcessEnv = process.env,
): Finding[] {
  const options = (environment.NODE_OPTIONS ?? '').split(/\s+/).filter((word) => word !== '');
  const given = [...flags, ...options].filter((flag) => flag.startsWith('-'));
  const findings: Finding[] = [];
  for (const flag of given) {
    // V8 takes its flags with underscores, too.
    const name = flag.replaceAll('_', '-');
    if (harmless.some((other) => name.startsWith(other))) continue;
    const why = costly.find(([start]) => name.startsWith(start))?.[1];
    if (why === undefined) continue;
    const where = options.includes(flag) ? 'remove it from NODE_OPTIONS' : 'start node without it';
    findings.push(couldBeBetter('node flags', `${flag} ${why}`, `${where}: ${flag}`));
  }
  for (const [name, why] of variables)
    if (environment[name]) findings.push(couldBeBetter('node flags', `${name} ${why}`, `unset ${name}`));
  if (findings.length > 0) return findings;
  return [ok('node flags', given.length === 0 ? 'none' : `${given.join(' ')}`)];
}
