/**
 * A client that starts a server as a child process, looks around, follows progress and cancels.
 *
 *     node examples/client.mjs
 */
import { fileURLToPath } from 'node:url';
import { connect } from 'ringwire';

const demo = fileURLToPath(new URL('./demo/main.mjs', import.meta.url));
const client = await connect({ command: process.execPath, args: [demo, '--stdio'] });
console.log(`${client.serverInfo.name} speaks ${client.protocolVersion}`);

for (const { name, description } of await client.listTools()) console.log(`  ${name}: ${description}`);

const { content } = await client.callTool('echo', { text: 'hello' });
console.log(`echo: ${content[0].text}`);

await client.callTool(
  'long_task',
  { steps: 3, stepMs: 150 },
  { onProgress: ({ message }) => console.log(`  ${message}`) },
);

const cancel = new AbortController();
const slow = client.callTool('long_task', { steps: 100 }, { signal: cancel.signal });
cancel.abort();
await slow.catch(({ code }) => console.log(`cancelled: ${code}`));

// Errors carry a code; a tool that fails answers with isError instead.
await client
  .callTool('no_such_tool')
  .catch(({ code, rpcCode }) => console.log(`refused: ${code} ${rpcCode}`));
const failed = await client.callTool('read_file', { path: '../outside' });
console.log(`failed: ${failed.isError}, ${failed.content[0].text}`);

await client.close();
