import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { difference } from '../analysis/flame/difference.js';
import { renderDifference } from '../analysis/flame/render-flamegraph.js';
import { RingwireError } from '../errors.js';
import { readRecording } from '../workbench/profile/write-profile.js';
import { browserAsset } from '../workbench/report/browser-asset.js';
import { stateFolder } from '../workbench/state-folder.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { renderChanges } from './profile/render.js';
import { printJson, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

const jsonFrames = 100;

function defaultFile(date: Date): string {
  return join(stateFolder(), 'profile-diffs', `${date.toISOString().slice(0, 19).replace(/:/g, '-')}.html`);
}

export const profileDiff = defineCommand({
  name: 'profile diff',
  summary: 'Compare two profiles in a differential flamegraph',
  usage: 'BEFORE AFTER [OPTIONS]',
  details:
    'Each is the id of a kept profile, its folder, a file of folded stacks, a .cpuprofile or a .heapprofile. Both are\ntaken as shares of their own total. Red is more in AFTER, blue is less.',
  options: {
    html: {
      type: 'string',
      placeholder: 'FILE',
      description: 'Where the page goes; by default below the state folder',
    },
    json: { type: 'boolean', description: 'Print the changes as JSON' },
  },
  examples: [
    'ringwire profile diff 2026-11-22T10-00-00-10k-over-tcp 2026-11-22T11-00-00-10k-over-tcp',
    'ringwire profile diff before.folded after.folded --html diff.html',
  ],
  async run({ options, positionals }) {
    const [first, second, ...more] = positionals;
    if (first === undefined || second === undefined || more.length > 0)
      throw new UsageError('ringwire profile diff takes two profiles.', 'ringwire profile list shows them.');
    const [before, after] = await Promise.all([readRecording(first), readRecording(second)]);
    if (before.recording.unit !== after.recording.unit)
      throw new RingwireError(
        'CONFIG_INVALID',
        `${before.name} counts ${before.recording.unit}, ${after.name} ${after.recording.unit}: they cannot be compared.`,
      );
    const compared = difference(before.recording, after.recording);
    const file = resolve(options.html ?? defaultFile(new Date()));
    const text = {
      title: `${after.name} against ${before.name}`,
      subtitle: 'red: more, blue: less, as shares of each recording',
    };
    const page = renderDifference(before.recording, after.recording, text, browserAsset('flame'), compared);
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, page);
    } catch (cause) {
      throw new RingwireError(
        'IO_ERROR',
        `The page cannot be written to ${file}: ${(cause as Error).message}.`,
        { cause },
      );
    }
    const { layers, frames } = compared;
    if (options.json === true) printJson({ layers, frames: frames.slice(0, jsonFrames), html: file });
    else printLine(`${renderChanges(compared)}\n\n${file}`);
    return ExitCode.Ok;
  },
});
