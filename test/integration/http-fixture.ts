/** An MCP server with something of everything, for clients over HTTP; and what its handlers saw. */
import { createServer, type McpServer, type ServerOptions } from '../../src/mcp/index.js';

export interface Fixture {
  readonly server: McpServer;
  /** Resolves once the tool `hold` runs. */
  holding(): Promise<void>;
  /** Resolves once the call of `hold` was cancelled. */
  cancelled(): Promise<void>;
}

function signal(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const words = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
const numbers = {
  type: 'object',
  properties: { numbers: { type: 'array', items: { type: 'number' } } },
  required: ['numbers'],
} as const;
/** Arguments that are repeated in headers. */
const placed = {
  type: 'object',
  properties: {
    region: { type: 'string', 'x-mcp-header': 'Region' },
    count: { type: 'integer', 'x-mcp-header': 'Count' },
  },
  required: ['region'],
} as const;
const sum = { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] } as const;
const name = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } as const;

export function httpFixture(options: Partial<ServerOptions> = {}): Fixture {
  const server = createServer({ name: 'fixture', version: '1.0.0', instructions: 'For tests.', ...options });
  const holds = signal();
  const cancels = signal();
  addTools(server);
  addInputTools(server);
  server.tool('hold', async (_args, context) => {
    const aborted = signal();
    context.signal.addEventListener('abort', aborted.resolve, { once: true });
    holds.resolve();
    await aborted.promise;
    cancels.resolve();
    return 'too late';
  });
  server
    .resource('note://one', { name: 'one', mimeType: 'text/plain' }, 'first note')
    .resource('note://bytes', { name: 'bytes' }, new Uint8Array([0, 1, 255]))
    .resourceTemplate(
      'note://by/{name}',
      {
        name: 'by name',
        complete: { name: (value) => ['ada', 'bob'].filter((each) => each.startsWith(value)) },
      },
      (_uri, variables) => `note by ${variables.name}`,
    )
    .prompt('greet', { arguments: [{ name: 'who', required: true }] }, ({ who }) => `Greet ${who}.`);
  return { server, holding: () => holds.promise, cancelled: () => cancels.promise };
}

function addTools(server: McpServer): void {
  let released = signal();
  server
    .tool('echo', { description: 'Gives the text back.', inputSchema: words }, ({ text }) => text)
    .tool('sum', { inputSchema: numbers, outputSchema: sum }, (args) => ({
      sum: args.numbers.reduce((total, each) => total + each, 0),
    }))
    .tool('place', { inputSchema: placed }, ({ region, count }) => `${region} ${count}`)
    .tool('fail', () => {
      throw new Error('This tool fails.');
    })
    // Ends when continue_work was called: so a client has read every notification before the answer comes.
    .tool('work', async (_args, context) => {
      released = signal();
      context.log('info', 'working');
      for (let step = 1; step <= 3; step++) context.progress(step, 3, `step ${step}`);
      await released.promise;
      return 'done';
    })
    .tool('continue_work', () => {
      released.resolve();
      return 'released';
    })
    // Answers only on the stream that follows the one it cut.
    .tool('cut', async (_args, context) => {
      context.closeStream();
      await new Promise((resolve) => setImmediate(resolve));
      return 'delivered later';
    })
    .tool('grow', () => {
      server.tool(`grown_${server.catalogue.tools.size}`, () => '');
      server.resourceUpdated('note://one');
      return 'grown';
    });
}

function addInputTools(server: McpServer): void {
  server
    .tool('ask', async (_args, context) => {
      const answer = await context.elicit({ message: 'Your name?', requestedSchema: name });
      return answer.action === 'accept' ? `Hello ${answer.content?.name}` : answer.action;
    })
    .tool('think', async (_args, context) => {
      const { content } = await context.sample({
        messages: [{ role: 'user', content: { type: 'text', text: 'Capital of France?' } }],
        maxTokens: 10,
      });
      return 'text' in content ? content.text : 'no text';
    })
    .tool('roots', async (_args, context) => (await context.listRoots()).map(({ uri }) => uri).join(' '));
}
