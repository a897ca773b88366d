/** The generator's process: takes a plan, tells of intervals, then of the report or of what failed. */
import { RingwireError } from '../../../errors.js';
import type { FromGenerator, ToGenerator } from './child-protocol.js';
import { generateLoad } from './generator.js';

const stop = new AbortController();

function tell(message: FromGenerator, told?: () => void): void {
  process.send?.(message, undefined, undefined, told);
}

/** The last message; the process ends with the channel. */
function finish(message: FromGenerator): void {
  tell(message, () => process.disconnect());
}

async function run(plan: Extract<ToGenerator, object>['plan']): Promise<void> {
  try {
    const report = await generateLoad(plan, {
      onInterval: (interval) => tell({ interval }),
      signal: stop.signal,
    });
    finish({ report });
  } catch (error) {
    const known =
      error instanceof RingwireError
        ? error
        : new RingwireError(
            'INTERNAL',
            error instanceof Error ? (error.stack ?? error.message) : String(error),
          );
    const { code, message, retryable } = known;
    finish({ failure: { code, message, retryable } });
  }
}

process.on('message', (message: ToGenerator) => {
  if (message === 'stop') stop.abort();
  else void run(message.plan);
});
// A terminal interrupts the whole group; whether the load ends is for the parent to say.
process.on('SIGINT', () => {});
// All is told, or nobody is left to report to. A command under load ends with this process: see ChildGroup.
process.on('disconnect', () => process.exit(0));
if (process.connected === false) process.exit(0);
