/** An MCP server on stdio, started as a child by the integration tests. */
import { createServer } from '../../dist/index.js';

const server = createServer({
  name: 'fixture',
  version: '1.0.0',
  title: 'Fixture',
  instructions: 'For tests.',
});

let release = () => {};

server
  .tool(
    'echo',
    {
      description: 'Gives the text back.',
      inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    },
    ({ text }) => text,
  )
  .tool(
    'sum',
    {
      inputSchema: {
        type: 'object',
        properties: { numbers: { type: 'array', items: { type: 'number' } } },
        required: ['numbers'],
      },
      outputSchema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] },
    },
    ({ numbers }) => ({ sum: numbers.reduce((total, each) => total + each, 0) }),
  )
  .tool('fail', () => {
    throw new Error('This tool fails.');
  })
  // Ends when continue_work was called: so a client has read every notification before the answer comes.
  .tool('work', async (_args, context) => {
    const released = new Promise((resolve) => {
      release = resolve;
    });
    context.log('info', 'working');
    for (let step = 1; step <= 3; step++) context.progress(step, 3, `step ${step}`);
    await released;
    return 'done';
  })
  .tool('continue_work', () => {
    release();
    return 'released';
  })
  .tool('ask', async (_args, context) => {
    const answer = await context.elicit({
      message: 'Your name?',
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    });
    return answer.action === 'accept' ? `Hello ${answer.content.name}` : answer.action;
  })
  .tool('grow', () => {
    server.tool(`grown_${server.catalogue.tools.size}`, () => '');
    server.resourceUpdated('note://one');
    return 'grown';
  })
  .tool('crash', () => process.exit(7))
  .resource('note://one', { name: 'one', mimeType: 'text/plain' }, 'first note')
  .resource('note://bytes', { name: 'bytes' }, new Uint8Array([0, 1, 255]))
  .resourceTemplate(
    'note://by/{name}',
    {
      name: 'by name',
      complete: { name: (value) => ['ada', 'bob'].filter((name) => name.startsWith(value)) },
    },
    (_uri, { name }) => `note by ${name}`,
  )
  .prompt('greet', { arguments: [{ name: 'who', required: true }] }, ({ who }) => `Greet ${who}.`);

await server.listen('stdio:');
