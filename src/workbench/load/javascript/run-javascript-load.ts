/** The JavaScript generator, in a process of its own: it serves every target, on every platform. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../../binding/package-root.js';
import { RingwireError } from '../../../errors.js';
import { aborted } from '../../../transports/system-errors.js';
import { checkLoadPlan } from '../check-plan.js';
import type { LoadPlan, LoadReport, LoadWatch } from '../load-plan.js';
import type { FromGenerator, ToGenerator } from './child-protocol.js';
import { pinned } from './pinned.js';

const script = fileURLToPath(new URL('dist/workbench/load/javascript/load-child.js', packageRoot));

/** What is kept of the generator's stderr, to say why it ended. */
const keptStderr = 2_000;

function start({ cores }: LoadPlan): ChildProcess {
  const command = [process.execPath, script];
  const core = cores?.generator;
  const [program, ...args] = core === undefined ? command : pinned(command, core);
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], serialization: 'json' });
}

/** As runLoad(), with the JavaScript generator. */
export async function runJavaScriptLoad(plan: LoadPlan, watch: LoadWatch = {}): Promise<LoadReport> {
  checkLoadPlan(plan);
  const { signal } = watch;
  if (signal?.aborted) throw aborted('The load', signal);
  const child = start(plan);
  const say = (message: ToGenerator): void => {
    // A generator that is gone tells of itself by its end.
    if (child.connected) child.send(message, () => {});
  };
  const onAbort = (): void => say('stop');
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-keptStderr);
  });
  try {
    return await new Promise<LoadReport>((resolve, reject) => {
      child.on('message', (message: FromGenerator) => {
        if ('interval' in message) watch.onInterval?.(message.interval);
        else if ('report' in message) resolve(message.report);
        else {
          const { code, message: text, retryable } = message.failure;
          reject(new RingwireError(code, text, { retryable }));
        }
      });
      child.once('error', (cause) =>
        reject(
          new RingwireError('IO_ERROR', `The load generator could not be started: ${cause.message}.`, {
            cause,
          }),
        ),
      );
      child.once('close', (exitCode, by) => {
        const how = by === null ? `with exit code ${exitCode}` : `by ${by}`;
        const last = stderr.trim() === '' ? '' : ` It wrote: ${stderr.trim()}`;
        reject(new RingwireError('CHILD_EXITED', `The load generator ended ${how}.${last}`));
      });
      signal?.addEventListener('abort', onAbort);
      say({ plan });
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      if (child.connected) child.disconnect();
      await exited;
    }
  }
}
