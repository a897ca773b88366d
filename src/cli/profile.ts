import { copyFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { RingwireError } from '../errors.js';
import { recordProfile } from '../workbench/profile/record-profile.js';
import type { KeptProfile } from '../workbench/profile/sessions.js';
import { profileFiles } from '../workbench/profile/write-profile.js';
import { Progress } from './bench/progress.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { interruptible } from './interrupt.js';
import { renderProfile } from './profile/render.js';
import { profileOptionSpecs, readRequest } from './profile/request.js';
import { printError, printJson, printLine } from './terminal.js';

async function copyPicture({ folder }: KeptProfile, file: string): Promise<void> {
  try {
    await copyFile(join(folder, profileFiles.svg), resolve(file));
  } catch (cause) {
    const message = `The picture cannot be written to ${file}: ${(cause as Error).message}.`;
    throw new RingwireError('IO_ERROR', message, { cause });
  }
}

export const profile = defineCommand({
  name: 'profile',
  summary: 'Record where processor time or memory goes, as a flamegraph',
  usage:
    'SCENARIO [OPTIONS]\nringwire profile --pid PID [URL] [OPTIONS]\nringwire profile [URL] [OPTIONS] -- node APP',
  details:
    'A scenario starts its server and loads it. A process or a command is recorded as it is, or under load where an\naddress is given. The page, the folded stacks, the picture and the raw data are kept in a session: see ringwire\nprofile list. perf sees most: the kernel and native code; then come 0x and --cpu-prof; a running process without\nthe flags of perf is recorded through its inspector. Ctrl-C ends the recording, which is written all the same.',
  options: profileOptionSpecs,
  examples: [
    'ringwire profile 10k --transport http',
    'ringwire profile --pid 4711 --seconds 30',
    'ringwire profile -- node server.mjs',
    'ringwire profile http://127.0.0.1:8080/mcp --rate 1000 -- node server.mjs',
    'ringwire profile 10k --allocations',
    'ringwire profile list',
    'ringwire profile diff 10k-over-tcp 10k-over-tcp-2',
  ],
  async run({ options, positionals, rest }) {
    const request = await readRequest(positionals, rest, options);
    const progress = new Progress();
    const interrupt = interruptible();
    const isTerminal = process.stderr.isTTY === true;
    const transport = 'server' in request.target ? request.target.server.transport : 'load';
    const run = { transport, contender: '', connections: request.load?.connections ?? 0, mix: '' };
    let recorded: KeptProfile;
    try {
      recorded = await recordProfile(request, {
        onStep(step) {
          progress.clear();
          if (isTerminal) printError(step);
          if (request.load !== undefined)
            progress.begin(run, { warmup: request.load.warmup, measured: request.load.seconds });
        },
        onInterval: (interval) => progress.update(run, interval),
        signal: interrupt.signal,
      });
    } finally {
      progress.clear();
      interrupt.done();
    }
    if (options.json === true) printJson(recorded);
    else printLine(renderProfile(recorded));
    if (options.svg !== undefined) await copyPicture(recorded, options.svg);
    return recorded.wasInterrupted ? ExitCode.Interrupted : ExitCode.Ok;
  },
});
