/** Runs a load plan with the generator in C++. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type ErrorCode, RingwireError } from '../../errors.js';
import { aborted } from '../../transports/system-errors.js';
import { checkLoadPlan } from './check-plan.js';
import type { LoadInterval, LoadPlan, LoadReport, LoadWatch } from './load-plan.js';
import { type NativeOptions, nativeArguments, nativeInput, nativeProblem } from './native-plan.js';
import { nativeProgram } from './native-program.js';
import { loadIntervalOf, loadReportOf, type NativeLine, type NativeReport } from './native-report.js';

/** How much of stderr is kept, to say why the generator or the command it started ended. */
const keptStderr = 4_000;

/** What the generator says before it gives up, and what that is called here. The first that fits. */
const failures: readonly (readonly [RegExp, ErrorCode])[] = [
  [/cannot connect to .*: (Connection refused|No such file or directory)$/, 'CONNECTION_REFUSED'],
  [/cannot resolve /, 'ADDRESS_INVALID'],
  [/: no answer within|^no answer within/, 'DEADLINE_EXCEEDED'],
  [/initialize: not a result/, 'PROTOCOL_VERSION'],
  [/first call: (not a result|no JSON object|an answer to another request|more than one)/, 'RPC_ERROR'],
  [/HTTP 40[13]/, 'UNAUTHORIZED'],
  [/HTTP \d+/, 'HTTP_STATUS'],
  [/cannot pin to CPU/, 'CONFIG_INVALID'],
  [/the server closed the connection|write: Broken pipe|Connection reset/, 'CONNECTION_CLOSED'],
];

/** Rejects as runLoad() does. */
export async function runNativeLoad(
  plan: LoadPlan,
  watch: LoadWatch = {},
  options: NativeOptions = {},
): Promise<LoadReport> {
  checkLoadPlan(plan);
  const problem = nativeProblem(plan);
  if (problem !== undefined) throw new RingwireError('CONFIG_INVALID', `${problem}.`);
  if (watch.signal?.aborted) throw aborted('The load', watch.signal);
  const child = spawn(programPath(), nativeArguments(plan, options), {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C in a terminal is ours to act on: neither the generator nor a command it started is to die of it.
    detached: true,
  });
  const onAbort = (): void => {
    child.stdin.end();
  };
  watch.signal?.addEventListener('abort', onAbort);
  const onExit = (): void => {
    child.kill();
  };
  process.once('exit', onExit);
  try {
    // A generator that ends early says why on stderr.
    child.stdin.on('error', () => {});
    child.stdin.write(nativeInput(plan));
    return await outcomeOf(child, plan, watch);
  } finally {
    process.off('exit', onExit);
    watch.signal?.removeEventListener('abort', onAbort);
    child.stdin.destroy();
  }
}

function programPath(): string {
  const program = nativeProgram();
  if ('path' in program) return program.path;
  throw new RingwireError('CONFIG_INVALID', `${program.problem}.`);
}

async function outcomeOf(child: ChildProcess, plan: LoadPlan, watch: LoadWatch): Promise<LoadReport> {
  const intervals: LoadInterval[] = [];
  let report: NativeReport | undefined;
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-keptStderr);
  });
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  lines.on('line', (text) => {
    const line = parseLine(text);
    if (line === undefined) return;
    if ('report' in line) {
      report = line.report;
      return;
    }
    const interval = loadIntervalOf(line.interval);
    if (interval.atSeconds > 0) intervals.push(interval);
    watch.onInterval?.(interval);
  });
  const ended = await new Promise<string>((resolve, reject) => {
    child.once('error', (cause) => {
      const text = `The native load generator could not be started: ${cause.message}.`;
      reject(new RingwireError('IO_ERROR', text, { cause }));
    });
    child.once('close', (code, by) => resolve(by ?? `exit code ${code}`));
  });
  if (report === undefined) throw failureOf(plan, stderr, ended, watch.signal);
  return loadReportOf(plan, report, intervals);
}

/** undefined where the program is none of ours; its end then says so. */
function parseLine(text: string): NativeLine | undefined {
  try {
    return JSON.parse(text) as NativeLine;
  } catch {
    return undefined;
  }
}

/** `stderr` holds the reason of the generator, and what a command that it started wrote. */
function failureOf(
  { target }: LoadPlan,
  stderr: string,
  ended: string,
  signal: AbortSignal | undefined,
): RingwireError {
  if (signal?.aborted) return aborted('The load', signal);
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const own = lines.filter((line) => line.startsWith('loadgen: ')).map((line) => line.slice(9));
  const isCommand = 'command' in target;
  const wrote = lines.filter((line) => !line.startsWith('loadgen: ')).slice(-10);
  const notStarted = own.find((line) => line.startsWith('cannot start '));
  const reason = notStarted ?? own.at(-1);
  if (reason === undefined) {
    const last = wrote.length === 0 ? '' : `: ${wrote.join(' ')}`;
    return new RingwireError('CHILD_EXITED', `The load generator ended with ${ended}${last}`);
  }
  const code = failures.find(([pattern]) => pattern.test(reason))?.[1] ?? 'IO_ERROR';
  const hasExited = isCommand && (notStarted !== undefined || code === 'CONNECTION_CLOSED');
  const said = isCommand && wrote.length > 0 ? ` The command wrote: ${wrote.join(' ')}` : '';
  return new RingwireError(hasExited ? 'CHILD_EXITED' : code, `The load could not begin: ${reason}.${said}`);
}
