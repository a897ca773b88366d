import { listProfiles } from '../workbench/profile/sessions.js';
import { defineCommand } from './command.js';
import { ExitCode } from './exit-codes.js';
import { renderList } from './profile/render.js';
import { printJson, printLine } from './terminal.js';
import { UsageError } from './usage-error.js';

export const profileList = defineCommand({
  name: 'profile list',
  summary: 'List the profiles that are kept',
  usage: '[--json]',
  details: 'The newest first. They lie below RINGWIRE_STATE, or below ringwire of XDG_STATE_HOME.',
  options: { json: { type: 'boolean', description: 'Print the summaries as JSON' } },
  examples: ['ringwire profile list', 'ringwire profile list --json'],
  async run({ options, positionals }) {
    if (positionals.length > 0) throw new UsageError('ringwire profile list takes no further word.');
    const profiles = await listProfiles();
    if (options.json === true) printJson(profiles);
    else printLine(renderList(profiles));
    return ExitCode.Ok;
  },
});
