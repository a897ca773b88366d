/** The demo's tools, resources and prompts. */
import { setTimeout as wait } from 'node:timers/promises';
import { createServer } from 'ringwire';
import { search } from './search.mjs';

const text = (description) => ({ type: 'string', description });

/**
 * @param {import('./folder.mjs').Folder} folder what search_files and read_file see
 * @param {import('./meter.mjs').Meter} meter
 */
export function createDemoServer(folder, meter) {
  const startedAt = Date.now();
  const server = createServer({ name: 'ringwire-demo', version: '1.0.0' });
  addTools(server, folder, meter);
  addResources(server, folder, () => ({
    uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
    toolCalls: meter.calls,
    folder: folder.root,
    memoryBytes: process.memoryUsage.rss(),
  }));
  addPrompts(server);
  return server;
}

function addTools(server, folder, meter) {
  server.tool(
    'echo',
    {
      description: 'Gives the text back.',
      inputSchema: { type: 'object', properties: { text: text('What to give back') }, required: ['text'] },
      annotations: { readOnlyHint: true },
    },
    meter.timed(({ text }) => ({ content: [{ type: 'text', text }] })),
  );
  server.tool(
    'search_files',
    {
      description:
        'Finds files by name (glob) and lines by content (regular expression) in the served folder.',
      inputSchema: {
        type: 'object',
        properties: {
          glob: text('Names to look at, for instance "*.md" or "src/**/*.ts"'),
          pattern: { ...text('Regular expression a line must match'), maxLength: 500 },
          maxResults: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
        },
      },
      annotations: { readOnlyHint: true },
    },
    meter.timed(async ({ glob, pattern, maxResults = 50 }, { signal }) => {
      if (glob === undefined && pattern === undefined) throw new Error('Give a glob, a pattern, or both.');
      const { matches, truncated } = await search(folder.root, { glob, pattern, maxResults }, signal);
      const lines = matches.map(({ path, line, text }) =>
        line === undefined ? path : `${path}:${line}: ${text}`,
      );
      if (truncated) lines.push(`(more than ${maxResults} results, the rest left out)`);
      return lines.length === 0 ? 'Nothing found.' : lines.join('\n');
    }),
  );
  server.tool(
    'read_file',
    {
      description: 'Reads a text file of the served folder.',
      inputSchema: {
        type: 'object',
        properties: { path: text('Relative to the served folder') },
        required: ['path'],
      },
      annotations: { readOnlyHint: true },
    },
    meter.timed(({ path }) => folder.read(path)),
  );
  server.tool(
    'long_task',
    {
      description: 'Works for a while, reports progress, and can be cancelled.',
      inputSchema: {
        type: 'object',
        properties: {
          steps: { type: 'integer', minimum: 1, maximum: 100, default: 5 },
          stepMs: { type: 'integer', minimum: 1, maximum: 5000, default: 200 },
        },
      },
    },
    meter.timed(async ({ steps = 5, stepMs = 200 }, context) => {
      for (let step = 1; step <= steps; step += 1) {
        await wait(stepMs, undefined, { signal: context.signal });
        context.progress(step, steps, `step ${step} of ${steps}`);
      }
      return `Done in ${steps} steps.`;
    }),
  );
}

const fileUri = (path) => `demo://files/${path.split('/').map(encodeURIComponent).join('/')}`;

function addResources(server, folder, status) {
  server.resource(
    'demo://status',
    { name: 'status', description: 'How the server is doing.', mimeType: 'application/json' },
    () => JSON.stringify(status(), null, 2),
  );
  server.resourceTemplate(
    'demo://files/{+path}',
    {
      name: 'files',
      description: 'The text files of the served folder.',
      mimeType: 'text/plain',
      list: async () => (await folder.list()).map((path) => ({ uri: fileUri(path), name: path })),
      complete: { path: async (value) => (await folder.list()).filter((path) => path.startsWith(value)) },
    },
    (_uri, { path }) => folder.read(path),
  );
}

function addPrompts(server) {
  server.prompt(
    'explain_file',
    {
      description: 'Asks for an explanation of a file of the served folder.',
      arguments: [
        { name: 'path', description: 'Relative to the served folder', required: true },
        {
          name: 'audience',
          description: 'Who the explanation is for',
          complete: (value) => ['beginner', 'expert'].filter((audience) => audience.startsWith(value)),
        },
      ],
    },
    ({ path, audience = 'beginner' }) =>
      `Read the file "${path}" with the tool read_file and explain to a ${audience} what it does.`,
  );
}
