import { removeProfile } from '../workbench/profile/sessions.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { printJson, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

export const profileRemove = defineCommand({
  name: 'profile remove',
  summary: 'Remove profiles that are kept',
  usage: 'ID…',
  details:
    'ID is one that ringwire profile list shows, or its beginning or end where only one profile has it.',
  options: { json: { type: 'boolean', description: 'Print the ids as JSON' } },
  examples: ['ringwire profile remove 2026-11-22T10-00-00-10k-over-tcp'],
  async run({ options, positionals }) {
    if (positionals.length === 0)
      throw new UsageError('ringwire profile remove needs an id.', 'ringwire profile list shows them.');
    const removed: string[] = [];
    for (const word of positionals) removed.push(await removeProfile(word));
    if (options.json === true) printJson({ removed });
    else for (const id of removed) printLine(`removed ${id}`);
    return ExitCode.Ok;
  },
});
